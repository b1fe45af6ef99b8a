"""The paths of routes: what is one, which routes would meet, and where work is polled."""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from resonate_scaffold.errors import Taken, UsageError
from resonate_scaffold.fields import check_field_name
from resonate_scaffold.generators.addition import KINDS_OF_THE_RUNTIME, Addition, at, ids_that_begin_with
from resonate_scaffold.generators.contract import noun

_FRAMEWORKS = frozenset({"docs", "redoc", "openapi.json"})
_HEALTH = frozenset({"/livez", "/readyz", "/metrics"})
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\{[^{}]*\}")
# Modules of the API that are no routes, and what `create_app` calls things.
_MODULES = frozenset({"app", "create_app", "install", "lifespan", "router", "routers", "settings"})
_LONGEST = 80
_LONGEST_KIND = 38
"""A root id is at most 190 characters: a kind, a caller's name and a key of 120."""
_POLLED = "/{id}"


def parse_path(path: str, reserved: frozenset[str]) -> tuple[str, ...]:
    """Check a path, and name its parameters."""
    example = "For example: /orders or /customers/{customer_id}/orders"
    segments = _segments(path, example)
    names = [segment[1:-1] for segment in segments if segment.startswith("{")]
    for name in names:
        check_field_name(name, "PATH")
        if name in reserved:
            raise UsageError(f"{{{name}}} means something else in a route", f"Name it for what it is: {{order_{name}}}")
    if len(set(names)) < len(names):
        raise UsageError(f"{path} has a parameter twice", example)
    if segments[0].startswith("{"):
        raise UsageError(f"{path} begins with a parameter, and would answer for every path", example)
    return tuple(names)


def _segments(path: str, example: str) -> list[str]:
    segments = path.removeprefix("/").split("/")
    if len(path) > _LONGEST:
        raise UsageError(f"A path of {len(path)} characters is too long", f"At most {_LONGEST}.")
    if not path.startswith("/") or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise UsageError(f"{ascii(path)[1:-1]} is not a path", example)
    if segments[0] in _FRAMEWORKS:
        raise UsageError(f"FastAPI answers below /{segments[0]} itself", example)
    return segments


def poll_path(given: str | None, name: str) -> str:
    """Where work is polled: as ``--poll`` says, else below `/jobs/`, by the name of the route.

    Its id is all that it takes, so no part of the work's own path stands in it twice.
    """
    if given is None:
        return f"/jobs/{name.replace('_', '-')}{_POLLED}"
    example = f"For example: --poll /jobs/{name.replace('_', '-')}{_POLLED}"
    prefix = given.removesuffix(_POLLED)
    if prefix == given or not prefix or any("{" in segment for segment in _segments(prefix, example)):
        raise UsageError(f"--poll {given} is not a path that ends in {_POLLED}, its one parameter", example)
    return given


def module_name(addition: Addition, method: str, path: str, given: str | None) -> str:
    """The name of a route's module: as ``--name`` says, else made of the path: ``orders`` for POST /orders,
    ``put_orders_order_id`` for PUT /orders/{order_id}. Paths that are spelt alike have names of their own.
    """
    usual = usual_name(method, path)
    if given is None:
        return next(name for name in _names(usual) if not _is_taken(addition, name))
    if re.fullmatch(rf"{usual}(_[0-9]+)?", given):
        return given
    name = noun(given, "route").snake
    if name in _MODULES:
        raise UsageError(f"--name {given} means something else in the API", f"Try: --name {given}-route")
    return name


def usual_name(method: str, path: str) -> str:
    """The name of a route that has none of its own."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_").lower()
    plain = method == "POST" and words.isidentifier() and not keyword.iskeyword(words) and words not in _MODULES
    return words if plain else f"{method.lower()}_{words}"


def _names(first: str) -> Iterator[str]:
    yield first
    number = 2
    while True:
        yield f"{first}_{number}"
        number += 1


def _is_taken(addition: Addition, name: str) -> bool:
    paths = (addition.module(f"api.{name}"), PurePosixPath("tests", f"test_route_{name}.py"))
    return any(addition.project.exists(path) for path in paths)


def check_free(addition: Addition, method: str, path: str, option: str = "") -> None:
    """Refuse a route that exists, that another one would answer first, or that OpenAPI could not tell from another."""
    other = "Choose another path." if not option else f"Choose another one: {option} …{_POLLED}"
    if method == "GET" and path in _HEALTH:
        raise Taken(f"GET {path} is there already: every service answers it", other)
    for route in addition.service.routes:
        there = f"{route.method} {route.path} ({at(route.place)})"
        if route.method == method and _covers(route.path, path):
            if _covers(path, route.path):
                raise Taken(f"{method} {path} is there already: {there}", other)
            raise Taken(f"{there} would answer {method} {path} first", other)
        if _template(route.path) != _template(path) and _shape(route.path) == _shape(path):
            raise Taken(
                f"{there} has another name for what stands in {path}: to OpenAPI both are one path",
                f"Write it as there: {_template(route.path)}; or choose another path.",
            )


def _template(path: str) -> str:
    """A path as OpenAPI has it."""
    return re.sub(r":\w+\}", "}", path)


def _shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def list_path(addition: Addition, path: str, poll: str) -> str | None:
    """Where the work of a route is listed: where it is polled without an id, or started; None where neither is free."""
    if not addition.project.exists(addition.module("runtime.http.runs")):
        return None  # The runtime is of an earlier release.
    for there in (poll.removesuffix(_POLLED), path):
        if "{" in there:
            continue
        try:
            check_free(addition, "GET", there)
        except Taken:
            continue
        return there
    return None


def check_apart(path: str, poll: str) -> None:
    """Refuse a path and the one where its work is polled if to OpenAPI they are one."""
    if path != poll and _shape(path) == _shape(poll):
        raise UsageError(f"{path} and {poll} are one path to OpenAPI", "Choose another one: --poll …/{id}")


def _covers(pattern: str, path: str) -> bool:
    """Whether a route's path matches whatever another path does."""
    wanted, given = pattern.split("/"), path.split("/")
    if wanted[-1].endswith(":path}") and len(given) >= len(wanted):
        return all(_matches(one, other) for one, other in zip(wanted[:-1], given, strict=False))
    if given[-1].endswith(":path}"):
        return False
    return len(wanted) == len(given) and all(_matches(one, other) for one, other in zip(wanted, given, strict=True))


def _matches(pattern: str, segment: str) -> bool:
    return pattern.startswith("{") or pattern == segment


def kind_of(addition: Addition, method: str, name: str) -> str:
    """What the ids of a route's work begin with: its own name, so that no key of another route is one of it.

    Raises:
        Taken: ids of something else begin with it.
    """
    kind = name.replace("_", "-")
    if kind in KINDS_OF_THE_RUNTIME:
        kind = f"{method.lower()}-{kind}"
    if len(kind) > _LONGEST_KIND:
        kind = f"{kind[: _LONGEST_KIND - 9].rstrip('-')}-{hashlib.sha256(kind.encode()).hexdigest()[:8]}"
    where = next(ids_that_begin_with(addition, kind), None)
    if where is not None:
        raise Taken(f"Ids that begin with {kind}/ are there already ({where})", "Give the route a name: --name NAME")
    return kind
