"""Which fuser is loaded, and how: what a call says once, and each machine does."""

from dataclasses import dataclass
from pathlib import Path

from ssvif.fuse.choices import EngineName, Precision
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.views import FUSED, View


@dataclass(frozen=True)
class Recipe:
    """How each machine loads its fuser; see `Fuser.load`.

    Args:
        model: A folder or a file that all machines see; None for the one in the package.
        view: For whom the images are.
        engine: What runs the network.
        device: Where it runs.
        precision: Of the convolutions.
    """

    model: Path | None
    view: View = FUSED
    engine: EngineName | None = None
    device: str = "cpu"
    precision: Precision = "float32"

    def load(self) -> Fuser:
        """Read the fuser.

        Raises:
            ModelError: If there is no model, or it cannot be read or run so.
        """
        return Fuser.load(
            self.model or PRETRAINED,
            view=self.view,
            engine=self.engine,
            device=self.device,
            precision=self.precision,
        )
