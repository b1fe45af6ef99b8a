"""RFC 9457 problems: the form of every error response. They say nothing that a client has no business to know."""

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from ..errors import EngineUnavailable

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """An RFC 9457 problem. ``type`` names the kind; members that a kind adds stand beside it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


class Problem(HTTPException):
    """Raise it anywhere in a request. ``extra`` members and ``headers`` go into the response."""

    def __init__(
        self, status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind
        self.extra = extra

    def response(self) -> Response:
        """The response that says it."""
        title, status = HTTPStatus(self.status_code).phrase, self.status_code
        body = {"type": self.kind, "title": title, "status": status, "detail": self.detail, **self.extra}
        # ASCII, because a detail may quote input that UTF-8 cannot carry (a lone surrogate from a JSON escape).
        return Response(json.dumps(body), status, self.headers, MEDIA_TYPE)


def unavailable(location: str | None = None) -> Problem:
    """503: the engine did not answer. With ``location``, something was asked of it and may still happen."""
    headers = {"Retry-After": "5"}
    detail = "The engine did not answer. Try again."
    if location is not None:
        headers["Location"] = location
        detail = (
            "The engine did not answer in time, so it is not known whether the work was started. Repeating the "
            "request with the same Idempotency-Key is safe; without a key, ask at Location first."
        )
    return Problem(503, "engine-unavailable", detail, headers=headers)


def not_found() -> Problem:
    """404: an id that names nothing, or nothing of the caller's."""
    return Problem(404, "not-found", "There is no such id.")


def invalid_request(errors: list[dict[str, str]]) -> Problem:
    """422: the request does not fit; each error says where (``at``) and why (``detail``), and quotes no input."""
    return Problem(422, "invalid-request", "The request does not fit its schema.", errors=errors[:20])


def install_handlers(app: FastAPI) -> None:
    """Turn every exception into a problem."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(EngineUnavailable)
    async def engine_unavailable(_: Request, error: EngineUnavailable) -> Response:
        logger.warning("%s", error)
        return unavailable().response()

    @app.exception_handler(RequestValidationError)
    async def validation_error(_: Request, error: RequestValidationError) -> Response:
        # Without the input: it may be a secret, and it may be something that JSON cannot say again (NaN).
        errors = [{"at": "/".join(map(str, item["loc"])), "detail": item["msg"]} for item in error.errors()]
        return invalid_request(errors).response()

    @app.exception_handler(HTTPException)
    async def http_exception(_: Request, error: HTTPException) -> Response:
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return Problem(error.status_code, kind, str(error.detail), headers=dict(error.headers or {})).response()

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        # Starlette raises it again for the server's log; the client learns nothing of it.
        return Problem(500, "internal-error", "Something went wrong here. It has been logged.").response()
