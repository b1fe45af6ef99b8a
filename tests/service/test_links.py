"""`Location`, links and documents behind a prefix, and what a proxy in front is believed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from shop.runtime.engine.client import EngineClient
from shop.runtime.errors import EngineUnavailable
from shop.runtime.testing.running import RunningService, StartService, problem
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from . import orders as order_routes

ORDERS = "/customers/c-1/orders"
KEY = {"Idempotency-Key": "k"}


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        yield http


def stripping(app: FastAPI, prefix: str) -> Any:
    """A proxy that takes a prefix off."""

    async def proxy(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, "path": scope["path"].removeprefix(prefix)}, receive, send)

    return proxy


async def check_links(http: httpx.AsyncClient, prefix: str, seen_as: str) -> None:
    accepted = await http.post(f"{prefix}{ORDERS}?number=1", headers=KEY)
    assert accepted.status_code == 202, accepted.text
    assert accepted.headers["Location"] == accepted.json()["links"]["self"] == f"{seen_as}{ORDERS}/k"
    made = await http.put(f"{prefix}{ORDERS}/2")
    assert made.headers["Location"] == f"{seen_as}{ORDERS}/c-1,2"
    polled = await http.get(f"{prefix}{ORDERS}/k", headers={"Prefer": "wait=10"})
    assert polled.json()["status"] == "succeeded"
    document = (await http.get(f"{prefix}/openapi.json")).json()
    assert [server["url"] for server in document.get("servers", [])] == ([seen_as] if seen_as else [])


async def test_without_a_prefix(orders: RunningService) -> None:
    await check_links(orders.http, "", "")


async def test_a_mounted_application(orders: RunningService) -> None:
    outer = FastAPI()
    outer.mount("/shop", orders.app)
    async with client_of(outer) as http:
        await check_links(http, "/shop", "/shop")


@pytest.mark.parametrize("strips", [True, False])
async def test_a_proxy_with_a_prefix(start_service: StartService, strips: bool) -> None:
    async with start_service(order_routes.SERVED, sync_wait=10, root_path="/v1") as service:
        order_routes.include(service.app)
        async with client_of(stripping(service.app, "/v1") if strips else service.app) as http:
            await check_links(http, "/v1", "/v1")


async def test_a_server_with_a_prefix(orders: RunningService) -> None:
    """What uvicorn --root-path does."""

    async def server(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await orders.app({**scope, "root_path": "/v1", "path": f"/v1{scope['path']}"}, receive, send)

    async with client_of(server) as http:
        await check_links(http, "", "/v1")


async def test_a_prefix_that_is_no_ascii(orders: RunningService) -> None:
    outer = FastAPI()
    outer.mount("/lädchen", orders.app)
    async with client_of(outer) as http:
        accepted = await http.post(f"/lädchen{ORDERS}?number=1", headers=KEY)
        assert accepted.headers["Location"] == f"/l%C3%A4dchen{ORDERS}/k"


async def test_an_engine_that_does_not_answer(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise EngineUnavailable("it did not answer")

    async with start_service(order_routes.SERVED, root_path="/v1") as service:
        order_routes.include(service.app)
        monkeypatch.setattr(EngineClient, "start", refuse)
        unknown = await service.http.post(f"{ORDERS}?number=1", headers=KEY)
        assert problem(unknown) == (503, "engine-unavailable")
        assert unknown.headers["Location"] == f"/v1{ORDERS}/k"
        monkeypatch.undo()


async def test_probes_behind_a_prefix_are_probes(start_service: StartService, log: Any) -> None:
    async with start_service(root_path="/v1") as service:
        assert (await service.http.get("/v1/livez")).status_code == 200
        assert (await service.http.get("/livez")).status_code == 200
    lines = log.lines(logger="shop.runtime.telemetry.requests")
    assert [(line["route"], line["level"]) for line in lines] == [("/livez", "DEBUG")] * 2


@pytest.mark.parametrize(("trusted", "scheme"), [("10.0.0.0/8", "https"), ("192.168.0.1", "http"), ("*", "https")])
async def test_a_redirect_keeps_https_behind_a_trusted_proxy(
    start_service: StartService, trusted: str, scheme: str
) -> None:
    async with start_service(trusted_proxies=trusted) as service:

        @service.app.get("/old")
        async def old(request: Request) -> RedirectResponse:
            return RedirectResponse(request.url_for("livez"))

        # As `server.serve` tells uvicorn; see `test_server`.
        app = ProxyHeadersMiddleware(service.app, service.settings.trusted_proxies)  # type: ignore[arg-type]
        transport = httpx.ASGITransport(app=app, client=("10.1.2.3", 1234))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            response = await http.get("/old", headers={"X-Forwarded-Proto": "https"})
            assert response.headers["Location"] == f"{scheme}://test/livez"
