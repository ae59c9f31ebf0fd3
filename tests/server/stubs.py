"""Servers within the tests' own process, with stubs for models."""

import asyncio
import io
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import numpy as np
from fastapi import FastAPI
from PIL import Image

from ssvif.fuse.fuser import _require_pair
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.views import FUSED, MACHINE
from ssvif.server.app import build_app
from ssvif.server.facts import ModelFacts
from ssvif.server.keeper import Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.served import Runtime, ServedModel, load_served
from ssvif.server.service import Service
from ssvif.server.sources import Found, PathSource

SECONDS = 30  # that anything may take, at most
NEVER = 1e6


def encoded(image, kind="PNG"):
    """An array as the bytes of an image file."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format=kind)
    return stream.getvalue()


def decoded(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def mean(vis, ir):
    """A fuser that needs no model."""
    _require_pair(vis, ir)
    return ((vis.astype(int) + ir[..., None]) // 2).astype(np.uint8)


class Halves:
    """A segmenter that needs no model."""

    prototypes = 2

    def __call__(self, fused):
        return (fused.mean(axis=2) > 127).astype(np.uint8)


def served(fuser=mean, *, weights="a" * 64, **options):
    facts = ModelFacts(weights=weights, name="stub")
    options = {"segments": Halves, **options}
    return ServedModel({FUSED: fuser, MACHINE: fuser}, facts, callers=99, **options)


class Shelf:
    """A source whose model a test may change."""

    def __init__(self, model):
        self.model, self.mark = model, "1"

    def find(self):
        return Found(PRETRAINED, "stub", None, self.mark)

    def load(self, _found):
        if isinstance(self.model, Exception):
            raise self.model
        return self.model


class Unread(Shelf):
    """A source whose model is being read, until it is let go."""

    def __init__(self):
        super().__init__(served())
        self.go = threading.Event()

    def load(self, found):
        assert self.go.wait(SECONDS)
        return super().load(found)


@dataclass
class Running:
    """A server within this process."""

    service: Service
    client: httpx.AsyncClient
    app: FastAPI

    async def fuse(self, files, route="/v1/fuse", **params):
        return await self.client.post(route, files=files, params=params)

    async def metric(self, line):
        """The value of a line of /metrics, or 0 where there is none."""
        text = (await self.client.get("/metrics")).text
        found = [row.rpartition(" ")[2] for row in text.splitlines() if row.startswith(f"{line} ")]
        return float(found[0]) if found else 0.0


async def until(condition):
    """Wait for something that must come."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.002)


@asynccontextmanager
async def running(shelf=None, *, token=None, wait=True, poll=NEVER, **limits):
    """Run a server with a stub for a model."""
    shelf = shelf or Shelf(served())
    metrics = Metrics()
    service = Service(
        Keeper(shelf, shelf.load, metrics, poll=poll), replace(Limits(), **limits), metrics
    )
    app = build_app(service, token=token)
    # What the server raises is what a client must never see: it must be answered.
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://server", timeout=SECONDS) as client,
    ):
        if wait:
            await until(lambda: service.keeper.is_ready)
        yield Running(service, client, app)


class PackageShelf(PathSource):
    """The package's model."""

    def __init__(self):
        super().__init__(PRETRAINED)

    def load(self, found):
        return load_served(found, Runtime())


def problem(response):
    """The status and the code of a refusal, which must be whole."""
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == response.status_code
    assert set(content) == {"type", "title", "status", "detail", "code"}
    assert content["detail"]
    assert "\n" not in content["detail"]
    assert "Traceback" not in response.text
    return response.status_code, content["code"]
