import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ssvif.report.svg import Scale, element, keep_apart, scale_over, shorten, tick_label


def test_scale__maps_its_ends() -> None:
    scale = Scale(2.0, 4.0, 100.0, 0.0)
    assert [scale(value) for value in (2.0, 3.0, 4.0)] == [100.0, 50.0, 0.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.booleans())
@example(values=[5e-324], zero=False)  # the least float there is
@example(values=[5e-324], zero=True)
@example(values=[1e6, math.nextafter(1e6, 0.0)], zero=False)
def test_scale_over__holds_all_values_and_round_ticks(values: list[float], zero: bool) -> None:
    scale = scale_over(values, start=0.0, end=100.0, zero=zero)
    assert all(0.0 <= scale(value) <= 100.0 for value in values)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 6
    assert all(-0.1 <= scale(tick) <= 100.1 for tick in ticks)
    if zero:
        assert 0.0 <= scale(0.0) <= 100.0


def test_scale_over__passes_over_what_is_no_number() -> None:
    scale = scale_over([math.nan, 1.0, math.inf, 2.0], start=0.0, end=1.0)
    assert 0.9 < scale.low < 1.0
    assert 2.0 < scale.high < 2.1


def test_element__escapes_names_and_content() -> None:
    drawn = element("text", "<b>", class_="end", data_tip='"&')
    assert drawn == '<text class="end" data-tip="&#34;&amp;">&lt;b&gt;</text>'


@given(
    st.lists(st.floats(0.0, 100.0), min_size=1, max_size=6),
)
def test_keep_apart__labels_do_not_touch_nor_leave(places: list[float]) -> None:
    moved = keep_apart(places, 12.0, low=0.0, high=100.0)
    order = sorted(moved)
    assert all(b - a >= 12.0 - 1e-9 for a, b in pairwise(order))
    assert order[0] >= -1e-9
    assert order[-1] <= 100.0 + 1e-9
    ranks = [sorted(places).index(place) for place in places]
    assert all(
        (moved[a] < moved[b]) == (places[a] < places[b])
        for a in range(len(ranks))
        for b in range(len(ranks))
        if places[a] != places[b]
    )


def test_keep_apart__far_places_stay() -> None:
    assert keep_apart([80.0, 10.0], 12.0, low=0.0, high=100.0) == [80.0, 10.0]


@pytest.mark.parametrize(
    ("text", "short"), [("stage two", "stage two"), ("a_rather_long_name", "a_rat…name")]
)
def test_shorten__cuts_the_middle(text: str, short: str) -> None:
    assert shorten(text, 10) == short


def test_tick_label__has_a_true_minus_and_no_tail() -> None:
    assert [tick_label(v) for v in (-0.5, 0.1 + 0.2, -0.0, 1500.0)] == [
        "\N{MINUS SIGN}0.5",
        "0.3",
        "0",
        "1500",
    ]
