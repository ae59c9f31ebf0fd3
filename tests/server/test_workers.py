import asyncio
import threading

import pytest

from ssvif.server.limits import Limits
from ssvif.server.workers import Workers
from tests.server.stubs import SECONDS, Shelf, mean, problem, running, served, until

pytestmark = pytest.mark.anyio


class Held:
    """A fuser that waits until it is let go, and knows how many are in it."""

    def __init__(self):
        self.inside, self.most = 0, 0
        self.lock, self.go = threading.Lock(), threading.Event()
        self.go.set()  # the model is tried before it is served

    def __call__(self, vis, ir):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go.wait(SECONDS)
        with self.lock:
            self.inside -= 1
        return mean(vis, ir)


async def test_overload__at_four_times_what_it_takes_it_refuses_at_once(files):
    held = Held()
    async with running(Shelf(served(held)), concurrency=2, queue=3) as server:
        held.go.clear()
        asked = [asyncio.create_task(server.fuse(files)) for _ in range(4 * 5)]
        # Whoever is refused is told so while nothing is done: it waits for nobody.
        await until(lambda: sum(task.done() for task in asked) == 15)
        assert await server.metric("ssvif_in_flight") == 2
        assert await server.metric("ssvif_queue_depth") == 3
        refusals = [task.result() for task in asked if task.done()]
        assert {problem(response) for response in refusals} == {(429, "queue_full")}
        assert all(1 <= int(response.headers["retry-after"]) <= 60 for response in refusals)
        held.go.set()
        responses = await asyncio.gather(*asked)
        assert sorted({response.status_code for response in responses}) == [200, 429]
        assert sum(response.status_code == 200 for response in responses) == 5
        assert held.most == 2
        assert await server.metric("ssvif_in_flight") == 0
        assert await server.metric("ssvif_queue_depth") == 0
        assert await server.metric('ssvif_refused_total{code="queue_full"}') == 15
        assert (await server.fuse(files)).status_code == 200


async def test_run__whose_turn_does_not_come_in_time_is_refused(files):
    held = Held()
    async with running(Shelf(served(held)), concurrency=1, queue=2, timeout=0.2) as server:
        held.go.clear()
        first = asyncio.create_task(server.fuse(files))
        await until(lambda: held.inside == 1)
        second = await server.fuse(files)
        assert problem(second) == (503, "queue_timeout")
        assert "retry-after" in second.headers
        held.go.set()
        assert (await first).status_code == 200


async def test_run__first_come_first_served():
    workers = Workers(Limits(concurrency=1, queue=99))
    order = []
    await asyncio.gather(*(workers.run(lambda n=n: order.append(n)) for n in range(20)))
    workers.close()
    assert order == list(range(20))


async def test_run__work_that_fails_leaves_its_thread_free():
    workers = Workers(Limits(concurrency=1))

    def fail():
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            await workers.run(fail)
    assert (await workers.run(lambda: 5))[0] == 5
    assert (workers.running, workers.waiting) == (0, 0)
    workers.close()


async def test_run__never_on_the_event_loop():
    workers = Workers(Limits())
    here = threading.get_ident()
    assert (await workers.run(threading.get_ident))[0] != here
    workers.close()
