import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssvif.fuse.tiles import STRIDE, places, strips

sizes = st.integers(1, 500)


@given(height=sizes, width=sizes, pixels=st.integers(1, 100_000), halo=st.sampled_from([0, 4, 24]))
def test_strips__every_row_belongs_to_one(height, width, pixels, halo):
    cut = list(strips(height, width, pixels=pixels, halo=halo))
    assert [row for strip in cut for row in range(strip.top, strip.bottom)] == list(range(height))
    for strip in cut:
        assert strip.seen_top == max(strip.top - halo, 0)
        assert strip.seen_bottom == min(strip.bottom + halo, height)
        assert strip.seen_top % STRIDE == 0
        rows = list(range(height))
        assert rows[strip.seen][strip.own] == rows[strip.top : strip.bottom]


def test_strips__an_image_that_is_small_enough_is_whole():
    (strip,) = strips(100, 200, pixels=20_000, halo=24)
    assert (strip.seen, strip.own) == (slice(0, 100), slice(0, 100))


def test_strips__are_about_as_large_as_asked_for():
    cut = list(strips(4320, 7680, pixels=2_000_000, halo=24))
    assert max((strip.bottom - strip.top) * 7680 for strip in cut) <= 2_000_000
    assert len(cut) == 17


def test_strips__of_a_very_wide_image_are_not_all_halo():
    assert all(strip.bottom - strip.top >= 48 for strip in strips(480, 10**6, pixels=1, halo=24))


@pytest.mark.parametrize(
    ("size", "expected"), [((4, 4), (1, 16)), ((5, 4), (2, 20)), ((480, 640), (19200, 307200))]
)
def test_places__counts_what_is_padded_as_the_network_does(size, expected):
    assert places(*size) == expected
