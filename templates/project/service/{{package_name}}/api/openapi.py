"""What the OpenAPI document says and FastAPI cannot infer: headers, problems, API keys."""

from typing import Any

from fastapi import FastAPI

from .dependencies import MAX_WAIT
from .problems import MEDIA_TYPE, ProblemDetails


def header(name: str, description: str, *, required: bool = False, example: str | None = None) -> dict[str, Any]:
    """A header parameter, for `openapi_extra`."""
    described = {"name": name, "in": "header", "required": required, "description": description}
    return {**described, "schema": {"type": "string"}, **({"example": example} if example else {})}


IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Names the work: the same key with the same request is the same work, whenever it is sent. 1 to 255 printable "
    "ASCII characters.",
    example="order-4711",
)
PREFER = header("Prefer", f"`wait=N`: wait up to N seconds (at most {MAX_WAIT}) for the end.", example="wait=10")


def for_callers(*parameters: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of a route that asks for an API key, where the service has any."""
    return {"parameters": list(parameters), "security": [{"ApiKey": []}, {}]}


def problems(*kinds: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    """`responses` for problems: (status, when it is answered)."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    answers: dict[int | str, dict[str, Any]] = {}
    for status, when in kinds:
        answers[status] = {"description": when, "content": {MEDIA_TYPE: {"schema": schema}}}
    return answers


def complete(app: FastAPI) -> None:
    """Add to the document what the above refers to."""
    inferred = app.openapi

    def openapi() -> dict[str, Any]:
        document = inferred()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["ProblemDetails"] = ProblemDetails.model_json_schema()
        components["securitySchemes"] = {
            "ApiKey": {"type": "http", "scheme": "bearer", "description": "Where the service has any (API_KEYS)."}
        }
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents it
