"""Scores every candidate on every pair."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from ssvif.errors import EvaluationError, ImageError
from ssvif.evaluation.agreement import BranchAgreement, branch_agreement, co_occurrence
from ssvif.evaluation.candidates import Candidate, ModelCandidate, Scene, segment
from ssvif.evaluation.pairs import read_scene
from ssvif.metrics.table import STANDARD, Metric, score_all
from ssvif.ops import luminance

_LOG_EVERY = 25
_PAIR_COLUMNS = ["id", "set", "name", "light", "block"]

_Row = TypeVar("_Row")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """What an evaluation found.

    Args:
        pairs: One row a pair and candidate: id, set, name, light, block, candidate, the metrics.
        left_out: What could not be compared: pair (`SET/NAME`), candidate, reason.
        branches: How the branches of each model agree, by candidate.
    """

    pairs: pd.DataFrame
    left_out: pd.DataFrame
    branches: dict[str, BranchAgreement]


def score_pairs(
    rows: pd.DataFrame,
    candidates: Sequence[Candidate],
    *,
    folder: Path,
    device: torch.device,
    metrics: Sequence[Metric] = STANDARD,
) -> Scores:
    """Score the candidates on pairs, one pair after another.

    All of them are scored on the same pairs: one that any candidate lacks is left out for all.

    Args:
        rows: The pairs: id, set, name, light, block; at least one.
        candidates: What is fused and scored; models on `device`.
        folder: `data/pairs`.
        device: Where the networks and the metrics run.
        metrics: What is scored.

    Raises:
        ImageError: If a pair's own file is missing or damaged.
        ModelError: If a model's output is not a number somewhere.
        ShapeError: If a pair is too small for a metric.
        EvaluationError: If no pair is left that every candidate has.
    """
    table: list[dict[str, object]] = []
    left_out: list[dict[str, str]] = []
    counts: dict[str, Tensor] = {}
    for row in _progress(rows.to_dict("records")):
        about = {column: str(row[column]) for column in _PAIR_COLUMNS}
        scene = read_scene(folder, row, device=device)
        images, reasons = _fuse_all(scene, candidates)
        if reasons:
            pair = f"{scene.set}/{scene.name}"
            left_out += [{"pair": pair, "candidate": c, "reason": r} for c, r in reasons.items()]
            continue
        scores = _score(scene, images, metrics)
        table += [{**about, "candidate": name, **values} for name, values in scores.items()]
        for candidate in candidates:
            if isinstance(candidate, ModelCandidate):
                found = co_occurrence(segment(scene, candidate.model))
                counts[candidate.name] = counts.get(candidate.name, torch.zeros_like(found)) + found
    if not table:
        raise EvaluationError(
            f"expected pairs that every candidate has, found none of {len(rows)}; "
            f"{left_out[0]['candidate']} for one: {left_out[0]['reason']}"
        )
    return Scores(
        pairs=pd.DataFrame(table),
        left_out=pd.DataFrame(left_out, columns=["pair", "candidate", "reason"]),
        branches={name: branch_agreement(count) for name, count in counts.items()},
    )


def _fuse_all(
    scene: Scene, candidates: Sequence[Candidate]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return fused luminance by candidate; or, where one has none, the reasons alone."""
    images: dict[str, Tensor] = {}
    reasons: dict[str, str] = {}
    # Folders first: what they lack need not be fused by the others.
    for candidate in sorted(candidates, key=lambda candidate: candidate.live):
        if reasons and candidate.live:
            break
        try:
            images[candidate.name] = luminance(candidate.fuse(scene))
        except ImageError as error:
            reasons[candidate.name] = str(error)
    return {c.name: images[c.name] for c in candidates if c.name in images}, reasons


def _score(
    scene: Scene, images: Mapping[str, Tensor], metrics: Sequence[Metric]
) -> dict[str, dict[str, float]]:
    """Score all images of a scene at once: values by candidate and acronym."""
    shape = (len(images), -1, -1, -1)
    scores = score_all(
        fused=torch.cat(list(images.values())),
        vis=scene.vis_y.expand(shape),
        ir=scene.ir.expand(shape),
        metrics=metrics,
    )
    columns = {acronym: values.tolist() for acronym, values in scores.items()}
    return {
        name: {acronym: column[index] for acronym, column in columns.items()}
        for index, name in enumerate(images)
    }


def _progress(rows: list[_Row]) -> Iterator[_Row]:
    """Go through rows with a bar on a terminal and with lines elsewhere."""
    terminal = sys.stderr.isatty()
    for done, row in enumerate(tqdm(rows, desc="evaluate", unit="pair", disable=not terminal), 1):
        yield row
        if not terminal and (done % _LOG_EVERY == 0 or done == len(rows)):
            _log.info("evaluate: %d of %d pairs", done, len(rows))
