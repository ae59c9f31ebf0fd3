"""Packs a bundle as an MLflow model: models from code, safetensors, its own copy of `ssvif`."""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import ssvif
from ssvif.fuse.places import ONNX_NAME

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

# Under this folder of an MLflow model is the bundle, named as it was where it came from.
BUNDLE_PARENT = "artifacts"
# The columns of the tables that it takes and gives; `ssvif.registry.scoring` says what they hold.
INPUTS = ("vis", "ir")
OUT, PNG, ERROR = "out", "png", "error"

_CODE = Path(__file__).with_name("pyfunc.py")

# What fusing imports; given by hand, for MLflow takes six seconds to guess.
_REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pandas", "pillow", "pydantic", "PyYAML")
# And where the bundle has no files for ONNX Runtime.
_WITHOUT_ONNX = ("safetensors", "torch")


def save_package(folder: Path, bundle: Path, *, model_id: str, run_id: str | None) -> None:
    """Write an MLflow model.

    Args:
        folder: Where; it must not exist.
        bundle: A model bundle, copied into it.
        model_id: The logged model that it will be the content of.
        run_id: The run that trained it.
    """
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    with warnings.catch_warnings():
        # MLflow asks for an input example; the signature says what the inputs are.
        warnings.simplefilter("ignore", UserWarning)
        save_model(
            path=str(folder),
            python_model=str(_CODE),
            artifacts={"bundle": str(bundle)},
            code_paths=[str(Path(ssvif.__file__).parent)],
            signature=_signature(),
            model_config={"folder": ""},  # MLflow lets no key be set that is not there
            pip_requirements=requirements(bundle),
            mlflow_model=Model(model_id=model_id, model_uuid=model_id, run_id=run_id),
        )


def requirements(bundle: Path) -> list[str]:
    """Return the packages that fusing with a bundle needs, pinned to the versions here."""
    names = [*_REQUIREMENTS, *(() if (bundle / ONNX_NAME).is_dir() else _WITHOUT_ONNX)]
    # A local version such as 2.13.0+cpu names a build that no index has.
    return [f"{name}=={version(name).partition('+')[0]}" for name in names]


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    text = DataType.string
    inputs = [*(ColSpec(text, name) for name in INPUTS), ColSpec(text, OUT, required=False)]
    outputs = [ColSpec(text, name, required=False) for name in (OUT, PNG, ERROR)]
    params = [
        ParamSpec("view", text, "fused"),
        ParamSpec("colour", text, "visible"),
        ParamSpec("ir_range", DataType.double, [], (-1,)),
    ]
    return ModelSignature(
        inputs=Schema([*inputs]), outputs=Schema([*outputs]), params=ParamSchema(params)
    )
