"""The page as a whole: its model, its looks, its controls' names."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from ssvif.fuse.palette import palette

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

CONTROLS = {"button", "radio", "slider", "combobox", "textbox", "link", "checkbox", "spinbutton"}
HOSTILE = """# A card <script>alert(1)</script>

<img src="https://example.org/x.png" onerror="alert(2)"> **bold** and `code`,
[a](javascript:alert(3)), [b](https://example.org/).

| metric | <b>value</b> |
| :--- | ---: |
| EN | 7.0 |

- one
  more
- two

    ssvif fuse
"""


def answer_as(route, **changes) -> None:
    """Change what the server says of its model."""
    route.fulfill(json={**route.fetch().json(), **changes})


def unnamed(tab) -> list[str]:
    """The controls that assistive technology finds without a name, in the browser's own words."""
    tree = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")
    found = [node for node in tree["nodes"] if not node["ignored"]]
    controls = [node for node in found if node["role"]["value"].lower() in CONTROLS]
    assert controls
    return [str(node) for node in controls if not node.get("name", {}).get("value", "").strip()]


def too_wide(tab) -> list[int]:
    """The widths of screens at which the page scrolls sideways."""
    found = []
    for width in (360, 768, 1280):
        tab.set_viewport_size({"width": width, "height": 740})
        if tab.evaluate("document.documentElement.scrollWidth") > width:
            found.append(width)
    return found


def background(tab) -> str:
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_page__parts_of_two_versions_never_mix(address) -> None:
    found = httpx.get(f"{address}/page/app.js").raise_for_status()
    assert found.headers["cache-control"] == "no-cache"
    again = httpx.get(found.url, headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304


def test_card__is_text(blank) -> None:
    hostile = {"card": HOSTILE, "name": "<i>x</i>", "version": "7"}
    blank.route("**/v1/model", lambda route: answer_as(route, **hostile))
    blank.goto("/")
    blank.get_by_role("button", name="Model <i>x</i> 7").click()
    card = blank.locator("#card-text")
    expect(card.locator("h3")).to_have_text("A card <script>alert(1)</script>")
    expect(card.locator("script, img, i, b")).to_have_count(0)
    expect(card.locator("a")).to_have_count(1)
    expect(card.locator("strong")).to_have_text("bold")
    expect(card.locator("td")).to_have_text(["EN", "7.0"])
    expect(card.locator("li")).to_have_text(["one more", "two"])
    expect(card.locator("pre")).to_have_text("ssvif fuse")


def test_model__that_moved_is_shown(blank, pair_files) -> None:
    blank.route("**/v1/model", lambda route: answer_as(route, name="old", weights="0"), times=1)
    blank.goto("/")
    expect(blank.locator("#model-short")).to_have_text("old")
    blank.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    expect(blank.locator("#model-short")).to_have_text("pretrained")


def test_segments__need_a_model_that_has_them(shown) -> None:
    expect(shown.get_by_role("radio", name="Segments")).to_be_disabled()
    expect(shown.locator("#segments-reason")).to_contain_text("a model that training made")


def test_segments__are_laid_over(blank, pair_files) -> None:
    classes = Image.fromarray(np.arange(96 * 128, dtype=np.uint8).reshape(96, 128) % 4)
    classes.putpalette(palette(4).tobytes())
    content = io.BytesIO()
    classes.save(content, format="PNG")
    blank.route("**/v1/model", lambda route: answer_as(route, segmentation=True))
    blank.route(
        "**/v1/segment*",
        lambda route: route.fulfill(body=content.getvalue(), content_type="image/png"),
    )
    blank.goto("/")
    expect(blank.locator("#about-model")).to_be_visible()
    blank.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    expect(blank.locator("#download")).to_be_enabled()
    blank.locator("label:has(input[value=segments])").click()
    over = blank.locator("[data-layer=over]")
    expect(over.locator("img")).to_have_attribute("alt", "Segmentation image")
    blank.get_by_label("Opacity").fill("30")
    assert over.evaluate("(one) => getComputedStyle(one).opacity") == "0.3"
    blank.locator("label:has(input[value=grey])").click()
    expect(over.locator("img")).to_have_count(0)


def test_page__never_scrolls_sideways(tab, pair_files) -> None:
    assert too_wide(tab) == []
    tab.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    expect(tab.locator("#download")).to_be_enabled()
    assert too_wide(tab) == []
    tab.locator("#about-model").click()
    assert too_wide(tab) == []


def test_controls__have_names(tab, pair_files) -> None:
    assert unnamed(tab) == []
    tab.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    expect(tab.locator("#download")).to_be_enabled()
    assert unnamed(tab) == []
    tab.locator("#about-model").click()
    assert unnamed(tab) == []
    tab.evaluate("document.getElementById('card').close()")
    tab.evaluate("document.getElementById('token').showModal()")
    assert unnamed(tab) == []


def test_controls__are_reached_by_keys(shown) -> None:
    reached = []
    shown.locator(".skip").press("Tab")
    for _ in range(24):
        now = shown.evaluate("document.activeElement.id || document.activeElement.value")
        if now in reached:
            break
        reached.append(now)
        shown.keyboard.press("Tab")
    expected = ["about-model", "swap", "vis-file", "ir-file", "fused", "vis", "position"]
    assert [one for one in reached if one in {*expected, "format", "download"}] == [
        *expected,
        "format",
        "download",
    ]


def test_page__follows_the_systems_colours(tab) -> None:
    tab.emulate_media(color_scheme="light")
    light = background(tab)
    tab.emulate_media(color_scheme="dark")
    assert background(tab) != light
