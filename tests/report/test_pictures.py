import base64
import io
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from ssvif.errors import ImageError
from ssvif.evaluation.candidates import MEAN, VIS, Scene
from ssvif.fuse.palette import palette
from ssvif.report.gallery import gallery
from ssvif.report.pictures import (
    ChosenPair,
    PicturePair,
    choose_pairs,
    encode_pictures,
    picture_pair,
)

CHOSEN = ChosenPair("0" * 16, "roads", "000", "day", "best")


@dataclass(frozen=True)
class Gone:
    """A folder of fused images that lacks the pair."""

    name: str = "gone"
    fused: bool = True
    live: bool = False

    def fuse(self, scene: Scene) -> Tensor:
        raise ImageError(f"no image of {scene.id}")


def decode(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def scores(values: list[float], lights: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"{index:02d}" for index in range(len(values))],
            "set": "roads",
            "name": "x",
            "light": lights,
            "candidate": "stage_two",
            "Qabf": values,
        }
    )


def test_choose_pairs__best_median_and_worst_of_each_light() -> None:
    table = scores([0.1, 0.9, 0.5, 0.6, 0.3, 0.4], ["day"] * 3 + ["night"] * 3)
    found = [(pair.light, pair.place, pair.id) for pair in choose_pairs(table, "stage_two")]
    assert found == [
        ("day", "best", "01"),
        ("day", "median", "02"),
        ("day", "worst", "00"),
        ("night", "best", "03"),
        ("night", "median", "05"),
        ("night", "worst", "04"),
    ]


def test_choose_pairs__few_pairs_are_shown_once() -> None:
    found = choose_pairs(scores([0.1, 0.9, 0.5], ["day", "day", "night"]), "stage_two")
    assert [(pair.light, pair.place) for pair in found] == [
        ("day", "best"),
        ("day", "worst"),
        ("night", "best"),
    ]


def test_choose_pairs__follows_the_candidate() -> None:
    own = scores([0.1, 0.9, 0.5], ["day"] * 3)
    other = scores([0.9, 0.1, 0.5], ["day"] * 3).assign(candidate="max")
    table = pd.concat([own, other])
    assert choose_pairs(table, "stage_two")[0].id == "01"
    assert choose_pairs(table, "max")[0].id == "00"


def test_picture_pair__has_fusions_in_colour_and_passes_over_what_is_missing() -> None:
    scene = Scene("0", "roads", "000", vis=torch.rand(1, 3, 20, 24), ir=torch.rand(1, 1, 20, 24))
    found = picture_pair(CHOSEN, scene, (MEAN, VIS, Gone()))
    assert set(found.fused) == {"mean"}
    assert found.fused["mean"].shape == found.vis.shape == (20, 24, 3)
    assert found.ir.shape == (20, 24)
    assert np.isnan(found.agreement)


def test_encode_pictures__keeps_shape_and_colours(pictures: list[PicturePair]) -> None:
    picture = pictures[0]
    (encoded,) = encode_pictures([picture])
    assert list(encoded.layers) == ["vis", "ir", "mean", "max"]
    shown = decode(encoded.layers["vis"])
    assert shown.size == (128, 96)
    difference = np.abs(np.asarray(shown, dtype=float) - picture.vis)
    assert difference.mean() < 6.0
    feature_level, _ = (decode(uri).convert("RGB") for uri in encoded.segmentations)
    np.testing.assert_array_equal(feature_level, palette(6)[picture.feature_level])


def test_encode_pictures__large_ones_become_smaller_until_they_fit() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (600, 800, 3), dtype=np.uint8)
    picture = PicturePair(CHOSEN, vis=noise, ir=noise[..., 0], fused={})
    (roomy,) = encode_pictures([picture])
    (tight,) = encode_pictures([picture], budget=150_000)
    assert decode(roomy.layers["vis"]).size == (640, 480)
    assert decode(tight.layers["vis"]).width < 640
    assert sum(map(len, tight.layers.values())) <= 150_000


def test_gallery__shows_the_model_and_its_agreement(pictures: list[PicturePair]) -> None:
    found = gallery(pictures, model="max")
    assert (found.left, found.right) == ("vis", "max")
    assert found.pairs[0]["agreement"] == "50 %"
    assert len(found.key) == 6
    assert found.key[0] == "#0072b2"


def test_gallery__without_segmentations_there_is_no_key(pictures: list[PicturePair]) -> None:
    bare = replace(pictures[0], feature_level=None, pixel_level=None, prototypes=0)
    found = gallery([bare], model="absent")
    assert found.key == []
    assert found.right == "mean"
    assert found.pairs[0]["segmentations"] == []
