"""Pairs of videos on the page, and which frames belong together."""

import re

import numpy as np
import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
av = pytest.importorskip("av", reason="PyAV is not installed")

from ssvif.data.images import read_visible  # noqa: E402

SHORT = {"count": 12, "rate": 10}  # ends while a test waits for it
LONG = {"count": 60, "rate": 2}  # plays until it is stopped

# Holds the answer in heat until `go()`, and counts the images that were decoded.
HELD_HEAT = """() => {
    const [ask, decode] = [window.fetch, window.createImageBitmap];
    const said = document.body.dataset;
    said.decoded = 0;
    window.fetch = async (address, request) => {
        const answer = await ask(address, request);
        if (String(address).includes('heat')) {
            await new Promise((go) => { window.go = go; said.held = true; });
        }
        return answer;
    };
    window.createImageBitmap = async (blob) => {
        const bitmap = await decode(blob);
        setTimeout(() => { said.decoded = Number(said.decoded) + 1; });
        return bitmap;
    };
}"""


def write_clip(path, image, *, count, rate) -> None:
    """Write an image that moves as WebM, which every Chromium plays."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=rate)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
        kind = "rgb24" if image.ndim == 3 else "gray"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(np.roll(image, 3 * number, 1), kind)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def clips(tmp_path_factory, pair_files):
    """Clips of a scene that moves; no test may change them."""
    folder = tmp_path_factory.mktemp("clips")
    vis = read_visible(pair_files["vis"], max_pixels=1 << 20)
    ir = read_visible(pair_files["ir"], max_pixels=1 << 20)[..., 0]
    files = {}
    for name, form in (("short", SHORT), ("long", LONG)):
        files[name] = [folder / f"{name}_vis.webm", folder / f"{name}_ir.webm"]
        for path, image in zip(files[name], (vis, ir), strict=True):
            write_clip(path, image, **form)
    files["small"] = [folder / "small_ir.webm"]
    write_clip(*files["small"], np.full((48, 64), 90, np.uint8), **SHORT)
    return files


def test_video__plays_fused_and_stops(tab, clips) -> None:
    tab.locator("#vis-file").set_input_files(clips["long"][::-1])
    expect(tab.locator("#rate")).to_have_text(re.compile(r"^\d+\.\d$"))
    expect(tab.get_by_role("img", name="Fused frame")).to_be_visible()
    expect(tab.get_by_role("img", name="Visible frame")).to_be_visible()
    assert tab.locator("[data-layer=right] canvas").evaluate("(one) => one.width") == 128
    tab.get_by_role("button", name="Stop").click()
    expect(tab.locator("#status")).to_contain_text("frames were fused")
    expect(tab.get_by_role("radio", name="Segments")).to_be_disabled()


def test_video__another_view_of_the_frame_at_hand(tab, clips, asked) -> None:
    tab.locator("#vis-file").set_input_files(clips["short"])
    expect(tab.get_by_role("button", name="Play")).to_be_visible()  # at the end
    tab.locator("label:has(input[value=heat])").click()
    expect(tab.get_by_role("img", name="Heat frame")).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save frame").click()
    assert download.value.suggested_filename == "short_vis_heat.jpg"
    sent = [one for one in asked if "/v1/fuse" in one.url]
    assert len(sent) > 1
    assert "colour=heat" in sent[-1].url


def test_video__an_older_view_does_not_come_over_the_chosen_one(tab, clips) -> None:
    tab.locator("#vis-file").set_input_files(clips["short"])
    expect(tab.get_by_role("button", name="Play")).to_be_visible()  # at the end
    tab.evaluate(HELD_HEAT)
    tab.locator("label:has(input[value=heat])").click()
    expect(tab.locator("body")).to_have_attribute("data-held", "true")
    tab.locator("label:has(input[value=grey])").click()
    expect(tab.get_by_role("img", name="Grey frame")).to_be_visible()
    tab.evaluate("go()")
    expect(tab.locator("body")).to_have_attribute("data-decoded", "2")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save frame").click()
    assert download.value.suggested_filename == "short_vis_grey.jpg"
    expect(tab.get_by_role("img", name="Grey frame")).to_be_visible()


def test_video__of_another_size_is_refused(tab, clips, complaints) -> None:
    tab.locator("#vis-file").set_input_files([clips["short"][0], *clips["small"]])
    expect(tab.get_by_role("alert")).to_contain_text("64x48")
    assert len(complaints) == 1
    complaints.clear()


def test_video__and_an_image_make_no_pair(tab, clips, pair_files) -> None:
    tab.locator("#vis-file").set_input_files([clips["short"][0], pair_files["ir"]])
    expect(tab.get_by_role("alert")).to_contain_text("choose two of a kind")


def test_video__that_cannot_be_played_is_named(tab, clips) -> None:
    bad = {"name": "bad_ir.mp4", "mimeType": "video/mp4", "buffer": b"no video"}
    tab.locator("#vis-file").set_input_files(clips["short"][0])
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
