"""A model that is served: what fuses and segments, and what is known of it."""

import importlib.util
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, Field

from ssvif.data.images import UInt8Image
from ssvif.fuse.choices import EngineName, Precision
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.fuse.views import FUSED, MACHINE, View
from ssvif.server.problems import RefusedError
from ssvif.server.sources import Found

if TYPE_CHECKING:
    from ssvif.fuse.segmenter import Segmenter

_WARM = (48, 64)  # what a new model fuses before it is served
_HEADER_BYTES = 8  # of a safetensors file: the length of its header
_LONGEST_HEADER = 100_000_000
_FUSION, _BRANCHES = "fusion.", "prototypes"
_SEGMENTS_WITH = ("torch", "timm")

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


class ModelFacts(BaseModel):
    """What is known of a served model."""

    weights: str = Field(description="SHA-256 of the weights; `X-SSVIF-Model` of the images.")
    name: str = Field(description="What it was found as, such as champion or pretrained.")
    version: str | None = Field(default=None, description="Of the registry, if it is from there.")
    commit: str | None = Field(default=None, description="Of the code it was trained with.")
    parameters: int | None = Field(default=None, description="Numbers in the fusion network.")
    views: list[View] = Field(default=[FUSED, MACHINE], description="What `view` may be.")
    segmentation: bool = Field(default=False, description="Whether /v1/segment works.")
    card: str = Field(default="", description="The model card, Markdown.")
    metrics: dict[str, Any] = Field(default_factory=dict, description="Its evaluation.")


class ServedModel:
    """A model that any number of threads may use.

    Args:
        fusers: What fuses, for each view.
        facts: What is known of it.
        callers: How many threads may be in the network at once.
        segments: Reads what segments, if the model can; it is read when it is first asked for.
        why_not: Why it cannot.
    """

    def __init__(
        self,
        fusers: Mapping[View, Fuses],
        facts: ModelFacts,
        *,
        callers: int = 1,
        segments: "Callable[[], Segmenter] | None" = None,
        why_not: str = "",
    ) -> None:
        self.facts = facts
        self._fusers = dict(fusers)
        self._network = BoundedSemaphore(callers)
        self._segments, self._why_not = segments, why_not
        self._segmenter: Segmenter | None = None
        self._one_at_a_time = Lock()

    def fuse(self, vis: UInt8Image, ir: UInt8Image, view: View) -> UInt8Image:
        """Fuse a pair, as `Fuser` does."""
        with self._network:
            return self._fusers[view](vis, ir)

    def require_segments(self) -> None:
        """Refuse where the model, or this installation, cannot segment.

        Raises:
            RefusedError: With 501.
        """
        if self._segments is None:
            raise RefusedError(501, "no_segmentation", self._why_not)

    def segment(self, fused: UInt8Image) -> tuple[UInt8Image, int]:
        """Segment a fused image: prototype numbers (H, W), and how many prototypes there are.

        Raises:
            ModelError: If the branches cannot be read.
            RefusedError: If the model cannot.
        """
        self.require_segments()
        with self._one_at_a_time:  # PyTorch takes all cores for one
            if self._segmenter is None and self._segments is not None:
                self._segmenter = self._segments()
            assert self._segmenter is not None  # noqa: S101
            return self._segmenter(fused), self._segmenter.prototypes

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
    folder = found.path if found.path.is_dir() else found.path.parent
    weights = found.path / WEIGHTS_NAME if found.path.is_dir() else found.path
    shapes = _shapes(weights)
    why_not = _why_no_segments(shapes)
    sizes = [math.prod(shape) for name, shape in shapes.items() if name.startswith(_FUSION)]
    is_bundle = found.path.is_dir()
    facts = ModelFacts(
        weights=fuser.weights or "",
        name=found.name,
        version=found.version,
        commit=_json(folder / "lineage.json").get("git_commit") if is_bundle else None,
        parameters=sum(sizes) or None,
        segmentation=not why_not,
        card=_text(folder / "MODEL_CARD.md") if is_bundle else "",
        metrics=_json(folder / "metrics.json") if is_bundle else {},
    )
    return ServedModel(
        {FUSED: fuser.for_view(FUSED), MACHINE: fuser.for_view(MACHINE)},
        facts,
        callers=fuser.callers,
        segments=None if why_not else lambda: _segmenter(found.path),
        why_not=why_not,
    )


def _segmenter(path: Path) -> "Segmenter":
    # Imports torch and timm, which a server does without until somebody asks for segments.
    from ssvif.fuse.segmenter import Segmenter

    return Segmenter.load(path)


def _why_no_segments(shapes: Mapping[str, list[int]]) -> str:
    """Return why a model cannot segment, or nothing."""
    if _BRANCHES not in shapes:
        return (
            "the served model is the fusion network alone, as the package's is; serve one that "
            "training made, such as the champion of `dvc repro`"
        )
    missing = [name for name in _SEGMENTS_WITH if importlib.util.find_spec(name) is None]
    if missing:
        return f"segmentation needs {' and '.join(missing)}; install 'ssvif[serve,train]'"
    return ""


def _shapes(weights: Path) -> dict[str, list[int]]:
    """Return the shapes of a safetensors file's tensors, read from its header without torch."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        with weights.open("rb") as stream:
            size = int.from_bytes(stream.read(_HEADER_BYTES), "little")
            header = json.loads(stream.read(min(size, _LONGEST_HEADER)))
        header.pop("__metadata__", None)
        return {name: [int(side) for side in entry["shape"]] for name, entry in header.items()}
    return {}


def _text(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8")
    return ""


def _json(path: Path) -> dict[str, Any]:
    with suppress(ValueError):
        content = json.loads(_text(path) or "{}")
        return content if isinstance(content, dict) else {}
    return {}
