import pandas as pd
import pytest

from ssvif.errors import RegistryError
from ssvif.registry.forget import find_sightings
from ssvif.registry.lineage import Origin


@pytest.fixture
def origin(tmp_path):
    """Make a version that saw the given pairs: rows of id, set, name, split."""

    def made(version, rows, *, parent=None, start=None, aliases=()):
        start = str(parent) * 64 if parent else start
        folder = tmp_path / str(version)
        folder.mkdir()
        if rows is not None:
            table = pd.DataFrame(rows, columns=["id", "set", "name", "split"])
            table.to_parquet(folder / "pairs.parquet", index=False)
        return Origin(
            name="fuser",
            version=version,
            twins=(),
            aliases=aliases,
            weights="a" * 64,
            bundle=str(version) * 64,
            run_id=None,
            retraining=None,
            parent=parent,
            facts={"start": {"bundle": start} if start else None},
            params={},
            folder=folder,
        )

    return made


def versions(found):
    return {seen.version: (seen.split, seen.through, seen.must_go) for seen in found.seen}


def test_find_sightings__in_which_split(origin):
    origins = [
        origin(1, [("aa", "rig", "0", "train")]),
        origin(2, [("aa", "rig", "0", "val")]),
        origin(3, [("aa", "rig", "0", "test")]),
        origin(4, [("bb", "rig", "1", "train")]),
    ]
    found = find_sightings("rig/0", origins)
    assert versions(found) == {
        1: ("train", None, True),
        2: ("val", None, True),
        3: ("test", None, False),
    }
    assert found.ids == ("aa",)


def test_find_sightings__a_descendant_inherits_what_its_start_learnt(origin):
    origins = [
        origin(1, [("aa", "rig", "0", "train")]),
        origin(2, [("bb", "rig", "1", "train")], parent=1),
        origin(3, [("bb", "rig", "1", "train")], parent=2, aliases=("champion",)),
        origin(4, [("bb", "rig", "1", "train")]),
    ]
    found = find_sightings("aa", origins)
    assert versions(found) == {1: ("train", None, True), 2: (None, 1, True), 3: (None, 2, True)}
    assert found.seen[2].sentence == (
        "version 3 (champion): not in its own data, inherited from version 2"
    )


def test_find_sightings__a_test_pair_is_not_inherited(origin):
    origins = [
        origin(1, [("aa", "rig", "0", "test")]),
        origin(2, [("bb", "rig", "1", "train")], parent=1),
    ]
    assert versions(find_sightings("rig/0", origins)) == {1: ("test", None, False)}


def test_find_sightings__under_another_name_it_is_the_same_pair(origin):
    origins = [
        origin(1, [("aa", "rig", "0", "train")]),
        origin(2, [("aa", "street", "0", "train")]),
    ]
    assert set(versions(find_sightings("rig/0", origins))) == {1, 2}


def test_find_sightings__a_past_pair_must_go_whoever_it_came_from(origin):
    found = find_sightings("aa", [origin(2, [("aa", "rig", "0", "past")], start="1" * 64)])
    assert versions(found) == {2: ("past", None, True)}
    assert found.seen[0].sentence == "version 2: not in its own data"


def test_find_sightings__names_versions_that_do_not_say(origin):
    origins = [origin(1, None), origin(2, [("aa", "rig", "0", "train")])]
    assert find_sightings("aa", origins).silent == (1,)


def test_find_sightings__refuses_a_pair_that_nobody_saw(origin):
    with pytest.raises(RegistryError, match="no registered version says that it has seen it; give"):
        find_sightings("rig/7", [origin(1, [("aa", "rig", "0", "train")])])


def test_find_sightings__what_an_ancestor_saw_that_is_gone_nobody_says(origin):
    origins = [
        origin(2, [("bb", "rig", "1", "train")], start="1" * 64),
        origin(3, [("aa", "rig", "0", "test")], parent=2),
        origin(4, [("aa", "rig", "0", "train")]),
    ]
    found = find_sightings("rig/0", origins)
    assert versions(found) == {3: ("test", None, False), 4: ("train", None, True)}
    assert found.silent == (2, 3)
    with pytest.raises(RegistryError, match=r"not all that they saw: 2, 3\)"):
        find_sightings("rig/7", origins)
