"""`durable.rpc`: what a typed durable call promises, whatever the SDK underneath makes of it."""

import asyncio
import math
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable.ids import call_id
from shop.runtime.durable.rpc import JOB_TIMEOUT, Registration, Rpc, check_registrations, serve
from shop.runtime.errors import Failure, WiringError
from shop.runtime.http.work import Status, WorkError
from shop.runtime.testing import running
from shop.runtime.testing.crashes import Crashes
from shop.runtime.testing.running import TIMEOUT, StartService


class Text(BaseModel):
    text: str = "-"


class Texts(BaseModel):
    texts: list[str] = []


ask = Rpc(name="ask", group="workers", request=Text, result=Texts)
leaf = Rpc(
    name="leaf",
    group="db",
    request=Text,
    result=Text,
    timeout=timedelta(seconds=30),
    version=3,
    wait=timedelta(minutes=1),
)


@serve(ask)
async def ask_three(ctx: Context, request: Text) -> Texts:
    """Three calls under way at once, awaited in order."""
    calls = [leaf(ctx, Text(text=letter)) for letter in "abc"]
    return Texts(texts=[(await call).text for call in calls])


at_its_leisure = Rpc(name="at-its-leisure", group="workers", request=Text, result=Text, timeout=JOB_TIMEOUT)


@serve(at_its_leisure)
async def rest(ctx: Context, request: Text) -> Text:
    return request


@serve(leaf)
async def echo(ctx: Context, request: Text) -> Text:
    # The later it was called, the sooner it answers.
    await asyncio.sleep(0.05 * (ord("d") - ord(request.text)))
    return Text(text=f"{request.text} {call_id(ctx)}")


# Calls


async def test_a_call_has_its_target_its_timeout_and_its_version(start_service: StartService) -> None:
    """The SDK's options replace each other, so they are given together."""
    async with start_service([ask_three, echo]) as service:
        result = await service.run(ask, "ask/test", Text())
        # Ids follow the order of the calls, and so do the answers.
        assert result.texts == ["a ask/test:1", "b ask/test:2", "c ask/test:3"]
        call = await service.client.find("ask/test:2")
        assert call is not None
        task = cast("dict[str, Any]", call.param.data)
        assert (task["func"], task["version"], task["args"]) == ("leaf", 3, [{"text": "b"}])
        assert call.tags["resonate:target"].endswith("@shop.db")
        assert abs(call.timeout_at - call.created_at - 90_000) < 1000


async def test_a_call_from_outside_has_its_own_timeout(start_service: StartService) -> None:
    async with start_service([echo]) as service:
        for promise_id, timeout, expected in (("leaf/1", None, 30_000), ("leaf/2", timedelta(seconds=5), 5_000)):
            record = await leaf.start(service.client, promise_id, Text(text="a"), timeout=timeout, tags={"a": "b"})
            assert abs(record.timeout_at - record.created_at - expected) < 1000
            assert record.tags["a"] == "b" and leaf.stored_request(record) == Text(text="a")


async def test_work_that_leaves_it_open_has_the_time_of_the_setting(start_service: StartService) -> None:
    """As a job; called by another workflow it ends with the job that it is part of."""
    days = 3 * 24 * 3600  # More than the example waits for an approval.
    async with start_service(served=[rest], job_timeout=days) as service:
        record = await at_its_leisure.start(service.client, "rest/1", Text())
        assert abs(record.timeout_at - record.created_at - days * 1000) < 1000
        record = await at_its_leisure.start(service.client, "rest/2", Text(), timeout=timedelta(seconds=5))
        assert abs(record.timeout_at - record.created_at - 5_000) < 1000
        assert (await service.run(at_its_leisure, "rest/3", Text(text="a"))).text == "a"
    with pytest.raises(ValueError, match="which it leaves to JOB_TIMEOUT"):
        replace(at_its_leisure, wait=timedelta(minutes=1))


@pytest.mark.parametrize("retries", [0, 3])
def test_retries_have_an_end(crashes: Crashes, retries: int) -> None:
    """The SDK's own policy tries 30 times, doubling each pause: for ever."""
    tries: list[str] = []

    @serve(leaf, retries=retries)
    async def fail(ctx: Context, request: Text) -> Text:
        tries.append(ctx.info.id)
        raise ConnectionError("postgresql://user:a-secret@host is away")

    outcome = crashes.run(leaf, Text(), served=[fail]).outcome
    assert len(tries) == retries + 1
    # What an exception says stays in the log.
    assert outcome.error == WorkError(
        code="internal-error", message="internal error in leaf: see its log for crash/test-1"
    )


async def test_a_result_of_another_type_fails_the_call(start_service: StartService) -> None:
    """What the engine cannot keep would be delivered again for ever."""

    @serve(leaf)
    async def answer(ctx: Context, request: Text) -> Text:
        return cast("Text", object())

    async with start_service([answer]) as service:
        outcome = await service.outcome(leaf, "ask/test", Text())
    assert (outcome.status, outcome.error) == (
        Status.FAILED,
        WorkError(code="internal-error", message="internal error in leaf: see its log for shop/ask/test"),
    )


class Measured(BaseModel):
    text: str = "-"
    ratio: float = 0


measure = Rpc(name="measure", group="db", request=Measured, result=Measured)

# What JSON as UTF-8 cannot hold. The SDK would write NaN as null, and try the others again and again without a pause.
NOT_KEPT = [Measured(text="half a pair: \ud83d"), Measured(ratio=math.nan), Measured(ratio=-math.inf)]


@pytest.mark.parametrize("value", NOT_KEPT, ids=["half a pair", "NaN", "Infinity"])
async def test_a_result_that_cannot_be_kept_fails_the_call_at_once(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch, value: Measured
) -> None:
    monkeypatch.setattr(running, "TIMEOUT", 2)
    runs = 0

    @serve(measure)
    async def answer(ctx: Context, request: Measured) -> Measured:
        nonlocal runs
        runs += 1
        return value

    async with start_service([answer], shutdown_grace=0) as service:
        outcome = await service.outcome(measure, "measure/1", Measured())
    assert (outcome.status, runs) == (Status.FAILED, 1)
    assert outcome.error is not None and "measure" in outcome.error.message


@pytest.mark.parametrize("value", NOT_KEPT, ids=["half a pair", "NaN", "Infinity"])
async def test_a_request_that_cannot_be_kept_fails_the_caller_at_once(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch, value: Measured
) -> None:
    monkeypatch.setattr(running, "TIMEOUT", 2)
    runs = 0

    @serve(ask)
    async def call(ctx: Context, request: Text) -> Texts:
        nonlocal runs
        runs += 1
        return Texts(texts=[(await measure(ctx, value)).text])

    @serve(measure)
    async def echo_measured(ctx: Context, request: Measured) -> Measured:
        return request

    async with start_service([call, echo_measured], shutdown_grace=0) as service:
        outcome = await service.outcome(ask, "ask/1", Text())
    assert (outcome.status, runs) == (Status.FAILED, 1)


async def test_a_failure_whose_text_cannot_be_kept_fails_the_call_at_once(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TIMEOUT", 2)
    runs = 0

    @serve(leaf)
    async def refuse(ctx: Context, request: Text) -> Text:
        nonlocal runs
        runs += 1
        raise Failure("no such name: \ud83d")

    async with start_service([refuse], shutdown_grace=0) as service:
        outcome = await service.outcome(leaf, "leaf/1", Text())
    assert (outcome.status, runs) == (Status.FAILED, 1)
    assert outcome.error is not None and outcome.error.message.startswith("no such name: ")


async def test_a_failure_arrives_in_its_own_words(start_service: StartService) -> None:
    @serve(leaf)
    async def refuse(ctx: Context, request: Text) -> Text:
        raise Failure("the account is closed")

    async with start_service([ask_three, refuse]) as service:
        outcome = await service.outcome(ask, "ask/test", Text())
    assert outcome.error == WorkError(code="work-failed", message="the account is closed")


async def test_nothing_is_kept_of_what_was_started(start_service: StartService) -> None:
    """`Resonate.rpc` would keep a subscription of every job that has not ended."""

    @serve(leaf)
    async def wait(ctx: Context, request: Text) -> Text:
        await asyncio.sleep(TIMEOUT)
        return request

    async with start_service([wait], shutdown_grace=0) as service:
        for number in range(50):
            record = await leaf.start(service.client, f"leaf/{number}", Text())
            assert record.state == "pending"
        assert not service.client.resonate._runtime.subs


# Registrations


async def test_a_registration_is_called_like_the_plain_function() -> None:
    @serve(leaf)
    async def shout(ctx: Context, request: Text) -> Text:
        return Text(text=request.text.upper())

    assert isinstance(shout, Registration)
    ctx = cast("Context", SimpleNamespace())
    assert await shout(ctx, Text(text="a")) == Text(text="A")
    assert await shout.function(ctx, Text(text="b")) == Text(text="B")
    assert (shout.name, shout.version, shout.contract) == ("leaf", 3, leaf)


def test_start_up_refuses_what_would_wait_for_ever() -> None:
    contracts = [ask, leaf]
    check_registrations("db", contracts, [echo])
    check_registrations("workers", contracts, [ask_three])
    check_registrations("other", contracts, [])
    with pytest.raises(WiringError, match=r"leaf \(version 3\) has a contract, but SERVED of group db lacks it"):
        check_registrations("db", contracts, [])
    with pytest.raises(WiringError, match=r"leaf \(version 3\) stands twice in SERVED of group db"):
        check_registrations("db", contracts, [echo, serve(leaf)(echo.function)])
    with pytest.raises(WiringError, match="leaf belongs to group db, not workers"):
        check_registrations("workers", contracts, [ask_three, echo])


def test_versions_stand_side_by_side() -> None:
    newer = replace(leaf, version=4)
    both = [echo, serve(newer)(echo.function)]
    check_registrations("db", [leaf, newer], both)
    with pytest.raises(WiringError, match=r"leaf \(version 4\) has a contract"):
        check_registrations("db", [leaf, newer], [echo])
    # An old version may be served for as long as runs of it are left, though no new call names it.
    check_registrations("db", [newer], both)
