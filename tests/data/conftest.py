"""Small registered pairs, and folders of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

HEIGHT, WIDTH = 144, 192


def _scene(seed, height, width):
    """Blocks of flat grey: edges at the same places in every rendering of a seed."""
    rng = np.random.default_rng(seed)
    scene = np.zeros((height, width), int)
    for label in range(1, 40):
        top, left = rng.integers(0, height - 20), rng.integers(0, width - 20)
        scene[top : top + rng.integers(8, 40), left : left + rng.integers(8, 40)] = label
    return scene


def _render(scene, seed, low, high):
    rng = np.random.default_rng(seed)
    levels = rng.uniform(low, high, 40)
    noisy = ndimage.gaussian_filter(levels[scene], 0.7) + rng.normal(0, 2, scene.shape)
    return noisy.clip(0, 255)


@pytest.fixture
def make_pair():
    """Return a visible (H, W, 3) and an infrared (H, W) image of one scene."""

    def make(seed=0, *, night=False, height=HEIGHT, width=WIDTH):
        scene = _scene(seed, height, width)
        high = 60 if night else 220
        vis = np.stack([_render(scene, (seed, k), 20, high) for k in range(3)], axis=-1)
        ir = _render(scene, (seed, 9), 20, 220)
        return vis.round().astype(np.uint8), ir.round().astype(np.uint8)

    return make


@pytest.fixture
def save():
    """Write an array as an image and return its path; folders are made."""

    def write(path, array, **options):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path, **options)
        return path

    return write


@pytest.fixture
def save_pairs(make_pair, save):
    """Write a plain set of pairs called 000, 001, ... and return its folder."""

    def write(folder, count, *, first=0, night=False):
        for seed in range(first, first + count):
            vis, ir = make_pair(seed, night=night)
            save(folder / "vis" / f"{seed:03}.png", vis)
            save(folder / "ir" / f"{seed:03}.png", ir)
        return folder

    return write


@pytest.fixture
def rig(tmp_path, save_pairs):
    """A project's folder with one set of 12 pairs."""
    save_pairs(tmp_path / "data/captures/rig", 12)
    return tmp_path
