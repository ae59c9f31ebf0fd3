"""Runs the label-free checks on pairs: for captures that nobody has labelled."""

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from ssvif.errors import ImageError
from ssvif.evaluation.candidates import Candidate, ModelCandidate, Scene, branch_scores
from ssvif.evaluation.checks.branches import BranchChecks
from ssvif.evaluation.checks.flicker import consecutive, flicker
from ssvif.evaluation.checks.table import CHECKS, check_image
from ssvif.ops import luminance

_DIGITS = 6


def run_checks(
    rows: pd.DataFrame,
    candidates: Sequence[Candidate],
    *,
    read: Callable[[Mapping[str, object]], Scene],
    temperature: float,
) -> dict[str, dict[str, float | None]]:
    """Check fused candidates on pairs.

    Args:
        rows: The pairs: id, set, name, block.
        candidates: Those that are not fused are passed over; a folder that lacks a pair is not
            checked there.
        read: Makes a scene of a row.
        temperature: Of the branches' softmax, as in training.

    Returns:
        Means by candidate and check, in the order of `CHECKS`; None where there was nothing to
        check. The branches' checks are those of trained models alone.

    Raises:
        ImageError: If a pair's own file is missing or damaged.
        ModelError: If a model's output is not a number somewhere.
    """
    followers = {later: first for run in consecutive(rows) for first, later in zip(run, run[1:])}
    order = [pair_id for run in consecutive(rows) for pair_id in run]
    alone = [pair_id for pair_id in rows["id"].astype(str) if pair_id not in set(order)]
    by_id = {str(row["id"]): row for row in rows.to_dict("records")}
    runs = [_Checked(each, temperature) for each in candidates if each.fused]
    for pair_id in order + alone:
        scene = read({str(key): value for key, value in by_id[pair_id].items()})
        for run in runs:
            run.add(scene, before=followers.get(pair_id))
    return {run.candidate.name: run.values() for run in runs}


class _Checked:
    """One candidate's checks, as pairs come in; frames of a block come one after another."""

    def __init__(self, candidate: Candidate, temperature: float) -> None:
        self.candidate = candidate
        self._branches = BranchChecks(temperature)
        self._found: dict[str, list[float]] = {}
        self._last: tuple[str, Tensor] = ("", torch.empty(0))

    def add(self, scene: Scene, *, before: str | None) -> None:
        """Check a pair, and its change from the frame before, if that was the last one."""
        try:
            fused = luminance(self.candidate.fuse(scene))
        except ImageError:  # the engine's left_out.csv names it
            return
        planes = torch.cat([fused, scene.vis_y, scene.ir])  # (3, 1, H, W)
        found = check_image(fused=fused, vis=scene.vis_y, ir=scene.ir)
        last_id, last = self._last
        if last_id == before and last.shape == planes.shape:
            moving = torch.stack([last, planes], dim=1)  # (3, T, 1, H, W)
            found["flicker"] = flicker(fused=moving[0], vis=moving[1], ir=moving[2])
        for name, value in found.items():
            self._found.setdefault(name, []).append(value.item())
        if isinstance(self.candidate, ModelCandidate):
            self._branches.add(*branch_scores(scene, self.candidate.model))
        self._last = (scene.id, planes)

    def values(self) -> dict[str, float | None]:
        """Return the means, without those of checks that this candidate cannot have."""
        branches = self._branches.values()
        found = branches | {name: _mean(values) for name, values in self._found.items()}
        names = [c.name for c in CHECKS if not c.of_branches or c.name in branches]
        return {name: _rounded(found.get(name)) for name in names}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, _DIGITS)
