"""The pairs that the page shows: which ones, their images, and these as data URIs."""

import base64
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image
from torch import Tensor

from ssvif.data.images import UInt8Image
from ssvif.errors import ImageError
from ssvif.evaluation.candidates import Candidate, Scene, Segmentations, in_colour
from ssvif.fuse.palette import palette
from ssvif.metrics.table import STANDARD

# All pictures together; the first setting that fits is taken.
BUDGET = 5_500_000
_SETTINGS = ((640, 84), (640, 70), (480, 70), (360, 60), (240, 50))  # longest side, quality

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChosenPair:
    """A pair worth looking at.

    Args:
        id: In the manifest.
        set: The set of captures.
        name: Its name there.
        light: `day` or `night`.
        place: `best`, `median` or `worst` among the pairs of its light.
    """

    id: str
    set: str
    name: str
    light: str
    place: str


@dataclass(frozen=True)
class PicturePair:
    """A chosen pair with its images.

    Args:
        chosen: Which pair.
        vis: (H, W, 3) uint8.
        ir: (H, W) uint8.
        fused: By candidate, (H, W) or (H, W, 3) uint8.
        feature_level: (h, w) prototypes, where the model has segmentations.
        pixel_level: The same shape.
        prototypes: How many there are; 0 without segmentations.
    """

    chosen: ChosenPair
    vis: UInt8Image
    ir: UInt8Image
    fused: Mapping[str, UInt8Image]
    feature_level: UInt8Image | None = None
    pixel_level: UInt8Image | None = None
    prototypes: int = 0

    @property
    def agreement(self) -> float:
        """Share of positions that both segmentations give the same prototype."""
        if self.feature_level is None or self.pixel_level is None:
            return float("nan")
        return float((self.feature_level == self.pixel_level).mean())


@dataclass(frozen=True)
class Encoded:
    """A picture pair as data URIs: by layer (`vis`, `ir`, candidates), and both segmentations."""

    layers: Mapping[str, str]
    segmentations: tuple[str, ...]


def choose_pairs(pairs: pd.DataFrame, candidate: str) -> list[ChosenPair]:
    """Choose the best, the median and the worst pair of each light for a candidate.

    A pair's standing is the mean, over the standard metrics, of its rank among all pairs.

    Args:
        pairs: `pairs.csv`.
        candidate: Whose scores count.

    Returns:
        Up to three pairs a light, by light and then from best to worst.
    """
    own = pairs[pairs["candidate"] == candidate]
    metrics = [metric for metric in STANDARD if metric.acronym in own.columns]
    ranks = [
        own[metric.acronym].rank(pct=True, ascending=metric.higher_is_better) for metric in metrics
    ]
    own = own.assign(standing=pd.concat(ranks, axis=1).mean(axis=1))
    own = own.dropna(subset=["standing"]).sort_values(["standing", "id"], ascending=[False, True])
    chosen = []
    for light, members in own.groupby("light"):
        last = len(members) - 1
        places = {last // 2: "median", last: "worst", 0: "best"}  # later ones win
        for index, place in sorted(places.items()):
            row = members.iloc[index]
            pair_id, set_, name = (str(row[column]) for column in ("id", "set", "name"))
            chosen.append(ChosenPair(pair_id, set_, name, str(light), place))
    return chosen


def picture_pair(
    chosen: ChosenPair,
    scene: Scene,
    candidates: Sequence[Candidate],
    segmentations: Segmentations | None = None,
) -> PicturePair:
    """Fuse a chosen pair with every candidate that can.

    Args:
        chosen: Which pair.
        scene: Its images.
        candidates: Those that are no fusion are passed over, as are folders without the pair.
        segmentations: Of the model, where it has them.

    Raises:
        ModelError: If a model's output is not a number somewhere.
    """
    fused = {}
    for candidate in candidates:
        if candidate.fused:
            try:
                fused[candidate.name] = _to_uint8(in_colour(candidate, scene))
            except ImageError as error:
                _log.info("report: %s has no picture of %s (%s)", candidate.name, chosen.id, error)
    shown = PicturePair(chosen, vis=_to_uint8(scene.vis), ir=_to_uint8(scene.ir), fused=fused)
    if segmentations is None:
        return shown
    levels = (segmentations.feature_level, segmentations.pixel_level)
    feature_level, pixel_level = (level.cpu().numpy().astype(np.uint8) for level in levels)
    return PicturePair(
        chosen,
        vis=shown.vis,
        ir=shown.ir,
        fused=fused,
        feature_level=feature_level,
        pixel_level=pixel_level,
        prototypes=segmentations.prototypes,
    )


def encode_pictures(pictures: Sequence[PicturePair], *, budget: int = BUDGET) -> list[Encoded]:
    """Encode pictures as WebP and segmentations as PNG, together within a number of letters.

    Args:
        pictures: Any number.
        budget: The most letters; smaller and coarser pictures are made until they fit, and the
            coarsest are taken if none do.
    """
    encoded: list[Encoded] = []
    for side, quality in _SETTINGS:
        encoded = [
            Encoded(
                layers={name: _webp(image, side, quality) for name, image in _layers(picture)},
                segmentations=tuple(_segmentation_uris(picture)),
            )
            for picture in pictures
        ]
        if sum(len(uri) for pair in encoded for uri in pair.layers.values()) <= budget:
            break
    return encoded


def _layers(picture: PicturePair) -> Iterator[tuple[str, UInt8Image]]:
    yield "vis", picture.vis
    yield "ir", picture.ir
    yield from picture.fused.items()


def _webp(image: UInt8Image, side: int, quality: int) -> str:
    picture = Image.fromarray(image)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, format="WEBP", quality=quality, method=4)
    return _data_uri("image/webp", stream)


def _segmentation_uris(picture: PicturePair) -> Iterator[str]:
    for segmentation in (picture.feature_level, picture.pixel_level):
        if segmentation is not None:
            image = Image.fromarray(segmentation)
            image.putpalette(palette(picture.prototypes).tobytes())
            stream = io.BytesIO()
            image.save(stream, format="PNG", optimize=True)
            yield _data_uri("image/png", stream)


def _data_uri(kind: str, stream: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"


def _to_uint8(image: Tensor) -> UInt8Image:
    """Return an image (1, C, H, W) in [0, 1] as (H, W) or (H, W, 3)."""
    levels = (image[0] * 255.0).round().byte().permute(1, 2, 0).cpu().numpy()
    return levels[..., 0] if levels.shape[-1] == 1 else levels
