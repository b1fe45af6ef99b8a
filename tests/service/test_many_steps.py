"""A workflow of many steps: each is read once, and the cost grows with their number and no faster."""

import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.types import PromiseRecord
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.codec import ServiceCodec
from shop.runtime.testing.running import StartService

from .counting import counting

pytestmark = pytest.mark.usefixtures("no_settings")


class Count(BaseModel):
    """So many steps."""

    count: int


many = Rpc(name="many", group="workers", request=Count, result=Count)
late = Rpc(name="late", group="db", request=Count, result=Count)


async def step(ctx: Context, number: int) -> int:
    return number


@serve(late)
async def run_late(ctx: Context, request: Count) -> Count:
    return request


@serve(many)
async def run_many(ctx: Context, request: Count) -> Count:
    """Steps, and a call for which it waits: what it does after that knows what the steps returned."""
    total = 0
    for number in range(request.count):
        total += await ctx.run(step, number)
    await late(ctx, request)
    return Count(count=total)


async def test_each_step_is_read_once(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine sends all steps of a run along with each answer: a thousand would be read a thousand times."""
    read, decode = 0, ServiceCodec.decode_promise

    def count(codec: ServiceCodec, promise: PromiseRecord) -> PromiseRecord:
        nonlocal read
        read += 1
        return decode(codec, promise)

    monkeypatch.setattr(ServiceCodec, "decode_promise", count)
    async with start_service([run_many, run_late]) as service:
        for steps in (30, 120):
            read = 0
            assert await service.run(many, f"job/{steps}", Count(count=steps)) == Count(count=sum(range(steps)))
            # When it is made, when it has ended, and when the run begins again after the call.
            assert read <= 3 * steps + 40


async def test_the_answers_do_not_grow_with_the_steps(start_service: StartService) -> None:
    """A Resonate server sends what shares a run's branch along with each answer, and so does the engine here."""
    async with start_service([run_many, run_late]) as service:
        sizes = {}
        for steps in (60, 240):
            with counting(service.client) as asked:
                await service.run(many, f"job/{steps}", Count(count=steps))
            assert asked["task.fence"] == 2 * steps + 2  # Each is made and ended; the call after them twice.
            sizes[steps] = asked.bytes["task.fence"] / asked["task.fence"]
    assert sizes[240] < 1.2 * sizes[60], sizes


class Rows(BaseModel):
    """A long loop: where it is, and what it has found so far."""

    cursor: int = 0
    total: int = 0


long = Rpc(name="long", group="workers", request=Rows, result=Rows)

AT_A_TIME, ROWS = 20, 50


async def test_a_long_loop_hands_over_to_a_new_run(start_service: StartService) -> None:
    """As the service's README shows it: no run has more than so many steps."""
    began = []

    @serve(long)
    async def sum_rows(ctx: Context, request: Rows) -> Rows:
        began.append(request.cursor)
        total = request.total
        for cursor in range(request.cursor, request.cursor + AT_A_TIME):
            if cursor == ROWS:
                return Rows(cursor=cursor, total=total)
            total += await ctx.run(step, cursor)
        return await long(ctx, Rows(cursor=request.cursor + AT_A_TIME, total=total))

    async with start_service([sum_rows]) as service:
        found = await service.run(long, "job/1", Rows())
        assert found == Rows(cursor=ROWS, total=sum(range(ROWS)))
        steps = [
            promise.tags["resonate:parent"]
            for promise in service.client.network.state.promises.values()  # type: ignore[attr-defined]
            if promise.tags["resonate:scope"] == "local"
        ]
    assert {cursor for cursor in began} == {0, 20, 40}
    assert max(steps.count(run) for run in steps) == AT_A_TIME
