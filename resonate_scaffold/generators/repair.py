"""`list --repair`: what a merge has lost is made again from the code: elements of lists, and records of `add`.

A record says what was asked for. Where the code can be had by several requests, each is tried: the one that makes the
files as they are was it.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import ManifestError, ScaffoldError
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import form, is_same
from resonate_scaffold.generators.again import files_made_by, planned_again
from resonate_scaffold.generators.contract import GROUP_OF_WORKFLOWS
from resonate_scaffold.generators.idempotency_key import CALLER
from resonate_scaffold.generators.remove import taken_out
from resonate_scaffold.generators.rpc import contracts_folder, stand_in
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, Added, ChangedFiles, Edited, Project, after
from resonate_scaffold.service.entities import read_entities
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.things import Contract
from resonate_scaffold.shapes import Types

Options = Mapping[str, Any]


def repair(project: Project) -> Plan:
    """Plan what is missing: records that cannot be read go, lists and definitions come back, then records.

    Raises:
        CannotEdit: a list cannot be edited; the hint has the lines to paste.
    """
    project.check_layout()
    plan = Plan(())
    for step in (_unreadable, _recorded_wiring, _wiring, _records):
        plan = plan.then(step(after(project, plan)))
    return plan


def _unreadable(project: Project) -> Plan:
    """The records that are none, such as of a merge with conflicts; and those that say the same as another."""
    changes: list[Change] = []
    known: set[tuple[str, str]] = set()
    for path in (ADDS / name for name in project.records if name.endswith(".json")):
        if path not in project.files:
            continue
        try:
            record = Added.from_bytes(path, project.files[path])
        except ManifestError:
            changes.append(Delete(path, project.files[path]))
            continue
        if (record.kind, record.name) in known:  # both branches of a merge have it
            changes.append(Delete(path, project.files[path]))
        known.add((record.kind, record.name))
    return Plan(tuple(changes))


def _recorded_wiring(project: Project) -> Plan:
    """What a record says that its ``add`` put into a file, and that is not there."""
    plan = Plan(())
    records = project.adds()
    for place, record in enumerate(records):
        now = after(project, plan)
        missing = [path for path, edited in record.edits.items() if _is_missing(now, record, path, edited)]
        if not missing or not any(PurePosixPath(path) in now.files for path in record.files):
            continue  # all there; or taken out by hand, with its files
        found = _Found(record.kind, record.name, tuple(record.files), record.edits, ())
        later = [path for it in records[place + 1 :] for path in it.files]
        made = planned_again(_without(now, found, later), record)
        contents = {it.path: it.after for it in (made.changes if made else ()) if isinstance(it, Edit)}
        edits = [
            Edit(path, now.files[path], contents[path])
            for path in map(PurePosixPath, missing)
            if path in contents and path in now.files
        ]
        notes = tuple(f"{edit.path} has {record.kind} {record.name} again" for edit in edits)
        plan = plan.then(Plan(tuple(edits), notes))
    return plan


def _is_missing(project: Project, record: Added, path: str, edited: Edited) -> bool:
    file = PurePosixPath(path)
    if file not in project.files:
        return False
    if file.suffix != ".py":
        process = stand_in(record.name.rpartition(".")[0]) if record.kind == "rpc" else record.name
        return process.encode() not in project.files[file]
    source = Source.parse(file, project.files[file], project.package)
    defined = source.definitions()
    return any(name not in defined for name in edited.defines) or any(
        not source.mentions(key, within=None if "." in key else into) for into, key in edited.lists
    )


def _wiring(project: Project) -> Plan:
    """The durable functions, routers and groups that no list has."""
    service = Service(project)
    sources: dict[PurePosixPath, Source] = {}
    notes: list[str] = []

    def wire(module: str, into: str, key: str, name: str | None, element: str) -> None:
        path = service.path_of(module)
        if path is None:
            return
        source = sources.get(path, service.source(path))
        if source.mentions(key, within=None if "." in key else into):
            return
        imports = [(key.rpartition(".")[0], name)] if "." in key else []
        sources[path] = source.wire(into, imports, lambda found: element.format(*found))
        notes.append(f"{path}: {into} has {key} again")

    for contract in service.contracts:
        function = service.function_of(contract)
        own = next((it for it in service.groups if it.name == contract.group), None)
        if own is not None and function is not None and contract.served is None:
            wire(f"{own.module}.worker", "SERVED", ".".join(function), function[1], "{0}")
        elif own is None and contract.faked is None:
            module = f"fakes.{contracts_folder(contract.group)}_{contract.variable}"
            wire("fakes.worker", "SERVED", f"{module}.{contract.variable}", contract.variable, "{0}")
    for module in sorted({route.module for route in service.routes if not route.included}):
        wire("api.app", "ROUTERS", f"{module}.router", None, "{0}.router")
    for group in service.groups:
        if group.module != "api":
            wire("__main__", "GROUPS", group.name, None, f'"{group.name}"')
    drafts = [Draft(path, project.files[path], source.content) for path, source in sources.items()]
    edits = [Edit(path, project.files[path], it) for path, it in sorted(lay_out(project.files, drafts).items())]
    return Plan(tuple(edits), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that `add` may have made: its files, its elements and definitions, and requests that could be it."""

    kind: str
    name: str
    files: tuple[str, ...]
    edits: Mapping[str, Edited]
    options: tuple[Options, ...]


def _records(project: Project) -> Plan:
    """The records that are missing."""
    plan = Plan(())
    known = {(record.kind, record.name) for record in project.adds()}
    there = list(_there(Service(project)))
    for place, found in enumerate(there):
        if (found.kind, found.name) not in known:
            now = after(project, plan)
            later = [path for it in there[place + 1 :] for path in it.files]
            record = replace(_recorded(now, found, later), number=now.next_number())
            note = f"{found.kind} {found.name} is recorded again"
            plan = plan.then(Plan((Create(record.path, record.to_bytes()),), (note,)))
    return plan


def _recorded(project: Project, found: _Found, later: Sequence[str]) -> Added:
    """The record of something: with the request that makes it as it is, else with the first."""
    there = {path: project.files[PurePosixPath(path)] for path in found.files}
    files = {path: form(PurePosixPath(path), content) for path, content in there.items()}
    rest = _without(project, found, later)
    first: Added | None = None
    for options in found.options:
        record = Added(found.kind, found.name, options, files, found.edits)
        made = files_made_by(rest, record)
        if made is None:
            continue
        if all(is_same(PurePosixPath(path), made.get(PurePosixPath(path), b""), it) for path, it in there.items()):
            return record
        first = first or replace(
            record,
            files={path: form(PurePosixPath(path), made.get(PurePosixPath(path), it)) for path, it in there.items()},
        )
    return first or Added(found.kind, found.name, found.options[0] if found.options else {}, files, found.edits)


def _without(project: Project, found: _Found, later: Sequence[str]) -> Project:
    """The service without something, and without the files of what may need it."""
    gone: dict[PurePosixPath, bytes | None] = dict.fromkeys(map(PurePosixPath, (*later, *found.files)))
    for path, edited in ((PurePosixPath(path), edited) for path, edited in found.edits.items()):
        if path.suffix == ".py":
            gone[path] = taken_out(project, path, edited)
    return replace(project, files=ChangedFiles(project.files, gone))


def _there(service: Service) -> Iterator[_Found]:
    """What the code has that `add` may have made, and `new` has not: what others need before what needs it."""
    new = {*service.project.manifest.files, *_of_entities(service)}
    for found in (*_groups(service), *_functions(service), *_keys(service), *_routes(service), *_schedules(service)):
        if found.files and not any(path in new for path in found.files):
            yield found


def _of_entities(service: Service) -> Iterator[str]:
    """The files of entities: the functions and routes in them are no `add` of their own."""
    package = service.project.package
    for entity in read_entities(service):
        name = entity.name.replace("-", "_")
        for module in ("api", "contracts/db", "db", "db/queries"):
            yield f"{package}/{module}/{name}.py"


def _groups(service: Service) -> Iterator[_Found]:
    for group in service.groups:
        folder = PurePosixPath(service.project.package, group.module)
        files = _existing(service, folder / "__init__.py", folder / "worker.py", _contracts(service, group.name))
        texts = [path for path in ("Procfile", "compose.yaml") if PurePosixPath(path) in service.project.files]
        edits = {f"{service.project.package}/__main__.py": Edited((("GROUPS", group.name),))}
        yield _Found("group", group.name, files, {**edits, **dict.fromkeys(texts, Edited())}, ({},))


def _contracts(service: Service, group: str) -> PurePosixPath:
    return PurePosixPath(service.project.package, "contracts", contracts_folder(group), "__init__.py")


def _functions(service: Service) -> Iterator[_Found]:
    """Workflows, db functions, and functions of other groups."""
    types, own = Types(service), {group.name: group.module for group in service.groups}
    for contract in sorted(service.contracts, key=lambda it: (bool(_calls(service, it)), it.durable)):
        with contextlib.suppress(ScaffoldError):  # its models cannot be read
            takes = [field.spelled for field in types.fields(contract.request or "")]
            returns = [field.spelled for field in types.fields(contract.result or "")]
            fields = {"takes": takes, "returns": returns}
            name = Name(contract.variable.replace("_", "-"))
            module = service.path_of(contract.module)
            part = own.get(contract.group)
            if contract.group == GROUP_OF_WORKFLOWS:
                function, kind, added = f"workflows.{name.snake}", "workflow", name.kebab
                requests: list[Options] = [{**fields, "calls": _calls(service, contract)}]
            elif contract.group == "db":
                function, kind, added = f"db.{name.snake}", "db-function", name.kebab
                requests = [{**fields, "read_only": only} for only in (False, True)]
            else:
                folder = contracts_folder(contract.group)
                function = f"{part}.{name.snake}" if part else f"fakes.{folder}_{name.snake}"
                kind, added, requests = "rpc", contract.target, [fields]
            test = {"workflow": "workflow_", "db-function": "db_"}.get(kind, f"rpc_{contracts_folder(contract.group)}_")
            files = _existing(service, module, service.path_of(function), _test(f"{test}{name.snake}"))
            worker = f"{service.project.package}/{part or 'fakes'}/worker.py"
            edits = {worker: Edited((("SERVED", f"{function}.{name.snake}"),))}
            yield _Found(kind, added, files, edits, tuple(requests))


def _calls(service: Service, contract: Contract) -> list[str]:
    """The durable names that a workflow calls, in this order."""
    found: list[tuple[int, str]] = []
    entry = service.users.served.get(contract.call)
    for scope, calls in service.model.durable_calls.items():
        if entry is not None and scope is entry.function:
            found += [
                (call.node.lineno, meant.name)
                for call in calls
                if (meant := service.model.started(call, scope)) is not None and meant.name is not None
            ]
    return [name for _, name in sorted(found)]


def _keys(service: Service) -> Iterator[_Found]:
    types = {"str", "int", "bool", "date", "datetime", "UUID"}
    path = service.path_of("ids")
    source = None if path is None else service.source(path)
    for key in service.keys:
        node = source.definitions().get(key.name) if source is not None else None
        given = node.args.args if isinstance(node, ast.FunctionDef) else []
        arguments = {it.arg: it.annotation for it in given}
        specs = []
        for name in key.fields:
            spelled = getattr(arguments.get(name), "id", "str")
            specs.append(f"{name}:{spelled if spelled in types else 'str'}")
        specs = [f"{CALLER}:str" if it.partition(":")[0] == CALLER else it for it in specs]
        edits = {f"{service.project.package}/ids.py": Edited((), (key.name,))}
        files = _existing(service, _test(f"key_{key.name}"))
        yield _Found("idempotency-key", key.name.replace("_", "-"), files, edits, ({"fields": specs},))


def _routes(service: Service) -> Iterator[_Found]:
    """Routes, and webhooks: of those that one module has, the first is what was added."""
    keys = [None, *(key.name.replace("_", "-") for key in service.keys)]
    modules = {route.module for route in service.routes}
    for module in sorted(modules):
        path = service.path_of(module)
        last = module.rpartition(".")[2]
        edits = {f"{service.project.package}/api/app.py": Edited((("ROUTERS", f"{module}.router"),))}
        routes = [route for route in service.routes if route.module == module]
        route = min(routes, key=lambda it: (it.method == "GET" and len(routes) > 1, it.place.line))
        if last.startswith("webhook_"):
            yield from _webhook(service, Name(last.removeprefix("webhook_").replace("_", "-")), path, edits)
            continue
        options = [
            {"target": target, "idempotency": idempotency, "key": key, "wait": wait}
            for target, wait, idempotency, key in product(
                route.contracts, _waits(service, path), ("optional", "required", "none"), keys
            )
        ]
        files = _existing(service, path, _test(f"route_{last}"))
        if options and len(files) > 1:
            yield _Found("route", f"{route.method} {route.path}", files, edits, tuple(options))


def _waits(service: Service, path: PurePosixPath | None) -> list[int | None]:
    """How long a route may wait: the numbers that its module spells as `seconds`."""
    calls = (call for scope in service.program.modules[path].scopes for call in scope.calls) if path else ()
    given = {getattr(word.value, "value", None) for call in calls for word in call.keywords if word.arg == "seconds"}
    return [*(it for it in sorted(it for it in given if isinstance(it, int))), None]


def _webhook(service: Service, name: Name, path: PurePosixPath | None, edits: Mapping[str, Edited]) -> Iterator[_Found]:
    types = Types(service)
    workflows = [it.durable for it in service.contracts if it.group == GROUP_OF_WORKFLOWS]
    gate = service.path_of(f"contracts.workflows.{name.snake}")
    schemes = ("standard", "github", "stripe", "hmac")
    options: list[Options] = []
    payload = next((it.payload for it in service.gates if it.name == name.kebab), None)
    if payload is not None:
        with contextlib.suppress(ScaffoldError):  # its models cannot be read
            takes = [field.spelled for field in types.fields(payload)]
            options = [
                {"takes": takes, "workflow": workflow, **_unusual(scheme)}
                for scheme, workflow in product(schemes, (None, *workflows))
            ]
    else:
        options = [
            {"takes": [], "workflow": None, **_unusual(scheme), "starts": workflow}
            for scheme, workflow in product(schemes, workflows)
        ]
    files = _existing(service, gate if payload else None, path, _test(f"webhook_{name.snake}"))
    if len(files) > 1:
        yield _Found("webhook", name.kebab, files, edits, tuple(options))


def _unusual(scheme: str) -> Options:
    return {} if scheme == "standard" else {"scheme": scheme}


def _schedules(service: Service) -> Iterator[_Found]:
    for schedule in service.schedules:
        edits = {f"{service.project.package}/workflows/worker.py": Edited((("SCHEDULES", schedule.name),))}
        files = _existing(service, _test(f"schedule_{schedule.name.replace('-', '_')}"))
        options = {"workflow": schedule.workflow, "cron": schedule.cron, **schedule.ways}
        yield _Found("schedule", schedule.name, files, edits, (options,))


def _test(name: str) -> PurePosixPath:
    return PurePosixPath("tests", f"test_{name}.py")


def _existing(service: Service, *paths: PurePosixPath | None) -> tuple[str, ...]:
    return tuple(str(path) for path in paths if path is not None and path in service.project.files)
