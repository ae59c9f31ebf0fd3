"""Pairs as manifests have them, in blocks whose frames are alike, and a measurement of them."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from ssvif.data.manifest import PAIRS_FOLDER
from ssvif.drift.history import Occasion
from ssvif.drift.measure import Drift, measure_drift
from ssvif.params import DriftParams

BLOCK = 10
MEANS = {
    "vis_mean": 0.5,
    "ir_std": 0.2,
    "vis_sharpness": 8.0,
    "ir_sharpness": 4.0,
    "registration_score": 0.3,
}
# Of the values, and how much of it lies between blocks.
DEVIATION = 0.1
BETWEEN = 0.6

MakePairs = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def make_pairs() -> MakePairs:
    """Return pairs; a keyword such as `vis_mean=-2.0` moves a column by so many deviations."""

    def made(count: int, *, seed: int = 0, set_: str = "road", **moved: float) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        number = np.arange(count)
        block = number // BLOCK
        rows = pd.DataFrame(
            {
                "id": [f"{seed:04x}{set_.encode().hex():0>8.8}{one:04x}" for one in number],
                "set": set_,
                "name": [f"{seed}-{one:04}" for one in number],
                "light": "day",
                "block": [f"{set_}/{seed}-{one * BLOCK:04}" for one in block],
                "shift_down": rng.normal(size=count),
                "shift_right": rng.normal(size=count),
            }
        )
        for column, mean in MEANS.items():
            effects = rng.normal(size=block.max(initial=0) + 1)[block] * np.sqrt(BETWEEN)
            own = rng.normal(size=count) * np.sqrt(1.0 - BETWEEN)
            rows[column] = mean + DEVIATION * (effects + own + moved.get(column, 0.0))
        return rows

    return made


@pytest.fixture(scope="session")
def params() -> DriftParams:
    return DriftParams(permutations=400)


@pytest.fixture(scope="session")
def measure(make_pairs: MakePairs, params: DriftParams) -> Callable[..., Drift]:
    """Measure new pairs, moved as keywords say, beside 200 others of the same kind."""

    def measured(new: pd.DataFrame | None = None, **moved: float) -> Drift:
        fresh = make_pairs(100, seed=1, **moved) if new is None else new
        return measure_drift(make_pairs(200), fresh, params=params, seed=0)

    return measured


@pytest.fixture(scope="session")
def dark(measure: Callable[..., Drift]) -> Drift:
    """A measurement of captures that are far darker."""
    return measure(vis_mean=-4.0)


@pytest.fixture(scope="session")
def occasion() -> Occasion:
    return Occasion(datetime(2026, 3, 14, 15, 9, tzinfo=UTC), "version 3", "b" * 64, "m" * 64)


@pytest.fixture
def pairs_folder(tmp_path):
    return tmp_path / PAIRS_FOLDER
