"""Weights on disk: one safetensors file that knows the network it belongs to."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ssvif.errors import ModelError
from ssvif.explain import explain
from ssvif.files import atomic_path
from ssvif.models.fusion import FusionNet
from ssvif.models.network import SsvifModel, build_fusion, build_model
from ssvif.params import NetworkParams

FORMAT = "ssvif-3"

# One key: the file format keeps several in no fixed order, and equal models give equal bytes.
_METADATA_KEY = "ssvif"
_FUSION_PREFIX = "fusion."
_PROTOTYPES = "prototypes"
_LONGEST_REASON = 200
_REMEDY = "name weights that this version made"


def save_model(path: Path, model: SsvifModel, *, network: NetworkParams) -> None:
    """Write a model's weights and its network parameters, atomically.

    Raises:
        StorageError: If the file cannot be written; what was at `path` is still there.
    """
    _save(path, model, prefix="", network=network)


def save_fusion(path: Path, fusion: FusionNet, *, network: NetworkParams) -> None:
    """Write the fusion network alone, atomically: all that fusing needs.

    Raises:
        StorageError: If the file cannot be written; what was at `path` is still there.
    """
    _save(path, fusion, prefix=_FUSION_PREFIX, network=network)


def _save(path: Path, module: nn.Module, *, prefix: str, network: NetworkParams) -> None:
    tensors = {
        f"{prefix}{name}": tensor.contiguous().cpu() for name, tensor in module.state_dict().items()
    }
    description = {"format": FORMAT, "network": network.model_dump(mode="json")}
    metadata = {_METADATA_KEY: json.dumps(description, sort_keys=True)}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=metadata))


def load_fusion(path: Path) -> FusionNet:
    """Read the fusion network alone, ready to fuse; needs no timm.

    Raises:
        ModelError: If the file is missing, damaged, or of another format.
    """
    network, tensors = _read(path, prefix=_FUSION_PREFIX)
    fusion = build_fusion(network)
    _load(fusion, {name.removeprefix(_FUSION_PREFIX): t for name, t in tensors.items()}, path)
    return fusion.eval()


def has_branches(path: Path) -> bool:
    """Tell a whole model's file from one of the fusion network alone.

    Raises:
        ModelError: If the file is missing, damaged, or of another format.
    """
    return bool(_read(path, prefix=_PROTOTYPES)[1])


def load_model(path: Path) -> SsvifModel:
    """Read the whole model, in evaluation mode.

    Raises:
        ModelError: If the file is missing, damaged, of another format, or without branches.
    """
    network, tensors = _read(path)
    if _PROTOTYPES not in tensors:
        raise ModelError(
            f"{path}: holds the fusion network alone, which can fuse and be scored; what is asked "
            "for needs the segmentation branches: name a file that training wrote, such as "
            "models/stage_two.safetensors"
        )
    model = build_model(network, load_pretrained=False)
    _load(model, tensors, path)
    return model.eval()


def read_network(path: Path) -> NetworkParams:
    """Return the network parameters a weights file was made with.

    Raises:
        ModelError: If the file is missing, damaged, or of another format.
    """
    network, _ = _read(path, prefix=None)
    return network


def _read(path: Path, *, prefix: str | None = "") -> tuple[NetworkParams, dict[str, Tensor]]:
    """Read the tensors whose names begin so; none of them where `prefix` is None."""
    if not path.is_file():
        raise ModelError(f"{path}: no such file; train a model with `make repro`, or name another")
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            keys = [] if prefix is None else stream.offset_keys()
            names = [name for name in keys if name.startswith(prefix or "")]
            tensors = {name: stream.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: not a readable safetensors file ({error}); name one that training wrote, "
            "such as models/stage_two.safetensors"
        ) from error
    return _network(path, metadata), tensors


def _network(path: Path, metadata: Mapping[str, str]) -> NetworkParams:
    try:
        description = json.loads(metadata.get(_METADATA_KEY, "{}"))
        if description.get("format") != FORMAT:
            raise ModelError(
                f"{path}: expected weights of format {FORMAT}, found "
                f"{description.get('format', 'another')}; train again with this version"
            )
        return NetworkParams.model_validate(description["network"])
    except (AttributeError, KeyError, ValueError) as error:
        why = explain(error, NetworkParams) if isinstance(error, ValidationError) else error
        raise ModelError(
            f"{path}: its network parameters are not understood ({why}); {_REMEDY}"
        ) from error


def _load(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        why = textwrap.shorten(" ".join(str(error).split()), _LONGEST_REASON)
        raise ModelError(
            f"{path}: the weights do not fit their network ({why}); {_REMEDY}"
        ) from error
