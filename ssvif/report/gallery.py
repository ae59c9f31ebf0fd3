"""The pictures of the page, as what its script needs to show them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ssvif.fuse.palette import palette
from ssvif.report.pictures import PicturePair, encode_pictures
from ssvif.report.terms import in_order, name_of, percent


@dataclass(frozen=True)
class Gallery:
    """Chosen pairs ready to be shown.

    Args:
        layers: Names for people by key: `vis`, `ir` and the candidates that some pair has.
        left: The layer that is on the left at first.
        right: The one on the right.
        pairs: What the script reads, one object a pair.
        key: The colours of the prototypes, `#rrggbb`; empty without segmentations.
    """

    layers: dict[str, str]
    left: str
    right: str
    pairs: list[dict[str, object]]
    key: list[str]


def gallery(pictures: Sequence[PicturePair], *, model: str) -> Gallery:
    """Encode pictures for the page.

    Args:
        pictures: At least one.
        model: The candidate to show first.
    """
    fused = in_order(name for picture in pictures for name in picture.fused)
    layers = {name: name_of(name) for name in ("vis", "ir", *fused)}
    pairs = [
        {
            **_about(picture),
            "layers": dict(encoded.layers),
            "segmentations": list(encoded.segmentations),
        }
        for picture, encoded in zip(pictures, encode_pictures(pictures), strict=True)
    ]
    prototypes = max(picture.prototypes for picture in pictures)
    key = [f"#{bytes(colour).hex()}" for colour in palette(prototypes)] if prototypes else []
    right = model if model in layers else (fused or ["ir"])[0]
    return Gallery(layers=layers, left="vis", right=right, pairs=pairs, key=key)


def _about(picture: PicturePair) -> dict[str, object]:
    chosen = picture.chosen
    height, width = picture.ir.shape
    return {
        "title": f"{chosen.light}, {chosen.place}",
        "name": f"{chosen.set} {chosen.name}",
        "width": width,
        "height": height,
        "agreement": percent(picture.agreement),
    }
