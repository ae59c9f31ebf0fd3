"""What is known of a served model: from its weights' header and the papers beside them."""

import importlib.util
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.fuse.views import FUSED, MACHINE, View
from ssvif.server.sources import Found

_HEADER_BYTES = 8  # of a safetensors file: the length of its header
_LONGEST_HEADER = 100_000_000
_FUSION, _BRANCHES = "fusion.", "prototypes"
_SEGMENTS_WITH = ("torch", "timm")


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


def read_facts(found: Found, *, weights: str, segmentation: bool) -> ModelFacts:
    """Read what is known of a model; papers that are missing or damaged are passed over.

    Args:
        found: The model.
        weights: SHA-256 of its weights.
        segmentation: Whether it segments.
    """
    shapes = _shapes(found.path)
    sizes = [math.prod(shape) for name, shape in shapes.items() if name.startswith(_FUSION)]
    commit = _json(found.path / "lineage.json").get("git_commit")
    is_bundle = found.path.is_dir()  # beside a mere file lies what may be of another one
    return ModelFacts(
        weights=weights,
        name=found.name,
        version=found.version,
        commit=commit if is_bundle and isinstance(commit, str) else None,
        parameters=sum(sizes) or None,
        segmentation=segmentation,
        card=_text(found.path / "MODEL_CARD.md") if is_bundle else "",
        metrics=_json(found.path / "metrics.json") if is_bundle else {},
    )


def why_no_segments(model: Path) -> str:
    """Return why a model cannot segment here, or nothing."""
    if _BRANCHES not in _shapes(model):
        return (
            "the served model is the fusion network alone, as the package's is; serve one that "
            "training made, such as the champion of `dvc repro`"
        )
    missing = [name for name in _SEGMENTS_WITH if importlib.util.find_spec(name) is None]
    if missing:
        return f"segmentation needs {' and '.join(missing)}; install 'ssvif[serve,train]'"
    return ""


def _shapes(model: Path) -> dict[str, list[int]]:
    """Return the shapes of a model's tensors, read from its file's header without torch."""
    weights = model / WEIGHTS_NAME if model.is_dir() else model
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
        # JSON knows no NaN, and so does no answer.
        content = json.loads(_text(path) or "{}", parse_constant=lambda _: None)
        return content if isinstance(content, dict) else {}
    return {}
