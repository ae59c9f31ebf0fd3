import pytest

from ssvif.server import telling
from tests.server.stubs import PackageShelf, Unread, problem, running, until

pytestmark = pytest.mark.anyio


async def test_healthz__and_readyz():
    async with running() as server:
        for route in ("/healthz", "/readyz"):
            response = await server.client.get(route)
            assert (response.status_code, response.json()) == (200, {"status": "ok"})
            response = await server.client.head(route)
            assert (response.status_code, response.content) == (200, b"")
        server.service.is_stopping = True
        assert (await server.client.get("/healthz")).status_code == 200
        assert problem(await server.client.get("/readyz")) == (503, "shutting_down")


async def test_readyz__while_the_model_is_read():
    shelf = Unread()
    async with running(shelf, wait=False) as server:
        assert problem(await server.client.get("/readyz")) == (503, "starting")
        assert (await server.client.get("/healthz")).status_code == 200
        shelf.go.set()
        await until(lambda: server.service.keeper.is_ready)
        assert (await server.client.get("/readyz")).status_code == 200


async def test_model__is_described():
    async with running(PackageShelf()) as server:
        facts = (await server.client.get("/v1/model")).json()
    assert facts["name"] == "pretrained"
    assert facts["views"] == ["fused", "machine"]
    assert facts["card"].startswith("# The fusion model")


def test_find_examples__whole_pairs_alone(tmp_path):
    assert telling.find_examples(tmp_path / "none") == []
    for name in ("b_vis.png", "b_ir.jpg", "a_vis.webp", "a_ir.webp", "c_vis.png", "notes.txt"):
        (tmp_path / name).touch()
    found = telling.find_examples(tmp_path)
    assert [example.name for example in found] == ["a", "b"]
    assert found[1].vis == "/page/examples/b_vis.png"
    assert found[1].ir == "/page/examples/b_ir.jpg"


async def test_examples__are_there_to_be_fetched():
    async with running() as server:
        for example in (await server.client.get("/v1/examples")).json():
            for url in (example["vis"], example["ir"]):
                response = await server.client.get(url)
                assert response.headers["content-type"].startswith("image/")


async def test_metrics__of_requests_and_parts(files):
    async with running() as server:
        await server.fuse(files)
        await server.fuse({"vis": files["vis"]})
        await server.client.get("/nowhere")
        fuse = 'ssvif_requests_total{method="POST",route="/v1/fuse",status="%d"}'
        assert await server.metric(fuse % 200) == 1
        assert await server.metric(fuse % 422) == 1
        other = 'ssvif_requests_total{method="GET",route="other",status="404"}'
        assert await server.metric(other) == 1
        assert await server.metric('ssvif_refused_total{code="field"}') == 1
        for part in ("decode", "queue", "fuse", "encode"):
            assert await server.metric(f'ssvif_part_seconds_count{{part="{part}"}}') == 1
        assert await server.metric('ssvif_request_seconds_count{route="/v1/fuse"}') == 2
        assert await server.metric("process_resident_memory_bytes") > 1e6


@pytest.mark.parametrize("path", ["/", "/page/index.html"])
async def test_page__is_served(path):
    async with running() as server:
        response = await server.client.get(path)
        assert (await server.client.head(path)).status_code == 200
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["/page/none.js", "/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2f..%2ferrors.py"]
)
async def test_page__nothing_outside_its_folder(path):
    async with running() as server:
        response = await server.client.get(path)
    assert problem(response) == (404, "not_found")
