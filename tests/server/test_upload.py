import asyncio
import threading

import pytest
from starlette.datastructures import UploadFile

from tests.server.stubs import SECONDS, Shelf, mean, problem, running, served, until

pytestmark = pytest.mark.anyio

BOUNDARY = "frontier"
KIND = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(name, content, filename="a.png"):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{filename}"' if filename else ""
    return head.encode() + b"\r\n\r\n" + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of the kind",
        part("vis", b"1") + part("ir", b"2"),
        part("vis", b"1"),
        b"--frontier\r\nno header\r\n\r\n1\r\n" + END,
        b"--frontier\r\nContent-Type: text/plain\r\n\r\n1\r\n" + END,
        part("vis", b"1") + b"--frontierX" + END,
    ],
    ids=["empty", "text", "no-end", "half", "bad-header", "no-name", "bad-boundary"],
)
async def test_read_images__broken_multipart(body):
    async with running() as server:
        response = await server.client.post("/v1/fuse", content=body, headers=KIND)
    assert problem(response) == (400, "multipart")


async def test_read_images__multipart_without_a_boundary():
    async with running() as server:
        kind = {"content-type": "multipart/form-data"}
        response = await server.client.post("/v1/fuse", content=b"x", headers=kind)
    assert problem(response) == (400, "multipart")


@pytest.mark.parametrize("kind", ["application/json", "image/png", "multipart/mixed", ""])
async def test_read_images__another_kind_of_body(kind):
    async with running() as server:
        response = await server.client.post(
            "/v1/fuse", content=b"x", headers={"content-type": kind}
        )
    assert problem(response) == (415, "body_type")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (part("vis", b"1") + END, "ir: missing"),
        (part("vis", b"1") + part("ir", b"2") + part("more", b"3") + END, "unknown field 'more'"),
        (part("vis", b"1", filename=None) + part("ir", b"2") + END, "expected a file, found text"),
        (part("vis", bytes(9999), filename=None) + END, "send images with a file name"),
        (part("vis", b"1") + part("vis", b"2") + END, "vis: more than 1 file"),
        (part("vis", b"") + part("ir", b"2") + END, "vis: the file a.png is empty"),
    ],
)
async def test_read_images__fields_that_are_refused(body, said):
    async with running() as server:
        response = await server.client.post("/v1/fuse", content=body, headers=KIND)
    assert problem(response) == (422, "field")
    assert said in response.json()["detail"]


async def test_read_images__names_are_neither_paths_nor_lines(files):
    name = "../..\\secret\n\x1b[31m.png"
    async with running() as server:
        response = await server.fuse({**files, "vis": (name, b"no picture")})
    assert problem(response)[0] == 415
    assert ".." not in response.json()["detail"]
    assert "\x1b" not in response.json()["detail"]


async def test_read_images__too_many_bytes_by_their_own_word(files):
    async with running(max_bytes=1000) as server:
        response = await server.fuse(files)
    assert problem(response) == (413, "too_many_bytes")


async def test_read_images__too_many_bytes_are_not_read_to_the_end():
    sent = 0

    async def stream():
        nonlocal sent
        yield part("vis", b"1")[:-2]
        for _ in range(10_000):
            sent += 1000
            yield bytes(1000)

    async with running(max_bytes=50_000) as server:
        response = await server.client.post("/v1/fuse", content=stream(), headers=KIND)
    assert problem(response) == (413, "too_many_bytes")
    assert sent < 100_000


async def test_read_images__an_upload_that_takes_too_long():
    async def stream():
        yield part("vis", b"1")
        await asyncio.sleep(3600)
        yield END

    async with running(timeout=0.05) as server:
        response = await server.client.post("/v1/fuse", content=stream(), headers=KIND)
        assert await server.metric("ssvif_uploads") == 0
    assert problem(response) == (408, "upload_timeout")
    assert response.headers["connection"] == "close"


async def test_upload__slow_senders_do_not_fill_the_queue(files):
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow():
        begun.set()
        await go.wait()
        yield b"never"

    async with running(queue=0, concurrency=1) as server:
        post = server.client.post("/v1/fuse", content=slow(), headers=KIND)
        sending = asyncio.create_task(post)
        await begun.wait()
        assert (await server.fuse(files)).status_code == 200
        go.set()
        assert problem(await sending) == (400, "multipart")


async def test_upload__more_uploads_than_can_be_read_at_once(files):
    begun, go = 0, asyncio.Event()

    async def slow():
        nonlocal begun
        begun += 1
        await go.wait()
        yield b"never"

    async with running(queue=0, concurrency=1) as server:
        most = server.service.limits.uploads
        sending = [
            asyncio.create_task(server.client.post("/v1/fuse", content=slow(), headers=KIND))
            for _ in range(most)
        ]
        while begun < most:
            await asyncio.sleep(0)
        response = await server.fuse(files)
        go.set()
        await asyncio.gather(*sending)
        assert (await server.fuse(files)).status_code == 200
    assert problem(response) == (429, "uploads_full")


async def test_upload__is_read_when_there_is_a_place_for_it(files, monkeypatch):
    read, begun, go, sent = [], threading.Event(), threading.Event(), asyncio.Event()
    read_file = UploadFile.read

    async def noted(file, size=-1):
        read.append(file.filename)
        return await read_file(file, size)

    def held(vis, ir):
        if ir.shape == (64, 96):
            begun.set()
            assert go.wait(SECONDS)
        return mean(vis, ir)

    async def slow():
        yield part("vis", files["vis"][1])
        await sent.wait()
        yield part("ir", files["ir"][1]) + END

    monkeypatch.setattr(UploadFile, "read", noted)
    async with running(Shelf(served(held)), queue=0, concurrency=1) as server:
        late = asyncio.create_task(server.client.post("/v1/fuse", content=slow(), headers=KIND))
        await until(lambda: server.service._uploads == 1)
        first = asyncio.create_task(server.fuse(files))
        await until(begun.is_set)
        sent.set()
        assert problem(await late) == (429, "queue_full")
        assert read == ["scene.png", "scene.png"]
        go.set()
        assert (await first).status_code == 200
