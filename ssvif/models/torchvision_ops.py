"""Operator schemas that timm's import needs where torchvision's compiled part does not load.

timm uses torchvision's Python only, but importing it registers fake kernels for two operators
that torchvision's compiled part defines; beside a CPU build of torch that part may be missing.
"""

import functools

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


@functools.cache
def define_missing_operators() -> torch.library.Library | None:
    """Define the schemas that are missing; call it before `import timm`.

    Returns:
        The library that owns the definitions (they live as long as it does), or None where
        torchvision brought its own.
    """
    if hasattr(torch.ops.torchvision, "nms"):
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS.values():
        library.define(schema)
    return library
