"""A small evaluation as its folder holds it: made up, but in every column as a real one."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ssvif.data.synthetic.pair import render_pair
from ssvif.evaluation.candidates import MAX, MEAN, Scene, Segmentations
from ssvif.metrics.table import STANDARD
from ssvif.report.page import write_report
from ssvif.report.pictures import PicturePair, choose_pairs, picture_pair

METRICS = [metric.acronym for metric in STANDARD]
HOSTILE = "<script>alert(1)</script>"
CANDIDATES = ("stage_two", "stage_one", "mean", "max", HOSTILE)
PAIRS = 8


@pytest.fixture(scope="session")
def hostile() -> str:
    """The name of a candidate that would be a script if it were not escaped."""
    return HOSTILE


@pytest.fixture(scope="session")
def pairs_table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "id": f"{pair:016d}",
            "set": ("roads", "None")[pair % 2],
            "name": f"{pair:03d}",
            "light": ("day", "night")[pair // 4],
            "block": f"roads:{pair // 2}",
            "candidate": candidate,
            **{metric: rng.uniform(0.2, 0.8) - 0.1 * place for metric in METRICS},
        }
        for pair in range(PAIRS)
        for place, candidate in enumerate(CANDIDATES)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def evaluation_folder(tmp_path_factory: pytest.TempPathFactory, pairs_table: pd.DataFrame) -> Path:
    """Every table that an evaluation may leave."""
    folder = tmp_path_factory.mktemp("evaluate")
    summary = summary_of(pairs_table)
    tables = {
        "pairs": pairs_table,
        "summary": summary,
        "intervals": intervals_of(summary),
        "statistics": statistics_of(summary),
        "probe_summary": probe_summary(),
        "stress": stress_scores(),
        "left_out": pd.DataFrame(
            [("roads/009", HOSTILE, "no file of this name")],
            columns=["pair", "candidate", "reason"],
        ),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6f")
    checks = {"stage_one": {"halo": 0.6}, "stage_two": {"halo": 0.75}}
    (folder / "checks.json").write_text(json.dumps(checks))
    (folder / "metrics.json").write_text(json.dumps({"split": "test"}))
    return folder


@pytest.fixture(scope="session")
def pictures(pairs_table: pd.DataFrame) -> list[PicturePair]:
    return [picture_of(index, chosen) for index, chosen in enumerate(chosen_of(pairs_table))]


@pytest.fixture(scope="session")
def write_page(evaluation_folder: Path, pictures: list[PicturePair]) -> Callable[[], Path]:
    def write() -> Path:
        return write_report(
            evaluation_folder,
            pictures=pictures,
            lineage={"commit": "0123abc", HOSTILE: HOSTILE},
            schedule=schedule_rows(),
        )

    return write


@pytest.fixture(scope="session")
def page(write_page: Callable[[], Path]) -> Path:
    return write_page()


def chosen_of(pairs_table: pd.DataFrame) -> list:
    return choose_pairs(pairs_table, "stage_two")


def summary_of(pairs: pd.DataFrame) -> pd.DataFrame:
    tables = []
    groups = [("all", "all", pairs)]
    groups += [(g, v, rows) for g in ("set", "light") for v, rows in pairs.groupby(g)]
    for group, value, rows in groups:
        means = rows.groupby("candidate", sort=False)[METRICS].mean()
        ranks = means.rank(ascending=False).mean(axis=1)
        table = means.assign(mean_rank=ranks, pairs=rows["id"].nunique()).reset_index()
        tables.append(table.assign(group=group, value=value))
    return pd.concat(tables, ignore_index=True)


def intervals_of(summary: pd.DataFrame) -> pd.DataFrame:
    table = summary[summary["group"] == "all"].melt(
        id_vars=["candidate"], value_vars=METRICS, var_name="metric", value_name="mean"
    )
    return table.assign(low=table["mean"] - 0.03, high=table["mean"] + 0.03)


def statistics_of(summary: pd.DataFrame) -> pd.DataFrame:
    means = summary[summary["group"] == "all"].set_index("candidate")
    rows = []
    for rival in CANDIDATES[1:]:
        for metric in METRICS:
            difference = means.loc["stage_two", metric] - means.loc[rival, metric]
            p = 0.001 if abs(difference) > 0.1 else 0.6
            bounds = (difference - 0.05, difference + 0.05)
            rows.append((metric, "stage_two", rival, difference, *bounds, p, p, 0.5, PAIRS, 10))
    columns = "metric candidate reference difference low high p p_holm effect pairs blocks"
    return pd.DataFrame(rows, columns=columns.split())


def probe_summary() -> pd.DataFrame:
    rows = [
        ("boxes", candidate, "iou", name, mean, mean - 0.02, mean + 0.02, 3)
        for place, candidate in enumerate(("vis", "ir", "stage_two", HOSTILE))
        for name, mean in (("all", 0.5 - 0.05 * place), ("person", 0.4), ("car", 0.6))
    ]
    return pd.DataFrame(
        rows, columns=["task", "candidate", "score", "class", "mean", "low", "high", "repetitions"]
    )


def stress_scores() -> pd.DataFrame:
    rows = [
        (degradation, severity, level, unit, candidate, metric, 0.6 - 0.1 * severity)
        for degradation, unit, levels in (("shift", "pixels", (0, 2, 8)), ("frozen", "", (0, 1)))
        for severity, level in enumerate(levels)
        for candidate in ("stage_two", "mean")
        for metric in ("Qabf", "probe_mean_iou")
    ]
    columns = ["degradation", "severity", "level", "unit", "candidate", "metric", "score"]
    return pd.DataFrame(rows, columns=columns)


def schedule_rows(steps: int = 500) -> list[tuple[int, dict[str, float]]]:
    return [
        (step, {"stage_two/train/dynamic_weight/weight": 0.1 + 0.05 * np.sin(step / 20.0)})
        for step in range(steps)
    ]


def picture_of(index: int, chosen) -> PicturePair:
    """Render a synthetic scene, with segmentations that differ in their left half."""
    pair = render_pair(index, seed=0, height=96, width=128)
    vis = torch.tensor(pair.vis).permute(2, 0, 1)[None] / 255.0
    ir = torch.tensor(pair.ir)[None, None] / 255.0
    scene = Scene(chosen.id, chosen.set, chosen.name, vis=vis, ir=ir)
    level = torch.arange(32).expand(24, 32) // 8
    other = torch.where(torch.arange(32) < 16, 5, level)
    return picture_pair(chosen, scene, (MEAN, MAX), Segmentations(level, other, prototypes=6))
