"""Fusing files and arrays with a trained model; called, it is `ssvif.fuse.api.fuse`."""

import sys
from types import ModuleType


class _CallableRoom(ModuleType):
    """A package that can be called, so that `ssvif.fuse(vis, ir)` is all that is to be typed."""

    def __call__(self, vis: object, ir: object, **options: object) -> object:
        """Fuse; `ssvif.fuse.api.fuse` says what and how. Imports wait until it is called."""
        from ssvif.fuse import api

        return api.fuse(vis, ir, **options)  # type: ignore[type-var, arg-type]


sys.modules[__name__].__class__ = _CallableRoom
