"""RS113: names that a release has, which its work in flight goes on to ask for, and that the code has no longer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.code.runtime import SNAPSHOT
from resonate_scaffold.code.scopes import Module

_CODE = "RS113"


def released(model: Model) -> Iterator[Finding]:
    """RS113, for each service that has a snapshot. It is silent where the name of a contract is not known."""
    for path, content in model.program.beside.items():
        if path.parts[-2:] == SNAPSHOT.parts:
            yield from _of_service(model, path.parent.parent, _snapshot(content))


def _of_service(model: Model, root: PurePosixPath, snapshot: Mapping[str, Any]) -> Iterator[Finding]:
    contracts = [it for it in model.contracts.values() if it.scope.module.path.is_relative_to(root)]
    gates = [it for it in model.gates.values() if it.scope.module.path.is_relative_to(root)]
    if not any(it.name is None or it.version is None for it in contracts):
        known = {f"{it.name}@{it.version}" for it in contracts}
        for key, function in _parts(snapshot, "functions"):
            worker = _worker(model.program, root, function.get("group"))
            if key not in known and worker is not None:
                name, _, version = key.partition("@")
                message = f"{name} (version {version}) was released, and has no contract any more"
                hint = (
                    f'A new Python name is no reason to lose the one on the wire: name="{name}". If no run of it is '
                    f"left: python -m {worker.path.relative_to(root).parts[0]} contracts --accept {key}"
                )
                yield _finding(worker, f"{message}: work in flight would wait for it for ever", hint)
    if not any(it.name is None for it in gates):
        for name, _ in _parts(snapshot, "gates"):
            worker = _worker(model.program, root, "workers")
            if name not in {it.name for it in gates} and worker is not None:
                message = f"the released gate {name} is gone: workflows that wait for it would never get an answer"
                package = worker.path.relative_to(root).parts[0]
                hint = f"Keep its name. If nobody waits at it: python -m {package} contracts --accept {name}"
                yield _finding(worker, message, hint)


def _snapshot(content: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(content)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _parts(snapshot: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    parts = snapshot.get(kind)
    for name, part in parts.items() if isinstance(parts, dict) else ():
        if isinstance(part, dict):
            yield name, part


def _worker(program: Program, root: PurePosixPath, group: object) -> Module | None:
    """The worker of a group of this service; None for what others serve."""
    if not isinstance(group, str):
        return None
    folder = "workflows" if group == "workers" else group.replace("-", "_")
    places = [
        it
        for it in program.modules
        if it.name == "worker.py" and it.is_relative_to(root) and it.relative_to(root).parts[1:-1] == (folder,)
    ]
    return program.modules[places[0]] if len(places) == 1 else None


def _finding(worker: Module, message: str, hint: str) -> Finding:
    """At SERVED of a worker."""
    bound = worker.scope.bindings.get("SERVED", ())
    line = int(getattr(bound[0].node, "lineno", 1)) if bound else 1
    return Finding(worker.path, line, 1, _CODE, message, hint)
