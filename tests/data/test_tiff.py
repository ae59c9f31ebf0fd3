import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from ssvif.data.images import read_infrared_raw
from ssvif.errors import ImageError

LIMIT = 1_000_000


@pytest.mark.parametrize(("mode", "dtype"), [("L", "u1"), ("I;16", "<u2"), ("I;16B", ">u2")])
@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 7, 8])
def test_read_infrared_raw__a_plain_tiff_is_turned_as_its_orientation_says(
    tmp_path, make_pair, mode, dtype, orientation
):
    _, ir = make_pair()
    levels = (ir.astype("<u2") * (1 if mode == "L" else 3)).astype(dtype)
    turned = {1: levels, 3: np.rot90(levels, 2), 6: np.rot90(levels, -1), 8: np.rot90(levels)}
    turned |= {5: levels.T, 7: np.rot90(levels, 2).T}
    image = Image.frombytes(mode, ir.shape[::-1], levels.tobytes())
    image.save(tmp_path / "a.tif", tiffinfo={274: orientation})
    read = read_infrared_raw(tmp_path / "a.tif", max_pixels=LIMIT)
    np.testing.assert_array_equal(read, turned[orientation])


def test_read_infrared_raw__a_tiff_of_several_images_is_refused(tmp_path, make_pair):
    frames = [Image.fromarray(make_pair(seed)[1]) for seed in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match=r"a\.tif: a TIFF of several images; save each"):
        read_infrared_raw(tmp_path / "a.tif", max_pixels=LIMIT)


def test_read_infrared_raw__a_tiff_with_a_preview_is_one_image(tmp_path, make_pair):
    _, ir = make_pair()
    with TiffImagePlugin.AppendingTiffWriter(tmp_path / "a.tif", new=True) as writer:
        Image.fromarray(ir).save(writer, "TIFF")
        writer.newFrame()
        Image.fromarray(ir[::4, ::4]).save(writer, "TIFF", tiffinfo={254: 1})
        writer.newFrame()
    read = read_infrared_raw(tmp_path / "a.tif", max_pixels=LIMIT)
    np.testing.assert_array_equal(read, ir)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_read_infrared_raw__deep_tiffs_whose_white_is_zero_are_refused(tmp_path, dtype):
    image = Image.fromarray(np.arange(12, dtype=dtype).reshape(3, 4))
    image.save(tmp_path / "a.tif", tiffinfo={262: 0})
    with pytest.raises(ImageError, match="white is zero in this TIFF"):
        read_infrared_raw(tmp_path / "a.tif", max_pixels=LIMIT)
