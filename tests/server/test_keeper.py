import asyncio
import logging

import pytest

from ssvif.errors import ModelError
from ssvif.server.keeper import Keeper
from ssvif.server.metrics import Metrics
from ssvif.server.problems import RefusedError
from tests.server.stubs import Shelf, mean, running, served, until

pytestmark = pytest.mark.anyio

OLD, NEW = "a" * 64, "b" * 64


def keeper_of(shelf):
    return Keeper(shelf, shelf.load, Metrics(), poll=1e6)


def broken(_vis, _ir):
    raise ModelError("its features are not numbers; train it again")


async def _comes_at_the_second_look(shelf, keeper):
    shelf.model, shelf.mark = served(weights=NEW), "2"
    assert not await keeper.look()
    assert keeper.model.facts.weights == OLD
    assert await keeper.look()
    assert keeper.model.facts.weights == NEW


async def test_keep__another_model_is_served_with_no_request_dropped(files):
    shelf = Shelf(served(weights=OLD))
    async with running(shelf, concurrency=2, queue=50, poll=0.01) as server:
        seen, statuses = [], set()

        async def ask():
            while NEW not in seen:
                response = await server.fuse(files)
                statuses.add(response.status_code)
                seen.append(response.headers.get("x-ssvif-model"))

        asking = [asyncio.create_task(ask()) for _ in range(6)]
        await until(lambda: len(seen) > 10)
        shelf.model, shelf.mark = served(weights=NEW), "2"
        await asyncio.gather(*asking)
        assert statuses == {200}
        assert set(seen) == {OLD, NEW}
        assert await server.metric('ssvif_reloads_total{outcome="done"}') == 1
        line = f'ssvif_model_info{{name="stub",version="unknown",weights="{NEW}"}}'
        assert await server.metric(line) == 1


async def test_look__a_request_ends_with_the_model_it_began_with(files):
    shelf = Shelf(served(weights=OLD))
    async with running(shelf) as server:
        held = server.service.keeper.model
        shelf.model, shelf.mark = served(weights=NEW), "2"
        assert await server.service.keeper.look()
        assert held.facts.weights == OLD
        assert (await server.fuse(files)).headers["x-ssvif-model"] == NEW


@pytest.mark.parametrize(
    "worse", [served(broken, weights=NEW), ModelError("torn"), RuntimeError("boom")]
)
async def test_look__a_broken_model_is_told_of_once_and_the_old_one_goes_on(files, caplog, worse):
    shelf = Shelf(served(weights=OLD))
    async with running(shelf) as server:
        shelf.model, shelf.mark = worse, "2"
        for _ in range(3):
            assert not await server.service.keeper.look()
        assert (await server.fuse(files)).headers["x-ssvif-model"] == OLD
        assert await server.metric('ssvif_reloads_total{outcome="failed"}') == 1
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert bool(told[0].exc_info) == isinstance(worse, RuntimeError)


async def test_look__after_a_broken_model_the_next_one_is_tried():
    shelf = Shelf(served(weights=OLD))
    async with running(shelf) as server:
        shelf.model, shelf.mark = ModelError("torn"), "2"
        await server.service.keeper.look()
        shelf.model, shelf.mark = served(weights=NEW), "3"
        assert await server.service.keeper.look()
        assert server.service.keeper.model.facts.weights == NEW


async def test_look__what_is_replaced_while_it_is_read_is_read_again():
    shelf = Shelf(served(weights=OLD))
    async with running(shelf) as server:
        load = server.service.keeper._load

        def torn(found):
            shelf.mark, server.service.keeper._load = "3", load
            return load(found)

        server.service.keeper._load = torn
        await _comes_at_the_second_look(shelf, server.service.keeper)


@pytest.mark.parametrize("again", [ModelError("nobody answers"), KeyError("no such tag")])
async def test_look__one_that_is_lost_while_it_is_read_is_tried_again(again):
    shelf = Shelf(served(weights=OLD))
    async with running(shelf) as server:
        find, load = shelf.find, server.service.keeper._load

        def lost():
            shelf.find = find
            raise again

        def read(found):
            shelf.find = lost
            server.service.keeper._load = load
            return load(found)

        server.service.keeper._load = read
        await _comes_at_the_second_look(shelf, server.service.keeper)


async def test_keep__the_first_model_is_replaced_while_it_is_read():
    shelf = Shelf(served(weights=OLD))
    keeper = keeper_of(shelf)

    def read(_found):
        shelf.mark, shelf.model = "2", served(weights=NEW)
        keeper._load = shelf.load
        raise ModelError("torn")

    keeper._load = read
    keeping = asyncio.create_task(keeper.keep())
    await until(lambda: keeper.is_ready)
    assert keeper.model.facts.weights == NEW
    keeping.cancel()


@pytest.mark.parametrize("error", [ModelError("nobody answers"), KeyError("no such tag")])
async def test_look__a_source_that_cannot_be_reached_is_told_of_once(caplog, error):
    shelf = Shelf(served())
    keeper = keeper_of(shelf)
    keeping = asyncio.create_task(keeper.keep())
    await until(lambda: keeper.is_ready)

    def unreachable():
        raise error

    find, shelf.find = shelf.find, unreachable
    for _ in range(3):
        assert not await keeper.look()
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [bool(record.exc_info) for record in told] == [isinstance(error, KeyError)]
    shelf.find = find
    await keeper.look()
    shelf.find = unreachable
    await keeper.look()
    assert [r.levelno for r in caplog.records].count(logging.WARNING) == 2
    keeping.cancel()


async def test_keep__the_first_model_cannot_be_read():
    keeper, told = keeper_of(Shelf(ModelError("no such file"))), []
    keeper.on_failure = lambda: told.append(True)
    await keeper.keep()
    assert told == [True]
    assert isinstance(keeper.failure, ModelError)
    with pytest.raises(RefusedError) as refusal:
        _ = keeper.model
    assert refusal.value.status == 503


async def test_warm_up__tries_every_view():
    seen = []
    model = served(lambda vis, ir: seen.append(ir.shape) or mean(vis, ir))
    model.warm_up()
    assert len(seen) == 2
