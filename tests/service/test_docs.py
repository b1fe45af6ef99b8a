"""`http.docs` and `/metrics`: who may read what the service says about itself, and what the page loads."""

import re
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from shop.runtime.http.app import install
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing.running import StartService, problem

from . import notes as note_routes

KEYED = {"api_keys": "alice:secret1"}
ALICE = {"Authorization": "Bearer secret1"}


async def statuses(start_service: StartService, headers: dict[str, str], **values: Any) -> tuple[int, ...]:
    async with start_service(note_routes.SERVED, **values) as service:
        note_routes.include(service.app)
        paths = ("/openapi.json", "/docs", "/metrics")
        return tuple([(await service.http.get(path, headers=headers)).status_code for path in paths])


@pytest.mark.parametrize(
    ("values", "without_key", "with_key"),
    [
        ({}, (200, 200, 200), (200, 200, 200)),
        (KEYED, (401, 404, 401), (200, 404, 200)),
        ({**KEYED, "serve_openapi": True, "serve_docs": True}, (200, 200, 401), (200, 200, 200)),
        ({**KEYED, "serve_openapi": True}, (200, 404, 401), (200, 404, 200)),
        ({**KEYED, "serve_metrics": True}, (401, 404, 200), (200, 404, 200)),
        ({**KEYED, "serve_openapi": False, "serve_metrics": False}, (404, 404, 404), (404, 404, 404)),
        ({"serve_openapi": False, "serve_metrics": False}, (404, 404, 404), (404, 404, 404)),
        ({"serve_docs": False}, (200, 404, 200), (200, 404, 200)),
    ],
)
async def test_who_may_read(
    start_service: StartService, values: dict[str, Any], without_key: tuple[int, ...], with_key: tuple[int, ...]
) -> None:
    assert await statuses(start_service, {}, **values) == without_key
    assert await statuses(start_service, ALICE, **values) == with_key


@pytest.mark.parametrize("values", [{**KEYED, "serve_docs": True}, {"serve_docs": True, "serve_openapi": False}])
async def test_a_page_that_could_show_nothing_is_refused(start_service: StartService, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="SERVE_DOCS shows what SERVE_OPENAPI serves"):
        await statuses(start_service, {}, **values)


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect", "/docs/nothing", "/docs/..%2fcore.py", "/docs/"])
async def test_nothing_else_is_there(start_service: StartService, path: str) -> None:
    async with start_service() as service:
        assert problem(await service.http.get(path))[0] == 404


@pytest.mark.parametrize("root_path", ["", "/v1"])
async def test_the_page_loads_from_this_service_alone(start_service: StartService, root_path: str) -> None:
    async with start_service(root_path=root_path) as service:
        page = await service.http.get(f"{root_path}/docs")
        assert page.headers["Content-Type"].startswith("text/html")
        policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
        assert policy["frame-ancestors"] == "'none'"
        # No script but those with an address, all of them here.
        assert "<script>" not in page.text and "://" not in page.text and " on" not in page.text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(loaded) == 4
        for address in loaded:
            assert address.startswith(f"{root_path}/docs/")
            answer = await service.http.get(urljoin(str(page.url), address))
            assert answer.status_code == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
            kind = {"css": "text/css", "js": "text/javascript", "png": "image/png"}[address.rpartition(".")[2]]
            assert answer.headers["Content-Type"].split(";")[0] == kind
        start = (await service.http.get(f"{root_path}/docs/start.js")).text
        assert f'"url": "{root_path}/openapi.json"' in start
        document = (await service.http.get(f"{root_path}/openapi.json")).json()
        assert document["info"]["title"] == "shop"


async def test_a_title_is_no_script(no_settings: None, settings: ServiceSettings) -> None:
    app = FastAPI(title="</title><script>alert(1)</script>")
    install(app, settings, [])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as http:
        assert "<script>" not in (await http.get("/docs")).text


@pytest.mark.parametrize("given", [{"openapi_url": None}, {"docs_url": None}])
async def test_an_application_without_them_stays_so(settings: ServiceSettings, given: dict[str, None]) -> None:
    app = FastAPI(**given)  # type: ignore[arg-type]
    install(app, settings, [])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as http:
        assert (await http.get("/docs")).status_code == 404
        assert (await http.get("/openapi.json")).status_code == (404 if "openapi_url" in given else 200)
