"""How often drift is found where there is none, and where there is some: docs/drift.md's figures.

    python -m benchmarks.drift [--cases 200]

Pairs come in blocks of ten neighbouring frames. All six measures are drawn independently; of the
variance of each, a share lies between blocks (0.8: frames of a block are nearly alike). Drift moves
the luminance of all new pairs.
"""

from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy import stats

from ssvif import console
from ssvif.drift.measure import measure_drift
from ssvif.drift.statistics import Floats
from ssvif.params import DriftParams
from ssvif.seeding import numpy_generator

FRAMES = 10
SIZES = ((8, 4), (10, 5), (20, 10), (40, 20), (100, 20))  # blocks learnt, blocks new
BETWEEN = (0.3, 0.8)
MOVED = (0.0, 0.5, 1.0)  # standard deviations
COLUMNS = ("vis_mean", "ir_std", "vis_sharpness", "ir_sharpness", "registration_score")
LEVEL = 0.05


def main(cases: Annotated[int, typer.Option(help="Repetitions of each row.")] = 200) -> None:
    """Print one row a size, share of variance between blocks, and shift."""
    print(
        "| learnt + new pairs | between blocks | moved by | drift matters | luminance found"
        " | plain KS of luminance |"
    )
    print("|---|---|---|---|---|---|")
    for moved in MOVED:
        for old, new in SIZES:
            for between in BETWEEN:
                rates = found(old, new, between=between, moved=moved, cases=cases)
                print(
                    f"| {old * FRAMES} + {new * FRAMES} | {between:g} | {moved:g} |"
                    f" {' | '.join(f'{rate:.1%}' for rate in rates)} |",
                    flush=True,
                )


def found(old: int, new: int, *, between: float, moved: float, cases: int) -> Floats:
    """Return how often drift matters, luminance passes its test, and plain KS says so."""
    params = DriftParams()
    hits = []
    for case in range(cases):
        rng = numpy_generator(case, "benchmark", old, new, str(between))
        learnt = draw(rng, old, between, 0.0)
        fresh = draw(rng, new, between, moved)
        drift = measure_drift(learnt, fresh, params=params, seed=case)
        luminance = drift.findings[0]
        plain = stats.ks_2samp(learnt["vis_mean"], fresh["vis_mean"]).pvalue
        hits.append((drift.matters, luminance.pvalue < params.level, plain < LEVEL))
    rates: Floats = np.mean(np.array(hits, dtype=np.float64), axis=0)
    return rates


def draw(rng: np.random.Generator, blocks: int, between: float, moved: float) -> pd.DataFrame:
    """Return pairs of some blocks, standard normal in every measure but for what is moved."""

    def values() -> Floats:
        effects = rng.normal(size=(blocks, 1)) * np.sqrt(between)
        own = rng.normal(size=(blocks, FRAMES)) * np.sqrt(1.0 - between)
        both: Floats = (effects + own).ravel()
        return both

    number = np.arange(blocks * FRAMES)
    rows = pd.DataFrame({column: values() for column in COLUMNS})
    names = number.astype(str)
    return rows.assign(
        vis_mean=rows["vis_mean"] + moved,
        shift_down=values(),
        shift_right=values(),
        id=names,
        set="rig",
        name=names,
        light="day",
        block=(number // FRAMES).astype(str),
    )


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
