"""`ssvif export`: makes a model's folder that ONNX Runtime can fuse with."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[
        str, typer.Argument(help="Weights file, bundle folder, models:/NAME@ALIAS, or pretrained.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
) -> None:
    """Write a folder that `ssvif fuse --model` takes: the weights, and ONNX files made of them.

    ONNX Runtime starts at once and is faster on CPUs than PyTorch. The files take any height, width
    and batch; they are checked to do as PyTorch does.
    """
    import shutil

    from ssvif.cli.names import named_model
    from ssvif.errors import ModelError
    from ssvif.files import atomic_folder, sha256_file
    from ssvif.fuse.export import export_onnx
    from ssvif.fuse.places import ONNX_NAME, WEIGHTS_NAME
    from ssvif.models.weights import load_fusion

    _, weights = named_model(model)
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise ModelError(f"{out}: exists already; name a folder that is new or empty")
    fusion = load_fusion(weights)
    with atomic_folder(out) as new:
        shutil.copyfile(weights, new / WEIGHTS_NAME)
        found = export_onnx(fusion, new / ONNX_NAME, weights=sha256_file(weights))
    typer.echo(f"{out}: {found.sentence}")
