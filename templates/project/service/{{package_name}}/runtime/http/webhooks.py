"""Signed webhooks: what comes from outside, and reaches the workflow that waits for it, or starts one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.routing import BaseRoute

from ..durable.gate import Delivery, Gate
from ..durable.ids import is_root, public_id, public_of, root_id
from ..durable.job_runs import newest
from ..durable.json_values import validate
from ..durable.rpc import Rpc
from ..engine.client import EngineClient
from ..errors import OperatorError
from ..settings import ServiceSettings
from .idempotency import RequestIdentity
from .openapi import Schemas, header, problems
from .problems import Problem, not_found
from .signatures import STANDARD, Former, Refused, Scheme, verify
from .strict_json import check_request, read_json
from .work import Outcome, Status


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose signature is good. ``id`` is the same whenever its sender delivers it."""

    id: str
    body: bytes

    def parse[M: BaseModel](self, model: type[M]) -> M:
        """The body as a model; else 422. The signature was checked first, so only its owner learns what is wrong."""
        value = read_json(self.body)
        try:
            return validate(model, value)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: its secrets stand under ``name`` in WEBHOOK_SECRETS, ``scheme`` says how its sender signs.

    A route takes its messages as ``signed: Annotated[Signed, Depends(webhook)]``; a signature that is not good is a 401.
    """

    name: str
    scheme: Scheme = STANDARD

    async def __call__(self, request: Request) -> Signed:
        """The message of a request, if its signature is good; else 401."""
        settings: ServiceSettings = request.app.state.settings
        body = await request.body()
        try:
            return Signed(verify(self.scheme, self.secrets(settings), request.headers, body), body)
        except Refused as refused:
            challenge = {"WWW-Authenticate": "Webhook-Signature"}
            raise Problem(401, "bad-signature", f"The webhook is refused: {refused}.", headers=challenge) from None

    def secrets(self, settings: ServiceSettings) -> list[str]:
        """The secrets that sign it. What is sent is signed with the first.

        Raises:
            OperatorError: there is none.
        """
        return settings.secrets_of(self.name, or_former=isinstance(self.scheme, Former))

    def uses_former_setting(self, settings: ServiceSettings) -> bool:
        """Whether its secret is the one of WEBHOOK_SECRET, which has another name now."""
        return isinstance(self.scheme, Former) and not settings.webhook_secrets.get(self.name)

    def takes(self, model: type[BaseModel]) -> dict[str, Any]:
        """`openapi_extra` of a route that takes this webhook's messages and parses them as ``model``."""
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", schema_generator=Schemas)
        return {
            "x-webhook": self.name,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "parameters": [
                header(name, description, required=True, pattern=pattern)
                for name, (description, pattern) in self.scheme.headers.items()
            ],
        }

    def check_secrets(self, settings: ServiceSettings) -> None:
        """Refuse to start without a secret, or with one that the scheme cannot have.

        Raises:
            OperatorError: there is none, or it is another scheme's.
        """
        for secret in self.secrets(settings):
            if problem := self.scheme.secret_problem(secret):
                raise OperatorError(
                    f"WEBHOOK_SECRETS: a secret of the webhook {self.name} is refused: {problem}",
                    "Take it as its sender shows it, or make one: .env.example says how.",
                )


def webhooks_of(routes: Iterable[BaseRoute]) -> Iterator[Webhook]:
    """The webhooks whose messages these routes take, those of included routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield from (it.call for it in route.dependant.dependencies if isinstance(it.call, Webhook))
        elif isinstance(included := getattr(route, "original_router", None), APIRouter):
            yield from webhooks_of(included.routes)


async def find_root(client: EngineClient, kinds: Sequence[str], id: str) -> str:
    """The root id of the work that a message names by its public id, or by that with its kind: ``order/c-1/42``.

    ``kinds`` are what the ids of that work may begin with. Problems: 404 where none of them has such an id, 409 where
    several have: then the message has to say the kind.
    """
    named = [root_id(kind, id) for kind in kinds]
    if id.partition("/")[0] in kinds:
        named.append(id)
    known = [root for root in named if is_root(root)]
    if len(known) > 1:
        known = [root for root in known if await client.find(root) is not None]
    if not known:
        raise not_found()
    if len(known) > 1:
        raise Problem(409, "ambiguous-id", f"There is more than one work with this id: {', '.join(known)}.", ids=known)
    return known[0]


async def deliver[P: BaseModel](client: EngineClient, gate: Gate[P], root: str, answer: P, signed: Signed) -> P:
    """Deliver an answer to the work with this root id, ``job/order-4711``, and return it when it holds.

    One that comes before the work waits is kept, and holds when it does. Problems: 404 where there is no such work, 409
    with the answer that holds, 410 where the work has ended, and did not wait for it.
    """
    if not is_root(root):
        raise not_found()
    delivery, holds = await gate.deliver(client, root, answer, message=signed.id)
    if delivery is Delivery.TAKEN and holds is not None:
        return holds
    if delivery is Delivery.CONFLICT and holds is not None:
        detail = "Another answer was taken before, and it holds."
        raise Problem(409, "answered-otherwise", detail, answer=holds.model_dump(mode="json"))
    if delivery is Delivery.EXPIRED:
        raise Problem(410, "too-late", "Nobody waits for this answer any more.")
    raise not_found()


class StartedWork(BaseModel):
    """Work that a message started."""

    id: str
    status: Status


async def start_once[Q: BaseModel](
    client: EngineClient, contract: Rpc[Q, Any], kind: str, request: Q, signed: Signed
) -> StartedWork:
    """Start a workflow for a message, or find what it started when it was delivered before.

    The message's id is the idempotency key: the work is ``<kind>/<key>``. Problem: 422 where a message of this id had
    another body, or this one holds what no body may.
    """
    check_request(request)
    root = root_id(kind, public_id(None, signed.id))
    identity = RequestIdentity(contract, request)
    record = await contract.start(client, root, request, tags=identity.tags)
    identity.is_replay(record)
    record = await newest(client, record)
    return StartedWork(id=public_of(root), status=Outcome.of(record).status)


_REFUSED = (
    (401, "The signature is missing, wrong or older than 5 minutes."),
    (408, "The body did not arrive in time."),
    (413, "The body is larger than 1 MiB."),
    (503, "The engine did not answer. Delivering again is safe."),
)

STARTED = problems(*_REFUSED, (422, "The body does not fit its schema, or another came under this message's id."))
"""`responses` of a route that starts work for a message."""

ANSWERED = problems(
    *_REFUSED,
    (404, "There is no such work."),
    (409, "Another answer holds; the problem's `answer` says which. Or several pieces of work have the id: see `ids`."),
    (410, "Too late: the work has ended."),
    (422, "The body does not fit its schema."),
)
"""`responses` of a route that delivers an answer."""
