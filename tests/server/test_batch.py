import asyncio
import io
import json
import zipfile

import numpy as np
import pytest

from ssvif.server.batch import BatchResults
from tests.server.stubs import Shelf, decoded, encoded, mean, problem, running, served

pytestmark = pytest.mark.anyio

ROUTE = "/v1/fuse/batch"


def fields(**named):
    """Fields of a batch: `vis_a=content` is a file a.png in the field vis."""
    return [
        (key.partition("_")[0], (f"{key.partition('_')[2]}.png", content))
        for key, content in named.items()
    ]


def unpacked(response):
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as packed:
        assert packed.testzip() is None
        contents = {name: packed.read(name) for name in packed.namelist()}
    results = BatchResults.model_validate(json.loads(contents.pop("results.json")))
    return contents, results


@pytest.fixture(scope="module")
def vis(files):
    return files["vis"][1]


@pytest.fixture(scope="module")
def ir(files):
    return files["ir"][1]


async def test_batch__pairs_by_name_in_any_order(pair, vis, ir):
    other = np.zeros_like(pair.ir)
    sent = fields(vis_a=vis, vis_b=vis, ir_B=encoded(other), ir_a=ir)
    async with running() as server:
        response = await server.fuse(sent, ROUTE)
    contents, results = unpacked(response)
    assert sorted(contents) == ["a.png", "b.png"]
    assert (results.fused, results.failed) == (2, 0)
    assert results.weights == response.headers["x-ssvif-model"]
    np.testing.assert_array_equal(decoded(contents["a.png"]), mean(pair.vis, pair.ir))
    np.testing.assert_array_equal(decoded(contents["b.png"]), mean(pair.vis, other))


async def test_batch__a_bad_pair_has_its_reason_and_the_rest_goes_on(vis, ir):
    sent = [
        *fields(vis_good=vis, ir_good=ir, vis_bad=b"no picture", ir_bad=ir, vis_alone=vis),
        *fields(vis_twice=vis, ir_twice=ir),
        *fields(ir_twice=ir),
    ]
    async with running() as server:
        response = await server.fuse(sent, ROUTE, format="webp")
    contents, results = unpacked(response)
    assert list(contents) == ["good.webp"]
    found = {result.name: (result.status, result.code) for result in results.pairs}
    assert found == {
        "good": ("fused", None),
        "bad": ("failed", "image_type"),
        "alone": ("failed", "no_partner"),
        "twice": ("failed", "same_name"),
    }
    assert (results.fused, results.failed) == (1, 3)


async def test_batch__a_fault_in_one_pair_is_that_pairs(vis, ir):
    def picky(colours, heat):
        if not heat.any():
            raise RuntimeError("boom")
        return mean(colours, heat)

    black = encoded(np.zeros((64, 96), np.uint8))
    sent = fields(vis_a=vis, ir_a=ir, vis_b=vis, ir_b=black)
    async with running(Shelf(served(picky))) as server:
        contents, results = unpacked(await server.fuse(sent, ROUTE))
    assert list(contents) == ["a.png"]
    assert results.pairs[1].code == "internal"
    assert "boom" not in str(results)


async def test_batch__deep_infrared_has_one_range(pair, vis):
    low = 20_000 + pair.ir.astype(np.uint16)
    sent = fields(vis_a=vis, vis_b=vis, ir_a=encoded(low), ir_b=encoded(low + 5000))
    async with running() as server:
        contents, results = unpacked(await server.fuse(sent, ROUTE))
    black, white = results.ir_range
    assert black < 20_256 < 25_000 < white
    assert decoded(contents["a.png"]).mean() < decoded(contents["b.png"]).mean()


async def test_batch__names_stay_in_the_archive(vis, ir):
    name = "..\\../../etc/passwd.png"
    async with running() as server:
        response = await server.fuse([("vis", (name, vis)), ("ir", (name, ir))], ROUTE)
    assert list(unpacked(response)[0]) == ["passwd.png"]


async def test_batch__more_pairs_than_it_takes(vis, ir):
    sent = fields(vis_a=vis, vis_b=vis, vis_c=vis, ir_a=ir)
    async with running(max_pairs=2) as server:
        response = await server.fuse(sent, ROUTE)
    assert problem(response) == (422, "field")


async def test_batch__others_are_served_in_between(vis, ir, files):
    order = []

    def noted(colours, heat):
        order.append(int(heat[0, 0]))
        return mean(colours, heat)

    mark = encoded(np.full((64, 96), 7, np.uint8))
    sent = [
        *(("vis", (f"{n}.png", vis)) for n in range(8)),
        *(("ir", (f"{n}.png", ir)) for n in range(8)),
    ]
    async with running(Shelf(served(noted)), concurrency=1) as server:
        order.clear()
        batch = asyncio.create_task(server.fuse(sent, ROUTE))
        while not order:
            await asyncio.sleep(0)
        single = await server.fuse({**files, "ir": ("ir.png", mark)})
        assert (await batch).status_code == 200
    assert single.status_code == 200
    assert order.index(7) < 8
