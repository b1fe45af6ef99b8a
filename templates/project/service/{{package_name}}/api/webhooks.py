"""Signed webhooks: an answer from outside reaches the workflow that waits for it."""

from time import time
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from .. import signing
from ..engine import Engine
from ..gate import Delivery, Gate
from ..settings import Settings
from .openapi import header, problems
from .problems import Problem


async def signed_body(request: Request) -> bytes:
    """The raw body, if its signature is good; else 401."""
    settings: Settings = request.app.state.settings
    body = await request.body()
    refused = signing.verify(
        settings.webhook_secret.get_secret_value(),
        request.headers.get(signing.TIMESTAMP),
        request.headers.get(signing.SIGNATURE),
        body,
        time(),
    )
    if refused:
        raise Problem(401, "bad-signature", f"The webhook is refused: {refused}.")
    return body


SignedBody = Annotated[bytes, Depends(signed_body)]


def parse[M: BaseModel](model: type[M], body: bytes) -> M:
    """The body as a model; else 422. The signature is checked first, so only its owner learns what is wrong."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


async def deliver[P: BaseModel](engine: Engine, gate: Gate[P], key: str, answer: P, root: str) -> P:
    """Deliver an answer and return it when it holds.

    ``root`` is the id of the workflow that the gate belongs to. Problems: 404 `not-found` (no such workflow) and
    `not-waiting` (it has not asked yet, or never does), 409 with the answer that holds, 410 too late.
    """
    delivery, holds = await gate.deliver(engine, key, answer)
    if delivery is Delivery.TAKEN and holds is not None:
        return holds
    if delivery is Delivery.CONFLICT and holds is not None:
        detail = "Another decision was taken before, and it holds."
        raise Problem(409, "decided-otherwise", detail, decision=holds.model_dump(mode="json"))
    if delivery is Delivery.EXPIRED:
        raise Problem(410, "too-late", "Nobody waits for this decision any more.")
    if await engine.find(root) is None:
        raise Problem(404, "not-found", "There is no such id.")
    raise Problem(404, "not-waiting", "It is not waiting for a decision: not yet, or not at all.")


def openapi_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` for a route that reads its signed body itself."""
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}},
        "parameters": [
            header(signing.TIMESTAMP, "Unix seconds.", required=True),
            header(signing.SIGNATURE, "Hex HMAC-SHA256 over `timestamp.body`.", required=True),
        ],
    }


PROBLEMS = problems(
    (401, "The signature is missing, wrong or older than 5 minutes."),
    (404, "`not-found`: no such id. `not-waiting`: it does not wait, or not yet."),
    (409, "Another decision holds; the problem's `decision` says which."),
    (410, "Too late: nobody waits any more."),
    (413, "The body is larger than 1 MiB."),
    (422, "The body does not fit its schema."),
    (503, "The engine did not answer. Delivering again is safe."),
)
