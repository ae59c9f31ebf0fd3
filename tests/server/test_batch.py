import asyncio
import io
import json
import weakref
import zipfile

import numpy as np
import pytest

from ssvif.data.infrared_range import raw_values
from ssvif.server.batch import BatchResults
from ssvif.server.jobs import fuse_pair
from tests.server.stubs import Shelf, decoded, encoded, mean, problem, running, served, until

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
    sent = [
        *fields(vis_a=vis, ir_a=ir),
        ("vis", ("caf\u00e9.png", vis)),
        ("ir", ("CAFE\u0301.png", encoded(other))),
    ]
    async with running() as server:
        response = await server.fuse(sent, ROUTE)
    contents, results = unpacked(response)
    assert sorted(contents) == ["a.png", "caf\u00e9.png"]
    assert (results.fused, results.failed) == (2, 0)
    assert results.weights == response.headers["x-ssvif-model"]
    np.testing.assert_array_equal(decoded(contents["a.png"]), mean(pair.vis, pair.ir))
    np.testing.assert_array_equal(decoded(contents["caf\u00e9.png"]), mean(pair.vis, other))


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
        for code in ("image_type", "no_partner", "same_name"):
            assert await server.metric(f'ssvif_refused_total{{code="{code}"}}') == 1
    assert (results.fused, results.failed) == (1, 3)


async def test_batch__a_fault_in_one_pair_is_that_pairs(vis, ir, caplog):
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
    number = results.pairs[1].reason.rpartition(" ")[2]
    assert f"fault {number}: a pair of a batch, b" in caplog.text


async def test_batch__deep_infrared_has_one_range(pair, vis):
    low = 20_000 + pair.ir.astype(np.uint16)
    sent = fields(vis_a=vis, vis_b=vis, ir_a=encoded(low), ir_b=encoded(low + 5000))
    async with running() as server:
        contents, results = unpacked(await server.fuse(sent, ROUTE))
    black, white = results.ir_range
    assert black < 20_256 < 25_000 < white
    assert decoded(contents["a.png"]).mean() < decoded(contents["b.png"]).mean()


async def test_batch__others_are_served_while_its_range_is_sought(pair, vis, files, monkeypatch):
    order = []

    def noted(images, *, max_pixels):
        order.append("range")
        return raw_values(images, max_pixels=max_pixels)

    def fused(colours, heat):
        order.append("fused")
        return mean(colours, heat)

    monkeypatch.setattr("ssvif.server.batch.raw_values", noted)
    deep = encoded(20_000 + pair.ir.astype(np.uint16))
    sent = [
        (field, (f"{n}.png", content))
        for n in range(8)
        for field, content in (("vis", vis), ("ir", deep))
    ]
    async with running(Shelf(served(fused)), concurrency=1) as server:
        order.clear()
        batch = asyncio.create_task(server.fuse(sent, ROUTE))
        await until(lambda: order)
        assert (await server.fuse(files)).status_code == 200
        assert (await batch).status_code == 200
    assert order.index("fused") < 8


async def test_batch__no_more_images_in_memory_than_are_fused_at_once(vis, ir, monkeypatch):
    made, most = [], 0

    def noted(*args, **options):
        nonlocal most
        image = fuse_pair(*args, **options)
        made.append(weakref.ref(image))
        most = max(most, sum(one() is not None for one in made))
        return image

    monkeypatch.setattr("ssvif.server.batch.fuse_pair", noted)
    sent = [
        (field, (f"{n}.png", content))
        for n in range(20)
        for field, content in (("vis", vis), ("ir", ir))
    ]
    async with running(concurrency=2) as server:
        contents, _ = unpacked(await server.fuse(sent, ROUTE))
    assert len(contents) == 20
    assert most <= 4  # and what a thread has just let go of


async def test_batch__names_stay_in_the_archive(vis, ir):
    name = "..\\../../etc/passwd.png"
    async with running() as server:
        response = await server.fuse([("vis", (name, vis)), ("ir", (name, ir))], ROUTE)
    assert list(unpacked(response)[0]) == ["passwd.png"]


async def test_batch__long_names_that_end_apart(vis, ir):
    names = [200 * "n" + end for end in "ab"]
    sent = [
        (field, (f"{name}.png", content))
        for name in names
        for field, content in (("vis", vis), ("ir", ir))
    ]
    async with running() as server:
        contents, _ = unpacked(await server.fuse(sent, ROUTE))
    assert sorted(contents) == [f"{name}.png" for name in names]


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
