"""A model that is served: what fuses and segments, and what is known of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

import numpy as np

from ssvif.data.images import UInt8Image
from ssvif.errors import ModelError
from ssvif.files import sha256_file
from ssvif.fuse.choices import EngineName, Precision
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.fuse.views import FUSED, MACHINE, View
from ssvif.server.facts import ModelFacts, read_facts, why_no_segments
from ssvif.server.problems import RefusedError
from ssvif.server.sources import Found

if TYPE_CHECKING:
    from ssvif.fuse.segmenter import Segmenter

_WARM = (48, 64)  # what a new model fuses before it is served

# Fuses one pair.
Fuses = Callable[[UInt8Image, UInt8Image], UInt8Image]


@dataclass(frozen=True)
class Runtime:
    """What runs a model; as of `Fuser.load`.

    Args:
        engine: ONNX Runtime or PyTorch, or None for what can.
        device: Where.
        precision: Of the convolutions.
    """

    engine: EngineName | None = None
    device: str = "cpu"
    precision: Precision = "float32"


class ServedModel:
    """A model that any number of threads may use.

    Args:
        fusers: What fuses, for each view.
        facts: What is known of it.
        precision: Of the convolutions.
        callers: How many threads may be in the network at once.
        segments: Reads what segments, if the model can; it is read when it is first asked for.
        why_not: Why it cannot.
    """

    def __init__(
        self,
        fusers: Mapping[View, Fuses],
        facts: ModelFacts,
        *,
        precision: Precision = "float32",
        callers: int = 1,
        segments: "Callable[[], Segmenter] | None" = None,
        why_not: str = "",
    ) -> None:
        self.facts, self.precision = facts, precision
        self._fusers = dict(fusers)
        self._network = BoundedSemaphore(callers)
        self._segments, self._why_not = segments, why_not
        self._segmenter: Segmenter | None = None

    def fuse(self, vis: UInt8Image, ir: UInt8Image, view: View) -> UInt8Image:
        """Fuse a pair, as `Fuser` does."""
        with self._network:
            return self._fusers[view](vis, ir)

    def require_segments(self) -> None:
        """Refuse where the model, or this installation, cannot segment.

        Raises:
            RefusedError: With 501.
        """
        self._require_segments()

    def segment(self, fused: UInt8Image) -> tuple[UInt8Image, int]:
        """Segment a fused image: prototype numbers (H, W), and how many prototypes there are.

        For one thread at a time.

        Raises:
            ModelError: If the branches cannot be read.
            RefusedError: If the model cannot.
        """
        if self._segmenter is None:
            self._segmenter = self._require_segments()()
        return self._segmenter(fused), self._segmenter.prototypes

    def _require_segments(self) -> "Callable[[], Segmenter]":
        if self._segments is None:
            raise RefusedError(501, "no_segmentation", self._why_not)
        return self._segments

    def warm_up(self) -> None:
        """Fuse something in each view: what cannot is found before it is served.

        Raises:
            SsvifError: If it cannot.
        """
        height, width = _WARM
        ir = np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)
        for view in self._fusers:
            self.fuse(np.repeat(ir[..., None], 3, axis=2), ir, view)


def load_served(found: Found, runtime: Runtime) -> ServedModel:
    """Read a model that was found.

    Raises:
        ModelError: If it cannot be read or run so.
    """
    fuser = Fuser.load(
        found.path, engine=runtime.engine, device=runtime.device, precision=runtime.precision
    ).for_many()
    why_not = why_no_segments(found.path)
    facts = read_facts(found, weights=fuser.weights or "", segmentation=not why_not)
    return ServedModel(
        {FUSED: fuser.for_view(FUSED), MACHINE: fuser.for_view(MACHINE)},
        facts,
        precision=fuser.precision,
        callers=fuser.callers,
        segments=None if why_not else lambda: _segmenter(found.path, facts.weights),
        why_not=why_not,
    )


def _segmenter(path: Path, weights: str) -> "Segmenter":
    # Imports torch and timm, which a server does without until somebody asks for segments.
    from ssvif.fuse.segmenter import Segmenter

    segmenter = Segmenter.load(path)
    if sha256_file(path / WEIGHTS_NAME if path.is_dir() else path) != weights:
        raise ModelError(
            f"{path}: another model's weights than those that are served; ask again when it has "
            "taken their place"
        )
    return segmenter
