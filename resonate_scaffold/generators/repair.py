"""`list --repair`: what a merge has lost is made again from the code: elements of lists, and records of `add`.

A record says what was asked for. Where the code can be had by several requests, each is tried: the one that makes the
files as they are was it.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import PurePosixPath

from resonate_scaffold.code import facts
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import ManifestError, ScaffoldError
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import form, is_same
from resonate_scaffold.generators.again import files_made_by, planned_again
from resonate_scaffold.generators.client import ENV_EXAMPLE, PARTS
from resonate_scaffold.generators.compose import COMPOSE
from resonate_scaffold.generators.contract import GROUP_OF_WORKFLOWS
from resonate_scaffold.generators.deploy import caught_up, lost_records
from resonate_scaffold.generators.idempotency_key import CALLER
from resonate_scaffold.generators.remove import taken_out
from resonate_scaffold.generators.repair_data import (
    Found,
    Options,
    entities_and_fields,
    existing,
    queries,
    test_of,
    typed,
)
from resonate_scaffold.generators.route_paths import poll_path, usual_name
from resonate_scaffold.generators.rpc import contracts_folder, stand_in
from resonate_scaffold.generators.webhook import FORMER, KINDS, SCHEDULED
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, Added, ChangedFiles, Edited, Project, after
from resonate_scaffold.service.entities import read_entities
from resonate_scaffold.service.processes import read_processes
from resonate_scaffold.service.renaming import listed_kinds
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.things import Contract
from resonate_scaffold.shapes import Types

# A webhook's, which other `add`s extend.
_LISTED_KINDS = re.compile(rb"(?ms)^KINDS: list\[str\] = \[.*?\]$")


def repair(project: Project) -> Plan:
    """Plan what is missing: records that cannot be read go, lists and definitions come back, then records, deployments.

    Raises:
        CannotEdit: a list cannot be edited; the hint has the lines to paste.
    """
    project.check_layout()
    plan = Plan(())
    # What is recorded at last was wired by nobody: so once more.
    for step in (_unreadable, _recorded_wiring, _wiring, _records, _recorded_wiring, lost_records):
        plan = plan.then(step(after(project, plan)))
    return plan.then(caught_up(after(project, plan), project))


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
        found = Found(record.kind, record.name, tuple(record.files), record.edits, ())
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
        named = record.name
        if record.kind == "group":
            return named not in read_processes(project, [file]).groups
        if record.kind == "rpc":
            named = stand_in(record.name.rpartition(".")[0])
        elif record.kind == "client":
            named = f"{record.name.replace('-', '_').upper()}_TOKEN"
        return named.encode() not in project.files[file]
    source = Source.parse(file, project.files[file], project.package)
    classes = [it for it in source.tree.body if isinstance(it, ast.ClassDef)]
    fields = {
        f"{it.name}.{ast.unparse(line.target)}" for it in classes for line in it.body if isinstance(line, ast.AnnAssign)
    }
    defined = fields | source.definitions().keys()
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


def _records(project: Project) -> Plan:
    """The records that are missing."""
    plan = Plan(())
    known = {(record.kind, record.name) for record in project.adds()}
    there = list(_there(Service(project)))
    for place, found in enumerate(there):
        if (found.kind, found.name) not in known:
            now = after(project, plan)
            rest = there[place + 1 :]
            lost = [it for it in rest if (it.kind, it.name) not in known]
            made, unsure = _recorded(now, _with_kinds(now, found, lost), [path for it in rest for path in it.files])
            record = replace(made, number=now.next_number())
            notes = [f"{found.kind} {found.name} is recorded again"]
            if unsure:
                notes.append(
                    f"{record.path}: the code does not say which {', '.join(unsure)} was given; check it there"
                )
            plan = plan.then(Plan((Create(record.path, record.to_bytes()),), tuple(notes)))
    return plan


def _with_kinds(project: Project, found: Found, lost: Sequence[Found]) -> Found:
    """It with what webhooks list in KINDS: of other webhooks what its own ids begin with, its own as an option.

    An element is of whatever is recorded with it; else of the first that is made again and may have it. *lost* is what
    comes after it, and is not recorded either.
    """
    service = Service(project)
    claimed = {
        (path, key) for record in project.adds() for path, edited in record.edits.items() for _, key in edited.lists
    }
    edits = dict(found.edits)
    for record in project.adds("webhook"):
        for path in (it for it in map(PurePosixPath, record.files) if it in project.files and it.parent.name == "api"):
            waits = str(record.options.get("workflow") or "").replace("_", "-")
            free = {it for it in _kinds(service, path) if (str(path), it) not in claimed}
            free -= {*record.options.get("kinds", ())}
            mine = tuple((KINDS, kind) for workflow, kind in found.starts if workflow == waits and kind in free)
            if mine:
                edits[str(path)] = Edited(tuple(dict.fromkeys(mine)))
    options = found.options
    if found.kind == "webhook":
        path = next(it for it in map(PurePosixPath, found.files) if it.parent.name == "api")
        theirs = {start for it in lost for start in it.starts}
        free_kinds = [it for it in _kinds(service, path) if (str(path), it) not in claimed]
        options = tuple(
            {**it, "kinds": kinds}
            if (kinds := [kind for kind in free_kinds if (it["workflow"], kind) not in theirs])
            and (it["workflow"] or it.get("scheme") == FORMER)
            else it
            for it in options
        )
    return replace(found, edits=edits, options=options)


def _kinds(service: Service, path: PurePosixPath) -> list[str]:
    return [str(it.value) for _, it in listed_kinds(service, path)] if path.suffix == ".py" else []


def _recorded(project: Project, found: Found, later: Sequence[str]) -> tuple[Added, list[str]]:
    """The record of something: with the request that makes it as it is, else with the first.

    With the options that differ in the requests that could be it, where none makes it as it is.
    """
    there = {path: project.files[path] for path in map(PurePosixPath, found.files)}
    files = {str(path): form(path, content) for path, content in there.items()}
    rest = _without(project, found, later)
    first: Added | None = None

    def asked(options: Options) -> tuple[Added, Mapping[PurePosixPath, bytes] | None]:
        record = Added(found.kind, found.name, options, files, found.edits)
        # With its record: a migration has the number that it had.
        recorded = ChangedFiles(rest.files, {record.path: record.to_bytes()})
        return record, files_made_by(replace(rest, files=recorded), record)

    def is_it(made: Mapping[PurePosixPath, bytes] | None) -> bool:
        return made is not None and all(
            is_same(path, _LISTED_KINDS.sub(b"", made.get(path, b"")), _LISTED_KINDS.sub(b"", content))
            for path, content in there.items()
        )

    for options in found.options:
        record, made = asked(options)
        if is_it(made):
            for one in options.get("map", ()):  # what meets by its name needs none
                less = {**record.options, "map": [it for it in record.options["map"] if it != one]}
                record = shorter[0] if is_it((shorter := asked(less))[1]) else record
            return record, []
        if first is None and made is not None:
            first = replace(record, files={str(path): form(path, made.get(path, it)) for path, it in there.items()})
    keys = {key for options in found.options for key in options}
    unsure = sorted(key for key in keys if any(it.get(key) != found.options[0].get(key) for it in found.options))
    return first or Added(found.kind, found.name, found.options[0] if found.options else {}, files, found.edits), unsure


def _without(project: Project, found: Found, later: Sequence[str]) -> Project:
    """The service without something, and without the files of what may need it."""
    gone: dict[PurePosixPath, bytes | None] = dict.fromkeys(map(PurePosixPath, (*later, *found.files)))
    for path, edited in ((PurePosixPath(path), edited) for path, edited in found.edits.items()):
        if path.suffix == ".py":
            gone[path] = taken_out(project, path, edited)
    return replace(project, files=ChangedFiles(project.files, gone))


def _there(service: Service) -> Iterator[Found]:
    """What the code has that `add` may have made, and `new` has not: what others need before what needs it."""
    new, of_entities = {*service.project.manifest.files}, {*_of_entities(service)}
    parts = (entities_and_fields, _groups, _clients, _functions, _keys, queries, _routes, _schedules)
    for found in (it for part in parts for it in part(service)):
        not_own = new if found.kind == "entity" else new | of_entities
        if found.files and not any(path in not_own for path in found.files):
            yield found


def _of_entities(service: Service) -> Iterator[str]:
    """The files of entities: the functions and routes in them are no `add` of their own."""
    package = service.project.package
    for entity in read_entities(service):
        name = entity.name.replace("-", "_")
        for module in ("api", "contracts/db", "db", "db/queries"):
            yield f"{package}/{module}/{name}.py"


def _groups(service: Service) -> Iterator[Found]:
    for group in service.groups:
        folder = PurePosixPath(service.project.package, group.module)
        files = existing(service, folder / "__init__.py", folder / "worker.py", _contracts(service, group.name))
        texts = [path for path in ("Procfile", "compose.yaml") if PurePosixPath(path) in service.project.files]
        edits = {f"{service.project.package}/__main__.py": Edited((("GROUPS", group.name),))}
        yield Found("group", group.name, files, {**edits, **dict.fromkeys(texts, Edited())}, ({},))


def _clients(service: Service) -> Iterator[Found]:
    for client in service.clients:
        name = client.name.replace("-", "_")
        package = service.project.package
        files = existing(
            service,
            *(PurePosixPath(package, part, f"{name}.py") for part in ("clients", "fakes")),
            test_of(f"client_{name}"),
        )
        edits = {f"{package}/settings.py": Edited((), tuple(f"Settings.{name}_{part}" for part in PARTS))}
        texts = [str(path) for path in (ENV_EXAMPLE, COMPOSE) if path in service.project.files]
        workers = {
            group.name: f"{package}/{group.module}/worker.py" for group in service.groups if group.module != "api"
        }
        for group in client.groups[:1] or (GROUP_OF_WORKFLOWS,):
            wired = {workers[group]: Edited((("DEPENDENCIES", client.qualified),))}
            yield Found(
                "client", client.name, files, {**edits, **wired, **dict.fromkeys(texts, Edited())}, ({"group": group},)
            )


def _contracts(service: Service, group: str) -> PurePosixPath:
    return PurePosixPath(service.project.package, "contracts", contracts_folder(group), "__init__.py")


def _functions(service: Service) -> Iterator[Found]:
    """Workflows, db functions, and functions of other groups."""
    types, own = Types(service), {group.name: group.module for group in service.groups}
    for contract in sorted(service.contracts, key=lambda it: (bool(_calls(service, it)), it.durable)):
        with contextlib.suppress(ScaffoldError):  # its models cannot be read
            takes = typed(types.fields(contract.request or ""))
            returns = typed(types.fields(contract.result or ""))
            fields = {"takes": takes, "returns": returns}
            name = Name(contract.variable.replace("_", "-"))
            module = service.path_of(contract.module)
            part = own.get(contract.group)
            if contract.group == GROUP_OF_WORKFLOWS:
                function, kind, added = f"workflows.{name.snake}", "workflow", name.kebab
                requests: list[Options] = [{**fields, "calls": [it.name for _, it in _calls(service, contract)]}]
                if maps := _maps(service, contract):
                    requests.append({**requests[0], "map": maps})
            elif contract.group == "db":
                function, kind, added = f"db.{name.snake}", "db-function", name.kebab
                requests = [{**fields, "read_only": only} for only in (False, True)]
            else:
                folder = contracts_folder(contract.group)
                function = f"{part}.{name.snake}" if part else f"fakes.{folder}_{name.snake}"
                kind, added, requests = "rpc", contract.target, [fields]
            test = {"workflow": "workflow_", "db-function": "db_"}.get(kind, f"rpc_{contracts_folder(contract.group)}_")
            files = existing(service, module, service.path_of(function), test_of(f"{test}{name.snake}"))
            worker = f"{service.project.package}/{part or 'fakes'}/worker.py"
            edits = {worker: Edited((("SERVED", f"{function}.{name.snake}"),))}
            yield Found(kind, added, files, edits, tuple(requests))


def _calls(service: Service, contract: Contract) -> list[tuple[ast.Call, facts.Contract]]:
    """The durable calls of a workflow, in this order."""
    found: list[tuple[ast.Call, facts.Contract]] = []
    entry = service.users.served.get(contract.call)
    for scope, calls in service.model.durable_calls.items():
        if entry is not None and scope is entry.function:
            found += [
                (call.node, meant)
                for call in calls
                if (meant := service.model.started(call, scope)) is not None and meant.name is not None
            ]
    return sorted(found, key=lambda it: it[0].lineno)


def _maps(service: Service, contract: Contract) -> list[str]:
    """Where each argument of a workflow's calls and each field of its result comes from, as `--map` has it."""
    entry = service.users.served.get(contract.call)
    if entry is None or entry.function is None:
        return []
    labels = {"request": "request"}
    found: list[str] = []
    called = {node: meant for node, meant in _calls(service, contract)}
    for statement in getattr(entry.function.node, "body", ()):
        match statement:
            case ast.Return(value=ast.Call() as given):
                label = "result"
            case (
                ast.Assign(value=ast.Await(value=ast.Call(args=[_, ast.Call() as given]) as call))
                | ast.Expr(value=ast.Await(value=ast.Call(args=[_, ast.Call() as given]) as call))
            ) if call in called:
                plain = str(called[call].variable)
                same = [it for it in labels.values() if re.fullmatch(rf"{plain}(_[0-9]+)?", it)]
                label = plain if not same else f"{plain}_{len(same) + 1}"
                variable = statement.targets[0] if isinstance(statement, ast.Assign) else None
                labels[variable.id if isinstance(variable, ast.Name) else f"{label} "] = label
            case _:
                continue
        for word in given.keywords:
            match word.value:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in labels:
                    found.append(f"{label}.{word.arg}={labels[name]}.{attribute}")
    return found


def _keys(service: Service) -> Iterator[Found]:
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
        files = existing(service, test_of(f"key_{key.name}"))
        yield Found("idempotency-key", key.name.replace("_", "-"), files, edits, ({"fields": specs},))


def _routes(service: Service) -> Iterator[Found]:
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
        polls = [it.path for it in routes if it is not route and it.method == "GET" and it.path.endswith("/{id}")]
        poll = next((it for it in polls if it != poll_path(None, last)), None)
        usual = last == usual_name(route.method, route.path)
        more: Options = {**({"poll": poll} if poll else {}), **({} if usual else {"name": last})}
        options: list[Options] = [
            {"target": target, "idempotency": idempotency, "key": key, "wait": wait, **more}
            for target, wait, idempotency, key in product(
                route.contracts, _waits(service, path), ("optional", "required", "none"), keys
            )
        ]
        kinds = {kind for kind, _ in service.kinds_in(path)} if path is not None else set()
        # As an upgrade from 0.1.0 has them, where ids began with the workflow's name.
        options += [{**it, "kind": it["target"]} for it in options if it["key"] is None and it["target"] in kinds]
        options += [{"query": query.replace("_", "-"), **more} for query in route.queries]
        files = existing(service, path, test_of(f"route_{last}"))
        starts = tuple(product(route.contracts, sorted(kinds)))
        if options and len(files) > 1:
            yield Found("route", f"{route.method} {route.path}", files, edits, tuple(options), starts)


def _waits(service: Service, path: PurePosixPath | None) -> list[int | None]:
    """How long a route may wait: the numbers that its module spells as `seconds`."""
    calls = (call for scope in service.program.modules[path].scopes for call in scope.calls) if path else ()
    given = {getattr(word.value, "value", None) for call in calls for word in call.keywords if word.arg == "seconds"}
    return [*(it for it in sorted(it for it in given if isinstance(it, int))), None]


def _webhook(service: Service, name: Name, path: PurePosixPath | None, edits: Mapping[str, Edited]) -> Iterator[Found]:
    types = Types(service)
    workflows = [it.durable for it in service.contracts if it.group == GROUP_OF_WORKFLOWS]
    gate = service.path_of(f"contracts.workflows.{name.snake}")
    schemes = ("standard", "github", "stripe", "hmac")
    options: list[Options] = []
    payload = next((it.payload for it in service.gates if it.name == name.kebab), None)
    if payload is not None:
        with contextlib.suppress(ScaffoldError):  # its models cannot be read
            takes = typed(types.fields(payload))
            options = [
                {"takes": takes, "workflow": workflow, **_unusual(scheme)}
                for scheme, workflow in product((*schemes, FORMER), (None, *workflows))
            ]
    else:
        options = [
            {"takes": [], "workflow": None, **_unusual(scheme), "starts": workflow}
            for scheme, workflow in product(schemes, workflows)
        ]
    files = existing(service, gate if payload else None, path, test_of(f"webhook_{name.snake}"))
    if len(files) > 1:
        starts = (
            []
            if payload
            else [it for route in service.routes if service.path_of(route.module) == path for it in route.contracts]
        )
        yield Found("webhook", name.kebab, files, edits, tuple(options), tuple((it, name.kebab) for it in starts))


def _unusual(scheme: str) -> Options:
    return {} if scheme == "standard" else {"scheme": scheme}


def _schedules(service: Service) -> Iterator[Found]:
    for schedule in service.schedules:
        edits = {f"{service.project.package}/workflows/worker.py": Edited((("SCHEDULES", schedule.name),))}
        files = existing(service, test_of(f"schedule_{schedule.name.replace('-', '_')}"))
        options = {"workflow": schedule.workflow, "cron": schedule.cron, **schedule.ways}
        yield Found("schedule", schedule.name, files, edits, (options,), ((schedule.workflow or "", SCHEDULED),))
