"""Pairs of images on the page: told apart, fused, compared, saved, refused."""

import io
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

PROBLEM = {"type": "about:blank", "title": "Busy", "status": 429, "detail": "too many at once"}


def chosen_names(tab) -> list[str]:
    return tab.locator(".slot .file").all_inner_texts()


def queries(asked) -> list[str]:
    """The views and colours that were asked for."""
    found = [parse_qs(urlsplit(one.url).query) for one in asked if "/v1/fuse" in one.url]
    return [f"{query['view'][0]} {query['colour'][0]} {query['format'][0]}" for query in found]


def look(tab, view: str) -> None:
    """Choose a view, as by its label, and wait until it is there."""
    tab.locator(f"label:has(input[value={view}])").click()
    label = {"fused": "Fused", "machine": "Machine", "heat": "Heat", "grey": "Grey"}[view]
    expect(tab.locator("[data-tag=right]")).to_have_text(label)


def saved(tab) -> tuple[str, bytes]:
    with tab.expect_download() as download:
        tab.locator("#download").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def made_by_server(address, pair_files, kind, *, colour="visible") -> bytes:
    files = {camera: path.read_bytes() for camera, path in pair_files.items()}
    query = {"colour": colour, "format": kind}
    return httpx.post(f"{address}/v1/fuse", files=files, params=query).raise_for_status().content


def forget(complaints, *, status: int) -> None:
    """Take out what the browser itself notes of a refused request."""
    assert complaints
    assert all(f"status of {status}" in line for line in complaints)
    complaints.clear()


def refuse_first(tab, path: str, *, times: int = 1, **answer) -> None:
    """Refuse the first requests to a path; the others reach the server."""
    tab.route(f"**{path}*", lambda route: route.fulfill(**answer), times=times)


def test_download__is_what_the_server_made(shown, pair_files, address) -> None:
    name, content = saved(shown)
    assert name == "street_vis_fused.png"
    assert content == made_by_server(address, pair_files, "png")


def test_download__in_another_format(shown, pair_files, address) -> None:
    look(shown, "heat")
    shown.locator("#format").select_option("webp")
    name, content = saved(shown)
    assert name == "street_vis_heat.webp"
    assert content == made_by_server(address, pair_files, "webp", colour="heat")


def test_views__are_asked_for_once(shown, asked) -> None:
    for view in ("machine", "heat", "grey", "fused"):
        look(shown, view)
    assert queries(asked) == [
        "fused visible png",
        "machine visible png",
        "fused heat png",
        "fused grey png",
    ]
    assert float(shown.locator("#round-trip").inner_text()) > 0.0
    assert "fuse" in shown.locator("#terms").inner_text()


def test_divider__follows_keys(shown) -> None:
    divider = shown.get_by_role("slider", name="Divider")
    divider.focus()
    divider.press("ArrowLeft")
    divider.press("PageDown")
    assert divider.input_value() == "39"
    assert divider.get_attribute("aria-valuetext").startswith("39 per cent Visible")
    clip = shown.locator("[data-layer=left]").evaluate("(one) => getComputedStyle(one).clipPath")
    assert "61%" in clip
    divider.press("Home")
    assert divider.input_value() == "0"


def test_divider__follows_the_mouse_and_then_keys(shown) -> None:
    divider, box = shown.locator("#position"), shown.locator("#stage").bounding_box()
    middle = box["y"] + box["height"] / 2
    shown.mouse.move(box["x"] + box["width"] * 0.5, middle)
    shown.mouse.down()
    shown.mouse.move(box["x"] + box["width"] * 0.2, middle)
    shown.mouse.up()
    assert divider.input_value() == "20"
    shown.keyboard.press("ArrowRight")
    assert divider.input_value() == "21"


def test_divider__follows_a_finger(shown) -> None:
    box = shown.locator("#stage").bounding_box()
    fingers = shown.context.new_cdp_session(shown)
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.8)):
        point = {"x": box["x"] + share * box["width"], "y": box["y"] + 80.0}
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(shown.locator("#position")).to_have_value("80")
    fingers.detach()


def test_side__infrared_instead_of_visible(shown, asked) -> None:
    count = len(queries(asked))
    shown.locator("label:has(input[value=ir])").click()
    expect(shown.locator("[data-layer=left] img")).to_have_attribute("alt", "Infrared image")
    assert len(queries(asked)) == count


def test_example__is_fused_and_comes_into_sight(tab) -> None:
    tab.set_viewport_size({"width": 360, "height": 640})
    tab.locator("#examples button").first.click()
    expect(tab.locator("[data-layer=right] img")).to_have_attribute("alt", "Fused image")
    expect(tab.locator("#status")).to_contain_text("ms.")
    tab.locator("#examples button").last.click()  # below the image, by now
    expect(tab.locator("[data-camera=vis] .file")).to_have_text("smoke_vis.webp")
    expect(tab.locator("#stage")).to_be_in_viewport(ratio=1.0)


def test_inputs__told_apart_by_colour_and_swapped(tab, pair_files, complaints) -> None:
    files = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": pair_files[camera].read_bytes()}
        for name, camera in (("1", "ir"), ("2", "vis"))
    ]
    tab.locator("#vis-file").set_input_files(files)
    expect(tab.locator("#guessed")).to_contain_text("by colour")
    assert chosen_names(tab) == ["2.png", "1.png"]
    expect(tab.locator("#download")).to_be_enabled()
    tab.get_by_role("button", name="Swap").click()
    assert chosen_names(tab) == ["1.png", "2.png"]
    expect(tab.get_by_role("alert")).to_contain_text("the infrared image is in colour")
    forget(complaints, status=422)


def test_inputs__dropped_on_the_page(tab, pair_files) -> None:
    drop = """(files) => {
        const data = new DataTransfer();
        for (const [name, bytes] of files) {
            data.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }));
        }
        const options = { dataTransfer: data, bubbles: true, cancelable: true };
        return ['dragenter', 'dragover', 'drop'].map(
            (type) => !document.body.dispatchEvent(new DragEvent(type, options)));
    }"""
    files = [[path.name, list(path.read_bytes())] for path in pair_files.values()]
    # Of the last two the browser's own answer, to open the file, is prevented.
    assert tab.evaluate(drop, files) == [False, True, True]
    expect(tab.locator("#download")).to_be_enabled()
    assert chosen_names(tab) == ["street_vis.png", "street_ir.png"]
    expect(tab.locator(".drop")).to_be_hidden()


def test_inputs__raw_infrared_needs_a_range(tab, pair_files, asked, complaints) -> None:
    deep = io.BytesIO()
    raw = 27_000 + 10 * np.asarray(Image.open(pair_files["ir"])).astype(np.uint16)
    Image.fromarray(raw).save(deep, format="PNG")
    tab.locator("#vis-file").set_input_files(pair_files["vis"])
    tab.locator("#ir-file").set_input_files(
        {"name": "deep.png", "mimeType": "image/png", "buffer": deep.getvalue()}
    )
    expect(tab.get_by_role("alert")).to_contain_text("more than 8 bits")
    forget(complaints, status=422)
    tab.get_by_label("Black", exact=True).fill("27000")
    tab.get_by_label("White", exact=True).fill("29550")
    tab.get_by_role("button", name="Fuse", exact=True).click()
    expect(tab.locator("#download")).to_be_enabled()
    assert "ir_black=27000&ir_white=29550" in [one.url for one in asked if "fuse" in one.url][-1]


def test_inputs__the_range_is_asked_for_by_the_refusals_code(tab, pair_files, complaints) -> None:
    refusal = {**PROBLEM, "status": 422, "detail": "in other words", "code": "ir_range"}
    refuse_first(tab, "/v1/fuse", status=422, json=refusal)
    tab.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    expect(tab.get_by_label("Black", exact=True)).to_be_focused()
    forget(complaints, status=422)


def test_camera_by_name(tab) -> None:
    cameras = {
        "00012_IR.png": "ir",
        "thermal-3.tiff": "ir",
        "night_vis.png": "vis",
        "RGB_7.jpg": "vis",
        "street.png": None,
        "vis_and_ir.png": None,
        "first.png": None,
    }
    script = "(names) => import('/page/guess.js').then((all) => names.map(all.cameraByName))"
    assert tab.evaluate(script, list(cameras)) == list(cameras.values())


def test_inputs__what_a_browser_cannot_show_is_fused_alone(tab, pair_files) -> None:
    deep = io.BytesIO()
    Image.fromarray(np.asarray(Image.open(pair_files["ir"]))).save(deep, format="TIFF")
    files = [
        {"name": "a.png", "mimeType": "image/png", "buffer": pair_files["vis"].read_bytes()},
        {"name": "b.tif", "mimeType": "image/tiff", "buffer": deep.getvalue()},
    ]
    tab.locator("#vis-file").set_input_files(files)
    expect(tab.locator("#download")).to_be_enabled()
    tab.locator("label:has(input[value=ir])").click()
    expect(tab.locator("#status")).to_have_text("This browser cannot show b.tif beside it.")
    expect(tab.locator("#position")).to_be_disabled()


def test_bad_file__is_named_and_the_page_goes_on(shown, pair_files, complaints) -> None:
    bad = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no image"}
    shown.locator("#vis-file").set_input_files(bad)
    alert = shown.get_by_role("alert")
    expect(alert).to_contain_text("PNG, JPEG, TIFF, WebP or BMP")
    forget(complaints, status=415)
    shown.locator("#vis-file").set_input_files(pair_files["vis"])
    expect(shown.locator("#download")).to_be_enabled()
    expect(alert).to_be_hidden()


def test_busy_server__is_asked_again(tab, pair_files, asked, complaints) -> None:
    refuse_first(tab, "/v1/fuse", status=429, json=PROBLEM, headers={"Retry-After": "0"})
    tab.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    expect(tab.locator("#download")).to_be_enabled()
    forget(complaints, status=429)
    assert queries(asked) == 2 * ["fused visible png"]


def test_busy_server__is_not_told_of_when_it_has_answered(blank, complaints) -> None:
    refuse_first(blank, "/v1/examples", status=429, json=PROBLEM, headers={"Retry-After": "0"})
    blank.goto("/")
    expect(blank.locator("#examples button")).not_to_have_count(0)
    expect(blank.locator("#status")).to_have_text("")
    forget(complaints, status=429)


def test_server__that_starts_is_waited_for(blank, complaints) -> None:
    starting = {**PROBLEM, "status": 503, "code": "starting"}
    headers = {"Retry-After": "0"}
    refuse_first(blank, "/v1/model", times=8, status=503, json=starting, headers=headers)
    blank.goto("/")
    expect(blank.locator("#model-short")).to_have_text("pretrained")
    forget(complaints, status=503)


def test_server__that_is_gone(shown, complaints) -> None:
    shown.route("**/v1/fuse*", lambda route: route.abort())
    shown.locator("label:has(input[value=heat])").click()
    alert = shown.get_by_role("alert")
    expect(alert).to_contain_text("The server does not answer")
    expect(shown.get_by_role("radio", name="Fused")).to_be_checked()
    assert all("ERR_FAILED" in line for line in complaints)
    complaints.clear()
    shown.get_by_role("button", name="Dismiss").click()
    expect(alert).to_be_hidden()


def test_token__is_asked_for_and_sent(blank, asked, complaints) -> None:
    refuse_first(blank, "/v1/model", status=401, json={"detail": "expected a token"})
    blank.goto("/")
    field = blank.get_by_label("Token", exact=True)
    field.fill("secret\N{EM DASH}")  # no header can have it
    field.press("Enter")
    expect(field).to_be_visible()
    field.fill(" secret ")
    field.press("Enter")
    expect(blank.locator("#examples button")).not_to_have_count(0)
    forget(complaints, status=401)
    sent = [one.headers.get("authorization") for one in asked if "/v1/" in one.url]
    assert sent == [None, "Bearer secret", "Bearer secret"]
    blank.evaluate("sessionStorage.clear()")
