"""Make a service again with the code of version 0.1.0: run by `upgrade.releases`, with that code on the path.

It reads one JSON object from standard input, as every release's `upgrade.replay` does, and prints one. Version 0.1.0
had no such command itself.
"""

from __future__ import annotations

import ast
import base64
import functools
import gc
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jinja2

# The code of version 0.1.0, whose types are not today's.
from resonate_scaffold import project as projects, source, templates  # type: ignore[attr-defined]
from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.generators.db_function import DbFunctionRequest, add_db_function
from resonate_scaffold.generators.group import GroupRequest, add_group
from resonate_scaffold.generators.idempotency_key import KeyRequest, add_idempotency_key
from resonate_scaffold.generators.project import ENV, new_project
from resonate_scaffold.generators.route import RouteRequest, add_route
from resonate_scaffold.generators.rpc import RpcRequest, add_rpc
from resonate_scaffold.generators.schedule import ScheduleRequest, add_schedule
from resonate_scaffold.generators.webhook import WebhookRequest, add_webhook
from resonate_scaffold.generators.workflow import WorkflowRequest, add_workflow
from resonate_scaffold.plan import Create
from resonate_scaffold.project import MANIFEST, Manifest, Project, after
from resonate_scaffold.templates import render_builtin

VERSION = "0.1.0"

# It reads all modules again for each add, and compiles its templates again; it changes neither what it has read nor a
# template.
ast.parse = functools.cache(ast.parse)  # type: ignore[assignment]
_walked = functools.cache(lambda node, walk=ast.walk: tuple(walk(node)))
ast.walk = lambda node: iter(_walked(node))
projects._hashes = projects._texts  # Paths that it has written itself need no look.
source.Source.parse = functools.cache(source.Source.parse)
source._natural = functools.cache(source._natural)
jinja2.Environment.from_string = functools.cache(jinja2.Environment.from_string)  # type: ignore[assignment, method-assign]
templates._environment = functools.cache(templates._environment)
NOW = datetime(2020, 1, 1, tzinfo=UTC)  # Only what `add schedule` prints depends on it.


def add(project: Any, kind: str, name: str, options: Mapping[str, Any]) -> Any:
    """The plan of an `add`, by what its record says was asked for."""
    texts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    method, _, path = name.partition(" ")
    adds: dict[str, Callable[[], Any]] = {
        "workflow": lambda: add_workflow(project, WorkflowRequest(name, **texts)),
        "db-function": lambda: add_db_function(project, DbFunctionRequest(name, **texts)),
        "rpc": lambda: add_rpc(project, RpcRequest(name, **texts)),
        "route": lambda: add_route(project, RouteRequest(method, path, option="--rpc", **texts)),
        "webhook": lambda: add_webhook(project, WebhookRequest(name, **texts)),
        "schedule": lambda: add_schedule(project, ScheduleRequest(name, **texts, now=NOW)),
        "idempotency-key": lambda: add_idempotency_key(project, KeyRequest(name, **texts)),
        "group": lambda: add_group(project, GroupRequest(name)),
    }
    return adds[kind]()


def main() -> None:
    """Read the answers and the records, print the files."""
    gc.disable()  # All that was read is kept, until the process ends.
    asked = json.load(sys.stdin)
    made = new_project(render_builtin(asked["answers"]), version=VERSION, secret="")
    creates = [change for change in made.changes if isinstance(change, Create) and change.path != ENV]
    files = {change.path: change.content for change in creates}
    executable = [str(change.path) for change in creates if change.executable]
    project: Any = Project(str(asked["answers"]["package_name"]), Manifest.from_bytes(files[MANIFEST]), files)  # type: ignore[arg-type]
    refused = []
    for record in asked["records"]:
        try:
            project = after(project, add(project, record["kind"], record["name"], record["options"]))
        except (ScaffoldError, KeyError, TypeError) as error:
            refused.append([record["kind"], record["name"], f"{type(error).__name__}: {error}"])
    found = {str(path): base64.b64encode(content).decode() for path, content in project.files.items()}
    json.dump({"files": found, "executable": executable, "refused": refused}, sys.stdout)


if __name__ == "__main__":
    main()
