"""The model as MLflow serves it; MLflow copies this file and runs it ("models from code").

Inputs are uint8, as image files are: `vis` (B, H, W, 3) in RGB and `ir` (B, H, W), of one size.
The output is the fused image, uint8 (B, H, W, 3).
Weights are safetensors: nothing is ever unpickled.
"""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ssvif.fuse.fuser import Fuser

if TYPE_CHECKING:
    ModelInput: TypeAlias = dict[str, npt.NDArray[np.uint8]]
else:
    # MLflow reads this hint when the class is made, and warns of a dict of arrays, which the
    # signature describes better; an array it lets pass.
    ModelInput = np.ndarray


class FusionModel(PythonModel):
    """A bundle's fusion network behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the weights of the bundle."""
        self._fuse = Fuser.load(Path(context.artifacts["bundle"]))

    def predict(  # type: ignore[override]  # MLflow also takes this short form
        self, model_input: ModelInput
    ) -> npt.NDArray[np.uint8]:
        """Fuse a batch of pairs.

        Raises:
            ShapeError: If the two images of a pair are not of one size.
        """
        pairs = zip(model_input["vis"], model_input["ir"], strict=True)
        return np.stack([self._fuse(vis, ir) for vis, ir in pairs])


set_model(FusionModel())
