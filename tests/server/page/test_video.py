"""Pairs of videos on the page, and which frames belong together."""

import re

import numpy as np
import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
av = pytest.importorskip("av", reason="PyAV is not installed")

from ssvif.data.images import read_visible  # noqa: E402

COUNT, RATE = 12, 10


def write_clip(path, images) -> None:
    """Write arrays as WebM, which every Chromium plays."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=RATE)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
        for image in images:
            kind = "rgb24" if image.ndim == 3 else "gray"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, kind)))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def clips(tmp_path_factory, pair_files):
    """Clips of a scene that moves; no test may change them."""
    folder = tmp_path_factory.mktemp("clips")
    vis = read_visible(pair_files["vis"], max_pixels=1 << 20)
    ir = read_visible(pair_files["ir"], max_pixels=1 << 20)[..., 0]
    files = {"vis": folder / "drive_vis.webm", "ir": folder / "drive_ir.webm"}
    write_clip(files["vis"], [np.roll(vis, 3 * k, 1) for k in range(COUNT)])
    write_clip(files["ir"], [np.roll(ir, 3 * k, 1) for k in range(COUNT)])
    small = folder / "small_ir.webm"
    write_clip(small, [np.full((48, 64), 90, np.uint8)] * 3)
    return {**files, "small": small}


def test_video__plays_fused_and_stops(tab, clips) -> None:
    tab.locator("#vis-file").set_input_files([clips["ir"], clips["vis"]])
    expect(tab.locator("#rate")).to_have_text(re.compile(r"^\d+\.\d$"))
    expect(tab.get_by_role("img", name="Fused frame")).to_be_visible()
    expect(tab.get_by_role("img", name="Visible frame")).to_be_visible()
    assert tab.locator("[data-layer=right] canvas").evaluate("(one) => one.width") == 128
    tab.get_by_role("button", name="Stop").click()
    expect(tab.locator("#status")).to_contain_text("frames were fused")
    expect(tab.get_by_role("radio", name="Segments")).to_be_disabled()


def test_video__another_view_of_the_frame_at_hand(tab, clips, asked) -> None:
    tab.locator("#vis-file").set_input_files([clips["vis"], clips["ir"]])
    expect(tab.get_by_role("button", name="Play")).to_be_visible()  # at the end
    tab.locator("label:has(input[value=heat])").click()
    expect(tab.get_by_role("img", name="Heat frame")).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save frame").click()
    assert download.value.suggested_filename == "drive_vis_heat.jpg"
    sent = [one for one in asked if "/v1/fuse" in one.url]
    assert len(sent) > 1
    assert "colour=heat" in sent[-1].url


def test_video__of_another_size_is_refused(tab, clips, complaints) -> None:
    tab.locator("#vis-file").set_input_files([clips["vis"], clips["small"]])
    expect(tab.get_by_role("alert")).to_contain_text("64x48")
    assert len(complaints) == 1
    complaints.clear()


def test_video__and_an_image_make_no_pair(tab, clips, pair_files) -> None:
    tab.locator("#vis-file").set_input_files([clips["vis"], pair_files["ir"]])
    expect(tab.get_by_role("alert")).to_contain_text("choose two of a kind")


def test_video__that_cannot_be_played_is_named(tab, clips) -> None:
    bad = {"name": "bad_ir.mp4", "mimeType": "video/mp4", "buffer": b"no video"}
    tab.locator("#vis-file").set_input_files(clips["vis"])
    tab.locator("#ir-file").set_input_files(bad)
    expect(tab.get_by_role("alert")).to_contain_text("bad_ir.mp4: this browser cannot play it")


def test_newest_pair(tab) -> None:
    cases = [
        ([0.0, 0.1, 0.2], [0.0, 0.1], [0.1, 0.1]),
        ([0.0, 0.1], [0.04, 0.14], [0.1, 0.14]),
        ([0.1], [0.08, 0.11], [0.1, 0.11]),
        ([0.2, 0.3], [0.0], None),
        ([], [0.0], None),
    ]
    script = """(cases) => import('/page/frames.js').then(({ newestPair }) => {
        const frames = (times) => times.map((time) => ({ time }));
        return cases.map(([vis, ir]) => {
            const pair = newestPair(frames(vis), frames(ir), 0.05);
            return pair && pair.map(({ time }) => time);
        });
    })"""
    assert tab.evaluate(script, [case[:2] for case in cases]) == [case[2] for case in cases]
