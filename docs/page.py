"""Draws docs/page.png: `python docs/page.py` while `ssvif serve` runs; needs Chromium."""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from ssvif import console
from ssvif.files import atomic_path

OUT = Path("docs/page.png")
ADDRESS = "http://127.0.0.1:8000"
SIZE = {"width": 1100, "height": 720}
EXAMPLE = "night"


def main() -> None:
    """Fuse an example on the page, and keep what is seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        for _ in range(3):  # the first one is slower: nothing is in a cache
            page.goto(ADDRESS)
            page.get_by_role("button", name=EXAMPLE).click()
            page.locator("#download:enabled").wait_for()
        page.evaluate("scrollTo(0, 0)")
        shot = page.screenshot()
        browser.close()
    with atomic_path(OUT) as temporary:
        Image.open(io.BytesIO(shot)).convert("RGB").save(temporary, format="PNG", optimize=True)


if __name__ == "__main__":
    console.run(main)
