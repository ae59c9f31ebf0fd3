"""The colours of candidates: told apart by any eye, legible on either theme.

Colour vision is simulated as Machado et al. 2009, doi:10.1109/TVCG.2009.113, do for its full loss.
"""

import re
from importlib import resources

import numpy as np
import pytest
from skimage.color import rgb2lab

from ssvif.report.terms import HUES

VISION = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
BLOCKS = {"light": ":root {", "dark": ':root[data-theme="dark"] {'}


def variables(opening: str) -> dict[str, str]:
    style = (resources.files("ssvif.report") / "templates" / "page.css").read_text()
    block = style.partition(opening)[2].partition("}")[0]
    return dict(re.findall(r"--([\w-]+): ([^;]+);", block))


def linear(colour: str) -> np.ndarray:
    levels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255.0
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> np.ndarray:
    level = np.clip(np.asarray(VISION[vision]) @ linear(colour), 0.0, 1.0)
    shown = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
    return rgb2lab(shown)


@pytest.mark.parametrize("theme", BLOCKS)
@pytest.mark.parametrize(
    ("vision", "least"), [("normal", 30.0), ("protan", 18.0), ("deutan", 18.0)]
)
def test_palette__first_six_are_told_apart(theme: str, vision: str, least: float) -> None:
    found = variables(BLOCKS[theme])
    colours = [seen(found[f"hue-{place}"], vision) for place in range(6)]
    distances = [
        np.linalg.norm(first - second)
        for place, first in enumerate(colours)
        for second in colours[:place]
    ]
    assert min(distances) >= least


@pytest.mark.parametrize("theme", BLOCKS)
def test_palette__every_mark_stands_out_from_the_page(theme: str) -> None:
    found = variables(BLOCKS[theme])
    luminance = {name: linear(found[name]) @ [0.2126, 0.7152, 0.0722] for name in hues_and_page()}
    for name in hues_and_page()[:-1]:
        dark, light = sorted((luminance[name], luminance["page"]))
        assert (light + 0.05) / (dark + 0.05) >= 3.0, name  # WCAG 2.2, 1.4.11


def test_palette__both_ways_to_the_dark_theme_agree() -> None:
    assert variables(':root:not([data-theme="light"]) {') == variables(BLOCKS["dark"])


def hues_and_page() -> list[str]:
    return [*(f"hue-{place}" for place in range(HUES)), "hue-rest", "page"]
