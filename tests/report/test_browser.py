"""The page in a real browser: nothing is fetched, nothing complains, everything moves."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on this machine"
)


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        # A container's root may not use the sandbox; the page is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def tab(browser, page: Path, complaints: list[str]) -> Iterator["sync_api.Page"]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(dialog.message))
    tab.on("request", lambda request: note_request(request.url, page, complaints))
    tab.goto(page.as_uri())
    yield tab
    tab.close()
    assert complaints == []


def note_request(url: str, page: Path, complaints: list[str]) -> None:
    if url != page.as_uri() and not url.startswith("data:"):
        complaints.append(f"asked for {url}")


def clip(tab) -> str:
    return tab.evaluate("getComputedStyle(document.getElementById('image-left')).clipPath")


def background(tab) -> str:
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_page__divider_follows_keyboard_and_mouse(tab) -> None:
    slider = tab.locator("#position")
    slider.scroll_into_view_if_needed()
    before = clip(tab)
    slider.focus()
    slider.press("ArrowRight")
    by_key = clip(tab)
    assert by_key != before
    box = slider.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    tab.mouse.up()
    assert clip(tab) not in {before, by_key}
    assert 15 <= int(slider.input_value()) <= 25


def test_page__all_pictures_are_shown(tab) -> None:
    tab.wait_for_function("[...document.images].every((image) => image.complete)")
    assert tab.evaluate("[...document.images].map((image) => image.naturalWidth)").count(0) == 0


def test_page__another_pair_and_layer_are_shown(tab) -> None:
    left = tab.locator("#image-left")
    first, caption = left.get_attribute("src"), tab.locator("#caption").inner_text()
    tab.locator("[data-pair='1']").click()
    second = left.get_attribute("src")
    assert second != first
    assert tab.locator("#caption").inner_text() != caption
    assert tab.locator("[data-pair='1']").get_attribute("aria-pressed") == "true"
    tab.locator("#left").select_option("ir")
    assert left.get_attribute("src") not in {first, second}
    assert left.get_attribute("alt").startswith("infrared")
    assert tab.locator("#agreement").inner_text() == "50 %"


def test_page__theme_is_the_systems_until_it_is_chosen(tab) -> None:
    light = background(tab)
    tab.emulate_media(color_scheme="dark")
    dark = background(tab)
    assert dark != light
    tab.locator("#theme").click()
    assert background(tab) == light
    tab.locator("#theme").click()
    assert background(tab) == dark


def test_page__dot_says_its_pair_and_value(tab) -> None:
    row = tab.locator("[data-metric='EN'] [data-row='stage two'] .hit")
    row.scroll_into_view_if_needed()
    row.hover()
    said = tab.locator("#tip").inner_text()
    assert said.startswith("stage two: median")
    assert said.splitlines()[1].startswith(("roads 0", "None 0"))


def test_page__stress_shows_the_chosen_metric_alone(tab) -> None:
    views = tab.locator("[data-stress]")
    assert [views.nth(index).is_visible() for index in range(2)] == [True, False]
    tab.locator("#stress-metric").select_option(label="Qabf")
    assert [views.nth(index).is_visible() for index in range(2)] == [False, True]


def test_page__names_from_data_are_text(tab, hostile: str) -> None:
    assert hostile in tab.locator("#scores tbody").first.inner_text()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_page__never_scrolls_sideways(tab, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
