"""`python -m benchmarks.collapse`: does the segmentation collapse, over seeds and on odd data?

Trains as params.yaml says, on public captures without their labels, and tells the health of both
segmentations on held-out pairs. Goes on where it was stopped; prints a Markdown table. About six
minutes a training on one core.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer

from benchmarks.peers import SHARED
from benchmarks.trials import (
    STAGE_ONE,
    STAGE_TWO,
    record_of,
    train_one,
    train_two,
    training_key,
)
from ssvif import console
from ssvif.data.views import Pair, load_pairs
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.pairs import PairSource
from ssvif.params import Params, load_params
from ssvif.training.stages import TrainingData, stage_two_side

WORK = Path(".cache/collapse")
CAPTURES = {"msrs": "msrs/train", "roadscene": "roadscene/train", "llvip": "llvip"}
FIGURES = {
    "effective_prototypes": "effective prototypes",
    "position_information": "position",
    "brightness_information": "brightness",
    "equivariance": "equivariance",
    "agreement": "agreement",
}

FEW = 12
_GREY = 128

Choice = Callable[[pd.DataFrame], pd.DataFrame]


def _all(rows: pd.DataFrame) -> pd.DataFrame:
    return rows


def _few(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[:: max(1, len(rows) // FEW)].head(FEW)


@dataclass(frozen=True)
class Case:
    """What is trained on.

    Args:
        choose: Takes the manifest's rows that are used.
        dead: The camera that is constant in every other pair: `vis` or `ir`.
    """

    choose: Choice = _all
    dead: str | None = None


CASES: Mapping[str, Case] = {
    "all sets": Case(),
    "night alone": Case(lambda rows: rows[rows["light"] == "night"]),
    "12 pairs": Case(_few),
    "one set": Case(lambda rows: rows[rows["set"] == "roadscene"]),
    "half the infrared dead": Case(dead="ir"),
    "half the visible dead": Case(dead="vis"),
}


def main(
    data: Annotated[Path, typer.Option(help="The folder of the captures.")] = SHARED / "data",
    seeds: Annotated[int, typer.Option(help="Trainings on all sets.", min=1)] = 20,
    case: Annotated[list[str] | None, typer.Option(help="This one alone; again for more.")] = None,
) -> None:
    """Train on every case, on `all sets` once a seed, and print how healthy it ended."""
    params = load_params()
    start = params.stage_one.model_copy(update={"start": "scratch"})
    params = params.model_copy(update={"stage_one": start})
    source = capture_pairs([(name, data / folder) for name, folder in CAPTURES.items()],
                           params.ingest)  # fmt: skip
    typer.echo("| pairs | seed | " + " | ".join(FIGURES.values()) + " |")
    typer.echo("|---|---|" + "---|" * len(FIGURES))
    for name in case or CASES:
        for seed in range(seeds) if name == "all sets" else [0]:
            figures = train_case(name, source, params.model_copy(update={"seed": seed}))
            cells = [f"{figures[f'stage_two/val/{key}']:.3f}" for key in FIGURES]
            typer.echo(f"| {name} | {seed} | {' | '.join(cells)} |")


def train_case(name: str, source: PairSource, params: Params) -> Mapping[str, float]:
    """Train both stages on a case, and return the last figures of stage two."""
    manifest = source.manifest
    held_out = list(manifest.loc[manifest["split"] == "val", "id"])
    case = CASES[name]
    chosen = list(case.choose(manifest[manifest["split"] == "train"])["id"])
    side = stage_two_side(params)
    pairs = load_pairs(source.pairs, chosen, min_side=side)
    if case.dead:
        pairs[::2] = [_without(pair, case.dead) for pair in pairs[::2]]
    val = load_pairs(source.pairs, held_out, min_side=side)
    data = TrainingData(pairs, val)
    about = [name, case.dead, _GREY, *chosen, *held_out]
    one, two = (
        WORK / f"{stage}-{training_key(params, about, sections)}"
        for stage, sections in (("stage_one", STAGE_ONE), ("stage_two", STAGE_TWO))
    )
    return record_of(train_two(train_one(data, params, one), data, params, two)).last


def _without(pair: Pair, camera: str) -> Pair:
    grey = torch.full_like(getattr(pair, camera), _GREY)
    return replace(pair, **{camera: grey})


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
