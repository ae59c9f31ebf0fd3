"""DVC stage `export`: writes the fusion network for ONNX Runtime, checked against PyTorch."""

import logging
from pathlib import Path

from ssvif import console
from ssvif.files import sha256_file, write_json
from ssvif.fuse.export import export_onnx
from ssvif.models.weights import load_fusion

WEIGHTS = Path("models/stage_two.safetensors")
ONNX = Path("models/onnx")
REPORT = Path("reports/export.json")

_log = logging.getLogger(__name__)


def main() -> None:
    """Export the model of the current folder's project.

    Raises:
        ModelError: If the weights are missing, or the files do otherwise than PyTorch.
        StorageError: If a file cannot be written.
    """
    found = export_onnx(load_fusion(WEIGHTS), ONNX, weights=sha256_file(WEIGHTS))
    size = sum(path.stat().st_size for path in ONNX.iterdir())
    write_json(REPORT, {"bytes": size, "levels": found.levels, "share": found.share})
    _log.info("%s: %d kB, %s", ONNX, size // 1000, found.sentence)


if __name__ == "__main__":
    console.run(main)
