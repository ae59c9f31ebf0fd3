"""`ssvif.fuse(vis, ir)`: fuses what a program has at hand, and gives back the same kind.

>>> import numpy as np
>>> import ssvif
>>> vis = np.full((48, 64, 3), 90, np.uint8)
>>> ir = np.zeros((48, 64), np.uint8)
>>> ir[16:32, 24:40] = 255
>>> fused = ssvif.fuse(vis, ir)
>>> fused.shape, fused.dtype
((48, 64, 3), dtype('uint8'))
>>> int(fused[24, 32].mean()) > int(fused[4, 4].mean())
True
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from ssvif.data.images import grey_infrared
from ssvif.errors import ImageError, ShapeError
from ssvif.fuse.choices import EngineName, Precision
from ssvif.fuse.engine import Bytes
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import model_in_use
from ssvif.fuse.views import FUSED, View

if TYPE_CHECKING:
    from torch import Tensor

# What images may be: arrays, PIL images or tensors.
Images = TypeVar("Images", Bytes, Image.Image, "Tensor")

_WHITE = 255.0
_ROUNDING = 1.0e-3  # what interpolation may leave beyond black and white


def fuse(
    vis: Images,
    ir: Images,
    *,
    model: str | Path | None = None,
    view: View = FUSED,
    engine: EngineName | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
) -> Images:
    """Fuse a registered pair, or a batch of pairs of one size.

    Args:
        vis: Visible. An array of bytes (H, W, 3), (H, W) if grey, or (B, H, W, 3); a PIL image; or
            a tensor (3, H, W), (1, H, W) or (B, C, H, W), of bytes or of floats in [0, 1].
        ir: Infrared, as the visible one is, with one channel: (H, W) or (B, H, W); (1, H, W) or
            (B, 1, H, W) for tensors.
        model: A weights file or a model's folder; by default the champion in the current folder,
            or the model that comes with the package. It is read once, and kept.
        view: `fused`, for people, or `machine`, for a segmenter.
        engine: `onnx` or `torch`; by default ONNX Runtime where it can.
        device: Where it runs, such as `cpu` or `cuda`.
        precision: Of the convolutions, in PyTorch.

    Returns:
        The fused image, or the batch of them: of the kind of `vis`, with as many channels, of which
        the machine view always has three. Tensors keep their device and type.

    Raises:
        ShapeError: If the images are of other shapes or kinds, or not of one size, or none, or a
            tensor's floats are not in [0, 1].
        ImageError: If a PIL image has more than 8 bits, or the infrared one is in colour.
        ModelError: If there is no model, or it cannot be read or run so, or no such choice.
    """
    place = Path(model) if model else model_in_use()
    fuser = _fuser(place.resolve(), view, engine, device, precision)
    if isinstance(vis, Image.Image) and isinstance(ir, Image.Image):
        return Image.fromarray(fuser(_visible_of(vis), grey_infrared(ir, "infrared")))
    if isinstance(vis, np.ndarray) and isinstance(ir, np.ndarray):
        return _fuse_arrays(fuser, vis, ir)
    if hasattr(vis, "detach") and hasattr(ir, "detach"):
        return _fuse_tensors(fuser, vis, ir)
    raise ShapeError(
        "expected two NumPy arrays, two PIL images or two tensors, found "
        f"{type(vis).__name__} and {type(ir).__name__}"
    )


@lru_cache(maxsize=4)
def _fuser(
    model: Path, view: View, engine: EngineName | None, device: str, precision: Precision
) -> Fuser:
    return Fuser.load(model, view=view, engine=engine, device=device, precision=precision)


def _visible_of(image: Image.Image) -> Bytes:
    if image.mode == "F" or image.mode.startswith("I"):
        raise ImageError(f"visible: more than 8 bits (mode {image.mode}); bring it to 8 bits first")
    return np.asarray(image.convert("L" if image.mode in ("L", "1") else "RGB"))


def _fuse_arrays(fuser: Fuser, vis: Bytes, ir: Bytes) -> Bytes:
    if ir.ndim != 3:
        return fuser(vis, ir)
    _require_some(ir)
    return np.stack(fuser.batch(vis, ir))


def _fuse_tensors(fuser: Fuser, vis: "Tensor", ir: "Tensor") -> "Tensor":
    import torch

    if vis.ndim != ir.ndim or ir.ndim not in (3, 4) or ir.shape[-3] != 1:
        raise ShapeError(
            "expected tensors (C, H, W) or (B, C, H, W), infrared with one channel, found vis "
            f"{tuple(vis.shape)} and ir {tuple(ir.shape)}"
        )
    _require_some(ir)
    pixels, heat = (_bytes_of(image if image.ndim == 4 else image[None]) for image in (vis, ir))
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    made = torch.from_numpy(np.stack(fuser.batch(pixels, heat[..., 0])))
    made = made.permute(0, 3, 1, 2) if made.ndim == 4 else made[:, None]  # (B, H, W[, 3]) -> BCHW
    made = made.to(vis.device) if vis.dtype == torch.uint8 else (made / _WHITE).to(vis)
    return made if vis.ndim == 4 else made[0]


def _require_some(ir: "Bytes | Tensor") -> None:
    if not len(ir):
        raise ShapeError("expected at least one pair, found an empty batch")


def _bytes_of(images: "Tensor") -> Bytes:
    """Return (B, C, H, W) as bytes (B, H, W, C)."""
    import torch

    if images.is_floating_point():
        low, high = map(float, images.detach().aminmax())  # NaN if one is
        if not -_ROUNDING <= low <= high <= 1.0 + _ROUNDING:
            raise ShapeError(
                f"expected floats in [0, 1], found {low:g} to {high:g}; bring them there, or give "
                "bytes"
            )
        images = (images.detach() * _WHITE).round().clamp(0.0, _WHITE).to(torch.uint8)
    pixels: Bytes = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels
