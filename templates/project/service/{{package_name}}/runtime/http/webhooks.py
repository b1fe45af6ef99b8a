"""Signed webhooks: an answer from outside reaches the workflow that waits for it."""

from time import time
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.routing import BaseRoute

from ..durable.gate import Delivery, Gate
from ..durable.json_values import validate
from ..engine.client import EngineClient
from ..settings import ServiceSettings, required
from . import signatures
from .openapi import header, problems
from .problems import Problem, not_found
from .strict_json import read_json


async def read_signed_body(request: Request) -> bytes:
    """The raw body, if its signature is good; else 401."""
    settings: ServiceSettings = request.app.state.settings
    body = await request.body()
    refused = signatures.verify(
        required(settings.webhook_secret, "WEBHOOK_SECRET"),
        request.headers.get(signatures.TIMESTAMP_HEADER),
        request.headers.get(signatures.SIGNATURE_HEADER),
        body,
        time(),
    )
    if refused:
        challenge = {"WWW-Authenticate": "Webhook-Signature"}
        raise Problem(401, "bad-signature", f"The webhook is refused: {refused}.", headers=challenge)
    return body


SignedBody = Annotated[bytes, Depends(read_signed_body)]


def is_signed(route: BaseRoute) -> bool:
    """Whether a route takes a :data:`SignedBody`, so that the service needs WEBHOOK_SECRET."""
    return isinstance(route, APIRoute) and any(it.call is read_signed_body for it in route.dependant.dependencies)


def parse[M: BaseModel](model: type[M], body: bytes) -> M:
    """The body as a model; else 422. The signature is checked first, so only its owner learns what is wrong."""
    value = read_json(body)
    try:
        return validate(model, value)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


async def deliver[P: BaseModel](client: EngineClient, gate: Gate[P], key: str, answer: P, root: str | None = None) -> P:
    """Deliver an answer, and return it when it holds.

    ``root`` is the id of the workflow that the gate belongs to, where it follows from the key. Problems: 404
    `not-found` (there is no such workflow; only with a root) and `not-waiting` (it has not asked yet, or never does),
    409 with the answer that holds, 410 too late.
    """
    delivery, holds = await gate.deliver(client, key, answer)
    if delivery is Delivery.TAKEN and holds is not None:
        return holds
    if delivery is Delivery.CONFLICT and holds is not None:
        detail = "Another answer was taken before, and it holds."
        raise Problem(409, "answered-otherwise", detail, answer=holds.model_dump(mode="json"))
    if delivery is Delivery.EXPIRED:
        raise Problem(410, "too-late", "Nobody waits for this answer any more.")
    if root is not None and await client.find(root) is None:
        raise not_found()
    detail = "Nobody waits under this id: not yet, not any more, or there is no such id."
    raise Problem(404, "not-waiting", detail)


def signed(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that takes a signed body and parses it as ``model``."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    timestamp, signature = signatures.TIMESTAMP_HEADER, signatures.SIGNATURE_HEADER
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "parameters": [
            header(timestamp, "Unix seconds.", required=True, pattern="^[0-9]{1,12}$"),
            header(signature, "Hex HMAC-SHA256 of `timestamp.body`.", required=True, pattern="^[0-9a-f]{64}$"),
        ],
    }


ANSWERED = problems(
    (401, "The signature is missing, wrong or older than 5 minutes."),
    (404, "`not-waiting`: nobody waits under this id, or not yet. `not-found`: there is no such id."),
    (409, "Another answer holds; the problem's `answer` says which."),
    (410, "Too late: nobody waits any more."),
    (408, "The body did not arrive in time."),
    (413, "The body is larger than 1 MiB."),
    (422, "The body does not fit its schema."),
    (503, "The engine did not answer. Delivering again is safe."),
)
"""`responses` of a route that delivers an answer."""
