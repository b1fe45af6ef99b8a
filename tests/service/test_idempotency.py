"""`http.idempotency`: which keys there are, what they name, and which requests are equal."""

import asyncio
from datetime import timedelta
from functools import partial

import httpx
import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database
from shop.runtime.durable.once import once
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.http.auth import Caller
from shop.runtime.http.problems import Problem
from shop.runtime.http.work import Outcome, start, wait_for_end
from shop.runtime.testing.running import TIMEOUT, RunningService, StartService, problem
from sqlalchemy.ext.asyncio import AsyncSession

from .telemetry import counted

ORDERS = "/customers/c-1/orders?number=1"


async def test_a_key_that_is_required(orders: RunningService) -> None:
    assert problem(await orders.http.post(ORDERS)) == (400, "idempotency-key-required")


async def test_a_key_in_quotes_is_the_same_key(orders: RunningService) -> None:
    first = await orders.http.post(ORDERS, headers={"Idempotency-Key": "order-4711"})
    assert first.json()["id"] == "order-4711"
    again = await orders.http.post(ORDERS, headers={"Idempotency-Key": '"order-4711"'})
    assert (again.status_code, again.json()["id"]) == (202, "order-4711")
    assert again.headers["Idempotent-Replayed"] == "true"
    # Inside of quotes a backslash stands before a quote or itself.
    plain = await orders.http.post(ORDERS, headers={"Idempotency-Key": 'a "b" \\'})
    escaped = await orders.http.post(ORDERS, headers={"Idempotency-Key": r'"a \"b\" \\"'})
    assert (plain.json()["id"], escaped.headers["Idempotent-Replayed"]) == (escaped.json()["id"], "true")


@pytest.mark.parametrize("path", ["/customers/c-1/drafts", ORDERS])
@pytest.mark.parametrize("key", ["", '""', "x" * 256, "\xfc", "a\tb"])
async def test_keys_that_are_refused(orders: RunningService, key: str, path: str) -> None:
    headers = httpx.Headers({b"Idempotency-Key": key.encode("latin-1")})
    assert problem(await orders.http.post(path, headers=headers)) == (400, "invalid-idempotency-key")


async def test_without_a_key_each_request_is_new_work(orders: RunningService) -> None:
    responses = [await orders.http.post("/customers/c-1/drafts") for _ in range(2)]
    assert len({response.json()["id"] for response in responses}) == 2
    assert not any("Idempotent-Replayed" in response.headers for response in responses)


async def test_of_fifty_at_once_one_is_new(orders: RunningService) -> None:
    async def submit() -> httpx.Response:
        return await orders.http.post(ORDERS, headers={"Idempotency-Key": "a key with spaces, and: more"})

    outcomes = {name: counted("jobs_submitted_total", function="order", outcome=name) for name in ("new", "replayed")}
    responses = await asyncio.gather(*(submit() for _ in range(50)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["id"] for response in responses}) == 1
    assert sum("Idempotent-Replayed" not in response.headers for response in responses) == 1
    new, replayed = (counted("jobs_submitted_total", function="order", outcome=name) for name in outcomes)
    assert (new - outcomes["new"], replayed - outcomes["replayed"]) == (1, 49)


# Equal requests


class Text(BaseModel):
    text: str = "-"


class TextWithMore(Text):
    more: str = "added since"


say = Rpc(name="say", group="tests", request=Text, result=Text, timeout=timedelta(seconds=30), version=3)
say_more = Rpc(name="say", group="tests", request=TextWithMore, result=Text, timeout=timedelta(seconds=30), version=3)


async def say_once(ctx: Context, request: Text) -> Text:
    async def effect(request: Text, _: AsyncSession) -> Text:
        return Text(text=request.text)

    return await once(ctx.get_dependency(Database), "db/op/say/1", request, Text, partial(effect, request))


async def test_a_new_field_with_a_default_changes_no_request(start_service: StartService) -> None:
    """A key that is sent again after a deployment finds its work, and a call that runs again its operation."""
    async with start_service([serve(say)(say_once)]) as service:
        caller = Caller(service.client, service.settings, None)
        first = await start(caller, say, "leaf/1", Text(text="a"), "/")
        again = await start(caller, say_more, "leaf/1", TextWithMore(text="a"), "/")
        assert (first.replayed, again.replayed) == (False, True)
        for other in (TextWithMore(text="a", more="other"), TextWithMore(text="b")):
            with pytest.raises(Problem, match="used for another request"):
                await start(caller, say_more, "leaf/1", other, "/")
        ended = await wait_for_end(service.client, first.record, TIMEOUT)
        assert Outcome.of(ended).result == {"text": "a"}
    async with start_service([serve(say_more)(say_once)]) as service:
        # Another engine knows nothing of it; the database does.
        caller = Caller(service.client, service.settings, None)
        again = await start(caller, say, "leaf/1", Text(text="a"), "/")
        ended = await wait_for_end(service.client, again.record, TIMEOUT)
        assert Outcome.of(ended).result == {"text": "a"}


async def test_work_that_a_step_started_is_the_same_work(start_service: StartService) -> None:
    """Nobody but HTTP adds a fingerprint; the request itself tells."""
    async with start_service([serve(say)(say_once)]) as service:
        caller = Caller(service.client, service.settings, None)
        await say.start(service.client, "leaf/1", Text(text="a"))
        again = await start(caller, say, "leaf/1", Text(text="a"), "/")
        assert again.replayed
        with pytest.raises(Problem, match="used for another request"):
            await start(caller, say, "leaf/1", Text(text="b"), "/")
        # An id of something else.
        others = ("text", {"func": "say"}, {"func": "say", "args": [{"text": 1}]}, {"func": "tell", "args": [{}]})
        for number, param in enumerate(others):
            await service.client.create(f"other/{number}", param, 2**52)
            with pytest.raises(Problem, match="used for another request"):
                await start(caller, say, f"other/{number}", Text(), "/")
