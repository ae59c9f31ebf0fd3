import asyncio
import threading

import pytest

from ssvif.server.limits import Limits
from ssvif.server.problems import RefusedError
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


async def test_run__whose_waiter_is_cancelled_keeps_its_thread():
    workers, go = Workers(Limits(concurrency=1)), threading.Event()
    first = asyncio.create_task(workers.run(lambda: go.wait(SECONDS)))
    await until(lambda: workers.running)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(workers.run(lambda: 5))
    await until(lambda: workers.waiting)
    assert workers.running == 1
    go.set()
    assert (await second)[0] == 5
    assert workers.running == 0
    workers.close()


async def test_run__nothing_is_done_for_who_is_gone():
    workers, done = Workers(Limits(concurrency=1)), []

    async def gone():
        return True

    with pytest.raises(RefusedError, match="went away") as refusal:
        await workers.run(lambda: done.append(1), is_gone=gone)
    assert (refusal.value.status, refusal.value.code) == (400, "gone")
    await workers.run(lambda: done.append(2))
    assert done == [2]
    workers.close()


async def test_run__what_is_done_alone_waits_without_a_thread():
    workers, go, done = Workers(Limits(concurrency=2)), threading.Event(), []

    def work():
        assert go.wait(SECONDS)
        done.append(workers.running)

    alone = [asyncio.create_task(workers.run(work, alone=True)) for _ in range(3)]
    await until(lambda: workers.waiting == 2)
    await workers.run(lambda: done.append("others"))
    go.set()
    await asyncio.gather(*alone)
    assert done == ["others", 1, 1, 1]
    workers.close()


async def test_run__of_a_line_one_waits_in_the_queue():
    workers, go, line, order = Workers(Limits(concurrency=1)), threading.Event(), asyncio.Lock(), []
    first = asyncio.create_task(workers.run(lambda: go.wait(SECONDS)))
    await until(lambda: workers.running)
    works = [workers.run(lambda n=n: order.append(n), line=line) for n in range(3)]
    tasks = [first, *map(asyncio.create_task, works)]
    await until(lambda: workers.waiting)
    tasks.append(asyncio.create_task(workers.run(lambda: order.append("other"))))
    await until(lambda: workers.waiting == 2)
    go.set()
    await asyncio.gather(*tasks)
    assert order == [0, "other", 1, 2]
    workers.close()


def test_require_room__says_when_to_come_again_from_the_first_piece_of_work_on():
    workers = Workers(Limits(concurrency=2, queue=2))
    workers._took(9.0)
    workers.admitted = 4
    with pytest.raises(RefusedError) as refusal:
        workers.require_room()
    assert refusal.value.headers["Retry-After"] == "18"
    workers.close()
