"""RS413: a request says which function is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.http.request import Asked
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route

_PLACES = {"rpc": ("func", 1), "run": ("func", 1), "schedule": ("func_name", 2)}


def chosen_functions(model: Model, route: Route) -> Iterator[Finding]:
    """RS413, where a handler itself starts what the request names, and compares the name with nothing."""
    handler = route.handler
    asked = Asked(model, route)
    for start in model.starts.get(handler, ()):
        given = _function_of(model, start.kind, start.node, route)
        if given is not None and asked.chose(given) and not asked.is_looked_at(given, start.node):
            message = (
                f"{handler.name} runs whatever function the request names: every one that a worker registers is "
                "open to whoever asks"
            )
            hint = "Map what may be asked for to functions of your own: ALLOWED = {…}, and answer 404 to the rest."
            yield finding("RS413", start.node, handler, message, hint)


def _function_of(model: Model, kind: str, call: ast.Call, route: Route) -> ast.expr | None:
    """What names the function that a start runs."""
    if kind == "create":
        calls = (it for it in ast.walk(call) if isinstance(it, ast.Call))
        tasks = (it for it in calls if model.evaluate.external(it.func, route.handler) == "resonate.types.TaskData")
        task = next(tasks, None)
        return argument(task, "func", 0) if task is not None else None
    if kind not in _PLACES:
        return None
    name, place = _PLACES[kind]
    before = call.args[: place + 1]
    if len(before) > place and not any(isinstance(it, ast.Starred) for it in before):
        return before[place]
    return argument(call, name) or argument(call, "fn")
