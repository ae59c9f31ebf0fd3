"""The new pairs that are least like what the champion learnt."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssvif.data.images import read_infrared_raw, read_visible
from ssvif.data.manifest import pair_paths
from ssvif.drift.measure import Drift
from ssvif.drift.measures import BY_NAME, SCALARS
from ssvif.report.pictures import ChosenPair, PicturePair, encode_pictures

SHOWN = 6
_PIXELS = 1 << 28  # canonical pairs are files of our own making
_BUDGET = 500_000  # letters of all pictures together
_FARTHEST = 5.0  # middle halves of the learnt
_ROUNDING = 1.0e-9


@dataclass(frozen=True)
class Unusual:
    """A new pair, and in what it stands out.

    Args:
        id: In the manifest.
        set: The set of captures.
        name: Its name there.
        light: `day` or `night`.
        measure: The one in which it stands out most.
        value: What it has of it.
        low: The least of the middle half of the learnt.
        high: The greatest of it.
    """

    id: str
    set: str
    name: str
    light: str
    measure: str
    value: float
    low: float
    high: float

    @property
    def reason(self) -> str:
        """In what it stands out, as a sentence."""
        measure = BY_NAME[self.measure]
        return (
            f"{measure.title} {self.value:.3g}; of the learnt, half are between {self.low:.3g} and"
            f" {self.high:.3g}"
        )


@dataclass(frozen=True)
class Shown:
    """An unusual pair with its images as data URIs."""

    pair: Unusual
    vis: str
    ir: str
    width: int
    height: int


def most_unusual(drift: Drift, count: int = SHOWN) -> list[Unusual]:
    """Return the new pairs that stand out most, one a block of scenes at most.

    How far a pair stands out in a measure is its distance from the learnt median, in units of
    their middle half; over all measures it is the mean, so that a wild value of one, such as a
    shift by night, does not decide alone.

    Args:
        drift: What was found.
        count: The most pairs.
    """
    names = [m.name for m in SCALARS if m.name in drift.reference and m.name in drift.new]
    if drift.new.empty:
        return []
    low, median, high = (drift.reference[names].quantile(q) for q in (0.25, 0.5, 0.75))
    width = (high - low).clip(lower=_ROUNDING)  # of a constant, any other value is the farthest
    away = ((drift.new[names] - median).abs() / width).clip(upper=_FARTHEST)
    order = drift.new.assign(far=away.mean(axis=1), measure=away.idxmax(axis=1))
    order = order.sort_values(["far", "id"], ascending=[False, True]).drop_duplicates("block")
    return [
        Unusual(
            id=str(row["id"]),
            set=str(row["set"]),
            name=str(row["name"]),
            light=str(row["light"]),
            measure=str(row["measure"]),
            value=float(row[str(row["measure"])]),
            low=float(low[str(row["measure"])]),
            high=float(high[str(row["measure"])]),
        )
        for row in order.head(count).to_dict("records")
    ]


def show(pairs: list[Unusual], folder: Path) -> list[Shown]:
    """Return pairs with their images; those that are not on disk are left out.

    Args:
        pairs: Which.
        folder: `data/pairs`.

    Raises:
        ImageError: If an image is damaged.
    """
    there = [one for one in pairs if all(path.is_file() for path in pair_paths(one.id, folder))]
    pictures = [_picture(one, folder) for one in there]
    encoded = encode_pictures(pictures, budget=_BUDGET)
    return [
        Shown(one, found.layers["vis"], found.layers["ir"], *reversed(picture.ir.shape))
        for one, picture, found in zip(there, pictures, encoded, strict=True)
    ]


def _picture(pair: Unusual, folder: Path) -> PicturePair:
    vis, ir = pair_paths(pair.id, folder)
    chosen = ChosenPair(pair.id, pair.set, pair.name, pair.light, place="")
    return PicturePair(
        chosen,
        vis=read_visible(vis, max_pixels=_PIXELS),
        ir=read_infrared_raw(ir, max_pixels=_PIXELS).astype(np.uint8),
        fused={},
    )
