import copy
import io

import numpy as np
import pytest
from PIL import Image

import ssvif
from ssvif.files import sha256_file
from ssvif.fuse.colour import coloured
from ssvif.fuse.marks import read_marks
from ssvif.fuse.places import PRETRAINED
from ssvif.models.weights import save_model
from ssvif.server.served import Runtime, load_served
from ssvif.server.sources import PathSource
from tests.server.stubs import (
    PackageShelf,
    Shelf,
    Unread,
    decoded,
    encoded,
    mean,
    problem,
    running,
    served,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("view", ["fused", "machine"])
async def test_fuse__is_what_the_library_makes(files, pair, view):
    async with running(PackageShelf()) as server:
        response = await server.fuse(files, view=view)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-ssvif-model"] == sha256_file(PRETRAINED / "weights.safetensors")
    expected = ssvif.fuse(pair.vis, pair.ir, model=PRETRAINED, view=view)
    np.testing.assert_array_equal(decoded(response.content), expected)


async def test_fuse__says_how_long_each_part_took(files):
    async with running() as server:
        response = await server.fuse(files)
    parts = [part.split(";dur=") for part in response.headers["server-timing"].split(", ")]
    assert [name for name, _ in parts] == ["decode", "queue", "fuse", "encode"]
    assert all(float(duration) >= 0 for _, duration in parts)


@pytest.mark.parametrize("colour", ["grey", "heat"])
async def test_fuse__colours(files, pair, colour):
    async with running(PackageShelf()) as server:
        response = await server.fuse(files, colour=colour)
    fused = ssvif.fuse(pair.vis, pair.ir, model=PRETRAINED)
    np.testing.assert_array_equal(decoded(response.content), coloured(fused, pair.ir, colour))


@pytest.mark.parametrize(("kind", "tolerance"), [("jpeg", 8), ("webp", 12)])
async def test_fuse__formats(files, kind, tolerance):
    async with running() as server:
        png, other = await server.fuse(files), await server.fuse(files, format=kind)
    assert other.headers["content-type"] == f"image/{kind}"
    assert Image.open(io.BytesIO(other.content)).format == kind.upper()
    difference = np.abs(decoded(other.content).astype(int) - decoded(png.content))
    assert difference.mean() < tolerance


async def test_fuse__the_image_says_where_it_is_from(files, tmp_path):
    async with running() as server:
        response = await server.fuse(files, colour="grey")
    for name in ("vis", "ir"):
        (tmp_path / name).write_bytes(files[name][1])
    (tmp_path / "fused.png").write_bytes(response.content)
    marks = read_marks(tmp_path / "fused.png")
    assert (marks.weights, marks.colour) == ("a" * 64, "grey")
    assert (marks.vis, marks.ir) == (sha256_file(tmp_path / "vis"), sha256_file(tmp_path / "ir"))


async def test_fuse__the_image_says_its_precision(files, tmp_path, tiny_model, tiny_network):
    save_model(tmp_path / "weights.safetensors", tiny_model, network=tiny_network)
    runtime = Runtime(engine="torch", precision="bfloat16")
    async with running(Shelf(load_served(PathSource(tmp_path).find(), runtime))) as server:
        response = await server.fuse(files)
    (tmp_path / "fused.png").write_bytes(response.content)
    assert read_marks(tmp_path / "fused.png").precision == "bfloat16"


@pytest.mark.parametrize("route", ["/v1/fuse", "/v1/fuse/batch"])
async def test_fuse__nothing_is_done_for_who_is_gone(files, route):
    fused = []
    async with running(Shelf(served(lambda vis, ir: fused.append(1) or mean(vis, ir)))) as server:
        fused.clear()  # the model is tried before it is served
        request = server.client.build_request("POST", route, files=files)
        told = [{"type": "http.request", "body": request.read(), "more_body": False}]

        async def receive():
            return told.pop() if told else {"type": "http.disconnect"}

        async def send(message):
            pass

        headers = [(name.lower(), value) for name, value in request.headers.raw]
        scope = {"type": "http", "method": "POST", "path": route, "headers": headers}
        await server.app({**scope, "query_string": b"", "root_path": ""}, receive, send)
        assert await server.metric('ssvif_refused_total{code="gone"}') == 1
    assert fused == []


async def test_fuse__deep_infrared_with_its_range(files, pair):
    deep = 20_000 + 10 * pair.ir.astype(np.uint16)
    async with running() as server:
        told = {"ir_black": 20_000, "ir_white": 22_550}
        scaled = await server.fuse({**files, "ir": ("ir.png", encoded(deep))}, **told)
        plain = await server.fuse(files)
    np.testing.assert_array_equal(decoded(scaled.content), decoded(plain.content))


async def test_fuse__deep_infrared_without_a_range(files, pair):
    deep = 20_000 + 10 * pair.ir.astype(np.uint16)
    async with running() as server:
        response = await server.fuse({**files, "ir": ("ir.png", encoded(deep))})
    assert problem(response) == (422, "ir_range")
    assert "give the camera's raw values of black and white" in response.json()["detail"]


def _cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"vis": ("a.txt", b"no picture")}, (415, "image_type")),
        ({"ir": ("a.gif", b"GIF89a" + bytes(20))}, (415, "image_type")),
        ({"vis": ("a.png", b"")}, (422, "field")),
        ({"ir": ("a.png", encoded(np.zeros((64, 64), np.uint8)))}, (422, "size_mismatch")),
        ({"vis": ("a.png", encoded(np.zeros((200, 100), np.uint8)))}, (413, "too_many_pixels")),
        ({"vis": ("a.png", _cut(encoded(np.eye(64, 96, dtype=np.uint8))))}, (422, "image")),
    ],
)
async def test_fuse__files_that_are_refused(files, change, expected):
    async with running(max_pixels=10_000) as server:
        assert problem(await server.fuse({**files, **change})) == expected


async def test_fuse__infrared_in_false_colours(files, pair):
    async with running() as server:
        response = await server.fuse({**files, "ir": ("a.png", encoded(pair.vis[..., ::-1]))})
    assert problem(response) == (422, "colour_infrared")


@pytest.mark.parametrize(
    "params",
    [
        {"view": "side"},
        {"colour": "red"},
        {"format": "gif"},
        {"view": "machine", "colour": "heat"},
        {"ir_black": 3},
        {"ir_black": 3, "ir_white": 3},
        {"ir_black": "nan", "ir_white": 3},
        {"color": "heat"},
        {"view\n\x1b[31m": "x" * 5000},
    ],
)
async def test_fuse__parameters_that_are_refused(files, params):
    async with running() as server:
        response = await server.fuse(files, **params)
    assert problem(response) == (422, "query")
    assert any(name[:4] in response.json()["detail"] for name in params)
    assert response.json()["detail"].isprintable()


@pytest.mark.parametrize("route", ["/v1/fuse", "/v1/fuse/batch", "/v1/segment"])
async def test_fuse__while_the_model_is_read(files, route):
    shelf = Unread()
    async with running(shelf, wait=False) as server:
        response = await server.fuse(files, route)
        shelf.go.set()
    assert problem(response) == (503, "starting")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("route", ["/v1/fuse", "/v1/fuse/batch", "/v1/segment"])
async def test_fuse__while_the_server_shuts_down(files, route):
    async with running() as server:
        server.service.is_stopping = True
        response = await server.fuse(files, route)
    assert problem(response) == (503, "shutting_down")


async def test_segment__the_packages_model_cannot(files):
    async with running(PackageShelf()) as server:
        response = await server.fuse(files, "/v1/segment")
    assert problem(response) == (501, "no_segmentation")
    assert "serve one that training made" in response.json()["detail"]


async def test_segment__without_torch(files, tmp_path, tiny_model, tiny_network, monkeypatch):
    save_model(tmp_path / "weights.safetensors", tiny_model, network=tiny_network)
    found = PathSource(tmp_path).find()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    async with running(Shelf(load_served(found, Runtime()))) as server:
        response = await server.fuse(files, "/v1/segment")
    assert problem(response) == (501, "no_segmentation")
    assert "segmentation needs torch and timm" in response.json()["detail"]


async def test_segment__an_indexed_image(files, pair, tmp_path, tiny_model, tiny_network):
    save_model(tmp_path / "weights.safetensors", tiny_model, network=tiny_network)
    found = PathSource(tmp_path).find()
    async with running(Shelf(load_served(found, Runtime()))) as server:
        response = await server.fuse(files, "/v1/segment")
        assert (await server.client.get("/v1/model")).json()["segmentation"]
    assert response.status_code == 200, response.text
    image = Image.open(io.BytesIO(response.content))
    assert image.mode == "P"
    assert image.size == pair.ir.shape[::-1]
    assert np.asarray(image).max() < int(response.headers["x-ssvif-prototypes"])
    parts = [part.partition(";")[0] for part in response.headers["server-timing"].split(", ")]
    assert parts == ["decode", "queue", "fuse", "segment", "encode"]


async def test_segment__never_with_another_models_weights(
    files, tmp_path, tiny_model, tiny_network
):
    save_model(tmp_path / "weights.safetensors", tiny_model, network=tiny_network)
    model = load_served(PathSource(tmp_path).find(), Runtime())
    other = copy.deepcopy(tiny_model)
    next(other.parameters()).data += 1.0
    save_model(tmp_path / "weights.safetensors", other, network=tiny_network)
    async with running(Shelf(model)) as server:
        response = await server.fuse(files, "/v1/segment")
    assert problem(response) == (500, "model")
    assert "another model's weights" in response.json()["detail"]
