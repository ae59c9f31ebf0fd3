import itertools

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import find_objects

from ssvif.data.duplicates import near_duplicates, thumbnails
from ssvif.data.synthetic import pair as pair_module
from ssvif.data.synthetic import render_pair
from ssvif.data.synthetic.climate import CONDITIONS
from ssvif.data.synthetic.pair import seen_surface
from ssvif.data.synthetic.plan import BLOCK, draw_scene
from ssvif.data.synthetic.scene import camera_at
from ssvif.errors import ShapeError
from ssvif.seeding import numpy_generator

CYCLE = BLOCK * len(CONDITIONS)
PERSON_BOX = 0
SIZE = (240, 320)


def luminance(vis):
    return np.asarray(Image.fromarray(vis).convert("L"))


@pytest.fixture(scope="module")
def cycle():
    """Every light and weather, one block each."""
    return [render_pair(index, seed=0) for index in range(CYCLE)]


@pytest.fixture(scope="module")
def many():
    return [render_pair(index, seed=4, height=120, width=160) for index in range(200)]


def corners(box, shape):
    _, x, y, wide, high = box
    height, width = shape
    left, top = (x - wide / 2) * width, (y - high / 2) * height
    return [round(v) for v in (top, left, top + high * height, left + wide * width)]


def person_contrasts(pair):
    """Mean (visible, infrared) contrast of each person to what is around, in [0, 1]."""
    luma, contrasts = luminance(pair.vis) / 255, []
    for box in pair.boxes:
        top, left, bottom, right = corners(box, pair.mask.shape)
        if box[0] != PERSON_BOX or bottom - top < 20:
            continue
        window = np.s_[max(top - 4, 0) : bottom + 4, max(left - 4, 0) : right + 4]
        inside, around = pair.mask[window] == 2, pair.mask[window] == 0
        if inside.sum() < 30 or around.sum() < 30:
            continue
        contrasts.append(
            [
                abs(float(plane[window][inside].mean() - plane[window][around].mean()))
                for plane in (luma, pair.ir / 255)
            ]
        )
    return contrasts


def test_render_pair__same_arguments_same_pair_in_any_order():
    first = render_pair(5, seed=3, height=64, width=96)
    render_pair(77, seed=3, height=64, width=96)
    draw_scene.cache_clear()
    again = render_pair(5, seed=3, height=64, width=96)
    for name in ("vis", "ir", "mask"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert first.boxes == again.boxes
    assert first.name == again.name


def test_render_pair__another_seed_is_another_scene():
    first, other = (render_pair(0, seed=seed, height=64, width=64) for seed in (0, 1))
    assert np.abs(first.ir.astype(float) - other.ir).mean() > 5
    assert (first.mask != other.mask).any()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 131), (240, 320), (480, 640)])
def test_render_pair__any_size(height, width):
    pair = render_pair(12, seed=0, height=height, width=width)
    assert pair.vis.shape == (height, width, 3)
    assert pair.ir.shape == pair.mask.shape == (height, width)
    assert pair.vis.dtype == pair.ir.dtype == pair.mask.dtype == np.uint8


def test_render_pair__same_street_at_every_size():
    small, large = (render_pair(0, seed=0, height=h, width=w) for h, w in ((120, 160), SIZE))
    assert np.mean(small.mask == large.mask[1::2, 1::2]) > 0.95


def test_render_pair__too_small_is_refused():
    with pytest.raises(ShapeError, match="at least 64x64 pixels, found 63x200"):
        render_pair(0, seed=0, height=63, width=200)


def test_render_pair__names_sort_by_index_and_say_the_weather(cycle):
    names = [pair.name for pair in cycle]
    assert names == sorted(names)
    assert len(set(names)) == CYCLE
    assert names[BLOCK] == "00004_night_clear"
    seen = {(pair.light, pair.effect) for pair in cycle}
    assert seen == set(CONDITIONS)
    assert all(pair.name.endswith(f"_{pair.light}_{pair.effect}") for pair in cycle)


def test_render_pair__labels_are_msrs_classes_and_all_occur(many):
    pixels = sum(np.bincount(pair.mask.ravel(), minlength=9) for pair in many)
    assert len(pixels) == 9
    assert (pixels[1:] > 200).all()
    assert pixels[0] > 0.5 * pixels.sum()


def test_render_pair__boxes_bound_labels_of_their_class(cycle):
    labels = {0: 2, 1: 3, 2: 1}
    count = 0
    for pair in cycle:
        covered = np.zeros(pair.mask.shape, dtype=bool)
        for box in pair.boxes:
            top, left, bottom, right = corners(box, pair.mask.shape)
            assert 0 <= top < bottom <= pair.mask.shape[0]
            assert 0 <= left < right <= pair.mask.shape[1]
            patch = pair.mask[top:bottom, left:right] == labels[box[0]]
            # The box is tight: its outermost rows and columns touch the thing.
            edges = patch[0], patch[-1], patch[:, 0], patch[:, -1]
            assert all(edge.any() for edge in edges)
            covered[top:bottom, left:right] = True
            count += 1
        boxable = np.isin(pair.mask, (1, 2, 3))
        # Only glimpses of a pixel or two go without a box.
        assert (boxable & ~covered).sum() <= 0.02 * boxable.sum() + 12
    assert count > 3 * CYCLE


def test_render_pair__box_is_the_extent_of_an_unoccluded_thing(monkeypatch):
    surfaces = []

    def kept(canvas):
        surfaces.append(seen_surface(canvas))
        return surfaces[-1]

    monkeypatch.setattr(pair_module, "seen_surface", kept)
    pair = render_pair(1, seed=0)
    instances = surfaces[0].instances
    extents = set()
    for place in find_objects(instances):
        if place is not None:
            extents.add((place[0].start, place[1].start, place[0].stop, place[1].stop))
    assert pair.boxes
    assert {tuple(corners(box, SIZE)) for box in pair.boxes} <= extents


def test_render_pair__luminance_follows_the_hour(cycle):
    means = {
        light: [luminance(pair.vis).mean() / 255 for pair in cycle if pair.light == light]
        for light in ("day", "dusk", "night")
    }
    assert max(means["night"]) < min(means["dusk"])
    assert max(means["dusk"]) < min(means["day"])
    assert 0.08 < np.mean(means["night"]) < 0.18
    assert 0.3 < np.mean(means["day"]) < 0.5


def test_render_pair__infrared_uses_its_range_at_every_hour(cycle):
    for pair in cycle:
        assert 0.1 < pair.ir.mean() / 255 < 0.4
    assert np.mean([(pair.ir == 255).mean() for pair in cycle]) < 0.02


def test_render_pair__by_night_people_stand_out_in_infrared_only(cycle):
    contrasts = [c for pair in cycle if pair.light == "night" for c in person_contrasts(pair)]
    assert len(contrasts) > 20
    vis, ir = np.median(contrasts, axis=0)
    assert ir > 4 * vis


@pytest.mark.parametrize("effect", ["fog", "smoke", "glare"])
def test_render_pair__each_effect_hides_somebody_from_the_visible_camera(cycle, effect):
    contrasts = [c for pair in cycle if pair.effect == effect for c in person_contrasts(pair)]
    hidden = [1 for vis, ir in contrasts if vis < 0.03 and ir > 0.12]
    assert len(hidden) >= 3


def crossing_contrasts(index, seed):
    """(visible, infrared) steps from each bar of a near zebra crossing to the asphalt beside."""
    scene = draw_scene(seed, index // BLOCK)
    jitter = numpy_generator(seed, "synthetic", "picture", index)
    camera = camera_at(scene, index % BLOCK, jitter, SIZE)
    pair, contrasts = render_pair(index, seed=seed), []
    for start in scene.street.crossings:
        for bar in range(7):
            x, z = scene.street.left + 0.4 + 0.9 * bar, start + 1.6
            places = [camera.point(x + shift, 0.0, z) for shift in (0.22, 0.67)]
            rows, columns = ([int(place[axis]) for place in places] for axis in (1, 0))
            inside = min(columns) >= 0 and max(columns) < SIZE[1] and max(rows) < SIZE[0]
            if 5.0 < z - camera.z < 20.0 and inside and not pair.mask[rows, columns].any():
                values = [plane[rows, columns] / 255 for plane in (luminance(pair.vis), pair.ir)]
                contrasts.append([bar_value - gap for bar_value, gap in values])
    return contrasts


def test_render_pair__zebra_crossings_are_seen_in_the_visible_only():
    day = [(index, seed) for seed in range(4) for index in range(BLOCK)]
    contrasts = [c for index, seed in day for c in crossing_contrasts(index, seed)]
    assert len(contrasts) >= 20
    vis, ir = np.median(contrasts, axis=0)
    assert vis > 0.15
    assert abs(ir) < 0.03


def test_render_pair__infrared_has_less_texture_than_visible(cycle):
    def roughness(plane):
        return np.abs(np.diff(plane.astype(float), axis=0)).mean()

    clear = [pair for pair in cycle if (pair.light, pair.effect) == ("day", "clear")]
    assert clear
    for pair in clear:
        assert roughness(luminance(pair.vis)) > 1.5 * roughness(pair.ir)


def test_render_pair__both_cameras_see_things_at_the_same_place(cycle):
    """Shifting the infrared image off its place makes people colder."""
    for shift in ((0, 5), (5, 0), (0, -5), (-5, 0)):
        at_home, moved = [], []
        for pair in cycle:
            people = pair.mask == 2
            if people.sum() > 100:
                at_home.append(pair.ir[people].mean())
                moved.append(np.roll(pair.ir, shift, axis=(0, 1))[people].mean())
        assert np.mean(at_home) > np.mean(moved) + 10


def test_render_pair__no_two_pairs_are_near_duplicates(cycle):
    small = [thumbnails(luminance(pair.vis), pair.ir) for pair in cycle]
    assert near_duplicates(small, below=0.008) == [None] * CYCLE


def test_render_pair__pairs_of_a_block_share_their_light_and_street(cycle):
    for first, second in itertools.pairwise(range(BLOCK)):
        assert cycle[first].light == cycle[second].light
    thumbs = np.stack([thumbnails(luminance(pair.vis), pair.ir) for pair in cycle]) / 255.0
    within = [np.abs(thumbs[k] - thumbs[k + 1]).mean() for k in range(0, CYCLE, BLOCK)]
    across = [np.abs(thumbs[k] - thumbs[k - BLOCK]).mean() for k in range(BLOCK, CYCLE, BLOCK)]
    assert np.mean(within) < 0.6 * np.mean(across)
