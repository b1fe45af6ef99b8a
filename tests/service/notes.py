"""Routes whose durable work keeps whatever JSON can say: what they refuse, the runtime refuses."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict
from resonate.context import Context
from shop.runtime import dev
from shop.runtime.durable.ids import root_id
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.http.auth import AuthenticatedRoute
from shop.runtime.http.idempotency import get_submission
from shop.runtime.http.webhooks import Signed, Webhook
from shop.runtime.http.work import Accepted, accept, read, start
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, serve_on_port

from .hooks import add_secret


class Note(BaseModel):
    """A member of each kind."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = ""
    number: int = 0
    ratio: float = 0
    any: Any = None


keep = Rpc(name="keep", group="tests", request=Note, result=Note)


@serve(keep)
async def keep_note(ctx: Context, note: Note) -> Note:
    return note


SERVED = [keep_note]

router = APIRouter(route_class=AuthenticatedRoute)
webhooks = APIRouter()


@router.post("/notes", status_code=202)
async def submit(body: Note, request: Request, response: Response) -> Accepted:
    submission = get_submission(request)
    public = submission.public_id
    started = await start(submission, keep, root_id("note", public), body, f"/notes/{public}")
    return accept(started, response)


@router.get("/notes/{text}")
async def read_note(text: str, request: Request, number: int = 0, ratio: float = 0) -> Note:
    submission = get_submission(request, "none")
    wanted = Note(text=text, number=number, ratio=ratio)
    return await read(submission, keep, root_id("note", submission.public_id), wanted)


@webhooks.post("/webhooks/notes")
async def receive(signed: Annotated[Signed, Depends(Webhook("notes"))]) -> Note:
    return signed.parse(Note)


def include(app: FastAPI) -> None:
    """Add the routes to an application, and a secret for the webhook."""
    app.include_router(router)
    app.include_router(webhooks)
    if "notes" not in app.state.settings.webhook_secrets:
        add_secret(app, "notes")


async def post(service: RunningService, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    """Submit a note under the key `hostile`; an underscore in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Content-Type": "application/json", "Idempotency-Key": "hostile", **named}
    return await service.http.post("/notes", content=content, headers=sent)


async def was_started(service: RunningService) -> bool:
    """Whether there is work under the key `hostile`."""
    return await service.client.find("note/hostile") is not None


@contextmanager
def serve_notes(definition: Service, databases: Databases, **values: Any) -> Iterator[int]:
    """Serve the service with these routes as in production; yields its port. It must still serve at the end.

    ``values`` are settings.
    """
    url = databases.create()
    with pytest.MonkeyPatch.context() as patched:
        for name in definition.settings.model_fields:
            patched.delenv(name.upper(), raising=False)
        settings = make_settings(definition, database_url=url, **values)
    app = dev.create_app(definition, settings, tick=0.05, extra=SERVED)
    include(app)
    with serve_on_port(app) as address:
        yield int(address.rpartition(":")[2])
        assert httpx.get(f"{address}/livez").status_code == 200
    databases.drop(url)
