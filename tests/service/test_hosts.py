"""`http.hosts` and `http.headers`: what a browser could be made to do, and is refused."""

from typing import Any

import httpx
import pytest
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import StartService, problem

from . import notes as note_routes
from .telemetry import Log

GOOD = [
    "127.0.0.1",
    "127.0.0.1:8000",
    "localhost:8000",
    "LOCALHOST",
    "shop.localhost",
    "[::1]:8000",
    "10.0.0.7:80",
]
EVIL = [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example.",
    "",
    "a b",
]


async def asked(start_service: StartService, named: str | None, **values: Any) -> httpx.Response:
    async with start_service(note_routes.SERVED, **{"allowed_hosts": "", **values}) as service:
        note_routes.include(service.app)
        sent = [("Idempotency-Key", "k"), ("Content-Type", "application/json")]
        request = service.http.build_request("POST", "/notes", content=b"{}", headers=sent)
        del request.headers["Host"]
        if named is not None:
            request.headers["Host"] = named
        answer = await service.http.send(request)
        started = await service.client.find("note/k") is not None
        assert started == (answer.status_code == 202)
        return answer


@pytest.mark.parametrize("host", [*GOOD, None])
async def test_loopback_names_and_addresses_are_answered(start_service: StartService, host: str | None) -> None:
    assert (await asked(start_service, host)).status_code == 202


@pytest.mark.parametrize("host", EVIL)
async def test_a_page_that_rebinds_its_name_is_refused(start_service: StartService, host: str, log: Log) -> None:
    assert problem(await asked(start_service, host)) == (421, "host-not-allowed")
    assert [line["host"] for line in log.lines(level="WARNING") if "ALLOWED_HOSTS" in line["message"]] == [host]


@pytest.mark.parametrize(
    ("values", "host", "allowed"),
    [
        ({"allowed_hosts": "api.example.com, *.example.org"}, "api.example.com:443", True),
        ({"allowed_hosts": "api.example.com, *.example.org"}, "API.Example.com", True),
        ({"allowed_hosts": "api.example.com, *.example.org"}, "a.b.example.org", True),
        ({"allowed_hosts": "api.example.com, *.example.org"}, "example.org", False),
        ({"allowed_hosts": "api.example.com, *.example.org"}, "evilexample.org", False),
        ({"allowed_hosts": "api.example.com, *.example.org"}, "evil.api.example.com", False),
        ({"allowed_hosts": "api.example.com", "host": "0.0.0.0"}, "evil.example", False),
        ({"allowed_hosts": "api.example.com", "host": "0.0.0.0"}, "10.0.0.7:8000", True),
        ({"host": "shop.internal"}, "shop.internal:8000", True),
        ({"host": "shop.internal"}, "evil.example", False),
        ({"host": "0.0.0.0"}, "api.example.com", True),
        ({"host": "::"}, "api.example.com", True),
        ({"allowed_hosts": "*"}, "api.example.com", True),
    ],
)
async def test_the_names_that_the_settings_allow(
    start_service: StartService, values: dict[str, Any], host: str, allowed: bool
) -> None:
    assert (await asked(start_service, host, **values)).status_code == (202 if allowed else 421)


async def test_two_hosts_are_refused(start_service: StartService) -> None:
    async with start_service(allowed_hosts="") as service:
        headers = httpx.Headers([("Host", "localhost"), ("Host", "evil.example")])
        request = httpx.Request("GET", "http://localhost/livez", headers=headers)
        assert problem(await service.http.send(request)) == (421, "host-not-allowed")


async def test_no_redirect_goes_to_a_host_that_a_request_names(start_service: StartService) -> None:
    async with start_service(note_routes.SERVED) as service:
        note_routes.include(service.app)
        for path in ("/notes/", "/livez/"):
            refused = await service.http.post(path, json={}, headers={"Host": "evil.example"})
            assert problem(refused)[0] in (404, 405) and "Location" not in refused.headers


@pytest.mark.usefixtures("no_settings")
def test_names_are_not_urls(definition: Service) -> None:
    for value in ("https://api.example.com", "api.example.com:443", "a,*", "*example.com", "a b", ","):
        with pytest.raises(ValueError, match="must be names without a port"):
            make_settings(definition, allowed_hosts=value)


# What every response says


async def test_answers_are_not_kept_sniffed_or_framed(start_service: StartService) -> None:
    async with start_service(note_routes.SERVED, api_keys="alice:secret1") as service:
        note_routes.include(service.app)
        key = {"Authorization": "Bearer secret1", "Idempotency-Key": "k"}
        for response in (
            await service.http.post("/notes", json={}, headers=key),
            await service.http.get("/notes/a", headers=key),
            await service.http.post("/notes", json={}),
            await service.http.get("/nowhere"),
            await service.http.get("/livez"),
        ):
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
