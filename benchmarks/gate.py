"""How often the gate promotes an equal, a better and a worse challenger, by simulation.

    python -m benchmarks.gate [--runs 200] [--noise 0.05]

Each run draws scores of both models on held-out pairs of as many blocks, ten pairs a block, half
by day and half by night, and asks the gate's own rules. The paired differences of two models vary
from block to block by `noise` and from pair to pair by as much again, as shares of the champion's
means; metrics share half of that variance. docs/gate.md has the table.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ssvif.gate.gains import ALL, Paired, measure_gains
from ssvif.gate.rules import is_guarded, judge_gains
from ssvif.metrics.table import STANDARD
from ssvif.params import GateParams
from ssvif.seeding import numpy_generator

BLOCKS = (6, 10, 30)
PAIRS_A_BLOCK = 10
CONFIDENCE = 0.95
RESAMPLES = 300  # the pipeline takes 2000
ACRONYMS = [metric.acronym for metric in STANDARD]
GUARDS = [name for name in ACRONYMS if is_guarded(name) and name != "Qabf"]


@dataclass(frozen=True)
class Case:
    """What the challenger truly gains, as shares of the champion's means.

    Args:
        name: In the table.
        shifts: By metric; 0 for the others.
        night: The same by night alone.
    """

    name: str
    shifts: Mapping[str, float] = field(default_factory=dict)
    night: Mapping[str, float] = field(default_factory=dict)


CASES = (
    Case("equal"),
    Case("Qabf +2 %", {"Qabf": 0.02}),
    Case("Qabf +5 %", {"Qabf": 0.05}),
    Case("Qabf +10 %", {"Qabf": 0.10}),
    Case("Qabf +10 %, SF and AG -6 %", {"Qabf": 0.10, "SF": -0.06, "AG": -0.06}),
    Case("Qabf +10 %, SSIM -8 %", {"Qabf": 0.10, "SSIM": -0.08}),
    Case("Qabf +10 %, SSIM -12 %", {"Qabf": 0.10, "SSIM": -0.12}),
    Case("Qabf +10 %, by night SSIM -20 %", {"Qabf": 0.10}, {"SSIM": -0.20}),
    Case("all -2 %", dict.fromkeys(ACRONYMS, -0.02)),
    Case("Qabf -4 %", {"Qabf": -0.04}),
)


def draw(case: Case, blocks: int, *, noise: float, rng: np.random.Generator) -> Paired:
    """Draw both models' scores of one run."""
    night = np.arange(blocks) % 2 == 1
    shifts = np.array([[case.shifts.get(name, 0.0) for name in ACRONYMS]])
    by_night = np.array([[case.night.get(name, 0.0) for name in ACRONYMS]])
    means = shifts + night[:, None] * by_night + _noise(blocks, noise, rng)
    block = np.repeat(np.arange(blocks), PAIRS_A_BLOCK)
    gains = means[block] + _noise(len(block), noise, rng)
    index = pd.Index([f"{number:05}" for number in range(len(block))], name="id")
    champion = pd.DataFrame(np.ones_like(gains), columns=ACRONYMS, index=index)
    challenger = pd.DataFrame(1.0 + gains, columns=ACRONYMS, index=index)
    return Paired(champion, challenger, pd.Series([f"b{each}" for each in block], index=index))


def share_promoted(
    case: Case, blocks: int, params: GateParams, *, runs: int, noise: float, seed: int = 0
) -> float:
    """Return the share of runs in which no check fails."""
    rng = numpy_generator(seed, "benchmark", "gate", case.name, blocks)
    night = [f"{n:05}" for n in range(blocks * PAIRS_A_BLOCK) if n // PAIRS_A_BLOCK % 2]
    promoted = 0
    for run in range(runs):
        paired = draw(case, blocks, noise=noise, rng=rng)
        ids = list(paired.champion.index)
        day = sorted({*ids} - {*night})
        gains = measure_gains(
            paired,
            {ALL: ids, "day": day, "night": night},
            asked=params.superiority,
            confidence=CONFIDENCE,
            resamples=RESAMPLES,
            seed=run,
        )
        checks = judge_gains(gains, params, level=1.0 - CONFIDENCE)
        promoted += not any(check.passed is False for check in checks)
    return promoted / runs


def _noise(count: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    shared = rng.normal(size=(count, 1))
    own = rng.normal(size=(count, len(ACRONYMS)))
    return noise * np.sqrt(0.5) * (shared + own)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--noise", type=float, default=0.05)
    options = parser.parse_args()
    header = [f"{count} blocks, {tie}" for tie in ("keep", "newer") for count in BLOCKS]
    print("| the challenger's true gain | " + " | ".join(header) + " |")
    print("| :--- |" + " ---: |" * len(header))
    for case in CASES:
        shares = [
            share_promoted(case, count, GateParams(tie=tie), runs=options.runs, noise=options.noise)
            for tie in ("keep", "newer")
            for count in BLOCKS
        ]
        print(f"| {case.name} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
