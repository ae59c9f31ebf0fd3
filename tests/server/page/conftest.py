"""The page in a real browser, served by the real server."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest
import uvicorn

from ssvif.data.images import write_png
from ssvif.data.synthetic import render_pair

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SIZE = (96, 128)
DEADLINE = 15_000  # milliseconds, for a machine that others use, too
# A container's root may not use the sandbox; the page is our own.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a server of the package's model, on a free port."""
    from stub import app

    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning")
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """A night's pair as files; no test may change them."""
    folder = tmp_path_factory.mktemp("pair")
    scene = render_pair(6, seed=0, height=SIZE[0], width=SIZE[1])
    files = {"vis": folder / "street_vis.png", "ir": folder / "street_ir.png"}
    write_png(files["vis"], scene.vis)
    write_png(files["ir"], scene.ir)
    return files


@pytest.fixture(scope="session")
def browser() -> Iterator["sync_api.Browser"]:
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of. A test that makes it complain takes it out."""
    return []


@pytest.fixture
def asked() -> list["sync_api.Request"]:
    """The requests of the page."""
    return []


@pytest.fixture
def blank(browser, address, complaints, asked) -> Iterator["sync_api.Page"]:
    """A tab that has not opened the page yet."""
    sync_api.expect.set_options(timeout=DEADLINE)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    context.set_default_timeout(DEADLINE)
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: asked.append(request))
    yield tab
    context.close()
    elsewhere = [one.url for one in asked if not one.url.startswith((address, "blob:" + address))]
    assert elsewhere == []
    assert complaints == []


@pytest.fixture
def tab(blank) -> "sync_api.Page":
    """A tab that shows the page with its examples."""
    blank.goto("/")
    sync_api.expect(blank.locator("#examples button")).not_to_have_count(0)
    return blank


@pytest.fixture
def shown(tab, pair) -> "sync_api.Page":
    """A tab that shows the fused pair."""
    choose(tab, pair["vis"], pair["ir"])
    sync_api.expect(tab.locator("#download")).to_be_enabled()
    return tab


def choose(tab, *files) -> None:
    """Choose two files at once, or one for the visible slot."""
    tab.locator("#vis-file").set_input_files(list(files))
