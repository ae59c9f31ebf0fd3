import math
import re
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from ssvif.report.figures import WIDTH, Interval, Line, Values, distribution, intervals, lines


def numbers(drawing: Markup, pattern: str) -> list[float]:
    return [float(found) for found in re.findall(pattern, drawing)]


def tips(drawing: Markup) -> list[str]:
    # XML reads a line's end in an attribute as a space.
    root = ET.fromstring(drawing)  # noqa: S314, it is our own
    return [mark.attrib["data-tip"] for mark in root.iter() if mark.get("class") == "hit"]


def test_distribution__one_dot_a_value_at_its_place() -> None:
    drawing = distribution([Values("max", "hue-0", [0.0, 0.5, 1.0])], title="EN", places=3)
    low, high, start, end = map(float, re.search(r'data-scale="([^"]*)"', drawing)[1].split())
    dots = numbers(re.search(r'd="([^"]*)" class="dots"', drawing)[1], r"M([\d.]+) ")
    expected = [start + (value - low) / (high - low) * (end - start) for value in (0.0, 0.5, 1.0)]
    assert dots == pytest.approx(expected, abs=0.06)


def test_distribution__tip_has_the_quartiles() -> None:
    row = Values("max", "hue-0", [1.0, 2.0, 3.0, 4.0, 5.0, math.nan])
    assert tips(distribution([row], title="EN", places=1)) == [
        "max: median 3.0, middle half 2.0 to 4.0, 5 pairs"
    ]


def test_distribution__candidate_without_values_keeps_its_row() -> None:
    rows = [Values("max", "hue-0", [1.0]), Values("mean", "hue-1", [math.nan])]
    drawing = distribution(rows, title="EN", places=1)
    assert 'data-row="mean"' in drawing
    assert len(tips(drawing)) == 1


def test_intervals__unknown_bounds_leave_the_dot_alone() -> None:
    rows = [
        Interval("max", "hue-0", 0.5, 0.4, 0.6),
        Interval("mean", "hue-1", 0.3, math.nan, math.nan),
    ]
    drawing = intervals(rows, title="car", places=3)
    assert drawing.count('class="interval"') == 1
    assert drawing.count('class="dot"') == 2
    assert tips(drawing) == ["max: 0.500, interval 0.400 to 0.600", "mean: 0.300"]


def test_intervals__all_marks_lie_inside() -> None:
    rows = [Interval("max", "hue-0", -5.0, -9.0, 3.0), Interval("mean", "hue-1", 20.0, 1.0, 30.0)]
    drawing = intervals(rows, title="car", places=1)
    ends = numbers(drawing, r"H([\d.]+)\" class=\"interval") + numbers(drawing, r'cx="([\d.]+)"')
    assert all(0.0 < end < WIDTH for end in ends)


def test_lines__every_point_is_drawn_and_says_its_values() -> None:
    series = [
        Line("max", "hue-0", [(0.0, 1.0), (1.0, 0.5)]),
        Line("mean", "hue-1", [(0.0, 0.8), (1.0, 0.25)]),
    ]
    drawing = lines(series, title="Qabf", x_name="pixels", x_labels=["clean", "8"])
    assert drawing.count("<circle") == 4
    assert tips(drawing) == ["clean max 1 mean 0.8", "8 max 0.5 mean 0.25"]
    assert 'class="band"' not in drawing


def test_lines__long_series_are_averaged_and_keep_their_spikes() -> None:
    points = [(float(step), 5.0 if step == 700 else 1.0) for step in range(2000)]
    drawing = lines([Line("weight", "hue-0", points)], title="weight", x_name="step")
    assert len(tips(drawing)) == 200
    assert tips(drawing)[70] == "step 705 weight 1.4"
    band = re.search(r'd="([^"]*)" class="band"', drawing)[1]
    line = re.search(r'd="([^"]*)" class="line"', drawing)[1]
    highest = [min(numbers(path, r"[ML][\d.]+ ([\d.]+)")) for path in (band, line)]
    assert highest[0] < highest[1] - 50.0


def test_lines__gap_is_left_out() -> None:
    series = [Line("max", "hue-0", [(0.0, 1.0), (1.0, math.nan), (2.0, 3.0)])]
    assert len(tips(lines(series, title="Qabf", x_name="step"))) == 2


def test_lines__names_are_escaped() -> None:
    drawing = lines([Line("<b>", "hue-0", [(0.0, 1.0)])], title="<i>", x_name="<u>")
    assert not re.search("<[biu]>", drawing)
    ET.fromstring(drawing)  # noqa: S314, it is our own
