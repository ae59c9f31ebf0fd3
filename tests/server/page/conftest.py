"""The page in a real browser, served by the real server."""

import shutil
import socket
from collections.abc import Iterator
from threading import Thread

import pytest
import uvicorn

from ssvif.data.images import write_png
from ssvif.data.synthetic import render_pair
from ssvif.server.app import build_app
from ssvif.server.keeper import Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.service import Service
from tests.server.stubs import NEVER, PackageShelf

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SIZE = (96, 128)
VIEWPORT = {"width": 900, "height": 700}
DEADLINE = 15_000  # milliseconds, for a machine that others use, too
# A container's root may not use the sandbox; the page is our own.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a server of the package's model, on a free port."""
    shelf, metrics = PackageShelf(), Metrics()
    service = Service(Keeper(shelf, shelf.load, metrics, poll=NEVER), Limits(), metrics)
    server = uvicorn.Server(uvicorn.Config(build_app(service), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def pair_files(tmp_path_factory):
    """A night's pair as files; no test may change them."""
    folder = tmp_path_factory.mktemp("pair")
    scene = render_pair(6, seed=0, height=SIZE[0], width=SIZE[1])
    files = {"vis": folder / "street_vis.png", "ir": folder / "street_ir.png"}
    write_png(files["vis"], scene.vis)
    write_png(files["ir"], scene.ir)
    return files


@pytest.fixture(scope="module")
def window(address) -> Iterator["sync_api.Page"]:
    """A browser's tab; one for a module's tests, because each new one costs half a second.

    Not for more than a module: while Playwright runs, no other event loop can.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on this machine")
    sync_api.expect.set_options(timeout=DEADLINE)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(viewport=VIEWPORT, base_url=address)
        context.set_default_timeout(DEADLINE)
        yield context.new_page()
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
def blank(window, address, complaints, asked) -> Iterator["sync_api.Page"]:
    """A tab that has not opened the page yet."""
    listeners = {
        "console": lambda message: complaints.append(message.text),
        "pageerror": lambda error: complaints.append(str(error)),
        "request": lambda request: asked.append(request),
    }
    window.set_viewport_size(VIEWPORT)
    for event, listener in listeners.items():
        window.on(event, listener)
    yield window
    window.unroute_all()
    window.goto("about:blank")
    for event, listener in listeners.items():
        window.remove_listener(event, listener)
    ours = (address, f"blob:{address}", "about:blank")
    assert [one.url for one in asked if not one.url.startswith(ours)] == []
    assert complaints == []


@pytest.fixture
def tab(blank) -> "sync_api.Page":
    """A tab that shows the page with its examples."""
    blank.goto("/")
    sync_api.expect(blank.locator("#examples button")).not_to_have_count(0)
    return blank


@pytest.fixture
def shown(tab, pair_files) -> "sync_api.Page":
    """A tab that shows the fused pair."""
    tab.locator("#vis-file").set_input_files([pair_files["vis"], pair_files["ir"]])
    sync_api.expect(tab.locator("#download")).to_be_enabled()
    return tab
