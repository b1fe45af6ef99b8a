"""`durable.scheduled_runs`: of the times of a schedule, which start its workflow, and when.

The engine's promises are made here as it makes them. The schedules are daily, three hours ago, so that nothing depends
on how long a test takes. With TEST_ENGINE_URL they run on that engine: a Resonate server, or Postgres with resonate-pg.
"""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.types import PromiseRecord, Value
from shop.runtime.durable import scheduled_runs, steps
from shop.runtime.durable.clock import Clock
from shop.runtime.durable.gate import Delivery, Gate
from shop.runtime.durable.ids import job_id
from shop.runtime.durable.job_runs import retry
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.durable.scheduled_runs import LIFETIME, CatchUp, Overlap
from shop.runtime.durable.schedules import Schedule
from shop.runtime.engine.client import EngineClient, build, error_of
from shop.runtime.engine.worker import register, stop
from shop.runtime.errors import EngineUnavailable, Failure, WiringError
from shop.runtime.service import Service, functions_of
from shop.runtime.testing.plugin import make_settings

pytestmark = pytest.mark.usefixtures("no_settings")

DAY = 86_400_000


class Work(BaseModel):
    """A request: whether it waits for an answer, for what never comes, or fails."""

    waits: bool = False
    hangs: bool = False
    fails: bool = False


class Done(BaseModel):
    """A result, and an answer."""

    job: str


finish = Gate("finish", Done)
work = Rpc(name="work", group="tests", request=Work, result=Done, timeout=timedelta(minutes=5))
RAN: list[tuple[str, str]] = []


def ran() -> list[tuple[str, str]]:
    """What has run so far."""
    return RAN


@serve(work)
async def do_work(ctx: Context, request: Work) -> Done:
    await ctx.run(note, "starts")
    if request.fails:
        raise Failure("there is none", code="none-there", status=404)
    if request.waits:
        await finish.wait(ctx, timedelta(minutes=4))
    if request.hangs:
        await ctx.promise()
    await ctx.run(note, "ends")
    return Done(job=job_id(ctx))


async def note(ctx: Context, what: str) -> None:
    RAN.append((job_id(ctx), what))


@pytest.fixture
async def client(definition: Service) -> AsyncIterator[EngineClient]:
    """A worker that serves the workflow, in a namespace of the test's own."""
    url = os.environ.get("TEST_ENGINE_URL")
    local = None if url else LocalConnection(group="tests", tick_interval=0.05)
    settings = make_settings(definition, resonate_url=url, namespace=f"t{uuid.uuid4().hex[:12]}")
    namespace = definition.namespace(settings)
    client = build(settings, namespace, "tests", listens=True, local=local)
    register(client, functions_of([do_work]), [settings, Clock()])
    client.resonate.start()
    RAN.clear()
    scheduled_runs._told.clear()
    yield client
    await stop(client, timedelta(seconds=0))


class Times:
    """A schedule that comes once a day. The engine makes the times that a test says: 0 is today, 1 yesterday."""

    def __init__(self, client: EngineClient, schedule: Schedule, last: int) -> None:
        self.client, self.schedule, self._last = client, schedule, last

    def due(self, days_ago: int) -> int:
        return self._last - days_ago * DAY

    def id(self, days_ago: int) -> str:
        return self.schedule.plan(self.client).run_id(self.due(days_ago))

    def job(self, days_ago: int) -> str:
        return self.id(days_ago).removeprefix("schedule/")

    async def come(self, *days_ago: int, is_taken: bool = True) -> None:
        """Do what the engine does when a time has come."""
        tags = {"resonate:target": self.client.namespace.target(self.client.group)} if is_taken else None
        for each in days_ago:
            until = self.due(each) + int(LIFETIME.total_seconds() * 1000)
            await self.client.create(self.id(each), self.schedule.plan(self.client).task(), until, tags)

    async def decided(self, days_ago: int, *, after: int | None = None) -> None:
        """Say that a time started its workflow when it came, after the end of another where that is given."""
        turn = {"run": True, "reason": None, "after": None if after is None else self.id(after)}
        await self.client.create(f"{self.id(days_ago)}/turn", None, 2**52)
        await self.client.resolve(f"{self.id(days_ago)}/turn", turn)

    async def is_running(self, days_ago: int) -> None:
        """Wait until a run waits for its answer."""
        await until(lambda: self.client.find(finish.question_id(self.id(days_ago))), f"{days_ago} days ago runs")

    async def finish(self, days_ago: int) -> None:
        """Answer a run, so that it ends."""
        delivered, _ = await finish.deliver(self.client, self.id(days_ago), Done(job=""))
        assert delivered is Delivery.TAKEN

    async def ended(self, days_ago: int) -> PromiseRecord:
        async def end() -> PromiseRecord | None:
            run = await self.client.find(self.id(days_ago))
            return run if run and run.state != "pending" else None

        return await until(end, f"{days_ago} days ago ends")

    async def outcomes(self, *days_ago: int) -> list[object]:
        """What the runs say: `ran`, or why they were skipped."""
        found = [await self.ended(each) for each in days_ago]
        return [
            dict(run.value.data or {}).get("skipped", "ran") if run.state == "resolved" else run.state for run in found
        ]

    async def is_waiting(self, days_ago: int, *, after: int) -> None:
        """Wait until a time waits for the end of another."""
        await until(lambda: self.client.find(f"{self.id(after)}/end-1"), f"{days_ago} days ago waits")
        run = await self.client.find(self.id(days_ago))
        assert run is not None and run.state == "pending"


type MakeTimes = Callable[..., Times]


@pytest.fixture
def times(client: EngineClient) -> MakeTimes:
    def make(catch_up: CatchUp = "latest", overlap: Overlap = "skip", rpc: Any = work, **request: bool) -> Times:
        then = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)
        cron = f"{then.minute} {then.hour} * * *"
        schedule = Schedule("often", cron, rpc, Work(**request), catch_up=catch_up, overlap=overlap)
        return Times(client, schedule, int(then.timestamp() * 1000))

    return make


async def until[T](probe: Callable[[], Awaitable[T | None]], what: str) -> T:
    async with asyncio.timeout(30):
        while not (found := await probe()):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.02)
        return found


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("schedule_times_total", {"schedule": "often", "outcome": outcome}) or 0


async def test_a_late_run_has_its_whole_time(client: EngineClient, times: MakeTimes) -> None:
    """The time is three hours ago, and the workflow may take five minutes: it would have timed out before it began."""
    daily = times()
    await daily.come(0)
    assert (await daily.ended(0)).value.data == {"job": daily.job(0)}
    assert ran() == [(daily.job(0), "starts"), (daily.job(0), "ends")]
    run = await client.find(f"{daily.id(0)}:2")
    assert run is not None and 200_000 < run.timeout_at - run.created_at <= 301_000


async def test_of_missed_times_the_latest_runs(
    times: MakeTimes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counted("missed"), counted("started")
    daily = times()
    with caplog.at_level(logging.WARNING):
        await daily.come(4, 3, 2, 1, 0)
        assert await daily.outcomes(4, 3, 2, 1, 0) == ["missed"] * 4 + ["ran"]
        assert (counted("missed") - before[0], counted("started") - before[1]) == (4, 1)
        skipped = [record.getMessage() for record in caplog.records if "is skipped" in record.getMessage()]
        assert len(skipped) == 1 and "schedule often: the run of" in skipped[0] and "had passed" in skipped[0]
        monkeypatch.setattr(scheduled_runs, "_REPEAT", 0)
        await daily.come(5)
        await daily.ended(5)
        assert caplog.records[-1].getMessage().endswith("(3 more since the last such line)")


async def test_a_run_that_failed_and_is_started_again_is_of_the_same_time(
    client: EngineClient, times: MakeTimes
) -> None:
    daily = times(fails=True)
    await daily.come(0)
    assert (await daily.ended(0)).state == "rejected"
    again = (await retry(client, daily.id(0))).record.id
    assert again == f"{daily.id(0)}+run2"

    async def end() -> PromiseRecord | None:
        run = await client.find(again)
        return run if run and run.state != "pending" else None

    assert error_of(await until(end, "it ends again")).code == "none-there"
    assert ran() == [(daily.job(0), "starts")] * 2


async def test_the_latest_does_not_wait_for_the_engine_to_come_to_it(client: EngineClient, times: MakeTimes) -> None:
    """After an outage an engine makes one missed time a second, the oldest first."""
    daily = times()
    await daily.come(300)
    assert await daily.outcomes(0) == ["ran"]
    assert await daily.outcomes(300) == ["missed"]
    assert await client.find(daily.id(1)) is None
    await daily.come(1, 0)
    assert await daily.outcomes(1) == ["missed"]
    assert len(RAN) == 2


async def test_what_runs_since_before_an_outage_is_found(times: MakeTimes) -> None:
    daily = times(waits=True)
    await daily.decided(30)
    await daily.come(30)
    await daily.is_running(30)
    await daily.come(29, 28, 27)  # The engine has not come to the others yet.
    assert await daily.outcomes(29, 28, 27, 0) == ["missed", "missed", "missed", "overlap"]
    await daily.finish(30)
    assert await daily.outcomes(30) == ["ran"]


async def test_none_is_caught_up_with(times: MakeTimes, monkeypatch: pytest.MonkeyPatch) -> None:
    daily = times(catch_up="none")
    await daily.come(1, 0)
    assert await daily.outcomes(1, 0) == ["missed", "missed"]
    assert ran() == []
    monkeypatch.setattr(scheduled_runs, "LATE", timedelta(hours=4))
    another = times(catch_up="none")
    another.schedule = Schedule("another", daily.schedule.cron, work, Work(), catch_up="none")
    await another.come(1)  # The engine is behind; the last time is not late.
    assert await another.outcomes(1, 0) == ["missed", "ran"]


async def test_all_are_caught_up_with_one_after_the_other(times: MakeTimes) -> None:
    daily = times(catch_up="all", waits=True)
    await daily.come(3)
    for day in (3, 2, 1, 0):
        await daily.is_running(day)
        await asyncio.sleep(0.1)
        assert [what for _, what in RAN].count("starts") == 4 - day
        await daily.finish(day)
    assert await daily.outcomes(3, 2, 1, 0) == ["ran"] * 4
    assert ran() == [(daily.job(day), what) for day in (3, 2, 1, 0) for what in ("starts", "ends")]


async def test_all_times_that_came_at_once_keep_their_order(times: MakeTimes) -> None:
    daily = times(catch_up="all", overlap="queue")
    await daily.come(*reversed(range(10)))
    assert await daily.outcomes(*range(10)) == ["ran"] * 10
    assert ran() == [(daily.job(day), what) for day in reversed(range(10)) for what in ("starts", "ends")]


async def test_a_time_is_skipped_while_the_one_before_runs(times: MakeTimes, caplog: pytest.LogCaptureFixture) -> None:
    before = counted("overlap")
    daily = times(waits=True)
    await daily.decided(2)
    await daily.come(2)
    await daily.is_running(2)
    await daily.client.create(f"{daily.id(1)}/turn", None, 2**52)
    await daily.client.resolve(f"{daily.id(1)}/turn", {"run": False, "reason": "overlap", "after": daily.id(2)})
    with caplog.at_level(logging.WARNING):
        await daily.come(1, 0)
        assert await daily.outcomes(1, 0) == ["overlap", "overlap"]
    assert counted("overlap") == before + 2
    assert f"is skipped: {daily.id(2)} has not ended" in caplog.text
    await daily.finish(2)
    assert await daily.outcomes(2) == ["ran"]


async def test_a_time_runs_when_the_one_before_has_ended(times: MakeTimes) -> None:
    daily = times()
    await daily.decided(1)
    await daily.come(1)
    assert await daily.outcomes(1) == ["ran"]
    await daily.come(0)
    assert await daily.outcomes(0) == ["ran"]


async def test_a_time_waits_for_the_one_before(times: MakeTimes) -> None:
    daily = times(overlap="queue", waits=True)
    await daily.decided(1)
    await daily.come(1)
    await daily.is_running(1)
    await daily.come(0)
    await daily.is_waiting(0, after=1)
    await daily.finish(1)
    await daily.is_running(0)
    await daily.finish(0)
    assert await daily.outcomes(1, 0) == ["ran", "ran"]
    assert ran() == [(daily.job(day), what) for day in (1, 0) for what in ("starts", "ends")]


async def test_one_time_waits_and_no_other(times: MakeTimes) -> None:
    daily = times(overlap="queue", waits=True)
    await daily.decided(2)
    await daily.come(2)
    await daily.is_running(2)
    await daily.decided(1, after=2)
    await daily.come(1)
    await daily.is_waiting(1, after=2)
    await daily.come(0)
    assert await daily.outcomes(0) == ["overlap"]
    await daily.finish(2)
    await daily.is_running(1)
    await daily.finish(1)
    assert await daily.outcomes(2, 1) == ["ran", "ran"]


async def test_runs_may_overlap(times: MakeTimes) -> None:
    daily = times(overlap="allow", waits=True)
    await daily.decided(1)
    await daily.come(1)
    await daily.is_running(1)
    await daily.come(0)
    await daily.is_running(0)
    await daily.finish(1)
    await daily.finish(0)
    assert await daily.outcomes(1, 0) == ["ran", "ran"]


async def test_who_waits_goes_on_when_the_one_before_was_canceled(
    client: EngineClient, times: MakeTimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled_runs, "_FIRST_WAIT", timedelta(seconds=1))
    daily = times(overlap="queue", waits=True)
    await daily.decided(1)
    await daily.come(1)
    await daily.is_running(1)
    await daily.come(0)
    await daily.is_waiting(0, after=1)
    await client.resonate.promises.cancel(client.namespace.engine_id(daily.id(1)), Value())
    await daily.is_running(0)
    await daily.finish(0)
    assert await daily.outcomes(1, 0) == ["rejected_canceled", "ran"]


async def test_what_waited_for_a_run_and_was_canceled_hides_it_from_nobody(
    client: EngineClient, times: MakeTimes
) -> None:
    daily = times(waits=True)
    await daily.decided(2)
    await daily.come(2)
    await daily.is_running(2)
    await daily.decided(1, after=2)
    await daily.come(1)
    await client.resonate.promises.cancel(client.namespace.engine_id(daily.id(1)), Value())
    await daily.come(0)
    assert await daily.outcomes(0) == ["overlap"]
    await daily.finish(2)
    await daily.ended(2)


async def test_a_time_that_no_worker_has_come_to_is_left_to_the_latest(times: MakeTimes) -> None:
    """Not only by the clock: once a later time has begun, the earlier one never will, however slow its worker is."""
    daily = times()
    await daily.come(1, is_taken=False)
    await daily.come(0)
    assert await daily.outcomes(0) == ["ran"]
    asked = await daily.client.find(f"{daily.id(1)}/turn")
    assert asked is not None and dict(asked.value.data or {})["reason"] == "missed"


async def test_a_run_of_the_release_before_counts(client: EngineClient, times: MakeTimes) -> None:
    """It started the workflow itself, under the same id."""
    daily = times(waits=True)
    await work.start(client, daily.id(1), Work(waits=True))
    await daily.is_running(1)
    await daily.come(0)
    assert await daily.outcomes(0) == ["overlap"]
    await daily.finish(1)
    await daily.ended(1)


async def test_a_failure_is_the_failure_of_the_run(times: MakeTimes) -> None:
    daily = times(overlap="queue", fails=True)
    await daily.decided(1)
    await daily.come(1, 0)
    for day in (1, 0):
        run = await daily.ended(day)
        failure = error_of(run)
        assert (run.state, failure.code, failure.status, str(failure)) == (
            "rejected",
            "none-there",
            404,
            "there is none",
        )


async def test_a_run_that_times_out_says_so(times: MakeTimes, caplog: pytest.LogCaptureFixture) -> None:
    short = Rpc(name="work", group="tests", request=Work, result=Done, timeout=timedelta(seconds=1))
    daily = times(rpc=short, hangs=True)
    with caplog.at_level(logging.WARNING):
        await daily.come(0)
        assert error_of(await daily.ended(0)).code == "timed-out"
    assert "schedule often: work was canceled or did not end within 0:00:01" in caplog.text


@pytest.mark.parametrize("overlap", ["skip", "queue"])
async def test_whatever_of_a_decision_is_cut_off_it_ends_the_same(
    times: MakeTimes, monkeypatch: pytest.MonkeyPatch, overlap: Overlap
) -> None:
    """Each request that settles something is lost once before it arrives, and once with its answer."""
    resolve = EngineClient.resolve
    lost: set[tuple[str, str]] = set()

    def lose(promise_id: str, when: str) -> None:
        if ("/turn" in promise_id or "/end-" in promise_id) and (promise_id, when) not in lost:
            lost.add((promise_id, when))
            raise EngineUnavailable("lost")

    async def resolve_at_last(self: EngineClient, promise_id: str, value: Any) -> PromiseRecord:
        lose(promise_id, "before")
        found = await resolve(self, promise_id, value)
        lose(promise_id, "after")
        return found

    daily = times(overlap=overlap, waits=True)
    await daily.decided(1)
    await daily.come(1)
    await daily.is_running(1)
    monkeypatch.setattr(EngineClient, "resolve", resolve_at_last)
    monkeypatch.setattr(steps, "AWAY_PAUSE", 0)
    await daily.come(0)
    if overlap == "skip":
        assert await daily.outcomes(0) == ["overlap"]
        await daily.finish(1)
    else:
        await daily.is_waiting(0, after=1)
        await daily.finish(1)
        await daily.is_running(0)
        await daily.finish(0)
        assert await daily.outcomes(0) == ["ran"]
    assert await daily.outcomes(1) == ["ran"]
    assert {(f"{daily.id(0)}/turn", when) for when in ("before", "after")} <= lost
    assert [what for _, what in RAN].count("starts") == (1 if overlap == "skip" else 2)


def test_ways_that_there_are_not_are_refused() -> None:
    wrong: Sequence[dict[str, Any]] = ({"catch_up": "some"}, {"overlap": True})
    for options in wrong:
        with pytest.raises(WiringError, match="Give one of"):
            Schedule("nightly", "0 2 * * *", work, Work(), **options)
