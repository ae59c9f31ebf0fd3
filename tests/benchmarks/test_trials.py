"""The files of trials in the repository: each names parameters that exist."""

from pathlib import Path

import pytest
import yaml

import benchmarks
from benchmarks.trials import trials_of

FILES = sorted((Path(benchmarks.__file__).parent / "sweeps").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_trials_of__every_file_is_understood(file: Path) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    trials = trials_of(content)
    assert len(trials) == len(content["trials"]) * len(content["seeds"])
    assert all(isinstance(name, str) for name in content["trials"]), "off and on need quotes"


def test_trials_of__a_fixed_weight_is_reached_at_once() -> None:
    (file,) = (file for file in FILES if file.stem == "weights")
    trials = trials_of(yaml.safe_load(file.read_text(encoding="utf-8")))
    weights = {name: trial.params.dynamic_weight for (name, _), trial in trials.items()}
    assert weights["fixed .05"].weight_max == 0.05
    assert weights["fixed .05"].rho > 1e5
    assert weights["off"].rho == 0.0
