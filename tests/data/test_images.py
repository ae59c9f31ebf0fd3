import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.fuzz import many_scans, wide_tiles
from ssvif.data.encoding import encode_image
from ssvif.data.images import (
    ImageBytes,
    infrared_depth,
    is_grey,
    read_four_channels,
    read_infrared_raw,
    read_mask,
    read_visible,
    resize,
    scale_infrared,
    write_png,
)
from ssvif.errors import (
    ColourInfraredError,
    ImageError,
    ImageTypeError,
    PixelLimitError,
    StorageError,
)

LIMIT = 1_000_000
REPOSITORY = Path(__file__).resolve().parents[2]


def _png(path, width, height, *, depth=8, kind=2, data=b"0"):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp", "bmp"])
def test_read_visible__lossless_formats(tmp_path, save, make_pair, suffix):
    vis, _ = make_pair()
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", vis, **options)
    np.testing.assert_array_equal(read_visible(path, max_pixels=LIMIT), vis)


def test_read_visible__jpeg(tmp_path, save, make_pair):
    vis, _ = make_pair()
    read = read_visible(save(tmp_path / "a.jpg", vis, quality=95), max_pixels=LIMIT)
    assert np.abs(read.astype(int) - vis).mean() < 6


def test_read_visible__transparency_is_dropped(tmp_path, save, make_pair):
    vis, ir = make_pair()
    path = save(tmp_path / "a.png", np.dstack([vis, ir]))
    np.testing.assert_array_equal(read_visible(path, max_pixels=LIMIT), vis)


def test_read_visible__grey_becomes_three_channels(tmp_path, save, make_pair):
    _, ir = make_pair()
    read = read_visible(save(tmp_path / "a.png", ir), max_pixels=LIMIT)
    np.testing.assert_array_equal(read, np.dstack([ir] * 3))


def test_read_visible__sixteen_bits_use_the_full_range(tmp_path, save):
    deep = np.array([[0, 256, 65535]], np.uint16)
    read = read_visible(save(tmp_path / "a.png", deep), max_pixels=LIMIT)
    assert read[0, :, 0].tolist() == [0, 1, 255]


def test_read_infrared_raw__values_beyond_16_bits_are_told(tmp_path):
    Image.fromarray(np.array([[-12, 40]], np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(
        ImageError, match=r"a\.tif: expected values from 0 to 65535, found -12 to 40"
    ):
        read_infrared_raw(tmp_path / "a.tif", max_pixels=10)


def test_read_visible__floats_are_refused(tmp_path, save):
    path = save(tmp_path / "a.tiff", np.ones((4, 4), np.float32))
    with pytest.raises(ImageError, match="floats"):
        read_visible(path, max_pixels=LIMIT)


def test_read_visible__exif_orientation_is_applied(tmp_path, make_pair):
    vis, _ = make_pair()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    Image.fromarray(vis).save(tmp_path / "a.png", exif=exif)
    read = read_visible(tmp_path / "a.png", max_pixels=LIMIT)
    np.testing.assert_array_equal(read, np.rot90(vis, -1))


def test_read_visible__pixel_limit_is_checked_before_decoding(tmp_path):
    path = _png(tmp_path / "a.png", 2000, 1000)
    with pytest.raises(PixelLimitError, match="2000x1000"):
        read_visible(path, max_pixels=LIMIT)


def test_read_visible__decompression_bomb(tmp_path):
    path = _png(tmp_path / "a.png", 30000, 30000)
    with pytest.raises(PixelLimitError, match="pixels"):
        read_visible(path, max_pixels=10**12)


@pytest.mark.parametrize("in_memory", [True, False])
def test_read_visible__a_jpeg_of_many_scans(tmp_path, in_memory):
    (tmp_path / "a.jpg").write_bytes(many_scans(200))
    source = ImageBytes("a.jpg", many_scans(200)) if in_memory else tmp_path / "a.jpg"
    with pytest.raises(ImageError, match=r"a\.jpg: a JPEG of 2\d\d scans, more than 100"):
        read_visible(source, max_pixels=LIMIT)
    assert read_visible(ImageBytes("a", many_scans(80)), max_pixels=LIMIT).shape == (12, 16, 3)


def test_read_visible__a_jpeg_with_other_content_behind_it(make_pair):
    vis, _ = make_pair()
    content = encode_image(vis, "jpeg") + 1000 * b"\xff\xdaa video"
    assert read_visible(ImageBytes("a", content), max_pixels=LIMIT).shape == vis.shape


def test_read_visible__the_pixel_limit_is_of_tiles_too():
    with pytest.raises(PixelLimitError, match="16000x16000 are more than"):
        read_visible(ImageBytes("a.tif", wide_tiles(16_000)), max_pixels=LIMIT)


def test_read_visible__tiles_whose_size_is_no_number():
    content = wide_tiles(32).replace(b"\x42\x01\x04", b"\x42\x01\x01")  # bytes, not integers
    with pytest.raises(ImageError, match=r"a\.tif: damaged"):
        read_visible(ImageBytes("a.tif", content), max_pixels=LIMIT)


def test_read_visible__every_truncation_is_an_image_error(tmp_path, save, make_pair):
    vis, _ = make_pair()
    for suffix in ("png", "jpg", "tiff", "webp", "bmp"):
        whole = save(tmp_path / f"whole.{suffix}", vis).read_bytes()
        for share in (0.0, 0.01, 0.3, 0.8):
            path = tmp_path / f"part.{suffix}"
            path.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(ImageError) as caught:
                read_visible(path, max_pixels=LIMIT)
            assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_read_visible__flipped_bytes_never_escape(tmp_path, save, make_pair):
    rng = np.random.default_rng(0)
    vis, _ = make_pair()
    for suffix in ("png", "jpg", "tiff", "webp", "bmp"):
        whole = np.frombuffer(save(tmp_path / f"whole.{suffix}", vis).read_bytes(), np.uint8)
        for _ in range(40):
            damaged = whole.copy()
            damaged[rng.integers(0, min(400, len(whole)), 4)] = rng.integers(0, 256, 4)
            path = tmp_path / f"damaged.{suffix}"
            path.write_bytes(damaged.tobytes())
            try:
                read = read_visible(path, max_pixels=LIMIT)
            except ImageError:
                continue
            assert read.ndim == 3


@pytest.mark.parametrize("content", [b"", b"hello", b"GIF89a" + bytes(50)])
def test_read_visible__not_an_image(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="not a PNG"):
        read_visible(path, max_pixels=LIMIT)


def test_read_visible__missing_file(tmp_path):
    with pytest.raises(ImageError, match="No such file"):
        read_visible(tmp_path / "a.png", max_pixels=LIMIT)


def test_read_infrared_raw__depths(tmp_path, save):
    for dtype, suffix in (
        (np.uint8, "png"),
        (np.uint16, "png"),
        (np.uint16, "tiff"),
        (np.float32, "tiff"),
    ):
        raw = np.arange(12, dtype=dtype).reshape(3, 4) * dtype(20)
        path = save(tmp_path / f"a.{suffix}", raw)
        read = read_infrared_raw(path, max_pixels=LIMIT)
        assert read.dtype == dtype
        np.testing.assert_array_equal(read, raw)
        assert infrared_depth(path) == 8 * np.dtype(dtype).itemsize


def test_read_infrared_raw__grey_kept_as_rgb_jpeg(tmp_path, save, make_pair):
    _, ir = make_pair()
    path = save(tmp_path / "a.jpg", np.dstack([ir] * 3), quality=80)
    read = read_infrared_raw(path, max_pixels=LIMIT)
    assert read.shape == ir.shape
    assert np.abs(read.astype(int) - ir).mean() < 6


def test_read_infrared_raw__colour_is_refused(tmp_path, save, make_pair):
    vis, _ = make_pair()
    with pytest.raises(ColourInfraredError, match="in colour"):
        read_infrared_raw(save(tmp_path / "a.png", vis), max_pixels=LIMIT)


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_read_infrared_raw__channels_of_sixteen_bits_are_refused(tmp_path, kind, channels):
    rows = b"".join(b"\0" + np.full((4, channels), 7001, ">u2").tobytes() for _ in range(4))
    path = _png(tmp_path / "a.png", 4, 4, depth=16, kind=kind, data=rows)
    with pytest.raises(ImageError, match="one grey channel of 16 bits"):
        read_infrared_raw(path, max_pixels=LIMIT)


def test_read_visible__large_images_warn_of_nothing_and_others_still_may(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_visible(tmp_path / "a.png", max_pixels=LIMIT)
        with pytest.raises(Image.DecompressionBombWarning):
            Image.open(tmp_path / "a.png")


def test_import__leaves_the_warnings_of_the_process_alone():
    code = (
        "import warnings; import PIL.Image, ssvif.data.images;"
        " assert not [f for f in warnings.filters if f[2] is PIL.Image.DecompressionBombWarning]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_read_four_channels__splits(tmp_path, save, make_pair):
    vis, ir = make_pair()
    read_vis, read_ir = read_four_channels(
        save(tmp_path / "a.png", np.dstack([vis, ir])), max_pixels=LIMIT
    )
    np.testing.assert_array_equal(read_vis, vis)
    np.testing.assert_array_equal(read_ir, ir)


def test_read_four_channels__three_channels(tmp_path, save, make_pair):
    with pytest.raises(ImageError, match="four channels"):
        read_four_channels(save(tmp_path / "a.png", make_pair()[0]), max_pixels=LIMIT)


def test_read_mask__palette_indices(tmp_path):
    labels = np.array([[0, 1], [2, 8]], np.uint8)
    image = Image.fromarray(labels).convert("P")
    image.putdata(labels.ravel().tolist())
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png", max_pixels=LIMIT), labels)


def test_read_mask__colours_are_refused(tmp_path, save, make_pair):
    with pytest.raises(ImageError, match="class numbers"):
        read_mask(save(tmp_path / "a.png", make_pair()[0]), max_pixels=LIMIT)


def test_is_grey__a_few_lamps_are_colour():
    night = np.full((100, 100, 3), 10, np.uint8)
    assert is_grey(night)
    night[:4, :4, 0] = 200
    assert not is_grey(night)


def test_scale_infrared__maps_the_range_and_clips():
    raw = np.array([[0, 1000, 1500, 2000, 9000]], np.uint16)
    assert scale_infrared(raw, (1000.0, 2000.0)).tolist() == [[0, 0, 128, 255, 255]]


def test_scale_infrared__eight_bits_are_left_alone():
    raw = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(scale_infrared(raw, (0.0, 255.0)), raw)


def test_scale_infrared__not_a_number_is_black():
    raw = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    assert scale_infrared(raw, (0.0, 1.0)).tolist() == [[0, 255, 0, 255]]


@pytest.mark.parametrize("value_range", [(5.0, 5.0), (0.0, np.inf), (-np.inf, 1.0), (np.nan, 1.0)])
def test_scale_infrared__empty_or_endless_range(value_range):
    with pytest.raises(ImageError, match="is empty or endless; give black < white"):
        scale_infrared(np.zeros((1, 1), np.uint16), value_range)


def test_resize__shape(make_pair):
    vis, ir = make_pair()
    assert resize(vis, height=50, width=70).shape == (50, 70, 3)
    assert resize(ir, height=50, width=70).shape == (50, 70)


def test_write_png__reads_back(tmp_path, make_pair):
    vis, _ = make_pair()
    write_png(tmp_path / "deep" / "a.png", vis)
    np.testing.assert_array_equal(read_visible(tmp_path / "deep" / "a.png", max_pixels=LIMIT), vis)


def test_write_png__failure_leaves_the_old_file(tmp_path, make_pair, monkeypatch):
    vis, ir = make_pair()
    write_png(tmp_path / "a.png", vis)
    before = (tmp_path / "a.png").read_bytes()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_png(tmp_path / "a.png", ir)
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_encode_image__is_read_from_memory_as_from_a_file(tmp_path, make_pair, kind):
    vis, ir = make_pair()
    for image, read in ((vis, read_visible), (ir, read_infrared_raw)):
        content = encode_image(image, kind)
        (tmp_path / "a").write_bytes(content)
        from_memory = read(ImageBytes("a", content), max_pixels=LIMIT)
        np.testing.assert_array_equal(from_memory, read(tmp_path / "a", max_pixels=LIMIT))
        assert np.abs(from_memory.astype(int) - image).mean() < (1e-9 if kind == "png" else 8)


def test_encode_image__a_side_that_a_format_does_not_have():
    with pytest.raises(ImageError, match="20000x1: webp has sides of 16383 pixels at most"):
        encode_image(np.zeros((1, 20_000), np.uint8), "webp")


def test_read_visible__refusals_of_what_is_in_memory_have_its_name():
    with pytest.raises(ImageTypeError, match=r"^a\.txt: not a PNG"):
        read_visible(ImageBytes("a.txt", b"no picture"), max_pixels=LIMIT)
    large = ImageBytes("a.png", encode_image(np.zeros((20, 20), np.uint8), "png"))
    with pytest.raises(PixelLimitError, match="20x20 are more than 100 pixels") as refusal:
        read_visible(large, max_pixels=100)
    assert "params.yaml" not in str(refusal.value)
