from collections import Counter

import pytest

from ssvif.data.layouts import Capture
from ssvif.data.splits import assign_splits

SHARES = {"block_size": 10, "val_share": 0.1, "test_share": 0.2}


def _captures(count, *, name="set", prefix="", split=None):
    return [Capture(name, f"{prefix}{i:04}", None, None, split=split) for i in range(count)]


def _counts(places):
    return Counter(place.split for place in places.values())


def test_assign_splits__neighbours_stay_together():
    places = assign_splits(_captures(95), **SHARES)
    for start in range(0, 95, 10):
        block = [places[f"{i:04}"] for i in range(start, min(95, start + 10))]
        assert len(set(block)) == 1
    assert len({place.block for place in places.values()}) == 10


@pytest.mark.parametrize("name", ["msrs", "llvip", "rig-1", "x", "2024"])
def test_assign_splits__shares(name):
    counts = _counts(assign_splits(_captures(1000, name=name), **SHARES))
    assert counts["test"] == pytest.approx(200, abs=20)
    assert counts["val"] == pytest.approx(100, abs=20)


@pytest.mark.parametrize("blocks", [3, 4, 5, 6, 7, 9])
@pytest.mark.parametrize("name", ["msrs", "llvip", "rig-1", "x", "2024", "synthetic"])
def test_assign_splits__three_blocks_are_enough_for_all(name, blocks):
    counts = _counts(assign_splits(_captures(10 * blocks, name=name), **SHARES))
    assert min(counts[split] for split in ("train", "val", "test")) >= 10


@pytest.mark.parametrize("name", ["msrs", "llvip", "rig-1", "x"])
@pytest.mark.parametrize("own", [None, "train"])
def test_assign_splits__later_frames_move_none_of_the_old(name, own):
    captures = _captures(200, name=name, split=own)
    before = {}
    for count in range(1, 201):
        places = assign_splits(captures[:count], **SHARES)
        assert places.items() >= before.items()
        before = places


def test_assign_splits__later_frames_move_none_beside_an_own_test():
    tests = _captures(30, prefix="test/", split="test")
    captures = _captures(200, prefix="train/", split="train")
    before = {}
    for count in range(1, 201):
        places = assign_splits([*captures[:count], *tests], **SHARES)
        assert places.items() >= before.items()
        before = places


def test_assign_splits__own_test_stays_and_train_gives_val():
    captures = _captures(200, prefix="train/", split="train")
    captures += _captures(30, prefix="test/", split="test")
    places = assign_splits(captures, **SHARES)
    assert {name for name in places if places[name].split == "test"} == {
        f"test/{i:04}" for i in range(30)
    }
    assert _counts(places)["val"] == pytest.approx(20, abs=10)


def test_assign_splits__all_three_of_its_own():
    captures = [
        capture
        for split in ("train", "val", "test")
        for capture in _captures(25, prefix=f"{split}/", split=split)
    ]
    places = assign_splits(captures, **SHARES)
    assert all(name.startswith(place.split) for name, place in places.items())


def test_assign_splits__own_train_alone_gives_val_and_test():
    counts = _counts(assign_splits(_captures(200, split="train"), **SHARES))
    assert set(counts) == {"train", "val", "test"}


def test_assign_splits__too_few_blocks():
    assert _counts(assign_splits(_captures(6, name="m3fd"), **SHARES)) == {"train": 6}
    assert _counts(assign_splits(_captures(15), **SHARES)) == {"train": 10, "test": 5}
    assert assign_splits([], **SHARES) == {}


def test_assign_splits__zero_share_gives_none():
    counts = _counts(assign_splits(_captures(500), block_size=10, val_share=0.0, test_share=0.2))
    assert "val" not in counts
