import pytest

from ssvif.evaluation.pairs import PairSource
from ssvif.gate.pairs import held_out_pairs, without_learnt


@pytest.fixture
def ids(source):
    manifest = source.manifest
    return {split: list(rows["id"]) for split, rows in manifest.groupby("split")}


def golden_of(source, ids, tmp_path):
    rows = source.manifest[source.manifest["id"].isin(ids)]
    return PairSource(rows, tmp_path / "golden/pairs", tmp_path / "golden/labels", refused={})


def test_held_out_pairs__without_a_golden_set_the_champions_own_stand_in(source, ids):
    known = dict.fromkeys(ids["test"][:3], "test") | dict.fromkeys(ids["train"], "train")
    found = held_out_pairs(source, None, known)
    assert set(found.groups["known"]) == set(ids["test"][:3])
    assert set(found.groups["new"]) == set(ids["test"][3:])
    assert set(found.groups["all"]) == set(ids["test"])
    assert "stand in for it (3 pairs" in found.notes[0]


def test_held_out_pairs__what_trained_the_champion_is_not_scored(source, ids):
    found = held_out_pairs(source, None, dict.fromkeys(ids["test"][:3], "train"))
    assert set(found.groups["all"]) == set(ids["test"][3:])
    assert "left out of the test pairs: 3 pairs that trained the champion" in found.notes[1]


def test_without_learnt__test_pairs_alone_are_left_out(source, ids):
    known = {ids["test"][0]: "train", ids["test"][1]: "val", ids["test"][2]: "test"}
    known |= dict.fromkeys(ids["train"], "train")
    found = without_learnt(source, known)
    assert list(found.manifest["id"]) == [
        id_ for id_ in source.manifest["id"] if id_ not in ids["test"][:2]
    ]
    assert (found.pairs, found.labels) == (source.pairs, source.labels)


def test_held_out_pairs__golden_and_new(source, ids, tmp_path):
    golden = golden_of(source, ids["test"][:2], tmp_path)
    found = held_out_pairs(source, golden, dict.fromkeys(ids["test"][:4], "test"))
    assert set(found.groups["golden"]) == set(ids["test"][:2])
    assert set(found.groups["new"]) == set(ids["test"][4:])
    assert set(found.groups["all"]) == set(ids["test"][:2]) | set(ids["test"][4:])
    assert [folder for _, folder in found.parts] == [golden.pairs, source.pairs]
    assert not found.notes


def test_held_out_pairs__a_golden_pair_that_is_new_is_scored_once(source, ids, tmp_path):
    found = held_out_pairs(source, golden_of(source, ids["test"][:2], tmp_path), {})
    assert set(ids["test"][:2]) <= set(found.groups["new"])
    assert found.rows["id"].is_unique
    assert len(found.rows) == len(ids["test"])


def test_held_out_pairs__golden_pairs_that_trained_the_champion_are_left_out(source, ids, tmp_path):
    golden = golden_of(source, ids["test"][:2], tmp_path)
    found = held_out_pairs(source, golden, {ids["test"][0]: "train"})
    assert set(found.groups["golden"]) == {ids["test"][1]}
    assert [note.partition(" that")[0] for note in found.notes] == [
        "left out of the golden set: 1 pair",
        "left out of the test pairs: 1 pair",
    ]


def test_held_out_pairs__groups_by_light_and_set(source):
    found = held_out_pairs(source, None, {})
    rows = found.rows.set_index("id")
    for group, column in (("day", "light"), ("night", "light"), ("set:roads", "set")):
        value = group.removeprefix("set:")
        assert set(found.groups[group]) == set(rows.index[rows[column] == value])
    assert "known" not in found.groups


def test_held_out_pairs__nothing_held_out(source):
    train = source.manifest[source.manifest["split"] == "train"]
    found = held_out_pairs(PairSource(train, source.pairs, source.labels, refused={}), None, {})
    assert found.rows.empty
