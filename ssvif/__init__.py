"""Self-supervised visible and infrared image fusion that serves segmentation.

import ssvif

fused = ssvif.fuse(vis, ir)
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    # Found at the first use, so that nothing is imported that is not needed. It can be called.
    if name == "fuse":
        return importlib.import_module("ssvif.fuse")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
