"""`python -m benchmarks.serving`: a server of its own under load, on loopback.

Pairs of 480x640 as PNG, PNG back. First what the server's threads do, without HTTP. Then as many
clients as cores, each asking again when it is answered: what the server can take. Then requests at
that rate and at four times it, whether or not there are answers. Last, memory before and after some
thousand requests. The clients share the machine with the server: read the ratios.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks.fuzz_server import memory, server
from ssvif.data.encoding import encode_image
from ssvif.data.images import ImageBytes
from ssvif.data.synthetic import render_pair
from ssvif.fuse.places import PRETRAINED
from ssvif.server.jobs import fuse_pair
from ssvif.server.limits import Limits
from ssvif.server.served import Runtime, load_served
from ssvif.server.sources import PathSource
from ssvif.server.wishes import FuseWish
from ssvif.threads import cores

SIZE = {"height": 480, "width": 640}
OVERLOAD = 4
SECONDS = 60  # that a client waits


@dataclass
class Seen:
    """What clients saw.

    Args:
        seconds: Of each answer, by status; 0 stands for a broken connection.
        wall: Seconds that it all took.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    wall: float = 0.0

    def add(self, status: int, seconds: float) -> None:
        """Note an answer."""
        self.seconds.setdefault(status, []).append(seconds)

    @property
    def counts(self) -> Counter[int]:
        """How often each status came."""
        return Counter({status: len(found) for status, found in self.seconds.items()})

    @property
    def rate(self) -> float:
        """Pairs fused in a second."""
        return self.counts[200] / self.wall

    def percentile(self, status: int, share: float) -> float:
        """A percentile of the seconds of a status."""
        found = self.seconds.get(status, [])
        if len(found) < 2:
            return float("nan")
        return statistics.quantiles(found, n=100, method="inclusive")[round(100 * share) - 1]


Ask = Callable[[], Awaitable[None]]


def asker(client: httpx.AsyncClient, body: bytes, headers: dict[str, str], seen: Seen) -> Ask:
    """Return what asks once, and notes what came."""

    async def ask() -> None:
        began = time.perf_counter()
        try:
            status = (await client.post("/v1/fuse", content=body, headers=headers)).status_code
        except httpx.TransportError:
            status = 0
        seen.add(status, time.perf_counter() - began)

    return ask


async def closed(ask: Ask, seen: Seen, *, clients: int, seconds: float, most: int) -> None:
    """Let each client ask again as soon as it is answered."""
    began = time.perf_counter()
    left = most

    async def client() -> None:
        nonlocal left
        while left > 0 and time.perf_counter() - began < seconds:
            left -= 1
            await ask()

    await asyncio.gather(*(client() for _ in range(clients)))
    seen.wall = time.perf_counter() - began


async def opened(ask: Ask, seen: Seen, *, rate: float, seconds: float) -> None:
    """Ask at a fixed rate, whether or not there are answers."""
    began = time.perf_counter()
    asked = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        asked.append(asyncio.ensure_future(ask()))
    seen.wall = time.perf_counter() - began
    await asyncio.gather(*asked)


def most_memory(process: int) -> float:
    """Return the most memory that a process has had, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1e3
    return float("nan")


def flat(pixels: int) -> dict[str, tuple[str, bytes]]:
    """Return a pair of so many pixels, which is small as a file."""
    side = math.isqrt(pixels)
    vis, ir = np.full((side, side, 3), 90, np.uint8), np.full((side, side), 120, np.uint8)
    return {"vis": ("a.png", encode_image(vis, "png")), "ir": ("a.png", encode_image(ir, "png"))}


def without_http(vis: bytes, ir: bytes, *, seconds: float) -> float:
    """Return the pairs a second of what the server's threads do, in threads of this process."""
    model = load_served(PathSource(PRETRAINED).find(), Runtime())
    pair = ImageBytes("vis", vis), ImageBytes("ir", ir)
    pixels = Limits().max_pixels
    began = time.perf_counter()

    def fuse(_: int) -> int:
        done = 0
        while time.perf_counter() - began < seconds:
            fuse_pair(model, *pair, FuseWish(), max_pixels=pixels)
            done += 1
        return done

    with ThreadPoolExecutor(cores()) as pool:
        return sum(pool.map(fuse, range(cores()))) / (time.perf_counter() - began)


def tell(name: str, seen: Seen) -> None:
    """Print a row."""
    total, refused = seen.counts.total(), seen.counts[429] + seen.counts[503]
    times = [1000.0 * seen.percentile(s, p) for s in (200, 429) for p in (0.5, 0.99)]
    broken = total - refused - seen.counts[200]
    print(
        f"{name:22s} {total / seen.wall:8.1f} {seen.rate:8.1f} {100 * refused / total:7.1f} % "
        f"{times[0]:8.0f} {times[1]:8.0f} {times[2]:8.0f} {times[3]:8.0f} {broken:7d}",
        flush=True,
    )


async def measure(address: str, process: int, *, seconds: float, requests: int) -> None:
    """Load a server, and print what it took."""
    pair = render_pair(0, seed=0, **SIZE)
    files = {
        "vis": ("a.png", encode_image(pair.vis, "png")),
        "ir": ("a.png", encode_image(pair.ir, "png")),
    }
    request = httpx.Request("POST", address, files=files)
    body, headers = request.read(), {"content-type": request.headers["content-type"]}
    print(f"{len(body) / 1e6:.2f} MB a pair, {cores()} threads that fuse; times in ms")
    print(f"{'':22s}  asked/s  fused/s   refused  fused 50  fused 99  refd 50  refd 99  broken")
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=1000)
    alone = without_http(files["vis"][1], files["ir"][1], seconds=seconds)
    print(f"{'without HTTP':22s} {'':8s} {alone:8.1f}", flush=True)
    async with httpx.AsyncClient(base_url=address, timeout=SECONDS, limits=limits) as client:
        await closed(asker(client, body, headers, Seen()), Seen(), clients=2, seconds=2.0, most=50)
        capacity = Seen()
        ask = asker(client, body, headers, capacity)
        await closed(ask, capacity, clients=cores(), seconds=seconds, most=requests)
        tell("a client a core", capacity)
        for times in (1, OVERLOAD):
            seen = Seen()
            ask = asker(client, body, headers, seen)
            await opened(ask, seen, rate=times * capacity.rate, seconds=seconds)
            tell(f"{times} x that rate", seen)
        with httpx.Client(base_url=address, timeout=SECONDS) as plain:
            before, seen = memory(plain), Seen()
            ask = asker(client, body, headers, seen)
            await closed(ask, seen, clients=2 * cores(), seconds=10 * seconds, most=requests)
            tell("two clients a core", seen)
            print(f"memory: {before:.0f} MB, after {seen.counts[200]} more {memory(plain):.0f} MB")
            print(f"at most: {most_memory(process):.0f} MB", end="")
            pixels = Limits().max_pixels
            status = plain.post("/v1/fuse", files=flat(pixels)).status_code
            print(
                f", with a pair of {pixels} pixels (status {status}) {most_memory(process):.0f} MB"
            )


def main() -> None:
    """Measure `ssvif serve`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each row but the last")
    parser.add_argument("--requests", type=int, default=2000, help="of the last row, at most")
    options = parser.parse_args()
    with server() as (address, process):
        asyncio.run(measure(address, process, seconds=options.seconds, requests=options.requests))


if __name__ == "__main__":
    main()
