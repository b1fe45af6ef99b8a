"""RFC 9457 problems: the form of every error response. They say nothing that a client has no business to know."""

import asyncio
import json
import logging
from collections.abc import Mapping
from http.client import responses
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_jsonable_python
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import EngineRefused, EngineUnavailable, InvalidCursor, OperatorError, QueryTimedOut, ValueNotKept
from ..outages import Lost
from ..telemetry.requests import request_id
from .methods import allowed_methods

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """An RFC 9457 problem. ``type`` names the kind; members that a kind adds stand beside it.

    ``request_id`` is the one of the log lines. A request that could not be read has none.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""


class Problem(HTTPException):
    """Raise it anywhere in a request. ``extra`` members and ``headers`` go into the response."""

    def __init__(
        self, status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind
        self.extra = extra

    @property
    def phrase(self) -> str:
        """What its status is called."""
        return _phrase(self.status_code)

    def response(self) -> Response:
        """The response that says it. A 401 without a challenge of its own asks for an API key."""
        status, headers = self.status_code, dict(self.headers or {})
        if status == 401 and "www-authenticate" not in map(str.lower, headers):
            headers["WWW-Authenticate"] = "Bearer"
        body = {"type": self.kind, "title": _phrase(status), "status": status, "detail": self.detail, **self.extra}
        if known := request_id():
            body["request_id"] = known
        # ASCII, because a detail may quote input that UTF-8 cannot carry (a lone surrogate from a JSON escape).
        return Response(json.dumps(body), status, headers, MEDIA_TYPE)


def _phrase(status: int) -> str:
    """What a status is called; one that is in no list counts as the first of its class (RFC 9110, 15)."""
    return responses.get(status) or responses.get(status // 100 * 100) or "Unknown"


def _of_exception(error: HTTPException) -> Problem:
    """The problem that Starlette, FastAPI or the owner's code means with an exception of theirs."""
    status = error.status_code
    kind = responses[status].lower().replace(" ", "-") if status in responses else f"status-{status}"
    # FastAPI allows any JSON for a detail.
    detail: Any = to_jsonable_python(error.detail, fallback=str)
    if isinstance(detail, str):
        return Problem(status, kind, detail or _phrase(status), headers=error.headers)
    members = detail if isinstance(detail, dict) else {"errors": detail} if detail is not None else {}
    text = next((members[name] for name in ("detail", "message", "msg") if isinstance(members.get(name), str)), None)
    extra = {name: value for name, value in members.items() if name not in ProblemDetails.model_fields}
    found = Problem(status, kind, text or _phrase(status), headers=error.headers)
    found.extra = extra
    return found


def unavailable(location: str | None = None, *, detail: str = "The engine did not answer. Try again.") -> Problem:
    """503: the engine did not answer. With ``location``, something was asked of it and may still happen."""
    headers = {"Retry-After": "5"}
    if location is not None:
        headers["Location"] = location
        detail = (
            "The engine did not answer in time, so it is not known whether the work was started. Repeating the "
            "request with the same Idempotency-Key is safe; without a key, ask at Location first."
        )
    return Problem(503, "engine-unavailable", detail, headers=headers)


def lost(error: Lost) -> Problem:
    """503: what a route reads from is away, such as the database."""
    detail = f"{error.resource.name.capitalize()} is away. Try again."
    return Problem(503, "unavailable", detail, headers={"Retry-After": "5"})


def not_found() -> Problem:
    """404: an id that names nothing, or nothing of the caller's."""
    return Problem(404, "not-found", "There is no such id.")


def invalid_request(errors: list[dict[str, str]]) -> Problem:
    """422: the request does not fit; each error says where (``at``) and why (``detail``), and quotes no input."""
    return Problem(422, "invalid-request", "The request does not fit its schema.", errors=errors[:20])


def install_handlers(app: FastAPI) -> None:
    """Turn exceptions that have a meaning into problems; for all others see :class:`ProblemMiddleware`."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(EngineUnavailable)
    @app.exception_handler(ValueNotKept)
    async def of_the_engine(_: Request, error: EngineUnavailable | ValueNotKept) -> Response:
        return _problem_of(error).response()

    @app.exception_handler(RequestValidationError)
    async def validation_error(_: Request, error: RequestValidationError) -> Response:
        # Without the input: it may be a secret, and it may be something that JSON cannot say again (NaN).
        errors = [{"at": "/".join(map(str, item["loc"])), "detail": item["msg"]} for item in error.errors()]
        return invalid_request(errors).response()

    @app.exception_handler(HTTPException)
    async def http_exception(request: Request, error: HTTPException) -> Response:
        if error.status_code < 200 or error.status_code in (204, 205, 304):  # which have no body
            return Response(None, error.status_code, error.headers)
        found = _of_exception(error)
        if error.status_code == 405:
            found.headers = {**(error.headers or {}), "Allow": ", ".join(allowed_methods(request))}
        return found.response()


class ProblemMiddleware:
    """ASGI middleware: what nothing below has handled becomes a problem, and its traceback a log line.

    Starlette's own would respond outside of the request's log line and middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if started:
                raise
            # The server stops, and this took longer than SHUTDOWN_GRACE.
            headers = {"Retry-After": "1", "Connection": "close"}
            detail = "This process stops, and the request was not done. What it began may still happen."
            await Problem(503, "stopping", detail, headers=headers).response()(scope, receive, send)
        except Exception as error:
            found = _problem_of(error)
            if started:
                raise  # The client has the beginning of another response: the server must cut it off.
            await found.response()(scope, receive, send)


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case HTTPException():
            return _of_exception(error)
        case EngineRefused():
            logger.error("%s", error)
            return unavailable(detail="The engine refuses this service, whose operator must mend that.")
        case EngineUnavailable():
            logger.warning("the engine is unavailable: %s", error)
            return unavailable()
        case Lost():
            return lost(error)
        case OperatorError():
            logger.error("%s", error.problem)
            return Problem(501, "not-available", "This service cannot answer this; its operator must mend that.")
        case InvalidCursor():
            return Problem(422, "invalid-cursor", "The cursor is none of this list in this order. Begin without one.")
        case QueryTimedOut():
            logger.warning("a query took longer than READ_TIMEOUT", exc_info=error)
            return Problem(504, "timed-out", "The database took too long.")
        case ValueNotKept():  # A body of just under 1 MiB may be more with the defaults of what it left out.
            return Problem(413, "body-too-large", f"{error}.")
        case ClientDisconnect():  # while its body was read: nobody receives this
            return Problem(400, "bad-request", "The body did not arrive.")
        case _:
            logger.error("unexpected error", exc_info=error)
            return Problem(500, "internal-error", "Something went wrong here. It has been logged.")
