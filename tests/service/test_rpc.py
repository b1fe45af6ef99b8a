"""What a typed durable call promises, whatever the SDK underneath makes of it."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from pydantic import BaseModel
from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from {{ package_name }}.api import (
    idempotency,
)
from {{ package_name }}.api.idempotency import (
    Outcome,
    Status,
    await_end,
)
from {{ package_name }}.api.problems import (
    Problem,
)
from {{ package_name }}.db.database import (
    Database,
)
from {{ package_name }}.db.operations import (
    once,
)
from {{ package_name }}.rpc import (
    Failure,
    Rpc,
    serve,
)

from .conftest import PATIENCE, Service, Start
from .crashes import Crashes


class Text(BaseModel):
    text: str = "-"


class TextWithMore(Text):
    more: str = "added since"


class Texts(BaseModel):
    texts: list[str] = []


class Number(BaseModel):
    text: list[int]


asking = Rpc(name="asking", group="workers", request=Text, result=Texts)
leaf = Rpc(name="leaf", group="db", request=Text, result=Text, timeout=timedelta(seconds=30), version=3)


async def ask(ctx: Context, request: Text) -> Texts:
    """Three calls under way at once, awaited in order."""
    calls = [leaf(ctx, Text(text=letter)) for letter in "abc"]
    return Texts(texts=[(await call).text for call in calls])


async def echo(ctx: Context, request: Text) -> Text:
    # The later it was called, the sooner it answers.
    await asyncio.sleep(0.05 * (ord("d") - ord(request.text)))
    return Text(text=f"{request.text} {ctx.info.id}")


async def ended(service: Service, served: Rpc[Any, Any], timeout: timedelta = timedelta(seconds=60)) -> Outcome:
    record = await service.engine.start_workflow(served, "asking/test", served.request(), timeout, {})
    return Outcome.of(await await_end(service.engine, record, PATIENCE))


async def test_a_call_has_its_target_its_timeout_and_its_version(start: Start) -> None:
    """The SDK's options replace each other, so they are given together."""
    async with start(served=[serve(asking, ask), serve(leaf, echo)]) as service:
        result = await service.run(asking, "asking/test", Text())
        # Ids follow the order of the calls, and so do the answers.
        assert result.texts == ["a asking/test:1", "b asking/test:2", "c asking/test:3"]
        call = await service.engine.find("asking/test:2")
        assert call is not None
        task = cast("dict[str, Any]", call.param.data)
        assert (task["func"], task["version"], task["args"]) == ("leaf", 3, [{"text": "b"}])
        assert call.tags["resonate:target"].endswith("@db")
        assert abs(call.timeout_at - call.created_at - 30_000) < 1000


async def test_a_call_that_nobody_answers_says_so(start: Start) -> None:
    """The SDK says "unknown error: null"."""
    nowhere = Rpc(name="nowhere", group="db", request=Text, result=Text, timeout=timedelta(seconds=0.2))

    async def wait(ctx: Context, request: Text) -> Texts:
        return Texts(texts=[(await nowhere(ctx, request)).text])

    async def sleep(ctx: Context, request: Text) -> Text:
        await asyncio.sleep(1)
        return request

    async with start(served=[serve(asking, wait), serve(nowhere, sleep)]) as service:
        outcome = await ended(service, asking)
    assert outcome.error == "nowhere was canceled or not answered within 0:00:00.200000"


@pytest.mark.parametrize("retries", [0, 3])
def test_retries_have_an_end(crashes: Crashes, retries: int) -> None:
    """The SDK's own policy tries 30 times, doubling each pause: for ever."""
    tries: list[str] = []

    async def fail(ctx: Context, request: Text) -> Text:
        tries.append(ctx.info.id)
        raise ConnectionError("postgresql://user:a-secret@host is away")

    outcome = crashes.run(leaf, Text(), served=[serve(leaf, fail, retries=retries)]).outcome
    assert len(tries) == retries + 1
    # What an exception says stays in the log.
    assert outcome.error == "internal error in leaf: see its log for crash/test-1"


async def test_a_result_of_another_type_fails_the_call(start: Start) -> None:
    """What the engine cannot keep would be delivered again for ever."""

    async def answer(ctx: Context, request: Text) -> Text:
        return cast("Text", object())

    async with start(served=[serve(leaf, answer)]) as service:
        outcome = await ended(service, leaf)
    assert (outcome.status, outcome.error) == (Status.FAILED, "internal error in leaf: see its log for asking/test")


async def test_an_answer_of_another_shape_fails_the_caller(start: Start) -> None:
    """A call by name gives whatever the other side sends."""
    other_side = Rpc(name="leaf", group="db", request=Text, result=Number, version=3)

    async def count(ctx: Context, request: Text) -> Number:
        return Number(text=[1])

    async with start(served=[serve(asking, ask), serve(other_side, count)]) as service:
        outcome = await ended(service, asking)
    assert (outcome.status, outcome.error) == (Status.FAILED, "internal error in asking: see its log for asking/test")


async def test_a_failure_is_said_in_its_own_words(start: Start) -> None:
    async def refuse(ctx: Context, request: Text) -> Text:
        raise Failure("the account is closed")

    async with start(served=[serve(asking, ask), serve(leaf, refuse)]) as service:
        outcome = await ended(service, asking)
    assert outcome.error == "the account is closed"


async def test_nothing_is_kept_of_what_was_started(start: Start) -> None:
    """`Resonate.rpc` would keep a subscription of every job that has not ended."""

    async def wait(ctx: Context, request: Text) -> Text:
        await asyncio.sleep(PATIENCE)
        return request

    async with start(served=[serve(leaf, wait)], shutdown_grace=0) as service:
        for number in range(50):
            record = await service.engine.start_workflow(leaf, f"leaf/{number}", Text(), timedelta(seconds=60), {})
            assert record.state == "pending"
        assert not service.engine.resonate._runtime.subs


async def test_a_field_that_came_since_with_a_default_changes_no_request(start: Start) -> None:
    """A key that is sent again after a deployment finds its work, and a call that runs again its operation."""
    since = Rpc(name="leaf", group="db", request=TextWithMore, result=Text, version=3)

    async def say(ctx: Context, request: Text) -> Text:
        return await once(ctx.get_dependency(Database), "db/op/say/1", request, Text, partial(_done, request))

    async with start(served=[serve(leaf, say)]) as service:
        first = await idempotency.start(service.engine, leaf, "leaf/1", Text(text="a"), leaf.timeout, "/")
        again = await idempotency.start(service.engine, since, "leaf/1", TextWithMore(text="a"), leaf.timeout, "/")
        assert (first.replayed, again.replayed) == (False, True)
        for other in (TextWithMore(text="a", more="other"), TextWithMore(text="b")):
            with pytest.raises(Problem, match="used for another request"):
                await idempotency.start(service.engine, since, "leaf/1", other, leaf.timeout, "/")
        assert Outcome.of(await await_end(service.engine, first.record, PATIENCE)).result == {"text": "a"}
    async with start(served=[serve(since, say)]) as service:
        # Another engine knows nothing of it; the database does.
        again = await idempotency.start(service.engine, leaf, "leaf/1", Text(text="a"), leaf.timeout, "/")
        assert Outcome.of(await await_end(service.engine, again.record, PATIENCE)).result == {"text": "a"}


async def _done(request: Text, _: AsyncSession) -> Text:
    return Text(text=request.text)
