"""Strict JSON: request bodies, and the requests with which durable work is started.

It refuses what two parsers read differently (a name that occurs twice, NaN, a number beyond 64 bits, an encoding other
than UTF-8), what a database cannot store (NUL, half a surrogate pair), and nesting so deep that recursive code fails.
"""

import json
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import Request, Response, params, routing
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from ..durable.json_values import JsonAdapter, number
from .problems import Problem, invalid_request

MAX_DEPTH = 64
"""How deep objects and arrays may be nested."""

_UNFIT = re.compile("[\0\ud800-\udfff]")
_JSON = re.compile(r"application/(.+\+)?json")


class StrictJsonRequest(Request):
    """A request whose JSON is read by :func:`read_json`."""

    async def json(self) -> Any:
        """The body's value; else a 422 problem."""
        return read_json(await self.body())


def read_json(body: bytes) -> Any:
    """The value of a JSON document; else a 422 problem, which quotes nothing of the document."""
    try:
        text = body.decode()
        value = _DECODER.decode(text)
        # Without an escape the bytes had no such character; with few brackets they cannot be deep.
        if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
            _check(value)
    except UnicodeDecodeError:
        raise _refused("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _refused(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _refused("it is nested too deep") from None
    except ValueError as error:
        raise _refused(str(error)) from None
    return value


def check_request(request: BaseModel) -> None:
    """Refuse a request for durable work that no body could hold: parts of it came in a path or a query."""
    read_json(json.dumps(request.model_dump(mode="json")).encode())


class JsonRoute(APIRoute):
    """A route whose JSON is read by :func:`read_json` and validated as JSON, also where a dependency takes the body.

    `APIRouter(route_class=JsonRoute)` is for routers that ask for no API key; `auth.AuthenticatedRoute` is one of these.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        # A route of an included router is made again for each inclusion; FastAPI has no other way to reach that one.
        included = routing._effective_route_context_var.get()
        _replace_adapters(included.dependant if included and included.original_route is self else self.dependant)
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return strict


def _replace_adapters(dependant: Dependant) -> None:
    for field in dependant.body_params:
        info = field.field_info
        is_json = isinstance(info, params.Body) and _JSON.fullmatch(info.media_type.lower())
        if is_json and not isinstance(field._type_adapter, JsonAdapter):
            field._type_adapter = _BodyAdapter(field._type_adapter)  # type: ignore[assignment]  # it quacks
    for below in dependant.dependencies:
        _replace_adapters(below)


class _BodyAdapter(JsonAdapter):
    """Refuses what is not sent as JSON, which FastAPI hands on as bytes."""

    def validate_python(self, value: Any, **options: Any) -> Any:
        if isinstance(value, bytes):
            raise Problem(415, "unsupported-media-type", "The Content-Type of the body must be application/json.")
        return super().validate_python(value, **options)


def _refused(why: str) -> Problem:
    return invalid_request([{"at": "request", "detail": f"no JSON that is taken here: {why}"}])


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in an object")
    return members


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError("an integer is beyond 64 bits")
    return number


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=number, parse_constant=_constant
)


def _check(value: Any) -> None:
    """Refuse characters that cannot be stored, and depth; level by level, so that depth costs no recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if any(isinstance(node, str) and _UNFIT.search(node) for node in level):
            raise ValueError("a string holds NUL or half a surrogate pair")
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {MAX_DEPTH}")


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return (*node, *node.values())
    return node if isinstance(node, list) else ()
