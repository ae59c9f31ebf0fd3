"""Options that several commands have."""

from typing import Annotated

import typer

from ssvif.fuse.choices import EngineName, Precision

EngineOption = Annotated[
    EngineName | None,
    typer.Option(help="What runs the network; by default ONNX Runtime where it can."),
]
DeviceOption = Annotated[str, typer.Option(help="cpu or cuda.")]
PrecisionOption = Annotated[
    Precision, typer.Option(help="Of the convolutions; other than float32 is PyTorch's.")
]
