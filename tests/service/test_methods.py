"""`http.methods`: HEAD wherever there is GET, `Allow` that is right, and no redirects from slashes."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Response
from shop.runtime.http.auth import AuthenticatedRoute
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.running import RunningService, StartService, problem

from .notes import serve_notes
from .raw_http import exchange
from .telemetry import Log

submit = APIRouter(route_class=AuthenticatedRoute)
read = APIRouter(route_class=AuthenticatedRoute)
own = APIRouter()


@submit.post("/refunds")
async def post_refund() -> str:
    return "posted"


@read.get("/refunds")
async def get_refunds() -> str:
    return "got"


@own.put("/refunds")
async def put_refund() -> str:
    return "put"


@own.head("/own")
async def head_of_its_own(response: Response) -> None:
    response.headers["X-Own"] = "head"


@own.get("/own")
async def get_own(response: Response) -> str:
    response.headers["X-Own"] = "get"
    return "own"


@own.get("/strict")
async def refuse() -> None:
    raise HTTPException(405, headers={"X-More": "1"})


@pytest.fixture
async def refunds(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service() as service:
        for router in (submit, read, own):
            service.app.include_router(router)
        yield service


@pytest.mark.parametrize("path", ["/refunds", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_head_is_get_without_the_body(refunds: RunningService, path: str) -> None:
    head, got = await refunds.http.head(path), await refunds.http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    if path != "/metrics":
        assert head.headers["Content-Length"] == got.headers["Content-Length"]


async def test_head_of_what_is_not_there(refunds: RunningService) -> None:
    head = await refunds.http.head("/nowhere")
    assert (head.status_code, head.content) == (404, b"")
    assert head.headers["Content-Type"] == "application/problem+json"


async def test_head_of_a_route_of_its_own(refunds: RunningService) -> None:
    assert (await refunds.http.head("/own")).headers["X-Own"] == "head"


async def test_head_asks_for_a_key_too(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1") as service:
        service.app.include_router(read)
        assert (await service.http.head("/refunds")).status_code == 401
        assert (await service.http.head("/refunds", headers={"Authorization": "Bearer secret1"})).status_code == 200


async def test_head_is_logged_as_what_it_is(refunds: RunningService, log: Log) -> None:
    await refunds.http.head("/refunds")
    (line,) = log.lines(logger="shop.runtime.telemetry.requests")
    assert (line["method"], line["route"], line["status"]) == ("HEAD", "/refunds", 200)


def test_head_over_a_socket(definition: Service, databases: Databases) -> None:
    with serve_notes(definition, databases) as port:
        response = exchange(port, b"HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert response.startswith(b"HTTP/1.1 200 ") and response.endswith(b"\r\n\r\n")
        assert b"content-length: 18" in response
        # The connection stays good for another request.
        both = exchange(
            port,
            b"HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        assert both.count(b"HTTP/1.1 200 ") == 2 and both.endswith(b'{"status":"alive"}')


async def test_a_path_allows_what_any_router_takes(refunds: RunningService) -> None:
    for method in ("PATCH", "DELETE", "OPTIONS", "TRACE"):
        response = await refunds.http.request(method, "/refunds")
        assert problem(response) == (405, "method-not-allowed")
        assert response.headers["Allow"] == "GET, HEAD, POST, PUT"
    assert (await refunds.http.post("/livez")).headers["Allow"] == "GET, HEAD"
    refused = await refunds.http.get("/strict")
    assert problem(refused) == (405, "method-not-allowed")
    assert (refused.headers["Allow"], refused.headers["X-More"]) == ("GET, HEAD", "1")


async def test_head_of_what_cannot_be_read_is_not_allowed(refunds: RunningService) -> None:
    refunds.app.add_api_route("/only-posted", post_refund, methods=["POST"])
    response = await refunds.http.head("/only-posted")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


async def test_no_slash_redirects(refunds: RunningService) -> None:
    for method, path in (("POST", "/refunds/"), ("GET", "/refunds/"), ("PUT", "//refunds"), ("GET", "/livez/")):
        assert problem(await refunds.http.request(method, path)) == (404, "not-found")


async def test_a_mounted_application_allows_its_own(refunds: RunningService) -> None:
    outer = FastAPI()
    outer.mount("/shop", refunds.app)
    transport = httpx.ASGITransport(app=outer)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.head("/shop/refunds")).status_code == 200
        assert (await http.patch("/shop/refunds")).headers["Allow"] == "GET, HEAD, POST, PUT"
