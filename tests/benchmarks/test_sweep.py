"""The sweep's table: what is compared with what, and when a row is made anew."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import sweep as module
from benchmarks.sweep import comparison, key_of
from benchmarks.trials import Sweep, Trial, read_sweep
from ssvif.evaluation.pairs import PairSource
from ssvif.params import PARAMS_FILE, FusionLossParams, Params

Counted = Callable[[int], pd.DataFrame]
Scores = dict[tuple[str, int], int]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    (tmp_path / "labels").mkdir()
    manifest = pd.DataFrame({"id": ["a"], "split": ["train"], "set": ["msrs"], "block": ["b"]})
    trials = {
        (name, seed): Trial(Params(seed=seed, fusion_loss=FusionLossParams(contrast=contrast)))
        for name, contrast in (("first", 1.3), ("second", 1.4))
        for seed in (0, 1, 2)
    }
    return Sweep(PairSource(manifest, tmp_path, tmp_path / "labels", {}), "msrs", trials)


@pytest.fixture
def judged(sweep: Sweep, tmp_path: Path, counts: Counted) -> Callable[[Scores], Path]:
    """Return what writes a table of finished rows and their counts."""
    return partial(_write_rows, sweep, tmp_path, counts)


def _write_rows(sweep: Sweep, folder: Path, counts: Counted, scores: Scores) -> Path:
    rows = []
    (folder / "table").mkdir(exist_ok=True)
    for (name, seed), good in scores.items():
        key = key_of(sweep, sweep.trials[name, seed])
        figures = {f"{view}_{kind}": 0.1 for view in module.VIEWS for kind in ("box_miou", "ap50")}
        rows.append({"key": key, "trial": name, "seed": seed, "VIF": 0.5, "Qabf": 0.5, **figures})
        for view in module.VIEWS:
            counts(good).to_csv(folder / "table" / f"{key}-{view}.csv", index=False)
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def test_comparison__is_of_the_seeds_that_both_have(sweep: Sweep, judged) -> None:
    # What a seed is worth is the same for both; the second trial lacks the bad one.
    luck = {0: 2, 1: 4, 2: 6}
    done = [("first", 0), ("first", 1), ("second", 1), ("second", 2)]
    page = comparison(sweep, judged({(n, s): luck[s] for n, s in done}))
    assert "| second | 2 |" in page
    assert "+0.000 (+0.000 to +0.000)" in page
    assert "+0.2" not in page


def test_comparison__leads_are_over_the_first_trial_of_the_file(sweep, judged) -> None:
    scores = {("first", 0): 4, ("first", 1): 4, ("second", 0): 6, ("second", 1): 6}
    lines = comparison(sweep, judged(scores)).splitlines()
    first, second = (next(li for li in lines if li.startswith(f"| {n}")) for n in ("first", "sec"))
    assert "+0.200 (+0.200 to +0.200)" in second
    assert "(" not in first
    page = comparison(sweep, judged({("second", 0): 6}))
    assert "(" not in page, "nothing to compare with"


def test_comparison__rows_without_counts_are_left_out(sweep, judged, tmp_path) -> None:
    table = judged({("first", 0): 4})
    for file in tmp_path.glob("table/*.csv"):
        file.unlink()
    assert "| first |" not in comparison(sweep, table)


@pytest.mark.parametrize("change", ["label", "probed", "budget", "block", "stage"])
def test_key_of__changes_with_all_that_a_row_depends_on(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    trial = sweep.trials["first", 0]
    before = key_of(sweep, trial)
    if change == "label":
        (sweep.source.labels / "a.txt").write_text("0 .5 .5 .1 .1")
    elif change == "probed":
        sweep = replace(sweep, probed="llvip")
    elif change == "budget":
        monkeypatch.setattr(module, "PROBES", module.PROBES.model_copy(update={"steps": 9}))
    elif change == "block":
        sweep.source.manifest.loc[0, "block"] = "c"
    else:
        trial = replace(trial, is_whole=False)
    assert key_of(sweep, trial) != before


def test_read_sweep__trials_are_params_under_their_own(street: Path, tmp_path: Path, monkeypatch):
    file = tmp_path / "trials.yaml"
    file.write_text(
        f"data: {{street: {street.name}}}\nprobed: street\nseeds: [0, 3]\n"
        "base: {stage_one.steps: 7}\n"
        "trials: {whole: {}, one: {stage: one}, blind: {dynamic_weight.rho: 0.0}}\n"
    )
    shutil.copy(PARAMS_FILE.resolve(), tmp_path)
    monkeypatch.chdir(tmp_path)
    sweep = read_sweep(file, street.parent)
    assert [*sweep.trials] == [(n, s) for n in ("whole", "one", "blind") for s in (0, 3)]
    assert {trial.params.stage_one.steps for trial in sweep.trials.values()} == {7}
    assert not sweep.trials["one", 3].is_whole
    assert sweep.trials["blind", 3].params.dynamic_weight.rho == 0.0
    assert sweep.trials["whole", 3].params.seed == 3
    assert set(sweep.source.manifest["set"]) == {"street"}
