import numpy as np
import pytest

from ssvif.data import checks
from ssvif.data.layouts import Capture
from ssvif.data.registration import Registration
from ssvif.errors import PairError


def _code(check, *args, **options):
    with pytest.raises(PairError) as caught:
        check(*args, **options)
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_check_inside__file_of_the_set(tmp_path):
    (tmp_path / "a.png").touch()
    checks.check_inside([tmp_path / "a.png"], tmp_path)


def test_check_inside__link_that_leaves_the_set(tmp_path):
    home = tmp_path / "set"
    home.mkdir()
    (tmp_path / "secret.png").touch()
    (home / "a.png").symlink_to(tmp_path / "secret.png")
    assert _code(checks.check_inside, [home / "a.png"], home) == "outside"


def test_check_inside__link_to_itself(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    assert _code(checks.check_inside, [tmp_path / "a.png"], tmp_path) == "unreadable"


@pytest.mark.parametrize("missing", ["vis", "ir"])
def test_check_halves__missing(tmp_path, missing):
    halves = {"vis": tmp_path / "v.png", "ir": tmp_path / "i.png"} | {missing: None}
    assert _code(checks.check_halves, Capture("set", "a", **halves)) == "missing_half"


def test_check_halves__one_too_many(tmp_path):
    capture = Capture(
        "set", "a", tmp_path / "v.png", tmp_path / "i.png", spare=(tmp_path / "v.jpg",)
    )
    assert _code(checks.check_halves, capture) == "ambiguous"


def test_check_halves__complete(tmp_path):
    capture = Capture("set", "a", tmp_path / "v.png", tmp_path / "i.png")
    assert checks.check_halves(capture) == (tmp_path / "v.png", tmp_path / "i.png")


def test_fit_infrared__same_size_is_left_alone(make_pair):
    vis, ir = make_pair()
    assert checks.fit_infrared(vis, ir, may_resize=True) is ir


def test_fit_infrared__other_size(make_pair):
    vis, ir = make_pair()
    assert _code(checks.fit_infrared, vis, ir[::2, ::2], may_resize=False) == "size_mismatch"
    assert checks.fit_infrared(vis, ir[::2, ::2], may_resize=True).shape == ir.shape


def test_fit_infrared__other_shape_is_never_resized(make_pair):
    vis, ir = make_pair()
    assert _code(checks.fit_infrared, vis, ir[:100], may_resize=True) == "size_mismatch"


def test_check_size__shorter_side_decides():
    checks.check_size(np.zeros((128, 128), np.uint8), min_size=128)
    assert _code(checks.check_size, np.zeros((127, 900), np.uint8), min_size=128) == "too_small"


def test_check_contrast__flat():
    flat = np.full((9, 9), 80, np.uint8)
    assert _code(checks.check_contrast, flat, "infrared", constant_below=0.01) == "constant"


def test_check_contrast__dark_but_not_flat(make_pair):
    checks.check_contrast(make_pair()[1] // 16, "infrared", constant_below=0.01)


@pytest.mark.parametrize("level", [0, 255])
def test_check_exposure__nearly_all_at_one_end(level):
    plane = np.full((10, 10), level, np.uint8)
    plane[0, :9] = 100
    assert _code(checks.check_exposure, plane, "visible", saturated_above=0.9) == "saturated"
    checks.check_exposure(plane, "visible", saturated_above=0.92)


def test_check_two_images__same(make_pair):
    _, ir = make_pair()
    assert _code(checks.check_two_images, ir, ir) == "same_image"


def test_check_two_images__different(make_pair):
    vis, ir = make_pair()
    checks.check_two_images(vis[..., 0], ir)


@pytest.mark.parametrize(
    ("near", "far", "is_good"),
    [(0.4, 0.2, True), (0.02, 0.08, True), (0.3, 0.36, True), (0.1, 0.3, False)],
)
def test_check_registration__only_clear_cases(near, far, is_good):
    registration = Registration(near, far, shift=(20.0, -10.0))
    if is_good:
        checks.check_registration(registration, max_shift=8)
    else:
        assert _code(checks.check_registration, registration, max_shift=8) == "misregistered"
