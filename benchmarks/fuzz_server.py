"""`python -m benchmarks.fuzz_server`: throws requests at a server of its own, on loopback.

Half of them schemathesis makes from the server's description, fitting or nearly so; whatever comes
must be answered as described. The other half are bodies of multipart with bytes that were cut,
changed, doubled or thrown in: none may be a fault of the server, no connection may hang or break,
and memory must stay.
"""

import asyncio
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import httpx
import numpy as np
import schemathesis
import typer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from benchmarks.fuzz import seeds
from ssvif import console
from ssvif.data.encoding import encode_image
from ssvif.data.synthetic import render_pair
from ssvif.fuse.places import PRETRAINED
from ssvif.server.app import build_app
from ssvif.server.documents import IMAGE_TYPES
from ssvif.server.keeper import Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.run import quiet
from ssvif.server.served import Runtime, load_served
from ssvif.server.service import Service
from ssvif.server.sources import PathSource

SECONDS = 30  # of one answer, at most
BOUNDARY = "frontier"
KNOWN = (200, 400, 413, 415, 422, 501)  # what a lone sender may be answered
_ROUND = 2000  # requests after which the seed changes and the state is told
_ROUTES = ("/v1/fuse", "/v1/fuse/batch", "/v1/fuse", "/v1/segment")
_HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
_TYPES = (*IMAGE_TYPES, "image/tiff", "image/bmp")

# Bytes that are no image fit the description, and are refused all the same. That a model cannot
# segment (501) is no fault of the server.
_EXCLUDED = [positive_data_acceptance, not_a_server_error]
FAULTS = (500, 502, 503, 504)


def good_files() -> tuple[bytes, bytes]:
    """Return a pair that is fused."""
    pair = render_pair(0, seed=0, height=64, width=80)
    return encode_image(pair.vis, "png"), encode_image(pair.ir, "png")


def know_images() -> None:
    """Let schemathesis send images where the interface asks for them, good ones and others."""
    files = st.sampled_from([*good_files(), *seeds()]) | st.binary(min_size=1, max_size=200)
    for media_type in _TYPES:
        schemathesis.openapi.media_type(media_type, files)


def operations(schema: BaseSchema) -> list[APIOperation]:
    """Return the routes of an interface."""
    return [operation.ok() for operation in schema.get_all_operations()]


def ways(schema: BaseSchema) -> list[tuple[APIOperation, GenerationMode]]:
    """Return the routes of an interface, and whether requests fit it; those without parameters do.

    The order is always the same.
    """
    return [
        (operation, mode)
        for operation in operations(schema)
        for mode in GenerationMode
        if mode == GenerationMode.POSITIVE or operation.method == "post"
    ]


def ask(operation: APIOperation, mode: GenerationMode, *, examples: int, seed: int) -> Counter[int]:
    """Ask one route, and hold each answer against the description.

    Args:
        operation: The route.
        mode: Whether requests fit it.
        examples: How many.
        seed: Of the requests.

    Returns:
        How often each status came.
    """
    statuses: Counter[int] = Counter()
    # It takes a file for a list of files that breaks the description.
    fits = [negative_data_rejection] if mode == GenerationMode.POSITIVE else []

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        if operation.path.endswith("/batch") and isinstance(case.body, dict):
            # Of a field that may have several files it makes one.
            case.body = {k: [v] if isinstance(v, bytes) else v for k, v in case.body.items()}
        response = case.call_and_validate(excluded_checks=[*_EXCLUDED, *fits], timeout=SECONDS)
        if response.status_code in FAULTS:
            raise RuntimeError(f"status {response.status_code}: {response.text}")
        statuses[response.status_code] += 1

    asked()
    return statuses


def bodies(seed: int) -> Iterator[bytes]:
    """Yield bodies of multipart with damage, without end."""
    generator = np.random.default_rng(seed)
    files = [*good_files(), *seeds()]
    while True:
        vis, ir = (files[index] for index in generator.integers(0, len(files), 2))
        body = b"".join((_part("vis", vis), _part("ir", ir), f"--{BOUNDARY}--\r\n".encode()))
        for _ in range(generator.integers(0, 4)):
            body = _damaged(body, generator)
        yield body


def _part(name: str, content: bytes) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.png"'
    return f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"


def _damaged(body: bytes, generator: np.random.Generator) -> bytes:
    if not body:
        return body
    # Rather where headers and boundaries are than in the files.
    edges = (int(generator.integers(0, min(len(body), 200))), int(generator.integers(0, len(body))))
    start = edges[int(generator.integers(0, 2))]
    end = min(len(body), start + int(generator.integers(1, 40)))
    kinds = (
        lambda: body[:start],
        lambda: body[:start] + body[end:],
        lambda: body[:end] + body[start:end] + body[end:],
        lambda: body[:start] + generator.bytes(end - start) + body[end:],
        lambda: (
            body[:start]
            + bytes([body[start] ^ (1 << generator.integers(0, 8))])
            + body[start + 1 :]
        ),
        lambda: body[:start] + f"\r\n--{BOUNDARY}".encode() + body[start:],
    )
    return kinds[int(generator.integers(0, len(kinds)))]()


def throw(client: httpx.Client, *, requests: int, seed: int) -> Counter[int]:
    """Send damaged bodies, and refuse any answer that is a fault.

    Returns:
        How often each status came.
    """
    statuses: Counter[int] = Counter()
    for number, body in zip(range(requests), bodies(seed), strict=False):
        route = _ROUTES[number % len(_ROUTES)]
        response = client.post(route, content=body, headers=_HEADERS)
        _require_known(response, body)
        statuses[response.status_code] += 1
    return statuses


async def throw_within(*, requests: int, seed: int) -> Counter[int]:
    """Send damaged bodies to the application within this process, which is many times faster.

    Returns:
        How often each status came.
    """
    quiet()
    metrics = Metrics()
    keeper = Keeper(PathSource(PRETRAINED), partial(load_served, runtime=Runtime()), metrics)
    service = Service(keeper, Limits(), metrics)
    app = build_app(service)
    statuses: Counter[int] = Counter()
    transport = httpx.ASGITransport(app)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://within") as client,
    ):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
        for number, body in zip(range(requests), bodies(seed), strict=False):
            route = _ROUTES[number % len(_ROUTES)]
            response = await client.post(route, content=body, headers=_HEADERS)
            _require_known(response, body)
            statuses[response.status_code] += 1
            if number % _ROUND == 0:
                used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
                print(f"{number} within, {used:.0f} MB at most", flush=True)
    return statuses


def _require_known(response: httpx.Response, body: bytes) -> None:
    if response.status_code not in KNOWN:
        raise RuntimeError(f"status {response.status_code} for {body!r}: {response.text}")


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """Run `ssvif serve` with the package's model at a free port; yield its address and process."""
    code = "from ssvif.cli.main import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--no-access-log"]
    process = subprocess.Popen(
        [*command, "--model", "pretrained"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None  # noqa: S101
        address = next(line.split()[-1] for line in process.stderr if "listening" in line)
        # A pipe that nobody reads would stop the server when it is full.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        while httpx.get(f"{address}/readyz", timeout=SECONDS).status_code != 200:
            time.sleep(0.05)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(SECONDS)


def memory(client: httpx.Client) -> float:
    """Return the resident memory of the server, in MB."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith("process_resident_memory_bytes "):
            return float(line.split()[1]) / 1e6
    return float("nan")


def main(
    requests: Annotated[int, typer.Option(help="How many.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Of what is tried.")] = 1,
    within: Annotated[
        int, typer.Option(help="Damaged bodies for the application in this process, before.")
    ] = 0,
    share: Annotated[float, typer.Option(help="Of them that schemathesis makes.")] = 0.5,
) -> None:
    """Fuzz `ssvif serve`; ends with an error at the first finding."""
    if within:
        print(dict(sorted(asyncio.run(throw_within(requests=within, seed=seed)).items())))
    know_images()
    with server() as (address, _), httpx.Client(base_url=address, timeout=SECONDS) as client:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        asked = ways(schema)
        statuses: Counter[int] = Counter()
        began, number = time.perf_counter(), 0
        while statuses.total() < requests:
            number += 1
            made = 0
            for operation, mode in asked:
                few = max(1, int(share * _ROUND / len(asked)))
                statuses += (found := ask(operation, mode, examples=few, seed=seed + number))
                made += found.total()
            left = max(0, int(made * (1 - share) / share)) if share else _ROUND
            statuses += throw(client, requests=left, seed=seed + number)
            print(
                f"{statuses.total()} requests, {time.perf_counter() - began:.0f} s, "
                f"{memory(client):.0f} MB: {dict(sorted(statuses.items()))}",
                flush=True,
            )


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
