"""The page in a real browser: nothing is fetched, nothing complains, nothing is cut off."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ssvif.data.images import write_png
from ssvif.data.manifest import pair_paths
from ssvif.drift.unusual import most_unusual
from ssvif.drift.write import write_drift

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on this machine"
)


@pytest.fixture
def page(tmp_path, make_pairs, measure, occasion, pairs_folder):
    """Two measurements, the second of two sets, with pictures."""
    write_drift(measure(), replace(occasion, manifest="a" * 64), tmp_path / "drift")
    camera = make_pairs(60, seed=2, set_="camera_" * 6, ir_std=5.0)
    drift = measure(pd.concat([make_pairs(60, seed=1), camera], ignore_index=True))
    for pair in most_unusual(drift):
        for path in pair_paths(pair.id, pairs_folder):
            write_png(path, np.tile(np.arange(64, dtype=np.uint8), (48, 1)))
    return write_drift(drift, occasion, tmp_path / "drift", pairs=pairs_folder)


@pytest.fixture
def tab(page):
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        # A container's root may not use the sandbox; the page is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: complaints.append(request.url[:60]))
        tab.goto(page.as_uri())
        yield tab
        browser.close()
    assert [one for one in complaints if not one.startswith(("file:", "data:"))] == []
    assert sum(one.startswith("file:") for one in complaints) == 1


def test_page__in_a_browser(tab) -> None:
    for width in (390, 768, 1280):
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert set(tab.evaluate("[...document.images].map((image) => image.naturalWidth)")) == {64}
    bar = tab.locator("#distributions .hit").first
    bar.scroll_into_view_if_needed()
    bar.hover()
    assert "of the learnt" in tab.locator("#tip").inner_text()
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.locator("#theme").click()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != light
