"""What training starts from: nothing, or the champion that `data/champion.lock.json` pins."""

from dataclasses import dataclass
from pathlib import Path

from ssvif.errors import ModelError
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.models.weights import read_network
from ssvif.params import Params
from ssvif.registry.pairs import read_pairs
from ssvif.registry.pin import Pin, pinned_bundle, read_lock


@dataclass(frozen=True)
class Start:
    """A champion that training goes on from.

    Args:
        pin: Which one.
        bundle: The folder of its bundle.
    """

    pin: Pin
    bundle: Path

    @property
    def weights(self) -> Path:
        """Its weights."""
        return self.bundle / WEIGHTS_NAME

    def known_ids(self) -> frozenset[str]:
        """Return the ids of the pairs that it learnt from.

        Raises:
            ModelError: If its bundle does not say.
        """
        pairs = read_pairs(self.bundle)
        return frozenset(pairs.loc[pairs["split"] == "train", "id"])


def find_start(params: Params) -> Start | None:
    """Return the pinned champion that training starts from, or None where it starts from scratch.

    Raises:
        ModelError: If its bundle is missing or another one, or it was made with other `network`
            parameters.
    """
    pin, bundle = read_lock().start, pinned_bundle("start")
    if pin is None or bundle is None or params.stage_one.start == "scratch":
        return None
    start = Start(pin, bundle)
    if read_network(start.weights) != params.network:
        raise ModelError(
            f"{pin.name} version {pin.version}: made with other `network` parameters than "
            "params.yaml has now, so training cannot go on from it; set stage_one.start: scratch, "
            "or take back the change"
        )
    return start
