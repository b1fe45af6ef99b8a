"""`telemetry.runs`: the log line of a run of a durable function, and what it last raised."""

import asyncio

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.retry import Retry
from shop.runtime.errors import Failure
from shop.runtime.telemetry import runs
from shop.runtime.testing.running import StartService

from .outcomes import SERVED, Number, flaky, inner, outer, refused
from .telemetry import Log, counted

OUTCOMES = ("succeeded", "refused", "failed", "timed-out", "canceled")


async def test_a_durable_function_logs_what_it_did(start_service: StartService, log: Log) -> None:
    async with start_service(SERVED) as service:
        await service.run(outer, "job/says", Number(value=41))
    both = {"job": "shop/job/says", "attempt": 1}
    (done,) = log.lines(function=outer.name, outcome="succeeded")
    assert done.items() >= {**both, "promise": "shop/job/says", "version": 3, "level": "INFO"}.items()
    assert 0 <= done["duration_ms"] < 10_000
    (called,) = log.lines(function=inner.name, outcome="succeeded")
    assert called.items() >= {**both, "promise": "shop/job/says:1", "version": 1}.items()
    suspended = log.lines(outcome="suspended")
    assert suspended and all(line["level"] == "DEBUG" for line in suspended)
    # So do the lines of the function itself.
    (inside,) = log.lines(message="inside")
    assert inside.items() >= {**both, "promise": "shop/job/says:1", "function": inner.name, "value": 41}.items()
    assert "tests.outer succeeded outcome=" not in log.text and "tests.outer succeeded duration_ms=" in log.text


async def test_attempts_are_counted_and_failures_told_apart(start_service: StartService, log: Log) -> None:
    count = "durable_function_duration_seconds_count"
    before = counted(count, function=flaky.name, outcome="raised")
    async with start_service(SERVED) as service:
        await asyncio.gather(
            service.outcome(flaky, "job/flaky", Number(value=1)), service.outcome(refused, "job/refused", Number())
        )
    raised = log.lines(function=flaky.name, outcome="raised")
    assert [line["attempt"] for line in raised] == [1, 2, 3]
    assert all(line["level"] == "ERROR" and "badly with 1" in line["exc_info"] for line in raised)
    assert counted(count, function=flaky.name, outcome="raised") == before + 3
    (failed,) = log.lines(function=refused.name, outcome="refused")
    assert (failed["level"], failed["message"]) == ("INFO", "tests.refused refused: work-failed: there is none of them")
    assert counted("durable_function_active_runs", function=flaky.name) == 0


class Ends(BaseModel):
    """How a job should end: `code` and `status` of a failure, or a bug in itself or in a step."""

    code: str = ""
    status: int = 422
    bug: bool = False
    bug_in_step: bool = False


ends = Rpc(name="tests.ends", group="tests", request=Ends, result=Ends)


@serve(ends)
async def end_so(ctx: Context, request: Ends) -> Ends:
    if request.code:
        raise Failure("it ends so", code=request.code, status=request.status)
    if request.bug:
        raise ValueError("a bug")
    if request.bug_in_step:
        await ctx.options(retry_policy=Retry(count=0)).run(raise_value_error)
    return request


async def raise_value_error(ctx: Context) -> None:
    raise ValueError("a bug")


@pytest.mark.parametrize(
    ("how", "outcome", "level", "message"),
    [
        (Ends(), "succeeded", "INFO", "tests.ends succeeded"),
        (Ends(code="no-such-account"), "refused", "INFO", "tests.ends refused: no-such-account: it ends so"),
        (Ends(code="away", status=503), "failed", "ERROR", "tests.ends failed: away: it ends so"),
        (Ends(code="timed-out", status=504), "timed-out", "WARNING", "tests.ends timed-out: timed-out: it ends so"),
        (Ends(code="canceled", status=409), "canceled", "WARNING", "tests.ends canceled: canceled: it ends so"),
        (Ends(bug=True), "failed", "ERROR", "tests.ends raised: ValueError"),
        (
            Ends(bug_in_step=True),
            "failed",
            "ERROR",
            "tests.ends failed: step-failed: raise_value_error raised ValueError: a bug",
        ),
    ],
    ids=["succeeded", "refused", "away", "timed-out", "canceled", "bug", "bug in a step"],
)
async def test_ways_to_end_are_told_apart(
    start_service: StartService, log: Log, how: Ends, outcome: str, level: str, message: str
) -> None:
    before = {name: counted("jobs_ended_total", function=ends.name, outcome=name) for name in OUTCOMES}
    async with start_service([end_so]) as service:
        await service.outcome(ends, "job/ends", how)
    (line,) = log.lines(function=ends.name, logger="shop.runtime.telemetry.runs", level=level)
    assert line["message"] == message
    after = {name: counted("jobs_ended_total", function=ends.name, outcome=name) for name in OUTCOMES}
    assert {name: after[name] - before[name] for name in OUTCOMES if after[name] != before[name]} == {outcome: 1}


async def test_only_jobs_are_counted_as_jobs(start_service: StartService) -> None:
    before = [counted("jobs_ended_total", function=each.name, outcome="succeeded") for each in (outer, inner)]
    async with start_service(SERVED) as service:
        await service.run(outer, "job/counted", Number())
    after = [counted("jobs_ended_total", function=each.name, outcome="succeeded") for each in (outer, inner)]
    assert after == [before[0] + 1, before[1]]


async def test_what_a_run_last_raised_is_known(start_service: StartService) -> None:
    async with start_service(SERVED) as service:
        await service.outcome(flaky, "job/known", Number(value=7))
        await service.run(outer, "job/well", Number())
    assert runs.last_error("shop/job/known") == "RuntimeError: it went wrong:\nbadly with 7"
    assert runs.last_error("shop/job/well") is None
    assert runs.last_error("job/known") is None


async def test_only_the_last_errors_are_remembered(start_service: StartService) -> None:
    async with start_service(SERVED) as service:
        await service.outcome(refused, "job/early", Number())
        assert runs.last_error("shop/job/early") == "Failure: there is none\nof them"
        for number in range(runs._REMEMBERED):
            runs._remember(f"shop/job/later-{number}", ValueError(str(number)))
    assert runs.last_error("shop/job/early") is None
    assert runs.last_error("shop/job/later-0") == "ValueError: 0"
    assert len(runs._raised) == runs._REMEMBERED


async def test_a_run_that_is_cut_off_is_interrupted(start_service: StartService, log: Log) -> None:
    started = asyncio.Event()

    @serve(inner)
    async def never_end(ctx: Context, request: Number) -> Number:
        started.set()
        await asyncio.sleep(60)
        return request

    async with start_service([never_end], shutdown_grace=0) as service:
        await inner.start(service.client, "job/cut-off", Number())
        await started.wait()
    (line,) = log.lines(function=inner.name, outcome="interrupted")
    assert (line["level"], line["message"]) == ("INFO", "tests.inner interrupted: CancelledError")
