import pytest

from ssvif.data.arrivals import ARRIVALS_FILE, in_order_of_arrival, note_arrivals
from ssvif.data.layouts import Capture
from ssvif.data.splits import assign_splits
from ssvif.errors import CapturesError

SHARES = {"block_size": 10, "val_share": 0.1, "test_share": 0.2}


def _captures(*names):
    return [Capture("rig", name, None, None) for name in names]


def _names(captures):
    return [capture.name for capture in captures]


def test_in_order_of_arrival__by_numbers_where_nothing_is_noted(tmp_path):
    captures = _captures("10", "9", "1")
    assert _names(in_order_of_arrival(captures, tmp_path)) == ["1", "9", "10"]


def test_note_arrivals__later_ones_come_last_whatever_their_names(tmp_path):
    first, second = _captures("b2", "b10"), _captures("a1", "c1")
    note_arrivals(first, tmp_path)
    note_arrivals([*second, *first], tmp_path)
    found = in_order_of_arrival([*first, *second], tmp_path)
    assert _names(found) == ["b2", "b10", "a1", "c1"]


def test_note_arrivals__again_changes_nothing(tmp_path):
    note_arrivals(_captures("a", "b"), tmp_path)
    before = (tmp_path / ARRIVALS_FILE).read_bytes()
    note_arrivals(_captures("b", "a"), tmp_path)
    assert (tmp_path / ARRIVALS_FILE).read_bytes() == before == b"a\nb\n"


def test_note_arrivals__keeps_the_place_of_a_deleted_capture(tmp_path):
    note_arrivals(_captures("a", "b"), tmp_path)
    note_arrivals(_captures("b", "c"), tmp_path)
    assert (tmp_path / ARRIVALS_FILE).read_text() == "a\nb\nc\n"


def test_in_order_of_arrival__what_nobody_brought_comes_last(tmp_path):
    note_arrivals(_captures("m"), tmp_path)
    assert _names(in_order_of_arrival(_captures("a", "z", "m"), tmp_path)) == ["m", "a", "z"]


def test_in_order_of_arrival__refuses_a_list_that_is_no_text(tmp_path):
    (tmp_path / ARRIVALS_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(CapturesError, match="delete it to deal out the set by names"):
        in_order_of_arrival([], tmp_path)


def test_assign_splits__a_delivery_of_earlier_names_moves_none_of_the_old(tmp_path):
    old = _captures(*(f"b{i:03}" for i in range(73)))
    new = _captures(*(f"a{i:03}" for i in range(40)))
    note_arrivals(old, tmp_path)
    before = assign_splits(in_order_of_arrival(old, tmp_path), **SHARES)
    note_arrivals([*new, *old], tmp_path)
    after = assign_splits(in_order_of_arrival([*new, *old], tmp_path), **SHARES)
    assert after.items() >= before.items()
    assert len(after) == 113
