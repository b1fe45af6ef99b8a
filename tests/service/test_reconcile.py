"""`durable.reconcile`: asks the functions themselves which of their writes the database has."""

from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database, Operation
from shop.runtime.durable.ids import call_id, operation_id
from shop.runtime.durable.once import once
from shop.runtime.durable.reconcile import Reconciliation
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.listing import calls_of_job, succeeded_calls
from shop.runtime.errors import Failure, OperatorError
from shop.runtime.outages import Lost
from shop.runtime.service import Worker, reconcile_group
from shop.runtime.testing.running import RunningService, StartService
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from .telemetry import Log


class Number(BaseModel):
    number: int


add = Rpc(name="add", group="dev", request=Number, result=Number)
careless = Rpc(name="careless", group="dev", request=Number, result=Number)
look = Rpc(name="look", group="dev", request=Number, result=Number)
add_all = Rpc(name="add-all", group="dev", request=Number, result=Number)

calls: list[str] = []


@serve(add)
async def run_add(ctx: Context, request: Number) -> Number:
    """A write that its call names; its number is how often it was done."""

    async def effect(session: AsyncSession) -> Number:
        calls.append(call_id(ctx))
        return Number(number=len(calls))

    try:
        return await once(ctx.get_dependency(Database), operation_id("add", call_id(ctx)), request, Number, effect)
    except Exception:
        calls.append("caught")  # As a function may; it must not see that it is only asked.
        raise


@serve(careless)
async def run_careless(ctx: Context, request: Number) -> Number:
    """A write without a name."""
    async with ctx.get_dependency(Database).write() as session:
        calls.append("careless")
        await session.flush()
    return request


@serve(look)
async def run_look(ctx: Context, request: Number) -> Number:
    async with ctx.get_dependency(Database).read() as session:
        await session.execute(select(Operation))
    return request


@serve(add_all)
async def run_add_all(ctx: Context, request: Number) -> Number:
    for number in range(request.number):
        await add(ctx, Number(number=number))
    await careless(ctx, request)
    return await look(ctx, request)


FUNCTIONS = [run_add, run_careless, run_look]


async def run(service: RunningService) -> None:
    calls.clear()
    for job in ("one", "two"):
        await service.run(add_all, f"job/{job}", Number(number=2))


async def test_missing_writes_are_found_and_done_again(
    start_service: StartService, database: Database, log: Log
) -> None:
    async with start_service([*FUNCTIONS, run_add_all]) as service:
        await run(service)
        assert len(calls) == 6
        async with database.write() as session:
            await session.execute(delete(Operation).where(Operation.id.like("db/op/add/job/two%")))
        comparing = Reconciliation(service.client, FUNCTIONS)
        missing = await comparing.missing(succeeded_calls(service.client, "dev"))
        # It asked each function, and did nothing.
        assert (comparing.compared, len(calls)) == (4, 6)
        assert [write.operation for write in missing] == ["db/op/add/job/two:1", "db/op/add/job/two:2"]
        warned = [line["message"] for line in log.lines() if "cannot be compared" in line["message"]]
        assert warned == ["careless cannot be compared: RuntimeError: it writes without `once`"]

        # What it was asked for then, under the ids that it had; the result is another one here.
        assert [await comparing.do_again(write) for write in missing] == [False, False]
        assert calls[6:] == ["job/two:1", "job/two:2"]
        assert await comparing.missing(succeeded_calls(service.client, "dev")) == []


async def test_the_calls_of_one_job(start_service: StartService) -> None:
    async with start_service([*FUNCTIONS, run_add_all]) as service:
        await run(service)

        async def ids(records: AsyncIterator[object]) -> list[str]:
            return sorted([str(getattr(record, "id", "")) async for record in records])

        namespace = service.client.namespace
        wanted = sorted(namespace.engine_id(f"job/one{end}") for end in ("", ":1", ":2", ":3", ":4"))
        assert await ids(calls_of_job(service.client, "dev", "job/one")) == wanted
        with pytest.raises(OperatorError, match="the engine keeps no job job/none"):
            [line async for line in reconcile_group(service.client, Worker("dev", FUNCTIONS, ()), ["job/none"])]
        assert set(wanted) < set(await ids(succeeded_calls(service.client, "dev")))


async def test_what_cannot_be_done_again_stays_missing(start_service: StartService, database: Database) -> None:
    async with start_service([*FUNCTIONS, run_add_all]) as service:
        await run(service)
        async with database.write() as session:
            await session.execute(delete(Operation).where(Operation.id == "db/op/add/job/one:1"))

        async def lines(*, again: bool) -> list[str]:
            return [line async for line in reconcile_group(service.client, worker, again=again)]

        async def refuse(ctx: Context, request: Number) -> Number:
            async def effect(session: AsyncSession) -> Number:
                raise Failure("the account is closed")

            return await once(ctx.get_dependency(Database), operation_id("add", call_id(ctx)), request, Number, effect)

        worker = Worker("dev", [serve(add)(refuse)], ())
        (line,) = await lines(again=True)
        assert line.startswith("missing db/op/add/job/one:1: add, done at")
        assert line.endswith("; it cannot be done again: Failure: the account is closed")


async def test_a_database_that_goes_away_is_no_answer(start_service: StartService) -> None:
    async with start_service([*FUNCTIONS, run_add_all]) as service:
        await run(service)
        database = service.client.resonate._deps.get(Database)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(database, "_away_because", "it is gone")
            with pytest.raises(Lost):
                await Reconciliation(service.client, FUNCTIONS).missing(succeeded_calls(service.client, "dev"))
