"""Runs the label-free checks on pairs: for captures that nobody has labelled."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

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
) -> dict[str, dict[str, float]]:
    """Check fused candidates on pairs.

    Args:
        rows: The pairs: id, set, name, block.
        candidates: Those that are not fused are passed over; a folder that lacks a pair is not
            checked there.
        read: Makes a scene of a row.
        temperature: Of the branches' softmax, as in training.

    Returns:
        Means by candidate and check, in the order of `CHECKS`, as checks.json holds them. What
        no pair could show (no frames in a row, nothing saturated, no branches) is absent.

    Raises:
        ImageError: If a pair's own file is missing or damaged.
        ModelError: If a model's output is not a number somewhere.
    """
    frames = consecutive(rows)
    before = {later: first for run in frames for first, later in pairwise(run)}
    in_rows = [pair_id for run in frames for pair_id in run]
    alone = [pair_id for pair_id in rows["id"].astype(str) if pair_id not in set(in_rows)]
    by_id = {str(row["id"]): row for row in rows.to_dict("records")}
    checked = [_Checked(each, temperature) for each in candidates if each.fused]
    for pair_id in in_rows + alone:
        scene = read({str(key): value for key, value in by_id[pair_id].items()})
        for each in checked:
            each.add(scene, before=before.get(pair_id))
    return {each.candidate.name: each.values() for each in checked}


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

    def values(self) -> dict[str, float]:
        """Return the means of what could be checked."""
        known = {n: [v for v in values if not math.isnan(v)] for n, values in self._found.items()}
        means = {name: math.fsum(v) / len(v) for name, v in known.items() if v}
        found = self._branches.values() | means
        return {c.name: round(found[c.name], _DIGITS) for c in CHECKS if c.name in found}
