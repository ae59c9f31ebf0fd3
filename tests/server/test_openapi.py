"""Whatever fits the described interface, or nearly does, is answered as described.

`python -m benchmarks.fuzz_server` asks for longer.
"""

import asyncio

import pytest
import schemathesis
from schemathesis.generation import GenerationMode

from benchmarks.fuzz_server import BOUNDARY, KNOWN, ask, bodies, know_images, ways
from ssvif.server.app import build_app
from ssvif.server.keeper import Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.service import Service
from tests.server.stubs import NEVER, Shelf, problem, running, served

EXAMPLES = 20  # of each route and kind
BODIES = 300
WAYS = 11  # five routes with nothing to get wrong, and three in both ways


@pytest.fixture(scope="module")
def api():
    know_images()
    shelf, metrics = Shelf(served()), Metrics()
    service = Service(Keeper(shelf, shelf.load, metrics, poll=NEVER), Limits(), metrics)
    asyncio.run(service.keeper.look())
    return schemathesis.openapi.from_asgi("/openapi.json", build_app(service))


@pytest.mark.parametrize("number", range(WAYS))
def test_api__answers_as_it_says(api, number):
    every = ways(api)
    assert len(every) == WAYS
    operation, mode = every[number]
    statuses = ask(operation, mode, examples=EXAMPLES, seed=0)
    assert statuses.total()
    assert (mode == GenerationMode.POSITIVE) == (statuses[200] > 0)


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
async def test_api__damaged_bodies_are_refused_and_nothing_else():
    statuses = set()
    async with running() as server:
        headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        for _, body in zip(range(BODIES), bodies(0), strict=False):
            response = await server.client.post("/v1/fuse", content=body, headers=headers)
            statuses.add(response.status_code)
            if response.status_code != 200:
                problem(response)
    assert statuses <= set(KNOWN)
    assert {200, 400, 422} <= statuses
