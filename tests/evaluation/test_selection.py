import pandas as pd
import pytest

from ssvif.errors import ManifestError
from ssvif.evaluation.selection import held_out, spread


def manifest(*groups: tuple[str, str, str, int]) -> pd.DataFrame:
    rows = [
        {
            "id": f"{hash_of(i)}{set_}{light}",
            "set": set_,
            "name": f"{i:03}",
            "split": split,
            "light": light,
        }
        for set_, light, split, count in groups
        for i in range(count)
    ]
    return pd.DataFrame(rows)


def hash_of(number: int) -> str:
    return f"{number * 7919 % 997:03x}"


def test_held_out__takes_the_split_alone_in_a_fixed_order() -> None:
    table = manifest(("b", "day", "test", 3), ("a", "night", "test", 2), ("a", "day", "train", 9))
    rows = held_out(table, split="test")
    assert set(rows["split"]) == {"test"}
    assert list(rows["set"]) == ["b", "b", "b", "a", "a"]
    assert list(rows["name"]) == ["000", "001", "002", "000", "001"]


def test_held_out__empty_split_says_what_to_do() -> None:
    table = manifest(("a", "day", "train", 4))
    with pytest.raises(
        ManifestError, match=r"4 pairs but none in the split val; .*ingest.val_share"
    ):
        held_out(table, split="val")


def test_held_out__max_pairs_mixes_light_and_sets() -> None:
    table = manifest(("a", "day", "test", 50), ("b", "day", "test", 5), ("b", "night", "test", 5))
    rows = held_out(table, split="test", max_pairs=4)
    assert sorted(zip(rows["light"], rows["set"], strict=True)) == [
        ("day", "a"),
        ("day", "b"),
        ("night", "b"),
        ("night", "b"),
    ]


def test_spread__does_not_depend_on_the_order_of_rows() -> None:
    table = manifest(("a", "day", "test", 20), ("b", "night", "test", 20))
    shuffled = table.sample(frac=1.0, random_state=0)
    pd.testing.assert_frame_equal(spread(table, 6), spread(shuffled, 6))


def test_spread__fills_up_with_the_light_there_is() -> None:
    table = manifest(("a", "day", "test", 10), ("a", "night", "test", 1))
    assert sorted(spread(table, 5)["light"]) == ["day", "day", "day", "day", "night"]


def test_spread__fewer_pairs_than_asked_for_are_all() -> None:
    assert len(spread(manifest(("a", "day", "test", 2)), 6)) == 2
