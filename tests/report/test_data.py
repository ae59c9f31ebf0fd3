import shutil
from pathlib import Path

import pandas as pd
import pytest

from ssvif.errors import EvaluationError
from ssvif.report.data import read_report
from ssvif.report.terms import STANDARD_KEYS


@pytest.fixture
def folder(evaluation_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(evaluation_folder, tmp_path / "copy")


def test_read_report__reads_every_table(evaluation_folder: Path) -> None:
    data = read_report(evaluation_folder)
    assert data.standard == list(STANDARD_KEYS)
    assert data.pairs["id"].nunique() == 8
    assert data.facts["split"] == "test"
    assert data.checks["stage_two"] == {"halo": 0.75}
    tables = (data.statistics, data.intervals, data.probe_summary, data.stress, data.left_out)
    assert all(table is not None and len(table) for table in tables)


def test_read_report__ids_and_names_stay_text(evaluation_folder: Path) -> None:
    data = read_report(evaluation_folder)
    assert data.pairs["id"].iloc[0] == "0" * 16
    assert data.pairs["name"].iloc[0] == "000"
    assert set(data.pairs["set"]) == {"roads", "None"}


def test_read_report__empty_cells_are_no_numbers(folder: Path) -> None:
    table = pd.read_csv(folder / "intervals.csv")
    table.assign(low=None, high=None).to_csv(folder / "intervals.csv", index=False)
    data = read_report(folder)
    assert data.intervals is not None
    assert data.intervals["low"].isna().all()
    assert data.intervals["mean"].notna().all()


def test_read_report__table_without_rows_is_absent(folder: Path) -> None:
    pd.read_csv(folder / "left_out.csv").head(0).to_csv(folder / "left_out.csv", index=False)
    assert read_report(folder).left_out is None


def test_read_report__best_mean_rank_comes_first(evaluation_folder: Path) -> None:
    ranks = read_report(evaluation_folder).overall["mean_rank"]
    assert ranks.is_monotonic_increasing
    assert ranks.index[0] == "stage_two"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("stress.csv", "degradation,unit\nshift,\n", "expected the column candidate"),
        ("stress.csv", "", "not readable as a table"),
        ("intervals.csv", "candidate,metric,mean,low,high\nmax,EN,much,0,1\n", "not readable"),
        ("checks.json", "{", "not readable as JSON"),
        ("pairs.csv", "id,set,name,light,candidate\n", "no pair is scored"),
    ],
)
def test_read_report__damage_is_named(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(EvaluationError, match=message):
        read_report(folder)
