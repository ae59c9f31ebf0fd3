"""Fuses arrays with a trained fusion network, whatever runs it and however large they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from ssvif.data.images import UInt8Image
from ssvif.errors import ModelError, ShapeError
from ssvif.files import sha256_file
from ssvif.fuse.choices import EngineName, Precision, require_choice
from ssvif.fuse.colour import as_rgb
from ssvif.fuse.engine import Bytes, Engine, Floats
from ssvif.fuse.places import ONNX_NAME, WEIGHTS_NAME, model_in_use
from ssvif.fuse.tiles import STATISTICS, Strip, places, strips
from ssvif.fuse.views import FUSED, MACHINE, View

# Larger images are fused in strips of about so many pixels: of the whole only the features stay.
STRIP_PIXELS = 1 << 22


class Fuser:
    """A fusion network behind arrays of bytes.

    Args:
        engine: What runs the network.
        view: For whom the images are.
        weights: SHA-256 of the weights file that the network comes from, or None.
        strip_pixels: Larger images are fused in strips of about so many pixels.
    """

    def __init__(
        self,
        engine: Engine[Any],
        *,
        view: View = FUSED,
        weights: str | None = None,
        strip_pixels: int = STRIP_PIXELS,
    ) -> None:
        self.view = view
        self.weights = weights
        self.precision = engine.precision
        self.callers = engine.callers
        self._engine = engine
        self._strip_pixels = strip_pixels

    @classmethod
    def load(
        cls,
        model: Path | None = None,
        *,
        view: View = FUSED,
        engine: EngineName | None = None,
        device: str = "cpu",
        precision: Precision = "float32",
    ) -> "Fuser":
        """Read a fuser from a bundle's folder or a weights file.

        Args:
            model: A folder that holds `weights.safetensors` or `onnx/`, or a safetensors file. None
                for the champion in the current folder, or the model that comes with the package.
            view: For whom the images are.
            engine: What runs it; None for ONNX Runtime where the folder has the files for it and
                the precision is float32, else PyTorch. They differ by one grey level at most.
            device: Where it runs, such as `cpu` or `cuda`.
            precision: Of the convolutions, in PyTorch.

        Raises:
            ModelError: If there is no model, or it cannot be read or run so.
        """
        require_choice("view", view, get_args(View))
        require_choice("precision", precision, get_args(Precision))
        if engine is not None:
            require_choice("engine", engine, get_args(EngineName))
        model = model or model_in_use()
        if not model.exists():
            raise ModelError(f"{model}: no such file or folder; see --model")
        onnx = model / ONNX_NAME
        if engine is None:
            engine = "onnx" if onnx.is_dir() and precision == "float32" else "torch"
        weights = model / WEIGHTS_NAME if model.is_dir() else model
        if engine == "torch":
            runs = _torch_engine(weights, device, precision)
            return cls(runs, view=view, weights=sha256_file(weights))
        if precision != "float32":
            raise ModelError(f"precision {precision}: needs PyTorch (--engine torch)")
        if not onnx.is_dir():
            raise ModelError(
                f"{onnx}: no such folder; make another folder with `ssvif export`, or use PyTorch "
                "(--engine torch)"
            )
        from ssvif.fuse.onnx_engine import OnnxEngine

        session = OnnxEngine(onnx, device=device)
        if weights.is_file() and sha256_file(weights) != session.weights:
            raise ModelError(
                f"{onnx}: not made of {weights}; make another folder with `ssvif export`"
            )
        return cls(session, view=view, weights=session.weights)

    def for_many(self) -> "Fuser":
        """Return a fuser for many pairs, which `callers` threads may call at once."""
        return Fuser(
            self._engine.for_many(),
            view=self.view,
            weights=self.weights,
            strip_pixels=self._strip_pixels,
        )

    def for_view(self, view: View) -> "Fuser":
        """Return a fuser for another view, which shares this one's network.

        Raises:
            ModelError: If there is no such view.
        """
        require_choice("view", view, get_args(View))
        return Fuser(self._engine, view=view, weights=self.weights, strip_pixels=self._strip_pixels)

    def __call__(self, vis: UInt8Image, ir: UInt8Image) -> UInt8Image:
        """Fuse one registered pair.

        Args:
            vis: Visible, (H, W, 3) RGB or (H, W) grey, uint8.
            ir: Infrared, (H, W), uint8.

        Returns:
            The image, uint8: the fused one of the shape of `vis`, the machine view (H, W, 3).

        Raises:
            ShapeError: If the arrays are of other shapes or types.
            ModelError: If the network's values are not numbers.
        """
        return self.batch([vis], [ir])[0]

    def batch(
        self, vis: Sequence[UInt8Image] | UInt8Image, ir: Sequence[UInt8Image] | UInt8Image
    ) -> list[UInt8Image]:
        """Fuse registered pairs of one size, at once.

        Args:
            vis: Visible images, each (H, W, 3) RGB or (H, W) grey, uint8; or one array of them.
            ir: As many infrared images, each (H, W), uint8.

        Returns:
            An image a pair, as `__call__` returns it.

        Raises:
            ShapeError: If the arrays are of other shapes or types, or not all of one size.
            ModelError: If the network's values are not numbers.
        """
        if len(vis) != len(ir):
            raise ShapeError(f"expected as many images of each camera, found {len(vis)}, {len(ir)}")
        for pair in zip(vis, ir, strict=True):
            _require_pair(*pair)
        if len({image.shape for image in ir}) > 1:
            raise ShapeError("expected pairs of one size in a batch; fuse other sizes apart")
        if not len(vis):
            return []
        colours = np.stack([as_rgb(image) for image in vis])
        images = self._fuse(colours, np.stack(list(ir)))
        is_grey = [image.ndim == 2 and self.view == FUSED for image in vis]
        return [
            np.ascontiguousarray(image[..., 0]) if grey else image
            for image, grey in zip(images, is_grey, strict=True)
        ]

    def _fuse(self, vis: Bytes, ir: Bytes) -> Bytes:
        """Fuse (B, H, W, 3) and (B, H, W): every strip is seen before the first one is made."""
        height, width = ir.shape[1:]
        cut = list(strips(height, width, pixels=self._strip_pixels, halo=self._engine.halo))
        seen = [self._look(vis, ir, strip) for strip in cut]
        means = _means(np.sum([sums for _, sums in seen], axis=0, dtype=np.float64), height, width)
        made = (
            self._make(vis, ir, strip, features, means)[:, strip.own]
            for strip, (features, _) in zip(cut, seen, strict=True)
        )
        return next(made) if len(cut) == 1 else np.concatenate(list(made), axis=1)

    def _look(self, vis: Bytes, ir: Bytes, strip: Strip) -> tuple[object, Floats]:
        rows = np.zeros(strip.seen_bottom - strip.seen_top, np.float32)
        rows[strip.own] = 1.0
        features, sums = self._engine.features(*_cut(vis, ir, strip), rows)
        return (None if self.view == MACHINE else features), sums

    def _make(self, vis: Bytes, ir: Bytes, strip: Strip, features: object, means: Floats) -> Bytes:
        seen_vis, seen_ir = _cut(vis, ir, strip)
        if self.view == MACHINE:
            return self._engine.machine(seen_vis, seen_ir, means)
        return self._engine.fused(seen_vis, seen_ir, features, means)


def _torch_engine(weights: Path, device: str, precision: Precision) -> Engine[Any]:
    # torch takes longer to import than most runs take.
    from ssvif.fuse.torch_engine import TorchEngine
    from ssvif.models.weights import load_fusion

    return TorchEngine(load_fusion(weights), device=device, precision=precision)


def _cut(vis: Bytes, ir: Bytes, strip: Strip) -> tuple[Bytes, Bytes]:
    return np.ascontiguousarray(vis[:, strip.seen]), np.ascontiguousarray(ir[:, strip.seen])


def _means(sums: npt.NDArray[np.float64], height: int, width: int) -> Floats:
    """Return means of the sums (B, S) over their places."""
    features, pixels = places(height, width)
    count = np.full(sums.shape[1], features)
    count[-STATISTICS:] = pixels
    means: Floats = (sums / count).astype(np.float32)
    if not np.isfinite(means).all():
        raise ModelError(
            "the model's features have values that are not numbers; train it again, or use the "
            "model before it"
        )
    return means


def _require_pair(vis: npt.NDArray[np.generic], ir: npt.NDArray[np.generic]) -> None:
    shaped = vis.ndim in (2, 3) and vis.shape[2:] in ((), (3,)) and ir.ndim == 2
    if not shaped or vis.dtype != np.uint8 or ir.dtype != np.uint8:
        raise ShapeError(
            f"expected vis (H, W, 3) or (H, W) and ir (H, W), both uint8, found vis {vis.shape} "
            f"{vis.dtype} and ir {ir.shape} {ir.dtype}"
        )
    if vis.shape[:2] != ir.shape or not ir.size:
        raise ShapeError(
            f"vis is {vis.shape[1]}x{vis.shape[0]}, ir is {ir.shape[1]}x{ir.shape[0]}; register "
            "the pair to one size first"
        )
