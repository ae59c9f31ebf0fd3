"""Fuses a whole delivery with the champion at hand; run again, it does what is left to do."""

from pathlib import Path

from ssvif.data.captures import INBOX
from ssvif.data.sets import read_set_info
from ssvif.fuse.cluster import fuse_on_cluster
from ssvif.fuse.files import Fused, delivery_pairs, fuse_files
from ssvif.fuse.pair import Manner
from ssvif.fuse.places import CHAMPION
from ssvif.fuse.recipe import Recipe
from ssvif.retraining.deliveries import set_of


def fuse_delivery(
    folder: Path,
    out: Path,
    *,
    ray: str | None = None,
    champion: Path = CHAMPION,
    inbox: Path = INBOX,
) -> Fused:
    """Fuse all pairs of a delivery.

    Infrared of more than 8 bits gets the range of the delivery's set, so that a temperature looks
    the same in all that is fused of it.

    Args:
        folder: The captures, in any layout of `ssvif.data.layouts`.
        out: A folder for the fused images.
        ray: The address of a Ray cluster whose machines fuse, as `ssvif.fuse.cluster` takes it;
            None for this process alone.
        champion: The bundle of the model that fuses.
        inbox: The sets of captures.

    Returns:
        How many were fused, how many were done already, and why others failed.

    Raises:
        CapturesError: If the folder is missing or holds no pair, or `out` is a file.
        ModelError: If there is no champion.
        ServiceError: If there is no such cluster, or one of its machines cannot fuse.
    """
    info = read_set_info(inbox / set_of(folder.name))
    manner = Manner(info.infrared_range if info else None)
    pairs, manner = delivery_pairs(folder, out, manner=manner)
    recipe = Recipe(champion)
    if ray is not None:
        return fuse_on_cluster(ray, recipe, pairs, manner=manner)
    return fuse_files(recipe.load(), pairs, manner=manner)
