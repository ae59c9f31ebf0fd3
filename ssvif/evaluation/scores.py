"""Scores every candidate on every pair."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from ssvif.data.views import load_pairs
from ssvif.evaluation.agreement import BranchAgreement, branch_agreement, co_occurrence
from ssvif.evaluation.candidates import STAGES, Models, Scene, Stage, fuse_candidates, segment
from ssvif.metrics.table import score_all

_LOG_EVERY = 25
_PAIR_COLUMNS = ["id", "set", "name", "light"]

_Row = TypeVar("_Row")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """What an evaluation found.

    Args:
        pairs: One row a pair and candidate: id, set, name, light, candidate, and the metrics.
        branches: How the branches of each model agree.
    """

    pairs: pd.DataFrame
    branches: dict[Stage, BranchAgreement]


def score_pairs(
    rows: pd.DataFrame, models: Models, *, folder: Path, device: torch.device
) -> Scores:
    """Score the candidates on pairs, one pair after another.

    Args:
        rows: The pairs: id, set, name, light; at least one.
        models: Both stages' models, on `device` and in evaluation mode.
        folder: `data/pairs`.
        device: Where the networks and the metrics run.

    Raises:
        ImageError: If a pair's file is missing or damaged.
        ModelError: If a model's output is not a number somewhere.
        ShapeError: If a pair is too small for a metric.
    """
    table: list[dict[str, object]] = []
    counts: dict[Stage, Tensor] = {}
    for row in _progress(rows.to_dict("records")):
        about = {column: str(row[column]) for column in _PAIR_COLUMNS}
        scene = read_scene(folder, about["id"], device=device)
        for candidate, fused in fuse_candidates(scene, models).items():
            scores = score_all(fused=fused, vis=scene.vis_y, ir=scene.ir)
            values = {acronym: score.item() for acronym, score in scores.items()}
            table.append({**about, "candidate": candidate, **values})
        for stage in STAGES:
            found = co_occurrence(segment(scene, models[stage]))
            counts[stage] = counts[stage] + found if stage in counts else found
    branches = {stage: branch_agreement(count) for stage, count in counts.items()}
    return Scores(pairs=pd.DataFrame(table), branches=branches)


def read_scene(folder: Path, name: str, *, device: torch.device) -> Scene:
    """Read one canonical pair as it is.

    Raises:
        ImageError: If a file is missing or damaged.
    """
    (pair,) = load_pairs(folder, [name], min_side=1)
    return Scene.from_pair(pair, device)


def _progress(rows: list[_Row]) -> Iterator[_Row]:
    """Go through rows with a bar on a terminal and with lines elsewhere."""
    terminal = sys.stderr.isatty()
    for done, row in enumerate(tqdm(rows, desc="evaluate", unit="pair", disable=not terminal), 1):
        yield row
        if not terminal and (done % _LOG_EVERY == 0 or done == len(rows)):
            _log.info("evaluate: %d of %d pairs", done, len(rows))
