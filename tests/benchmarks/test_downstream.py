"""The downstream benchmark: what it refuses before the first probe, and its table."""

import io
from types import SimpleNamespace

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from benchmarks import downstream
from benchmarks.leads import joined
from ssvif.models.weights import save_fusion
from ssvif.probes.counts import Counts, mean_iou
from ssvif.probes.tasks import BOXES


def probed(table: pd.DataFrame, ap50: float) -> SimpleNamespace:
    """Return what of a probe's result the table reads."""
    boxes = pd.DataFrame({"class": ["person", "all"], "ap50": [0.0, ap50]})
    return SimpleNamespace(task=SimpleNamespace(kind=BOXES), counts=table, detections=boxes)


def test_table__best_first_with_leads_of_both_views(counts) -> None:
    goods = {"fused": (5, 7), "machine": (6, 8), "mean": (4, 6)}
    results = {name: [probed(counts(n), n / 20) for n in g] for name, g in goods.items()}
    rows = downstream.table(results).splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[:3] for row in cells] == [
        ["machine", "0.700", "0.350"],
        ["fused", "0.600", "0.300"],
        ["mean", "0.500", "0.250"],
    ]
    assert cells[0][3].startswith("-0.100")
    assert cells[0][5:] == ["", ""]
    assert cells[1][3:5] == ["", ""]
    assert cells[2][3].startswith("+0.100")
    assert cells[2][5].startswith("+0.200")


def test_counted__the_tables_figures_come_from_it(counts) -> None:
    results = {name: [probed(counts(n), 0.5) for n in (5, 7)] for name in ("fused", "machine")}
    table = pd.read_csv(io.StringIO(downstream.counted(results)))
    assert table.groupby(["image", "seed"]).ngroups == 4
    again = table[table["image"] == "fused"].rename(columns={"seed": "repetition"})
    before = joined([counts(5), counts(7)])
    pd.testing.assert_series_equal(
        pd.Series(mean_iou(Counts.from_table(again.drop(columns="image")))),
        pd.Series(mean_iou(before)),
    )


def test_table__without_boxes_there_is_no_precision(counts) -> None:
    results = {name: [probed(counts(5), float("nan"))] for name in ("fused", "machine")}
    rows = downstream.table(results).splitlines()[2:]
    assert [row.split("|")[3].strip() for row in rows] == ["", ""]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stage-one", "one.safetensors"], "expected one for each of 2"),
        ([], "b.safetensors"),
    ],
)
def test_main__refuses_before_a_capture_is_read(
    options, words, tmp_path, monkeypatch, tiny_model, tiny_network
) -> None:
    monkeypatch.setattr(downstream, "capture_pairs", lambda *_: pytest.fail("captures are read"))
    app = typer.Typer()
    app.command()(downstream.main)
    save_fusion(tmp_path / "a.safetensors", tiny_model.fusion, network=tiny_network)
    models = [f"--model={tmp_path / name}.safetensors" for name in "ab"]
    result = CliRunner().invoke(app, [f"--captures=rig={tmp_path}", *models, *options])
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)
