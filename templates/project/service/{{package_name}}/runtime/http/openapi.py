"""Parts of the OpenAPI document that FastAPI cannot infer: headers, problems, API keys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from fastapi._compat import v2 as compat
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import DecimalSchema

from .preferences import MAX_WAIT
from .problems import MEDIA_TYPE, ProblemDetails

_POLLED_AT = "x-polled-at"
_DECIMAL = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?$"


def header(
    name: str, description: str, *, required: bool = False, pattern: str | None = None, example: str | None = None
) -> dict[str, Any]:
    """A header parameter, for `openapi_extra`; ``pattern`` is a regular expression of its value."""
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    described = {"name": name, "in": "header", "required": required, "description": description, "schema": schema}
    return {**described, **({"example": example} if example else {})}


IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Names the work: the same key with the same request is the same work, whenever it is sent. 1 to 255 printable "
    "ASCII characters.",
    pattern=r'^(?!""$)[!-~]([ -~]{0,253}[!-~])?$',
    example="order-4711",
)
IDEMPOTENCY_KEY_REQUIRED = {**IDEMPOTENCY_KEY, "required": True}
PREFER = header(
    "Prefer",
    f"`wait=N`: wait up to N seconds (at most {MAX_WAIT}) for the end. `respond-async`: 202 instead of a wait.",
    example="wait=10",
)
IF_MATCH = header(
    "If-Match",
    "The ETag of what is to be changed, as it was answered; `*`: whatever it is by now.",
    pattern=r'^(\*|(W/)?"[!#-~]*")$',
    example='"1"',
)
IF_MATCH_REQUIRED = {**IF_MATCH, "required": True}
IF_NONE_MATCH = header("If-None-Match", "ETags that the client has: 304 where one is still good.", example='"1"')


def authenticated(*parameters: dict[str, Any], polled_at: str | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route that asks for an API key, where the service has any, and takes these headers.

    ``polled_at`` is the path of the route that says how the work goes which this one starts: `/jobs/orders/{id}`. The
    document links the two; without it, only where that one is below this one.
    """
    described: dict[str, Any] = {"parameters": list(parameters), "security": [{"ApiKey": []}, {}]}
    return described if polled_at is None else {**described, _POLLED_AT: polled_at}


def problems(*kinds: tuple[int | str, str]) -> dict[int | str, dict[str, Any]]:
    """`responses` for problems: pairs of a status (``default``: any other) and when it is returned."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    responses: dict[int | str, dict[str, Any]] = {}
    for status, when in kinds:
        responses[status] = {"description": when, "content": {MEDIA_TYPE: {"schema": schema}}}
    return responses


_WORK_FAILED = ("default", "The work failed: the problem has the status, code and message of the failure.")
_UNAUTHORIZED = (401, "The API key is missing or wrong.")
_WHERE_TO_POLL = {"Location": {"description": "Where to poll.", "schema": {"type": "string"}}}
_STARTED_HEADERS = {
    **_WHERE_TO_POLL,
    "Idempotent-Replayed": {"description": "`true` for work that was asked for before.", "schema": {"type": "string"}},
}
_WAIT_HEADERS = {"Preference-Applied": {"description": "`wait=N`", "schema": {"type": "string"}}}
_START_PROBLEMS = problems(
    (400, "The Idempotency-Key is malformed, or missing where it is required."),
    _UNAUTHORIZED,
    (408, "The body did not arrive in time."),
    (413, "The body is larger than 1 MiB."),
    (415, "The Content-Type is not application/json."),
    (422, "The request does not fit its schema, or its key was used for another request."),
    (503, "The engine did not answer: the outcome is unknown, and repeating is safe with a key."),
)

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"description": "Accepted; poll `Location`.", "headers": _STARTED_HEADERS},
    **_START_PROBLEMS,
}
"""`responses` of a route that starts work."""

POLLED: dict[int | str, dict[str, Any]] = {
    200: {"headers": _WAIT_HEADERS},
    **problems(
        _UNAUTHORIZED,
        (404, "There is no such id, or it is somebody else's."),
        (422, "The request does not fit its schema."),
        (503, "The engine did not answer."),
    ),
}
"""`responses` of a route that says how work goes."""

CANCELED: dict[int | str, dict[str, Any]] = {
    200: {"description": "It is canceled.", "headers": _WHERE_TO_POLL},
    202: {"description": "It stops; poll `Location`.", "headers": _WHERE_TO_POLL},
    **problems(
        _UNAUTHORIZED,
        (404, "There is no such id, or it is somebody else's."),
        (409, "It has ended already; the problem's `ended` is the status that it has."),
        (422, "The request does not fit its schema."),
        (503, "The engine did not answer. Asking again is safe."),
    ),
}
"""`responses` of a route that cancels work."""

READ = problems(
    _UNAUTHORIZED,
    (422, "The request does not fit its schema."),
    _WORK_FAILED,
    (503, "The engine did not answer. Asking again is safe."),
    (504, "The work did not end in time. Asking again is safe."),
)
"""`responses` of a route that reads through a durable function."""


def waited(progress: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that starts work and waits; ``progress`` is its 202, for work that takes longer."""
    headers = {**_STARTED_HEADERS, **_WAIT_HEADERS}
    return {
        200: {"headers": headers},
        202: {"model": progress, "description": "It takes longer; poll `Location`.", "headers": headers},
        **_START_PROBLEMS,
        **problems(_WORK_FAILED),
    }


_ETAG = {"ETag": {"description": "Its version, for `If-Match`.", "schema": {"type": "string"}}}
_VERSIONED_PROBLEMS = problems(
    (404, "There is no such id."),
    (409, "What is there already does not allow it; `fields` or `by` says what."),
    (412, "It has another version than `If-Match` says."),
)

SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"headers": _ETAG},
    304: {"description": "The client has it already.", "headers": _ETAG},
}
"""`responses` of a route that shows something with a version, beside those of a query."""


def created(progress: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that creates something with a version; ``progress`` is its 202."""
    location = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
    headers = {**_STARTED_HEADERS, **_WAIT_HEADERS, **location, **_ETAG}
    return {
        **_answered(progress),
        201: {"headers": headers},
        **problems((409, _VERSIONED_PROBLEMS[409]["description"])),
    }


def changed(progress: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that changes something with a version; ``progress`` is its 202."""
    headers = {**_STARTED_HEADERS, **_WAIT_HEADERS, **_ETAG}
    missing = problems((428, "There is no `If-Match`: what is not known to be unchanged is not overwritten."))
    return {**_answered(progress), 200: {"headers": headers}, **_VERSIONED_PROBLEMS, **missing}


def deleted(progress: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that deletes something with a version; ``progress`` is its 202."""
    return {**_answered(progress), 204: {"description": "It is gone."}, **_VERSIONED_PROBLEMS}


def _answered(progress: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {status: response for status, response in waited(progress).items() if status != 200}


class Schemas(compat.GenerateJsonSchema):
    """Says of a Decimal what pydantic does not: that it is exact, and which texts there are."""

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        described = super().decimal_schema(schema)
        text = next(part for part in described.get("anyOf", [described]) if part["type"] == "string")
        text |= {"format": "decimal", "pattern": _DECIMAL}
        return {**described, "description": "A decimal number, exact: as text, or as a number where it is sent."}


def extend_openapi(app: FastAPI, *, with_keys: bool) -> None:
    """Add to the document what the above refers to; ``with_keys``: the service has API keys."""
    inferred = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:  # It is made once: what is said below of links cannot be said again.
            return app.openapi_schema
        with _decimals_described():
            document = inferred()
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
        components["securitySchemes"] = {
            "ApiKey": {"type": "http", "scheme": "bearer", "description": "Where the service has any (API_KEYS)."}
        }
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    schemas.update(content["schema"].get("$defs", {}))  # of `webhooks.signed`
                    _forbid_unknown(content["schema"], schemas)
                if with_keys and "security" in operation:
                    operation["security"] = [{"ApiKey": []}]
                # What cancels work stands where it is polled, by its id.
                here = path if method == "delete" and "get" in operations and path.endswith("/{id}") else None
                polled_at = operation.pop(_POLLED_AT, here)
                if "202" in operation["responses"]:
                    operation["responses"]["202"]["links"] = _links(path, document["paths"], polled_at)
        _bound_integers(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents it


@contextmanager
def _decimals_described() -> Iterator[None]:
    """Let FastAPI make its schemas with :class:`Schemas`, for which it has no option."""
    usual = compat.GenerateJsonSchema
    compat.GenerateJsonSchema = Schemas  # type: ignore[misc]
    try:
        yield
    finally:
        compat.GenerateJsonSchema = usual  # type: ignore[misc]


def _links(path: str, paths: dict[str, Any], polled_at: str | None) -> dict[str, Any]:
    """The OpenAPI link from work that ``path`` started to where it is polled; `…/{id}` below it, where it is not said."""
    polls = re.compile(re.escape(polled_at) if polled_at else re.escape(path) + r"(/[^{}]+)?/\{id\}")
    found = next((below for template, below in paths.items() if polls.fullmatch(template) and "get" in below), None)
    if found is None:
        return {}
    names = [] if polled_at else re.findall(r"\{(\w+)\}", path)
    given = {name: f"$request.path.{name}" for name in names}
    parameters = {**given, "id": "$response.body#/id"}
    return {"poll": {"operationId": found["get"]["operationId"], "parameters": parameters}}


def _forbid_unknown(body: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say of the objects in a body what is said of the body: that they have no other members (see `json_values`)."""
    whole = schemas.get(body.get("$ref", "").rpartition("/")[2], body)
    if whole.get("additionalProperties") is not False:
        return
    seen: set[str] = set()

    def visit(part: Any) -> None:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in schemas and name not in seen:
                seen.add(name)
                visit(schemas[name])
            if "properties" in part:
                part.setdefault("additionalProperties", False)
            part = [value for key, value in part.items() if key not in ("examples", "example", "default", "enum")]
        if isinstance(part, list):
            for item in part:
                visit(item)

    visit(whole)


def _bound_integers(part: Any) -> None:
    """Declare integers as 64 bits: larger ones are refused (see `strict_json`)."""
    if isinstance(part, dict):
        if part.get("type") == "integer":
            part.setdefault("format", "int64")
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            _bound_integers(item)
