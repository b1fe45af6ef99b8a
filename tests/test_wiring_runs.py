"""The services of ``test_wiring`` run: each is imported whole, and knows what was added to it.

One environment holds the dependencies, and one process imports them all.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from resonate_scaffold.project import Project
from tests.grown import runtime
from tests.test_wiring import (
    CASES,
    DB_FUNCTION,
    GROUP,
    KEY,
    REFUSED,
    RENAMED,
    ROUTE,
    RPC,
    SCHEDULE,
    WEBHOOK,
    WORKFLOW,
    outcomes,
)

NAMES = [*CASES, *(f"pasted-{name}" for name in REFUSED), "renamed"]

# What a service has then that it did not have.
NEW = {
    WORKFLOW: "workers serves ship-order",
    DB_FUNCTION: "db serves db.count_stock",
    RPC: "payments serves payments.charge",
    ROUTE: "POST /summaries",
    WEBHOOK: "gate audit",
    SCHEDULE: "schedule nightly starts tidy-up",
    KEY: "id invoice",
    GROUP: "group billing",
}

# What some cases have in ids.py besides.
THEIRS = {"id keyed", "id today"}

# What a service consists of when it runs, from the objects that it runs with.
PROBE = """
import importlib, json, sys, traceback

from prometheus_client import REGISTRY

def facts(directory, package):
    # A process has one service, and one registry.
    for collector in list(REGISTRY._collector_to_names):
        REGISTRY.unregister(collector)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.path.insert(0, directory)
    try:
        of = lambda module: importlib.import_module(f"{package}.{module}")
        app, ids, service = of("api.app"), of("ids"), of("__main__").SERVICE
        assert app.__file__.startswith(directory) and service.package == package
        found = [f"group {group}" for group in service.groups]
        served = service.stand_ins()
        for group in service.groups:
            entries = list(dict.fromkeys(of(f"{service.part(group)}.worker").SERVED))  # one case has some of them twice
            of("runtime.durable.rpc").check_registrations(group, service.contracts(), entries)
            served += entries
        for entry in served:
            found.append(f"{entry.contract.group} serves {entry.name}")
            found.append(f"{entry.name} takes {list(entry.contract.request.model_fields)}")
        for router in app.ROUTERS:
            found += [f"{method} {route.path}" for route in router.routes for method in route.methods]
        found += [f"schedule {entry.name} starts {entry.workflow.name}" for entry in service.schedules()]
        found += [f"gate {name}" for name in service.gates()]
        found += [f"id {name}" for name, value in vars(ids).items() if getattr(value, "__module__", "") == ids.__name__]
        return sorted(found)
    except BaseException:
        return traceback.format_exc()
    finally:
        sys.path.remove(directory)

print(json.dumps({key: facts(*given) for key, given in json.load(sys.stdin).items()}))
"""


def run(command: list[str | Path], directory: Path, given: str = "") -> str:
    """Run a command that must succeed; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command, cwd=directory, env=environment, input=given, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(service_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Any, Any]]:
    """What each service consists of, and the one that nobody has rewritten; a traceback where it is not imported."""
    root = tmp_path_factory.mktemp("wired")
    asked: dict[str, tuple[str, str]] = {}
    machinery = {path.parts[1:]: it for path, it in runtime().items()}

    def written(name: str, project: Project) -> tuple[str, str]:
        files = {path: it for path, it in project.files.items() if path.parts[0] == project.package}
        files |= {PurePosixPath(project.package, *parts): it for parts, it in machinery.items()}
        for path, content in files.items():
            (root / name / path).parent.mkdir(parents=True, exist_ok=True)
            (root / name / path).write_bytes(content)
        return str(root / name), project.package

    references: dict[int, str] = {}
    of: dict[str, str] = {}
    for name, (project, reference) in outcomes().items():
        asked[name] = written(name, project)
        of[name] = references.setdefault(id(reference), f"reference-{len(references)}")
        if of[name] not in asked:
            asked[of[name]] = written(of[name], reference)
    answers = json.loads(run([service_python, "-c", PROBE], root, json.dumps(asked)))
    return {name: (answers[name], answers[of[name]]) for name in of}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_imported_and_knows_what_is_new(name: str, found: Mapping[str, tuple[Any, Any]]) -> None:
    has, wanted = found[name]
    case = CASES.get(name)
    refused = REFUSED.get(name.removeprefix("pasted-"))
    commands = [case.command] if case else [refused.case.command] if refused else RENAMED
    assert {NEW[command] for command in commands} <= set(wanted)
    assert isinstance(has, list), has
    assert [fact for fact in has if fact not in THEIRS] == wanted
