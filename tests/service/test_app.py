"""`http.app`: what every HTTP application of a service has, and which settings it needs."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from shop.runtime.errors import OperatorError
from shop.runtime.http.app import install
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing.running import SECRET

from . import notes as note_routes


@pytest.fixture
def settings(definition: Service, no_settings: None) -> ServiceSettings:
    """Settings without any secret."""
    return definition.settings(_env_file=None)


def test_a_webhook_needs_its_secret(settings: ServiceSettings) -> None:
    with pytest.raises(OperatorError, match="WEBHOOK_SECRETS has no secret of the webhook notes"):
        install(FastAPI(), settings, [note_routes.router, note_routes.webhooks])
    with_secret = settings.model_copy(update={"webhook_secrets": {"notes": (SecretStr(SECRET),)}})
    install(FastAPI(), with_secret, [note_routes.router, note_routes.webhooks])


async def test_without_signed_routes_no_secret_is_needed(settings: ServiceSettings) -> None:
    app = FastAPI()
    install(app, settings, [note_routes.router])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get("/livez")).json() == {"status": "alive"}
        document: dict[str, Any] = (await http.get("/openapi.json")).json()
    assert {"/notes", "/notes/{text}", "/livez", "/readyz"} == set(document["paths"])


def test_a_router_may_be_empty(settings: ServiceSettings) -> None:
    install(FastAPI(), settings, [APIRouter()])
