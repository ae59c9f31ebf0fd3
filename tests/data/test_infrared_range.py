import numpy as np
import pytest

from ssvif.data.infrared_range import common_range, is_deep

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
