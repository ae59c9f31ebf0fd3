"""The model as MLflow serves it; MLflow copies this file and runs it ("models from code").

It fuses the rows of a data frame: `ssvif.registry.scoring` says what its columns are. The folder
that paths are relative to, and never leave, is `folder` of the model's configuration, or the
environment's `SSVIF_FOLDER`. Weights are safetensors: nothing is ever unpickled.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ssvif.errors import SsvifError
from ssvif.explain import explain
from ssvif.fuse.choices import VISIBLE, Colour
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pair import Manner
from ssvif.fuse.views import FUSED, View
from ssvif.registry.scoring import FOLDER_VARIABLE, score


class Options(BaseModel):
    """How a call is answered: MLflow's `params`."""

    model_config = ConfigDict(extra="forbid")

    view: View = FUSED
    colour: Colour = VISIBLE
    ir_range: tuple[float, float] | tuple[()] = ()

    @model_validator(mode="after")
    def _machine_has_its_own_colours(self) -> "Options":
        if self.view != FUSED and self.colour != VISIBLE:
            raise ValueError(f"no colour beside view {self.view}")
        return self


class FusionModel(PythonModel):
    """A bundle's fusion network behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights of the bundle."""
        named = (context.model_config or {}).get("folder") or os.environ.get(FOLDER_VARIABLE)
        self._folder = Path(named) if named else None
        self._fuser = Fuser.load(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  # MLflow calls it so
        model_input: pd.DataFrame,
        params: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Fuse the pairs of a data frame.

        Raises:
            MlflowException: If the parameters are not understood.
        """
        try:
            options = Options.model_validate(dict(params or {}))
        except ValidationError as error:
            raise MlflowException.invalid_parameter_value(explain(error, Options)) from error
        try:
            manner = Manner(options.ir_range or None, options.colour)
        except SsvifError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        fuser = self._fuser.for_view(options.view)
        return score(fuser, model_input, folder=self._folder, manner=manner)


set_model(FusionModel())
