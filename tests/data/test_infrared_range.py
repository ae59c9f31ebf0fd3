from threading import Barrier

import numpy as np
import pytest

from ssvif.data import infrared_range
from ssvif.data.infrared_range import common_range, is_deep, raw_values

ALL = {"percentiles": (0.0, 100.0), "max_pixels": 1_000_000}


def test_common_range__eight_bits_have_none(tmp_path, save):
    assert common_range([save(tmp_path / "a.png", np.zeros((8, 8), np.uint8))], **ALL) is None
    assert common_range([], **ALL) is None


def test_common_range__over_all_that_can_be_read(tmp_path, save):
    cold = save(tmp_path / "a.png", np.full((8, 8), 7000, np.uint16))
    warm = save(tmp_path / "b.tiff", np.full((8, 8), 9000, np.uint16))
    (tmp_path / "c.png").write_text("damaged")
    assert common_range([cold, warm, tmp_path / "c.png"], **ALL) == (7000.0, 9000.0)


def test_common_range__every_column_counts(tmp_path, save):
    # 640x512 / 4096 values is every 80th: one column in eight was looked at.
    raw = np.full((512, 640), 7000, np.uint16)
    raw[:, 1::8] = 9000
    for image in (raw, raw.astype(np.float32)):
        path = save(tmp_path / "a.tiff", image)
        assert common_range([path], percentiles=(1.0, 99.0), max_pixels=10**6) == (7000.0, 9000.0)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_common_range__percentiles_are_numpys(tmp_path, save, dtype):
    rng = np.random.default_rng(0)
    raws = [rng.normal(mean, 300, (200, 250)).astype(dtype) for mean in (7000, 9000)]
    paths = [save(tmp_path / f"{index}.tiff", raw) for index, raw in enumerate(raws)]
    found = common_range(paths, percentiles=(1.0, 99.0), max_pixels=10**6)
    assert found == pytest.approx(np.percentile(np.stack(raws), (1.0, 99.0)), abs=3)


def test_raw_values__of_many_images_of_floats_fewer_values_are_kept(tmp_path, save, monkeypatch):
    rng = np.random.default_rng(0)
    raws = [rng.normal(290 + index, 3, (64, 80)).astype(np.float32) for index in range(12)]
    paths = [save(tmp_path / f"{index}.tiff", raw) for index, raw in enumerate(raws)]
    monkeypatch.setattr(infrared_range, "_MOST_VALUES", 10_000)
    monkeypatch.setattr(infrared_range, "_FEWER_VALUES", 5_000)
    found = raw_values(paths, max_pixels=10**6)
    assert found.images == 12
    assert found.floats.size <= 10_000
    assert found.weights.sum() == pytest.approx(np.stack(raws).size)
    expected = np.percentile(np.stack(raws), (1.0, 99.0))
    assert found.range((1.0, 99.0)) == pytest.approx(expected, abs=0.1)


def test_raw_values__reads_several_images_at_once(tmp_path, save, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both, read = Barrier(2), infrared_range.read_infrared_raw

    def together(path, *, max_pixels):
        both.wait(20.0)
        return read(path, max_pixels=max_pixels)

    monkeypatch.setattr(infrared_range, "read_infrared_raw", together)
    paths = [save(tmp_path / f"{n}.png", np.full((8, 8), n, np.uint16)) for n in range(2)]
    assert raw_values(paths, max_pixels=100).images == 2


def test_common_range__what_is_not_a_number_does_not_count(tmp_path, save):
    raw = np.array([[290.0, np.nan], [np.inf, 310.0]], np.float32)
    path = save(tmp_path / "a.tiff", raw)
    empty = save(tmp_path / "b.tiff", np.full((2, 2), np.nan, np.float32))
    assert common_range([path, empty], **ALL) == (290.0, 310.0)
    assert common_range([empty], **ALL) is None


def test_common_range__one_value_only(tmp_path, save):
    path = save(tmp_path / "a.png", np.full((8, 8), 500, np.uint16))
    assert common_range([path], percentiles=(1.0, 99.0), max_pixels=100) == (500.0, 501.0)


def test_is_deep__what_cannot_be_read_is_not(tmp_path, save):
    assert is_deep(save(tmp_path / "a.png", np.zeros((8, 8), np.uint16)))
    assert not is_deep(save(tmp_path / "b.png", np.zeros((8, 8), np.uint8)))
    assert not is_deep(tmp_path / "nowhere.png")
