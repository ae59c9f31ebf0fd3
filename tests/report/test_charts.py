from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ssvif.report.charts import distribution_charts, probes, schedule_charts, stress
from ssvif.report.data import ReportData, read_report
from ssvif.report.terms import STANDARD_KEYS, hues


@pytest.fixture
def data(evaluation_folder: Path) -> ReportData:
    return read_report(evaluation_folder)


@pytest.fixture
def colours(data: ReportData) -> dict[str, str]:
    return hues(data.candidates, model="stage_two")


def test_distribution_charts__one_a_metric_with_every_candidate(data, colours) -> None:
    charts = distribution_charts(data, colours)
    assert [chart.key for chart in charts] == list(STANDARD_KEYS)
    assert all(chart.svg.count('class="dots"') == 5 for chart in charts)
    assert "higher is better" in charts[0].tip


def test_schedule_charts__panels_without_figures_are_left_out() -> None:
    rows = [(step, {"stage_two/train/dynamic_weight/weight": 0.1}) for step in range(3)]
    assert [chart.title for chart in schedule_charts(rows)] == ["weight"]
    assert schedule_charts([]) == []


def test_probes__mean_comes_first(data, colours) -> None:
    (probe,) = probes(data, colours)
    assert probe.title == "boxes: mIoU"
    assert probe.classes == ("mean", "person", "car")
    assert [chart.title for chart in probe.charts] == ["mean over classes", "person", "car"]
    assert probe.rows[0].candidate == "vis"


def test_probes__a_class_that_no_probe_found_is_named_and_not_drawn(data, colours) -> None:
    table = data.probe_summary
    table.loc[table["class"] == "car", ["mean", "low", "high"]] = 0.0
    (probe,) = probes(data, colours)
    assert [chart.title for chart in probe.charts] == ["mean over classes", "person"]
    assert probe.unseen == ("car",)
    assert "car" in probe.classes


def test_stress__probe_comes_first_with_a_chart_a_degradation(data, colours) -> None:
    views = stress(data, colours)
    assert [view.term.key for view in views] == ["probe_mean_iou", "Qabf"]
    assert len(views[0].charts) == 2
    assert [chart.title for chart in views[0].charts] == ["infrared shifted", "frozen"]
    assert "knocked" in views[0].charts[0].tip
    assert list(views[0].summary) == [chart.title for chart in views[0].charts]


@pytest.mark.parametrize(
    ("scores", "text", "shade"),
    [
        ((0.5, 0.4, 0.375), "\N{MINUS SIGN}25 %", "shade-5"),
        ((0.5, 0.1, 0.5), "0 %", "shade-0"),
        ((0.5, 0.5, 0.6), "+20 %", "shade-0"),
        ((float("nan"), 0.5, 0.6), "\N{EN DASH}", "shade-0"),
        ((0.0, 0.5, 0.6), "\N{EN DASH}", "shade-0"),
    ],
)
def test_stress__summary_compares_the_worst_with_clean(
    data, colours, scores: tuple[float, ...], text: str, shade: str
) -> None:
    rows = [("shift", s, 2.0 * s, "pixels", "mean", "Qabf", v) for s, v in enumerate(scores)]
    columns = ["degradation", "severity", "level", "unit", "candidate", "metric", "score"]
    (view,) = stress(replace(data, stress=pd.DataFrame(rows, columns=columns)), colours)
    (cells,) = view.summary.values()
    assert (cells[0].text, cells[0].css) == (text, shade)
