"""`durable.prune`: what is old goes, batch by batch; what a job may still ask for is not done a second time."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from shop.runtime.cli import commands
from shop.runtime.database import Database, Operation, migrate
from shop.runtime.durable import prune as pruning
from shop.runtime.durable.ids import call_id, operation_id
from shop.runtime.durable.job_runs import retry
from shop.runtime.durable.once import PRUNED, note_pruned, once
from shop.runtime.durable.prune import Prune, least_age, may_have_pruned, prune, prune_contract
from shop.runtime.durable.reconcile import Reconciliation
from shop.runtime.durable.rpc import JOB_TIMEOUT, Rpc, serve
from shop.runtime.engine.listing import succeeded_calls
from shop.runtime.engine.namespace import Namespace
from shop.runtime.engine.run_status import Status
from shop.runtime.errors import Failure, OperatorError
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, StartService
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

NONE = Namespace("shop", frozenset())
OLD, AGE = timedelta(days=40), timedelta(days=30)


class Number(BaseModel):
    number: int


add = Rpc(name="add", group="dev", request=Number, result=Number)
add_and_fail = Rpc(name="add-and-fail", group="dev", request=Number, result=Number)
calls: list[str] = []


@serve(add)
async def run_add(ctx: Context, request: Number) -> Number:
    async def effect(session: AsyncSession) -> Number:
        calls.append(call_id(ctx))
        return Number(number=len(calls))

    return await once(ctx.get_dependency(Database), operation_id("add", call_id(ctx)), request, Number, effect)


@serve(add_and_fail)
async def run_add_and_fail(ctx: Context, request: Number) -> Number:
    await add(ctx, request)
    raise Failure("not today", code="not-today")


async def keep(database: Database, ages: dict[str, timedelta]) -> None:
    async with database.write() as session:
        for name, age in ages.items():
            session.add(Operation(id=name, request="", result=None, created_at=datetime.now(UTC) - age))


async def kept(database: Database) -> list[str]:
    async with database.read() as session:
        found = select(Operation.id).where(Operation.id != PRUNED).order_by(Operation.id)
        return list(await session.scalars(found))


async def test_what_is_old_goes_batch_by_batch(
    definition: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is broken off leaves what it has not come to, and the next goes on."""
    monkeypatch.setattr(pruning, "BATCH", 3)
    young = [f"db/op/x/{number}" for number in range(0, 10, 3)]
    await keep(database, {f"db/op/x/{n}": timedelta(days=1) if n % 3 == 0 else OLD for n in range(10)})
    settings, told = make_settings(definition), []

    counted = await prune(database, settings, NONE, AGE, is_dry_run=True)
    assert (counted.operations, len(await kept(database))) == (6, 10)

    def stop(what: str, count: int) -> None:
        told.append((what, count))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await prune(database, settings, NONE, AGE, tell=stop)
    assert told == [("operations", 2)] and len(await kept(database)) == 8
    assert (await prune(database, settings, NONE, AGE)).operations == 4
    # The row that keeps how far it went is none of them, however old it gets.
    async with database.write() as session:
        await session.execute(
            update(Operation).where(Operation.id == PRUNED).values(created_at=datetime.now(UTC) - OLD)
        )
    assert (await prune(database, settings, NONE, AGE)).operations == 0
    assert await kept(database) == young
    async with database.read() as session:
        assert await session.get(Operation, PRUNED) is not None


def test_what_a_job_may_still_need_is_refused(definition: Service) -> None:
    """By the longest deadline: the setting's, or a contract's own."""
    short, own = (Rpc("a", "dev", Number, Number, timeout) for timeout in (JOB_TIMEOUT, timedelta(days=20)))
    assert least_age([short], timedelta(days=7)) == timedelta(days=7, hours=1)
    assert least_age([short, own], timedelta(days=7)) == timedelta(days=20, hours=1)

    wanted = {"prune_older_than": timedelta(days=59), "job_timeout": timedelta(days=60)}
    with pytest.raises(OperatorError, match="a job of this service may run for 60 d"):
        definition.schedules(make_settings(definition, **wanted))


@pytest.mark.usefixtures("no_settings")
def test_the_command(definition: Service, databases: Databases) -> None:
    url = databases.create_empty()
    migrate(url, definition.migrations)

    def run(*arguments: str, **settings: str) -> tuple[int, str]:
        environment = {"DATABASE_URL": url, "JOB_TIMEOUT": "P20D", **settings}
        done = CliRunner().invoke(commands(definition, "It."), ["prune", *arguments], env=environment)
        return done.exit_code, done.stdout if done.exit_code == 0 else done.output

    try:
        code, refused = run("--older-than", "19d")
        assert code == 1 and refused.splitlines() == [
            "Error: what is 19 d old may still be needed: a job of this service may run for 20 d, and would do again "
            "what was removed",
            "Give 20 d 1 h or more; or shorten JOB_TIMEOUT or the longest `timeout` of a contract.",
        ]
        assert run("--older-than", "a month")[0] == 2
        assert run()[1].startswith("Error: neither --older-than nor PRUNE_OLDER_THAN is given")
        code, output = run("--json", PRUNE_OLDER_THAN="P30D", RESONATE_URL="http://127.0.0.1:9")
        done = json.loads(output)
        assert (code, done["operations"], done["promises"]) == (0, 0, None) and "remove nothing" in done["engine"]
        # An engine that cannot be reached keeps the operations from nothing, and is no success.
        code, output = run("--older-than", "P30D", RESONATE_URL="postgresql://127.0.0.1:9/engine?connect_timeout=1")
        assert code == 1 and "0 removed" in output and "the engine's database cannot be reached" in output
        code, output = run("--older-than", "30d", DATABASE_URL="postgresql://127.0.0.1:9/shop")
        assert code == 1 and output.startswith("Error: ") and "Traceback" not in output
    finally:
        databases.drop(url)


async def fail_once(service: RunningService) -> None:
    calls.clear()
    assert (await service.outcome(add_and_fail, "job/one", Number(number=1))).error.code == "not-today"  # type: ignore[union-attr]


async def retried(service: RunningService) -> str | None:
    again = (await retry(service.client, "job/one")).record.id

    async def ended() -> str | None:
        run = await service.client.find(again)
        return None if run is None or run.state == "pending" else str(run.value.data)

    return await service.poll_until(ended, f"{again} has ended")


async def test_a_job_that_is_started_again_does_no_pruned_write_again(
    definition: Service, start_service: StartService, database: Database, database_url: str
) -> None:
    async with start_service([run_add, run_add_and_fail]) as service:
        await fail_once(service)
        # What is pruned ended before it began: its write is found done.
        async with database.write() as session:
            await note_pruned(session, datetime.now(UTC) - timedelta(hours=1))
        assert "not today" in str(await retried(service)) and len(calls) == 1

        settings = make_settings(definition, database_url=database_url)
        assert not await may_have_pruned(settings, service.client, "job/one")
        assert (await prune(database, settings, NONE, timedelta(0))).operations == 1
        # Whoever starts it again is told, where the database is known; and once it has failed of that, it is refused.
        assert await may_have_pruned(settings, service.client, "job/one+run3")
        for unknown in (None, "sqlite:///not-there.db", "postgresql://127.0.0.1:9/shop"):
            assert not await may_have_pruned(
                make_settings(definition, database_url=unknown), service.client, "job/one+run3"
            )
        assert "may have been done by an earlier run of this job" in str(await retried(service))
        assert len(calls) == 1
        with pytest.raises(OperatorError, match="what job/one wrote may have been pruned"):
            await retry(service.client, "job/one")


async def test_reconcile_leaves_pruned_writes_out(
    definition: Service, start_service: StartService, database: Database
) -> None:
    """Of work that began later it still tells what is missing."""
    async with start_service([run_add, run_add_and_fail]) as service:
        await fail_once(service)
        await retried(service)

        async def compared() -> tuple[int, int]:
            comparing = Reconciliation(service.client, [run_add])
            return len(await comparing.missing(succeeded_calls(service.client, "dev"))), comparing.pruned

        async with database.write() as session:
            operation = (await session.scalars(select(Operation))).one()
            await session.delete(operation)
            await note_pruned(session, datetime.now(UTC) - timedelta(hours=1))
        assert await compared() == (2, 0)
        # The write of the second run's call may be the first one's, which is older.
        assert isinstance(service.client.network, LocalConnection)
        for promise in service.client.network.state.promises.values():
            if "+run" not in promise.id:
                promise.created_at -= 2 * 3_600_000
        assert await compared() == (0, 2)


@pytest.mark.usefixtures("no_settings")
async def test_by_the_clock(definition: Service, start_service: StartService, database: Database) -> None:
    """The schedule is there where a setting says so; what it calls is served beside the database."""
    settings = make_settings(definition, prune_older_than=AGE, prune_cron="5 4 * * *")
    own = [schedule.name for schedule in definition.schedules()]
    (added,) = definition.schedules(settings)[len(own) :]
    assert (added.name, added.cron, added.request) == ("prune", "5 4 * * *", Prune(older_than=AGE))
    assert (
        added.workflow == prune_contract("db")
        and [it.name for it in definition.schedules(make_settings(definition))] == own
    )

    await keep(database, {"db/op/old": OLD, "db/op/young": timedelta(days=1)})
    async with start_service() as service:
        done = await service.run(added.workflow, "schedule/prune-1", added.request)
        assert done.operations == 1 and await kept(database) == ["db/op/young"]
        refused = await service.outcome(added.workflow, "schedule/prune-2", Prune(older_than=timedelta(days=1)))
        assert refused.status is Status.FAILED and refused.error and refused.error.code == "too-young-to-prune"
        assert await kept(database) == ["db/op/young"]
