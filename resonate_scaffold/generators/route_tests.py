"""The tests of routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from resonate_scaffold import layout
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports
from resonate_scaffold.generators.route_code import Route


def write_test(addition: Addition, route: Route) -> None:
    """Make the test of a route that starts or reads through durable work."""
    examples = {field.name: contracts.example(addition, field).json for field in route.fields if not field.optional}
    query = {field.wire: as_text(examples[field.name]) for field in route.in_query if field.name in examples}
    body = {field.wire: examples[field.name] for field in route.in_body if field.name in examples}
    other = contracts.other_body(addition, route.in_body, route.key_fields)
    certain = contracts.is_certain(addition, route.contract)
    module, _, result = route.answers.rpartition(".")
    context = {
        "route": route,
        "summary": f"{route.method} {route.path}",
        "path": layout.strings(filled_path(route.path, examples), before="PATH = "),
        "polled": layout.strings((f"/{it}" for it in route.polled_below.split("/")[1:]), before="POLLED = "),
        "query": contracts.statement(layout.value(query), indent=0, before="QUERY = ") if query else "",
        "template": layout.text(route.path),
        "listed_at": layout.text(route.list_path or ""),
        "has_body": bool(route.in_body),
        "body": contracts.statement(layout.value(body), indent=0, before="BODY: dict[str, object] = "),
        "required": bool(body),
        "other": other if route.idempotency != "none" or route.key else "",
        "certain": certain,
        "result": result,
    }
    imports = Imports()
    imports.names("runtime.testing.running", "RunningService", "StartService", "problem")
    if certain:
        imports.names(module, result)
    addition.create(
        "route/test_read.py" if route.reads else "route/test_work.py", test_path(route.name), context, imports
    )


def test_path(name: str) -> PurePosixPath:
    """The test of a route."""
    return PurePosixPath("tests", f"test_route_{name}.py")


def filled_path(path: str, examples: Mapping[str, Any]) -> Iterator[str]:
    """A path with examples in place of its parameters, in pieces."""
    for segment in path.split("/")[1:]:
        name = segment[1:-1]
        # An instant is spelled as the service itself does.
        text = as_text(examples[name]).replace("T12:00:00Z", "T12:00:00+00:00") if segment.startswith("{") else ""
        yield f"/{quote(text, safe='') or segment}"


def as_text(value: Any) -> str:
    """A value of JSON as it stands in a URL."""
    return str(value).lower() if isinstance(value, bool) else str(value)
