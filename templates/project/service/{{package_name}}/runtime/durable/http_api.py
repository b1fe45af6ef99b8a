"""HTTP APIs of others: a client that is open while a worker runs, and what becomes of each answer.

A service has a class for each such API, with a method for each thing that it asks for. Steps call them::

    class Payments(HttpApi):
        async def charge(self, ctx: Context, order_id: str, cents: int) -> Receipt:
            answer = await self.send(ctx, "POST", "/charges", json={"order_id": order_id, "cents": cents})
            return answer.read(Receipt)

    async def charge(ctx: Context, request: PlaceOrder) -> Receipt:
        return await ctx.get_dependency(Payments).charge(ctx, request.order_id, request.cents)

    answer                     raises              tried again
    2xx                        nothing
    408, 425, 429, 5xx         `ApiUnavailable`    by the step's policy, and not before its `Retry-After`
    none in time               `ApiUnavailable`    by the step's policy
    any other                  `ApiRefused`        never
    2xx that cannot be read    `AnswerNotRead`     never

A request that may change something has an `Idempotency-Key`, made of the id of the step: the same whenever the step runs
again, after a failure, a crash or in another process, and another one for each other call.
"""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, SecretStr, ValidationError
from resonate.context import Context

from ..engine.namespace import Namespace
from ..errors import AnswerNotRead, ApiRefused, ApiUnavailable, MissingSetting, in_a_line, mistakes_in
from ..settings import ServiceSettings
from .ids import call_id

logger = logging.getLogger(__name__)

_TRIED_AGAIN = frozenset({408, 425, 429})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KEPT_OF_REFUSAL = 2_000
"""Bytes of the body of a refusal that are kept with the failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API has answered, with a status of 2xx."""

    api: str
    status: int
    headers: httpx.Headers
    body: bytes

    def read[M: BaseModel](self, model: type[M]) -> M:
        """The body, which is JSON, as a model.

        Raises:
            AnswerNotRead: it does not fit.
        """
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            told = in_a_line(mistakes_in(error))
            raise AnswerNotRead(self.api, f"its answer is no {model.__name__} ({told})") from None


class HttpApi:
    """An HTTP API of somebody else. A service has a subclass for each, in `clients/`; `OpenHttpApi` opens it."""

    most_bytes: ClassVar[int] = 1_048_576
    """Of an answer's body; a longer one is not read."""

    def __init__(self, name: str, client: httpx.AsyncClient, timeout: timedelta) -> None:
        self.name = name
        self._client = client
        self._timeout = timeout.total_seconds()

    @classmethod
    def authorization(cls, token: str) -> Mapping[str, str]:
        """The headers that show a token, in each request. An API that wants others overrides this."""
        return {"Authorization": f"Bearer {token}"}

    async def send(
        self,
        ctx: Context,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        part: str = "",
    ) -> Answer:
        """Send a request, in a step, and return the answer if its status is 2xx.

        ``path`` begins with a slash and stands below the API's URL; escape what comes from outside
        (`urllib.parse.quote(text, safe="")`). A step that sends several requests which change something says with
        ``part`` which of them this is: each then has a key of its own.

        Raises:
            ApiRefused: another status, which no further try would change.
            ApiUnavailable: no answer in time, or one that asks for another try.
            AnswerNotRead: the answer is too long, or in an encoding that was not asked for.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"{path!r} is no path below the URL of {self.name}: it must begin with one slash")
        request = self._client.build_request(method, path, json=json, params=params, headers=headers)
        if method.upper() not in _SAFE and "Idempotency-Key" not in request.headers:
            request.headers["Idempotency-Key"] = _key(ctx, part)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.send(request, stream=True)
                try:
                    body = await self._body(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TransportError) as error:
            raise ApiUnavailable(f"{self.name}: no answer to {method} ({type(error).__name__})") from error
        status = response.status_code
        if status in _TRIED_AGAIN or status >= 500:
            raise ApiUnavailable(f"{self.name} answered {method} with {status}", response.headers)
        if not response.is_success:
            raise ApiRefused(self.name, status, body.decode(errors="replace"))
        return Answer(self.name, status, response.headers, body)

    async def _body(self, response: httpx.Response) -> bytes:
        """The body as it came; of what is no success its beginning."""
        most = self.most_bytes if response.is_success else _KEPT_OF_REFUSAL
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            if response.is_success:  # A few bytes of it may become a gigabyte.
                raise AnswerNotRead(self.name, f"its answer is in the encoding {encoding}, which was not asked for")
            return b""
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > most:
                if response.is_success:
                    raise AnswerNotRead(self.name, f"its answer has more than {most:,} bytes")
                break
        return bytes(body[:most])


def _key(ctx: Context, part: str) -> str:
    """The `Idempotency-Key` of a request. The namespace keeps services apart that share an account."""
    key = ctx.get_dependency(Namespace).engine_id(call_id(ctx))
    return f"{key}/{part}" if part else key


@dataclass(frozen=True, slots=True)
class OpenHttpApi:
    """Opens an HTTP API for a worker: an element of its DEPENDENCIES.

    Of the class of `clients/payments.py` the settings are PAYMENTS_URL, PAYMENTS_TOKEN and PAYMENTS_TIMEOUT. Where the
    URL is not set and USE_FAKES is, as in development and in tests, `app` of `fakes/payments.py` answers in this process.
    """

    api: type[HttpApi]

    @property
    def name(self) -> str:
        """What it is called: `payments`."""
        return self.api.__module__.rpartition(".")[2]

    def __call__(self, settings: ServiceSettings) -> AbstractAsyncContextManager[HttpApi]:
        """Open it.

        Raises:
            MissingSetting: its URL is not set, and fakes are not to be used.
        """
        return self._opened(settings)

    @asynccontextmanager
    async def _opened(self, settings: ServiceSettings) -> AsyncIterator[HttpApi]:
        name = self.name
        url: str | None = getattr(settings, f"{name}_url")
        token: SecretStr | None = getattr(settings, f"{name}_token")
        timeout: timedelta = getattr(settings, f"{name}_timeout")
        transport: httpx.AsyncBaseTransport | None = None
        if url is None:
            if not settings.use_fakes:
                raise MissingSetting(f"{name.upper()}_URL")
            logger.warning("%s: its fake answers, since %s_URL is not set", name, name.upper())
            transport = httpx.ASGITransport(app=self._fake, raise_app_exceptions=False)
        # What is not asked for is not decoded: see `_body`.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if token is not None:
            headers |= self.api.authorization(token.get_secret_value())
        async with httpx.AsyncClient(
            base_url=url or f"http://{name}.fake",
            headers=headers,
            timeout=timeout.total_seconds(),
            limits=httpx.Limits(max_connections=settings.max_runs),
            # What one job is given is not sent with another's request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            transport=transport,
        ) as client:
            yield self.api(name, client, timeout)

    async def _fake(self, scope: Any, receive: Any, send: Any) -> None:
        """What answers in the API's place, looked up for each request: tests put another one there."""
        package = self.api.__module__.rpartition(".clients.")[0]
        module = importlib.import_module(f"{package}.fakes.{self.name}")
        await module.app(scope, receive, send)
