"""Who is evaluated: names checked and models and folders opened before any long work."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch

from ssvif.errors import EvaluationError, ImageError
from ssvif.evaluation.candidates import (
    BOTH,
    MAX,
    MEAN,
    PLAIN,
    Candidate,
    FusionCandidate,
    ModelCandidate,
)
from ssvif.evaluation.folders import FolderCandidate, open_folder
from ssvif.evaluation.pairs import read_scene
from ssvif.fuse.views import MACHINE
from ssvif.models.weights import has_branches, load_fusion, load_model

STAGE_ONE, STAGE_TWO = "stage_one", "stage_two"
MACHINE_SUFFIX = "_machine"  # behind the name of a model whose machine view is shown

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# What metrics.json has beside candidates, and what is always evaluated.
_TAKEN = {"split", "pairs", "branches", "probes", "checks", "stress", "captures", BOTH, *PLAIN}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lineup:
    """The candidates of an evaluation.

    Args:
        models: Trained models.
        folders: Folders of fused images.
    """

    models: tuple[FusionCandidate | ModelCandidate, ...]
    folders: tuple[FolderCandidate, ...]

    @property
    def scored(self) -> tuple[Candidate, ...]:
        """Those that the fusion metrics score, in the order of tables."""
        candidates: tuple[Candidate, ...] = (*self.models, *self.folders, MEAN, MAX)
        return tuple(candidate for candidate in candidates if candidate.fused)

    @property
    def probed(self) -> tuple[Candidate, ...]:
        """Those that a probe may be trained on, in the order of tables."""
        machines = (
            FusionCandidate(f"{m.name}{MACHINE_SUFFIX}", m.fusion, view=MACHINE)
            for m in self.models
        )
        return (*PLAIN.values(), *self.models, *machines, *self.folders)

    @property
    def judged(self) -> str:
        """The candidate that all others are compared with: stage two, if it is there."""
        names = [candidate.name for candidate in self.scored]
        return STAGE_TWO if STAGE_TWO in names else names[0]


def check_names(names: Sequence[str]) -> None:
    """Refuse names that cannot stand in tables, or that are taken.

    Raises:
        EvaluationError: Naming the first.
    """
    for index, name in enumerate(names):
        if not _NAME.fullmatch(name):
            raise EvaluationError(
                f"{name!r} cannot name a candidate; use letters, digits, - _ . (NAME=PATH)"
            )
        if name in _TAKEN or name in names[:index]:
            raise EvaluationError(f"the name {name} is taken; give another one (NAME=PATH)")


def open_lineup(
    rows: pd.DataFrame,
    *,
    manifest: pd.DataFrame,
    pairs: Path,
    models: Mapping[str, Path],
    folders: Mapping[str, Path],
    device: torch.device,
) -> Lineup:
    """Load models, and match folders with pairs.

    Args:
        rows: The pairs that are evaluated.
        manifest: All pairs: a folder may hold images of those that train probes, too.
        pairs: The folder of the canonical images.
        models: Weights files by name.
        folders: Folders of fused images by name.
        device: Where models run.

    Raises:
        EvaluationError: If a name is taken, or a folder has no image of the evaluated pairs.
        ModelError: If a model is missing or damaged.
    """
    check_names([*models, *(f"{name}{MACHINE_SUFFIX}" for name in models), *folders])
    opened = [open_folder(name, path, rows, manifest) for name, path in folders.items()]
    return Lineup(
        models=tuple(open_model(name, path, device) for name, path in models.items()),
        folders=tuple(_at_its_size(folder, rows, pairs) for folder in opened),
    )


def open_model(name: str, path: Path, device: torch.device) -> FusionCandidate | ModelCandidate:
    """Load a model; of a file without branches, the fusion network.

    Raises:
        ModelError: If it is missing or damaged.
    """
    if has_branches(path):
        return ModelCandidate(name, load_model(path).to(device))
    return FusionCandidate(name, load_fusion(path).to(device))


def _at_its_size(folder: FolderCandidate, rows: pd.DataFrame, pairs: Path) -> FolderCandidate:
    """Keep a folder of reduced images for the probes alone: metrics take no other size."""
    row = rows[rows["id"].isin(list(folder.files))].iloc[0].to_dict()
    scene = read_scene(pairs, row, device=torch.device("cpu"))
    try:
        size = folder.read(scene).shape[-2:]
    except ImageError:
        return folder
    if size == scene.ir.shape[-2:]:
        return folder
    _log.warning(
        "%s: images of %dx%d for pairs of %dx%d: they are probed, not scored",
        folder.name, size[1], size[0], scene.ir.shape[-1], scene.ir.shape[-2],
    )  # fmt: skip
    return replace(folder, fused=False)
