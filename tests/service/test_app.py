"""`http.app`: what every HTTP application of a service has, and which settings it needs."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import SecretStr
from shop.runtime.errors import OperatorError
from shop.runtime.http.app import RESPONSE_HEADERS, install
from shop.runtime.http.problems import Problem
from shop.runtime.http.signatures import FORMER
from shop.runtime.http.webhooks import Webhook
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import SECRET, problem
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from . import notes as note_routes
from .telemetry import Log


@pytest.fixture
def settings(definition: Service, no_settings: None) -> ServiceSettings:
    """Settings without any secret."""
    return definition.settings(_env_file=None)


def test_a_webhook_needs_its_secret(settings: ServiceSettings) -> None:
    with pytest.raises(OperatorError, match="WEBHOOK_SECRETS has no secret of the webhook notes"):
        install(FastAPI(), settings, [note_routes.router, note_routes.webhooks])
    with_secret = settings.model_copy(update={"webhook_secrets": {"notes": (SecretStr(SECRET),)}})
    install(FastAPI(), with_secret, [note_routes.router, note_routes.webhooks])


def test_the_secret_of_version_0_1_0_is_read_under_its_old_name(settings: ServiceSettings, log: Log) -> None:
    """By webhooks that sign as it did, and by no others; the log says once what to set instead."""
    router, old = APIRouter(), settings.model_copy(update={"webhook_secret": SecretStr("an-old-secret-of-theirs")})
    for name in ("paid", "sent"):
        webhook = Webhook(name, FORMER)
        for path in (f"/{name}", f"/{name}/{{id}}"):
            router.add_api_route(path, lambda: None, methods=["POST"], dependencies=[Depends(webhook)])
    install(FastAPI(), old, [router])
    assert log.text.count("WEBHOOK_SECRET ") == 1
    assert "WEBHOOK_SECRETS=paid:<the secret>,sent:<the secret> instead" in log.text
    with pytest.raises(OperatorError, match="WEBHOOK_SECRETS has no secret of the webhook notes"):
        install(FastAPI(), old, [router, note_routes.webhooks])
    secrets = {name: (SecretStr(SECRET),) for name in ("paid", "sent")}
    install(FastAPI(), old.model_copy(update={"webhook_secrets": secrets}), [router])
    assert log.text.count("WEBHOOK_SECRET ") == 1


async def test_without_signed_routes_no_secret_is_needed(settings: ServiceSettings) -> None:
    app = FastAPI()
    install(app, settings, [note_routes.router])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/livez")).json() == {"status": "alive"}
        document: dict[str, Any] = (await http.get("/openapi.json")).json()
    assert {"/notes", "/notes/{text}", "/livez", "/readyz"} == set(document["paths"])


def test_a_signed_route_of_an_included_router_needs_the_secret(settings: ServiceSettings) -> None:
    outer = APIRouter(prefix="/v2")
    outer.include_router(note_routes.webhooks)
    with pytest.raises(OperatorError, match="WEBHOOK_SECRETS has no secret of the webhook notes"):
        install(FastAPI(), settings, [outer])


@pytest.mark.parametrize(
    ("keys", "routers", "is_open"),
    [
        ("", [note_routes.router], True),
        ("alice:secret1", [note_routes.router], False),
        ("", [note_routes.webhooks], False),
        ("", [], False),
    ],
)
async def test_a_service_without_keys_says_so(
    definition: Service, no_settings: None, log: Log, keys: str, routers: list[APIRouter], is_open: bool
) -> None:
    values = {"api_keys": keys, "resonate_url": "http://127.0.0.1:9", "webhook_secrets": f"notes:{SECRET}"}
    settings = make_settings(definition, **values)

    def create_app(settings: ServiceSettings, lifespan: Any) -> FastAPI:
        app = FastAPI(lifespan=lifespan)
        install(app, settings, routers)
        return app

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(definition.module("api.app"), "create_app", create_app)
        app = definition.api(settings)
    async with app.router.lifespan_context(app):
        pass
    said = [line for line in log.lines(level="WARNING") if "there are no API keys" in line["message"]]
    assert len(said) == is_open


# The owner's middleware


class Limit:
    """A rate limit that is always reached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/notes":
            raise Problem(429, "too-many-requests", "Try again in a minute.", headers={"Retry-After": "60"})
        await self.app(scope, receive, send)


@pytest.fixture
async def with_middleware(settings: ServiceSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    bugs = APIRouter()

    @bugs.get("/bug")
    async def bug() -> None:
        raise RuntimeError("it broke")

    @bugs.post("/bodies")
    async def read_body(body: dict[str, str]) -> int:
        return len(body)

    cors = Middleware(CORSMiddleware, allow_origins=["https://shop.example"], expose_headers=RESPONSE_HEADERS)
    install(app, settings, [note_routes.router, bugs], [cors, Middleware(Limit)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield http


ORIGIN = {"Origin": "https://shop.example"}


async def test_browsers_read_every_response(with_middleware: httpx.AsyncClient) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "GET"}
    preflight = await with_middleware.options("/livez", headers=asked)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN["Origin"])
    large = b"{" + b" " * 2 * 1024 * 1024
    as_json = {**ORIGIN, "Content-Type": "application/json"}
    for response, status in (
        (await with_middleware.get("/livez", headers=ORIGIN), 200),
        (await with_middleware.get("/nowhere", headers=ORIGIN), 404),
        (await with_middleware.get("/bug", headers=ORIGIN), 500),
        (await with_middleware.post("/notes", headers=ORIGIN), 429),
        (await with_middleware.post("/bodies", content=large, headers=as_json), 413),
    ):
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
        assert "X-Request-ID" in response.headers
        assert "Location" in response.headers["Access-Control-Expose-Headers"]


async def test_middleware_in_the_style_of_starlette(settings: ServiceSettings, log: Log) -> None:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["X-Own"] = "1"
        return response

    app = FastAPI()
    install(app, settings, [note_routes.router], [Middleware(BaseHTTPMiddleware, dispatch=dispatch)])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for response in (await http.get("/livez"), await http.head("/livez"), await http.get("/nowhere")):
            assert response.headers["X-Own"] == "1" and "X-Request-ID" in response.headers
    lines = log.lines(logger="shop.runtime.telemetry.requests")
    assert [(line["method"], line["route"]) for line in lines] == [
        ("GET", "/livez"),
        ("HEAD", "/livez"),
        ("GET", "unmatched"),
    ]


async def test_a_limit_may_raise_a_problem(with_middleware: httpx.AsyncClient) -> None:
    refused = await with_middleware.post("/notes", json={}, headers={"X-Request-ID": "r-1"})
    assert problem(refused) == (429, "too-many-requests")
    assert (refused.headers["Retry-After"], refused.json()["request_id"]) == ("60", "r-1")


def test_a_router_may_be_empty(settings: ServiceSettings) -> None:
    install(FastAPI(), settings, [APIRouter()])
