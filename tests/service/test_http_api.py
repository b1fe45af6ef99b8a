"""`durable.http_api`: which answers of an API outside are tried again, and what each request carries."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from types import ModuleType

import httpx
import pytest
import shop.workflows.worker
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError
from resonate.context import Context
from shop.runtime.durable.http_api import HttpApi, OpenHttpApi
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.retry import Retry, pause_before
from shop.runtime.errors import AnswerNotRead, ApiRefused, ApiUnavailable, MissingSetting
from shop.runtime.settings import BaseUrl, ServiceSettings
from shop.runtime.testing.crashes import Crashes
from shop.runtime.testing.http_api import WatchedFake, WatchFake
from shop.runtime.testing.running import RunningService, StartService

TOKEN = "a-token-that-is-nobodys-business"
AT_ONCE = Retry(count=2, first=0)


class Pay(BaseModel):
    cents: int = 100


class Paid(BaseModel):
    cents: int


class Payments(HttpApi):
    most_bytes = 1_000

    async def pay(self, ctx: Context, cents: int) -> Paid:
        return (await self.send(ctx, "POST", "/payments", json={"cents": cents})).read(Paid)


# As the class of a service's own `clients/payments.py`.
Payments.__module__ = "shop.clients.payments"

pay = Rpc(name="pay", group="tests", request=Pay, result=Paid)
pay_twice = Rpc(name="pay-twice", group="tests", request=Pay, result=Paid)


async def pay_step(ctx: Context, cents: int) -> Paid:
    return await ctx.get_dependency(Payments).pay(ctx, cents)


@serve(pay)
async def pay_once(ctx: Context, request: Pay) -> Paid:
    return await ctx.options(retry_policy=AT_ONCE).run(pay_step, request.cents)


@serve(pay_twice)
async def pay_two_times(ctx: Context, request: Pay) -> Paid:
    first = await ctx.run(pay_step, request.cents)
    second = await ctx.run(pay_step, request.cents)
    return Paid(cents=first.cents + second.cents)


SERVED = [pay_once, pay_two_times]


class Settings(ServiceSettings):
    """Those of a service that has the client."""

    namespace: str = "shop"
    payments_url: BaseUrl | None = None
    payments_token: SecretStr | None = SecretStr(TOKEN)
    payments_timeout: timedelta = timedelta(seconds=0.5)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `fakes.payments` of the service."""
    module, app = ModuleType("shop.fakes.payments"), FastAPI()

    @app.post("/payments")
    async def take(body: Pay) -> Paid:
        return Paid(cents=body.cents)

    module.__dict__["app"] = app
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers of the service have the client."""
    opener = OpenHttpApi(Payments)
    settings = Settings(use_fakes=True, _env_file=None)
    monkeypatch.setattr(shop.workflows.worker, "DEPENDENCIES", [lambda _: opener(settings)])


@pytest.fixture
async def service(start_service: StartService, opened: None) -> AsyncIterator[RunningService]:
    async with start_service(SERVED) as service:
        yield service


async def test_what_asks_for_another_try_gets_one_with_the_same_key(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake
) -> None:
    watched = watch_fake(fake, 503, 429)
    assert await service.run(pay, "pay/1", Pay()) == Paid(cents=100)
    assert watched.keys == ["shop/pay/1:1"] * 3
    assert {request.headers["Authorization"] for request in watched.requests} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_the_last_failure_is_the_steps(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake, status: int
) -> None:
    watched = watch_fake(fake, *[status] * 9)
    outcome = await service.outcome(pay, "pay/1", Pay())
    assert outcome.error is not None and outcome.error.code == "internal-error"
    assert len(watched.requests) == 3


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 422])
async def test_a_refusal_is_final(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake, status: int
) -> None:
    watched = watch_fake(fake, (status, {"Location": "http://elsewhere.example/"}, b'{"why": "no"}' * 1_000))
    outcome = await service.outcome(pay, "pay/1", Pay())
    assert outcome.error is not None and outcome.error.code == "api-refused"
    assert outcome.error.message == f"payments refused a request ({status})"
    assert len(watched.requests) == 1


async def test_a_time_that_it_asks_for_is_waited(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake
) -> None:
    watch_fake(fake, (429, {"Retry-After": "1"}))
    began = monotonic()
    await service.run(pay, "pay/1", Pay())
    assert monotonic() - began >= 1


def test_both_forms_of_retry_after_count() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    for given, least, most in (("7", 7, 7), (date, 85, 91), ("soon", 2, 2)):
        error = ApiUnavailable("busy", httpx.Headers({"Retry-After": given}))
        pause = pause_before(Retry(count=1), 1, error)
        assert pause is not None and least <= pause <= most, given


async def test_each_call_has_a_key_of_its_own(service: RunningService, fake: ModuleType, watch_fake: WatchFake) -> None:
    watched = watch_fake(fake)
    await service.run(pay_twice, "pay/1", Pay())
    assert watched.keys == ["shop/pay/1:1", "shop/pay/1:2"]


async def test_a_key_is_the_same_when_the_job_is_started_again(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake
) -> None:
    watched = watch_fake(fake)
    for root in ("pay/1", "pay/1+run2"):
        await service.run(pay, root, Pay())
    assert watched.keys == ["shop/pay/1:1"] * 2


def test_a_key_survives_crashes(crashes: Crashes, opened: None, fake: ModuleType, watch_fake: WatchFake) -> None:
    """Each life is another process; the step of the first may have sent its request already."""
    watched = watch_fake(fake)
    crashes(pay, Pay(), served=SERVED)
    assert len(watched.keys) > 6 and len(set(watched.keys)) == 1


def call_of(transport: httpx.AsyncBaseTransport, timeout: float = 5) -> Payments:
    client = httpx.AsyncClient(base_url="http://payments.example/v1/", transport=transport)
    return Payments("payments", client, timedelta(seconds=timeout))


def answering(body: bytes | str, status: int = 200, **headers: str) -> Payments:
    """An API with one answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    stream = httpx.ByteStream(body.encode() if isinstance(body, str) else body)
    return call_of(httpx.MockTransport(lambda _: httpx.Response(status, headers=named, stream=stream)))


class Slow(httpx.AsyncBaseTransport):
    """Answers a byte every 10 ms, for ever."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        class Body(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                while True:
                    await asyncio.sleep(0.01)
                    yield b" "

        return httpx.Response(200, stream=Body())


# A GET has no key, so it needs no call.
NO_CALL = object.__new__(Context)


async def test_an_answer_has_a_time_and_a_size() -> None:
    with pytest.raises(ApiUnavailable, match="no answer"):
        await call_of(Slow(), timeout=0.2).send(NO_CALL, "GET", "/")
    with pytest.raises(AnswerNotRead, match="more than 1,000 bytes"):
        await answering("x" * 1_001).send(NO_CALL, "GET", "/")
    with pytest.raises(AnswerNotRead, match="gzip"):
        await answering("x", Content_Encoding="gzip").send(NO_CALL, "GET", "/")
    with pytest.raises(ApiRefused) as refused:
        await answering("x" * 5_000, 404).send(NO_CALL, "GET", "/")
    assert refused.value.body == "x" * 2_000


async def test_a_connection_that_fails_is_tried_again() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(ApiUnavailable, match="ConnectError"):
        await call_of(httpx.MockTransport(fail)).send(NO_CALL, "GET", "/")


async def test_an_answer_that_does_not_fit_is_told_without_its_values() -> None:
    answer = await answering('{"cents": "sesame"}').send(NO_CALL, "GET", "/")
    with pytest.raises(AnswerNotRead, match="no Paid") as failed:
        answer.read(Paid)
    assert "sesame" not in str(failed.value)


@pytest.mark.parametrize("path", ["payments", "//elsewhere.example/", "https://elsewhere.example/"])
async def test_a_request_stays_below_the_url(path: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    api = call_of(httpx.MockTransport(answer))
    with pytest.raises(ValueError, match="one slash"):
        await api.send(NO_CALL, "GET", path)
    await api.send(NO_CALL, "GET", "/a")
    assert asked == ["http://payments.example/v1/a"]


async def test_it_opens_where_its_url_is_set_or_fakes_are_wanted(fake: ModuleType) -> None:
    def settings(**values: object) -> Settings:
        return Settings(_env_file=None, **values)  # type: ignore[arg-type]

    with pytest.raises(MissingSetting, match="PAYMENTS_URL"):
        async with OpenHttpApi(Payments)(settings()):
            pass
    async with OpenHttpApi(Payments)(settings(use_fakes=True)) as api:
        assert api.name == "payments" and isinstance(api, Payments)
    async with OpenHttpApi(Payments)(settings(use_fakes=True, payments_url="http://127.0.0.1:9/")) as api:
        with pytest.raises(ApiUnavailable):
            await api.send(NO_CALL, "GET", "/")


@pytest.mark.parametrize("url", ["payments.example", "ftp://x", "http://u:p@x", "http://x?a=b", "http://"])
def test_an_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(BaseUrl).validate_python(url)


async def test_nothing_tells_the_token(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    watch_fake(fake, 500, 401)
    outcome = await service.outcome(pay, "pay/1", Pay())
    assert TOKEN not in caplog.text + repr(outcome) + repr(Settings(_env_file=None))
    assert "payments answered POST with 500" in caplog.text


async def test_cookies_of_one_answer_are_not_sent_with_the_next(
    service: RunningService, fake: ModuleType, watch_fake: WatchFake
) -> None:
    watched: WatchedFake = watch_fake(fake, (503, {"Set-Cookie": "session=1"}))
    await service.run(pay, "pay/1", Pay())
    assert [request.headers.get("Cookie") for request in watched.requests] == [None, None]
