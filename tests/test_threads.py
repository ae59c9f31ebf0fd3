from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from ssvif.threads import cores, in_order, in_threads


@pytest.mark.parametrize(("told", "threads"), [("2,1", 2), ("", None), ("0", None), ("all", None)])
def test_cores__whatever_openmp_is_told(monkeypatch, told, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    own = cores()
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert cores() == (threads or own)


def test_in_order__works_a_few_ahead_and_keeps_the_order():
    begun = []

    def work(item):
        begun.append(item)
        return -item

    with ThreadPoolExecutor(3) as pool:
        results = in_order(pool, work, range(1000), ahead=8)
        assert next(results) == 0
        assert max(begun) < 20
        assert list(results) == [-item for item in range(1, 1000)]


def test_in_order__closed_early_begins_nothing_that_waits():
    begun, go_on = [], Event()

    def work(item):
        begun.append(item)
        if item:
            go_on.wait(20.0)

    with ThreadPoolExecutor(1) as pool:
        results = in_order(pool, work, range(1000), ahead=8)
        next(results)
        results.close()
        go_on.set()
    assert len(begun) <= 2


def test_in_threads__keeps_the_order_and_all_threads_busy():
    three = Barrier(3)
    results = in_threads(lambda item: (three.wait(20.0), item)[1], range(9), threads=3)
    assert list(results) == list(range(9))
