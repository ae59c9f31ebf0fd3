"""What commands tell the registry of the project in the current folder."""

from pathlib import Path
from typing import TypedDict


class Place(TypedDict):
    """The names and the folder that every function about the champion takes."""

    name: str
    experiment: str
    champion_folder: Path


def registry_place() -> Place:
    """Return them for the current folder.

    Raises:
        ParamsError: If params.yaml is not understood.
    """
    from ssvif.fuse.places import CHAMPION
    from ssvif.params import load_params

    params = load_params()
    return Place(
        name=params.register_.name,
        experiment=params.tracking.experiment,
        champion_folder=CHAMPION,
    )
