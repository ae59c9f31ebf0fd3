"""Runs the parts of the fusion network in ONNX Runtime; needs no torch, and starts fast."""

from functools import cached_property
from pathlib import Path

import onnxruntime

from ssvif.errors import ModelError
from ssvif.fuse.choices import Precision
from ssvif.fuse.engine import Bytes, Floats
from ssvif.fuse.places import FEATURES_NAME, FUSED_NAME, HALO_KEY, MACHINE_NAME, WEIGHTS_KEY
from ssvif.threads import cores

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxEngine:
    """The parts as sessions of ONNX Runtime.

    Args:
        folder: What `ssvif.fuse.export.export_onnx` wrote.
        device: `cpu` or `cuda`; the latter needs the package onnxruntime-gpu.
        threads: Of each call; 0 for all cores.

    Raises:
        ModelError: If a file is missing or damaged, the files are not of one model, or ONNX
            Runtime cannot use the device.
    """

    def __init__(self, folder: Path, *, device: str = "cpu", threads: int = 0) -> None:
        names = (FEATURES_NAME, FUSED_NAME, MACHINE_NAME)
        self._features, self._fused, self._machine = (
            _session(folder / name, device, threads or cores()) for name in names
        )
        sessions = (self._features, self._fused, self._machine)
        known = [session.get_modelmeta().custom_metadata_map for session in sessions]
        if any(each != known[0] for each in known) or set(known[0]) != {HALO_KEY, WEIGHTS_KEY}:
            raise ModelError(
                f"{folder}: its files are not of one model; make another folder with `ssvif export`"
            )
        self.halo = int(known[0][HALO_KEY])
        self.precision: Precision = "float32"
        self.callers = cores() if threads == 1 else 1
        self._folder, self._device, self._threads = folder, device, threads
        self.weights: str = known[0][WEIGHTS_KEY]

    def for_many(self) -> "OnnxEngine":
        """Return an engine of one thread a call, to be called by as many threads as cores."""
        if self._device != "cpu" or self._threads == 1:
            return self
        return self._many

    @cached_property
    def _many(self) -> "OnnxEngine":
        return OnnxEngine(self._folder, threads=1)

    def features(self, vis: Bytes, ir: Bytes, rows: Floats) -> tuple[Floats, Floats]:
        """See `Engine.features`."""
        features, sums = self._features.run(None, {"vis": vis, "ir": ir, "rows": rows})
        return features, sums

    def fused(self, vis: Bytes, ir: Bytes, features: Floats, means: Floats) -> Bytes:
        """See `Engine.fused`."""
        feed = {"vis": vis, "ir": ir, "features": features, "means": means}
        (image,) = self._fused.run(None, feed)
        pixels: Bytes = image
        return pixels

    def machine(self, vis: Bytes, ir: Bytes, means: Floats) -> Bytes:
        """See `Engine.machine`."""
        (image,) = self._machine.run(None, {"vis": vis, "ir": ir, "means": means})
        pixels: Bytes = image
        return pixels


def _session(path: Path, device: str, threads: int) -> onnxruntime.InferenceSession:
    provider = _PROVIDERS.get(device)
    if provider not in onnxruntime.get_available_providers():
        raise ModelError(
            f"ONNX Runtime cannot run on {device} here; expected one of "
            f"{', '.join(_devices())}, or use PyTorch (--engine torch)"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of shapes that are known at run time only
    options.intra_op_num_threads = threads
    # Idle threads would spin on, and hold up those of the session that comes next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[provider])
    except Exception as error:  # ONNX Runtime's errors have no common type
        first_line = str(error).splitlines()[0]
        raise ModelError(
            f"{path}: not readable by ONNX Runtime ({first_line}); make another "
            "folder with `ssvif export`"
        ) from error
    # A provider that is there but does not load is left out without a word.
    if session.get_providers()[0] != provider:
        raise ModelError(
            f"ONNX Runtime has {provider}, and it does not load; see that the versions of CUDA and "
            "cuDNN are those of onnxruntime-gpu, or use --device cpu"
        )
    return session


def _devices() -> list[str]:
    available = onnxruntime.get_available_providers()
    return [device for device, provider in _PROVIDERS.items() if provider in available]
