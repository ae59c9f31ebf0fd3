import numpy as np

from ssvif.data.duplicates import near, near_duplicates, thumbnails


def _pairs(make_pair, count):
    return [thumbnails(vis[..., 1], ir) for vis, ir in map(make_pair, range(count))]


def test_thumbnails__area_means(make_pair):
    vis, ir = make_pair()
    small = thumbnails(vis[..., 1], ir)
    assert small.shape == (2, 256)
    assert abs(small[1].mean() - ir.mean()) < 1


def test_near__only_what_hardly_differs_in_both_halves(make_pair):
    first, second = _pairs(make_pair, 2)
    almost, half = first.copy(), np.stack([first[0], second[1]])
    almost[:, ::8] += 1
    assert near(first, [second, almost, half, first], below=0.004).tolist() == [
        False, True, False, True,
    ]  # fmt: skip


def test_near_duplicates__different_scenes_are_kept(make_pair):
    assert near_duplicates(_pairs(make_pair, 6), below=0.004) == [None] * 6


def test_near_duplicates__names_the_first(make_pair):
    first, second = _pairs(make_pair, 2)
    almost = second.copy()
    almost[:, ::8] += 1
    assert near_duplicates([first, second, almost, first], below=0.004) == [None, None, 1, 0]


def test_near_duplicates__one_half_alone_is_no_duplicate(make_pair):
    first, second = _pairs(make_pair, 2)
    mixed = np.stack([first[0], second[1]])
    moved = np.stack([first[0], np.roll(first[1], 40)])  # of the same mean
    assert near_duplicates([first, mixed, moved], below=0.004) == [None, None, None]


def test_near_duplicates__agrees_with_comparing_everything():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 40, (30, 2, 256)).astype(np.uint8)
    pairs = [
        base[k] + rng.integers(0, 3, (2, 256)).astype(np.uint8) for k in rng.integers(0, 30, 90)
    ]
    found = near_duplicates(pairs, below=0.006)
    kept = []
    for index, pair in enumerate(pairs):
        near = [
            k for k in kept
            if np.abs(pairs[k].astype(float) - pair).mean(axis=1).max() / 255 < 0.006
        ]  # fmt: skip
        assert found[index] == (near[0] if near else None)
        kept += [] if near else [index]


def test_near_duplicates__nothing():
    assert near_duplicates([], below=0.004) == []
