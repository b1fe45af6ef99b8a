"""Signed webhooks: an answer from outside reaches the workflow that waits for it."""

import json
from time import time
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from .. import signing
from ..engine import Engine
from ..gate import Delivery, Gate
from ..settings import Settings
from .bodies import read_json
from .dependencies import not_found
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
    value = read_json(body)
    try:
        # As JSON again, in which a strict model takes a date from a string.
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


async def deliver[P: BaseModel](engine: Engine, gate: Gate[P], key: str, answer: P, root: str | None = None) -> P:
    """Deliver an answer and return it when it holds.

    ``root`` is the id of the workflow that the gate belongs to, where it follows from the key. Problems: 404
    `not-found` (there is no such workflow; only with a root) and `not-waiting` (it has not asked yet, or never does),
    409 with the answer that holds, 410 too late.
    """
    delivery, holds = await gate.deliver(engine, key, answer)
    if delivery is Delivery.TAKEN and holds is not None:
        return holds
    if delivery is Delivery.CONFLICT and holds is not None:
        detail = "Another answer was taken before, and it holds."
        raise Problem(409, "answered-otherwise", detail, answer=holds.model_dump(mode="json"))
    if delivery is Delivery.EXPIRED:
        raise Problem(410, "too-late", "Nobody waits for this answer any more.")
    if root is not None and await engine.find(root) is None:
        raise not_found()
    detail = "Nobody waits under this id: not yet, not any more, or there is no such id."
    raise Problem(404, "not-waiting", detail)


def openapi_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` for a route that reads its signed body itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "parameters": [
            header(signing.TIMESTAMP, "Unix seconds.", required=True, pattern="^[0-9]{1,12}$"),
            header(signing.SIGNATURE, "Hex HMAC-SHA256 of `timestamp.body`.", required=True, pattern="^[0-9a-f]{64}$"),
        ],
    }


PROBLEMS = problems(
    (401, "The signature is missing, wrong or older than 5 minutes."),
    (404, "`not-waiting`: nobody waits under this id, or not yet. `not-found`: there is no such id."),
    (409, "Another answer holds; the problem's `answer` says which."),
    (410, "Too late: nobody waits any more."),
    (408, "The body did not arrive in time."),
    (413, "The body is larger than 1 MiB."),
    (422, "The body does not fit its schema."),
    (503, "The engine did not answer. Delivering again is safe."),
)
