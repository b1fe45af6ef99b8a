"""`telemetry.runs`: the log line of a run of a durable function, and what it last raised."""

import asyncio

from resonate.context import Context
from shop.runtime.durable.rpc import serve
from shop.runtime.telemetry import runs
from shop.runtime.testing.running import StartService

from .outcomes import SERVED, Number, flaky, inner, outer, refused
from .telemetry import Log, counted


async def test_a_durable_function_logs_what_it_did(start_service: StartService, log: Log) -> None:
    async with start_service(SERVED) as service:
        await service.run(outer, "job/says", Number(value=41))
    both = {"job": "shop/job/says", "attempt": 1}
    (done,) = log.lines(function=outer.name, outcome="done")
    assert done.items() >= {**both, "promise": "shop/job/says", "version": 3, "level": "INFO"}.items()
    assert 0 <= done["duration_ms"] < 10_000
    (called,) = log.lines(function=inner.name, outcome="done")
    assert called.items() >= {**both, "promise": "shop/job/says:1", "version": 1}.items()
    suspended = log.lines(outcome="suspended")
    assert suspended and all(line["level"] == "DEBUG" for line in suspended)
    # So do the lines of the function itself.
    (inside,) = log.lines(message="inside")
    assert inside.items() >= {**both, "promise": "shop/job/says:1", "function": inner.name, "value": 41}.items()
    assert "tests.outer done outcome=" not in log.text and "tests.outer done duration_ms=" in log.text


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
    (failed,) = log.lines(function=refused.name, outcome="failed")
    assert (failed["level"], failed["message"]) == ("INFO", "tests.refused failed: work-failed: there is none of them")
    assert counted("durable_function_active_runs", function=flaky.name) == 0


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
