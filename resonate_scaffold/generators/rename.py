"""`rename`: another name for a workflow, a field, a route or a group, in one plan: code, tests, contracts, records.

What lives on outside of the code keeps its name unless that is asked for: a workflow's durable name, by which its runs
are known, and a field's name in JSON, by which requests and kept values are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.code.names import argument
from resonate_scaffold.edit.source import Source
from resonate_scaffold.edit.text import Cut
from resonate_scaffold.errors import CannotEdit, Taken, Unknown, UsageError
from resonate_scaffold.fields import check_field_name, closest
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, at
from resonate_scaffold.generators.renames import Renames
from resonate_scaffold.generators.route_code import RESERVED
from resonate_scaffold.generators.route_paths import parse_path, poll_path, usual_name as module_of_route
from resonate_scaffold.generators.rpc import PROCFILE_DEV, contracts_folder, stand_in
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Added, Project
from resonate_scaffold.service.renaming import FieldName, spelled_durable
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.things import Contract, Route

_POLLED = "/{id}"
_OF_EVERY_SERVICE = ("api", "db", "workflows", "fakes")


def rename_workflow(project: Project, old: str, new: str, *, durable: bool = False) -> Plan:
    """Plan another name for a workflow; with ``durable`` also for its runs, ids and messages."""
    name = contracts.noun(new, "workflow")
    renames = Renames(project)
    wanted = old.replace("_", "-")
    workflows = [it for it in renames.service.contracts if it.group == contracts.GROUP_OF_WORKFLOWS]
    found = [it for it in workflows if wanted in (it.durable, it.variable.replace("_", "-"))]
    if not found:
        raise Unknown(f"There is no workflow {old}", closest(wanted, [it.durable for it in workflows]))
    contract = max(found, key=lambda it: it.version)
    former = Noun(contract.variable.replace("_", "-"), contracts.TAKEN)
    if former.kebab == name.kebab:
        raise UsageError(f"{old} has that name already", "Choose another name.")
    if renames.path_of(contract.module) != contract_path(contract):
        raise CannotEdit(f"{at(contract.place)}: its module cannot be told", "Rename it by hand.")
    _module_and_names(renames, contract.module, former, name)
    function = renames.service.function_of(contract)
    if function is not None:
        _module_and_names(renames, function[0], former, name)
    renames.tests("workflow", former, name)
    renames.words = [former.snake, former.pascal, f"{former.pascal}Result"]
    renames.renamed["workflow", former.kebab] = name.kebab
    types = {f"{former.pascal}{end}": f"{name.pascal}{end}" for end in ("", "Result")}
    pattern = re.compile(rf"\b(?:{'|'.join(types)})\b")

    def option(key: str, value: Any) -> Any:
        if key in ("takes", "returns") and isinstance(value, list):
            return [f"{(it := spec.partition(':'))[0]}:{pattern.sub(lambda m: types[m[0]], it[2])}" for spec in value]
        if durable and key in ("calls", "workflow", "target", "starts"):
            known = {contract.durable: name.kebab}
            return [known.get(it, it) for it in value] if isinstance(value, list) else known.get(value, value)
        return value

    renames.options = lambda record: {key: option(key, value) for key, value in record.options.items()}
    if durable:
        contracts.check_free(Addition(project, "workflow", name.kebab), name.kebab, contract.group)
        _durable(renames, contract, name.kebab)
    elif contract.durable != name.kebab:
        renames.stays = contract.durable
        renames.notes.append(f"Its runs and ids go by {contract.durable}, as before; --durable renames that, too")
    return renames.plan()


def rename_field(project: Project, old: str, new: str, *, wire: bool = False) -> Plan:
    """Plan another name for a field of a model of the contracts: ``PlaceOrder.sku``, or ``place-order.sku``.

    In JSON it goes by the old one, unless ``wire`` is given.
    """
    renames = Renames(project)
    owner, _, called = old.rpartition(".")
    if not owner:
        raise UsageError(f"{old} is not MODEL.FIELD", "For example: resonate-scaffold rename field PlaceOrder.sku item")
    if (spelled := check_field_name(new, "NEW")) != new:
        raise UsageError(f"NEW: {new} is not a name in Python", f"Try: {spelled}")
    source, definition = _model(renames.service, owner, called)
    fields = _fields(definition)
    if called not in fields:
        raise Unknown(f"{definition.name} has no field {called}", closest(called, list(fields)))
    if new in fields:
        raise Taken(
            f"{definition.name} has a {new} already ({source.path}:{fields[new].lineno})", "Choose another name."
        )
    renames.field = FieldName(f"{source.module}.{definition.name}", called, new)
    _declare(renames, source, definition, fields[called], new, wire=wire)
    spec = re.compile(rf"{re.escape(called)}(?=:|$)")
    side = "returns" if definition.name.endswith("Result") else "takes"

    def options(record: Added) -> Mapping[str, Any]:
        if side not in record.options or str(source.path) not in record.files:
            return record.options
        given = record.options[side]
        return {**record.options, side: [spec.sub(new, it) if spec.match(it) else it for it in given]}

    renames.options = options
    if wire:
        renames.words = [called]
    else:
        renames.notes.append(f"In JSON it is {called}, as before; --wire renames that, too")
    return renames.plan()


def rename_route(project: Project, method: str, old: str, new: str) -> Plan:
    """Plan another path for a route; those below it in its module go along, and where its work is polled.

    Work is polled by the route's name, unless it was added with `--poll`. A name that was given by `--name` stays, and
    so does what ids of its work begin with: by these the work is known.
    """
    method = method.upper()
    parameters = parse_path(new, RESERVED)
    renames = Renames(project)
    routes = renames.service.routes
    found = [it for it in routes if (it.method, it.path) == (method, old)]
    if not found:
        known = [f"{it.method} {it.path}" for it in routes]
        raise Unknown(f"There is no route {method} {old}", closest(f"{method} {old}", known))
    if sorted(parameters) != sorted(re.findall(r"\{(\w+)(?::\w+)?\}", old)):
        raise UsageError(f"{new} has other parameters than {old}", "A path keeps its parameters.")
    module = found[0].module
    path, called = renames.path_of(module), module.rpartition(".")[2]
    inside = [it for it in routes if it.module == module]
    former, name = (Noun(module_of_route(method, it), contracts.TAKEN) for it in (old, new))
    follows = called == former.snake and former != name
    prefixes = {old: new}
    if is_polled := (method, old) != _first(inside) and old.endswith(_POLLED):
        poll_path(new, called)
        prefixes = {old.removesuffix(_POLLED): new.removesuffix(_POLLED)}
    elif follows and any(it.path == poll_path(None, called) for it in inside):
        prefixes[poll_path(None, called).removesuffix(_POLLED)] = poll_path(None, name.snake).removesuffix(_POLLED)
    moved = {(it.method, it.path): _moved(it.path, prefixes) for it in inside}
    for it in routes:
        if it not in inside and (it.method, it.path) in {(verb, to) for (verb, _), to in moved.items()}:
            raise Taken(f"{it.method} {it.path} is there already ({at(it.place)})", "Choose another path.")
    for file in filter(None, (path, renames.path_of(f"tests.test_route_{called}"))):
        for prefix, other in prefixes.items():
            _paths_in(renames, file, prefix, other, tagged=prefix == old)
    if follows:
        _module_and_names(renames, module, former, name)
        renames.tests("route", former, name)

    def options(record: Added) -> Mapping[str, Any]:
        if record.kind != "route" or str(path) not in record.files:
            return record.options
        given = {**record.options, **({"poll": new} if is_polled else {})}
        if "poll" in given:
            given["poll"] = _moved(str(given["poll"]), prefixes)
        if given.get("poll") == poll_path(None, called):
            del given["poll"]  # it would be there anyway
        if given.get("name") == name.snake and not is_polled:
            del given["name"]  # it would have it anyway
        return given

    renames.options = options
    renames.renamed["route", f"{method} {old}"] = f"{method} {new}"
    renames.words = [old]
    for (verb, before), after in moved.items():
        if before != after:
            renames.notes.append(f"Who calls {verb} {before} has to call {after} from the release on that has this")
    if follows and path is not None:
        renames.notes += [f"Ids of its work begin with {kind}/, as before" for kind in _kinds(renames.service, path)]
    return renames.plan()


def rename_group(project: Project, old: str, new: str, *, durable: bool = False) -> Plan:
    """Plan another name for a group, of this service or of another team; with ``durable`` also for its functions."""
    name = contracts.noun(new, "group")
    renames = Renames(project)
    service = renames.service
    own = next((it for it in service.groups if it.name == old), None)
    members = [it for it in service.contracts if it.group == old]
    if own is None and not members:
        raise Unknown(f"There is no group {old}", closest(old, [*(it.name for it in service.groups)]))
    if own is not None and own.module in _OF_EVERY_SERVICE:
        raise UsageError(f"Group {old} is one that every service has", "Rename one that `add` made.")
    if name.raw in (*(it.name for it in service.groups), *service.foreign_groups):
        raise Taken(f"Group {name} is there already", "Choose another name.")
    former, folder = contracts_folder(old), contracts_folder(name.raw)
    renames.module(f"contracts.{former}", folder)
    if own is not None:
        renames.module(own.module, folder)
        _names_of_group(renames, own.module, old, name)
    else:
        renames.text(PROCFILE_DEV, lambda content: _process(content, stand_in(old), stand_in(name.raw), old, name.raw))
    said = rf"(?<=`){re.escape(old)}(?=`)|(?<=poll://any@){re.escape(old)}\b"
    for member in members:
        path = contract_path(member)
        renames.constant(path, argument(member.call, "group"), old, name.raw)
        renames.said(path, said, name.raw)
        stub = Noun(member.variable, contracts.TAKEN)
        renames.module(f"fakes.{former}_{stub.snake}", f"{folder}_{stub.snake}")
        renames.module(f"tests.test_rpc_{former}_{stub.snake}", f"test_rpc_{folder}_{stub.snake}")
        for module in (f"fakes.{former}_{stub.snake}", f"contracts.{former}"):
            if (file := renames.path_of(module)) is not None:
                renames.said(file, said, name.raw)
        if durable:
            inside = old.rpartition(".")[2]
            _durable(renames, member, f"{name.raw.rpartition('.')[2]}.{member.durable.removeprefix(f'{inside}.')}")
    renames.renamed["group", old] = name.raw
    for record in project.adds("rpc"):
        group, _, function = record.name.rpartition(".")
        if group == old:
            renames.renamed["rpc", record.name] = f"{name.raw}.{function}"
    renames.words = [old]
    renames.notes.append(f"Calls that are under way to group {old} wait for a process of that name: let them end first")
    return renames.plan()


def contract_path(contract: Contract) -> PurePosixPath:
    """The file of a contract."""
    return PurePosixPath(contract.place.path)


def _module_and_names(renames: Renames, module: str, old: Noun, new: Noun) -> None:
    """A module that is called after something, and what in it is."""
    renames.definitions(module, old, new)
    if module.rpartition(".")[2] == old.snake:
        renames.module(module, new.snake)


def _durable(renames: Renames, contract: Contract, new: str) -> None:
    """The name by which the engine knows a function, where the code tells that a string is it."""
    service, old, path = renames.service, contract.durable, contract_path(contract)
    renames.constant(path, argument(contract.call, "name", 0), old, new)
    for file, content in service.project.files.items():
        if file.suffix == ".py" and f"`{old}`".encode() in content:
            renames.said(file, rf"(?<=`){re.escape(old)}(?=`)", new)
    for scope, node in spelled_durable(service, contract):
        renames.constant(scope.module.path, node, old, new)
    renames.words = [*renames.words, old]
    renames.notes.append(f"Runs of {old} that are under way are not known any more: let them end first")


def _model(service: Service, owner: str, called: str) -> tuple[Source, ast.ClassDef]:
    """The class that has a field: by its name, or that of the contract whose request or result it is."""
    for contract in service.contracts:
        if owner in (contract.durable, contract.variable):
            for qualified in filter(None, (contract.request, contract.result)):
                source, definition = _class(service, qualified)
                if called in _fields(definition):
                    return source, definition
    models = {it.name: f"{it.module}.{it.name}" for it in service.types}
    if owner not in models:
        raise Unknown(f"There is no model {owner} in the contracts", closest(owner, list(models)))
    return _class(service, models[owner])


def _class(service: Service, qualified: str) -> tuple[Source, ast.ClassDef]:
    module, _, name = qualified.rpartition(".")
    path = service.path_of(module)
    definition = service.source(path).definitions().get(name) if path is not None else None
    if path is None or not isinstance(definition, ast.ClassDef):
        raise CannotEdit(f"{qualified} is not a class that can be read", "Rename there by hand.")
    return service.source(path), definition


def _declare(
    renames: Renames, source: Source, model: ast.ClassDef, old: ast.AnnAssign, new: str, *, wire: bool
) -> None:
    """The field by its new name; with its old one as alias, so that what is kept and sent is read as before."""
    assert isinstance(old.target, ast.Name)
    span, called = source._span(old.target), old.target.id
    renames.cut(source.path, (*span, new))
    if wire:
        return
    alias = f'alias="{called}"'
    cuts: list[Cut] = []
    match old.value:
        case None:
            end = source._span(old.annotation)[1]
            cuts.append((end, end, f" = Field({alias})"))
        case ast.Call(func=ast.Name(id="Field") | ast.Attribute(attr="Field")) as given:
            if any(keyword.arg in ("alias", "validation_alias", "serialization_alias") for keyword in given.keywords):
                return  # it has a name of its own in JSON already
            close = source._span(given)[1] - 1
            comma = ", " if given.args or given.keywords else ""
            cuts.append((close, close, f"{comma}{alias}"))
        case value:
            start, end = source._span(value)
            cuts += [(start, start, "Field("), (end, end, f", {alias})")]
    renames.cut(source.path, *cuts)
    renames.needs(source.path, "!pydantic", "Field")
    _by_either_name(renames, source, model)


def _by_either_name(renames: Renames, source: Source, model: ast.ClassDef) -> None:
    """A model whose fields are given by their names in code, and kept by those in JSON."""
    wanted = ["validate_by_name=True", "validate_by_alias=True", "serialize_by_alias=True"]
    for statement in model.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="model_config")], value=ast.Call(keywords=keywords) as config):
                there = {keyword.arg for keyword in keywords}
                missing = [it for it in wanted if it.partition("=")[0] not in there]
                close = source._span(config)[1] - 1
                if missing:
                    renames.cut(source.path, (close, close, f"{', ' if keywords else ''}{', '.join(missing)}"))
                return
    first = next(it for it in model.body if isinstance(it, ast.AnnAssign))
    start = source._line(source._span(first)[0])[0]
    renames.cut(source.path, (start, start, f"    model_config = ConfigDict({', '.join(wanted)})\n\n"))
    renames.needs(source.path, "!pydantic", "ConfigDict")


def _first(routes: Sequence[Route]) -> tuple[str, str]:
    """The route of a module that was added; the others came with it."""
    first = min(routes, key=lambda it: (it.method == "GET", it.place.line))
    return first.method, first.path


def _kinds(service: Service, path: PurePosixPath) -> list[str]:
    """What the ids begin with that a module makes."""
    return list(dict.fromkeys(kind for kind, _ in service.kinds_in(path)))


def _moved(path: str, prefixes: Mapping[str, str]) -> str:
    """A path of a route's module, as it will be."""
    return next((new + path.removeprefix(old) for old, new in prefixes.items() if _is_below(path, old)), path)


def _is_below(path: str, old: str) -> bool:
    return path == old or path.startswith(f"{old}/")


def _paths_in(renames: Renames, file: PurePosixPath, old: str, new: str, *, tagged: bool) -> None:
    """The path in the strings, docstrings and comments of a route's own files."""
    source = renames.service.source(file)
    renames.said(file, rf"(?<=[A-Z] ){re.escape(old)}(?![\w-])", new)
    beginning = re.compile(rf"""[fFrR]+["']+(?P<path>{re.escape(old)})(?=[/"'])""")
    tag, other = old.split("/")[1], new.split("/")[1]
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=str(text)) if _is_below(text, old):
                renames.constant(file, node, old, new)
            case ast.JoinedStr():
                start, end = source._span(node)
                if written := beginning.match(source.content[start:end].decode()):
                    renames.cut(file, (start + written.start("path"), start + written.end("path"), new))
            case ast.keyword(arg="tags", value=ast.List(elts=[ast.Constant(value=str(text)) as only])):
                if tagged and text == tag:
                    renames.constant(file, only, tag, other)


def _names_of_group(renames: Renames, part: str, old: str, new: Noun) -> None:
    """Where a group of this service says its name: its worker, GROUPS, its processes."""
    worker, main = renames.path_of(f"{part}.worker"), renames.path_of("__main__")
    if worker is not None:
        for node in renames.service.source(worker).tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                renames.constant(worker, node.value, old, new.raw)
        renames.said(worker, rf"(?<=`){re.escape(old)}(?=`)", new.raw)
    if main is not None:
        groups = renames.service.source(main).definitions().get("GROUPS")
        for item in ast.walk(groups) if groups is not None else ():
            if isinstance(item, ast.Constant) and item.value == old:
                renames.constant(main, item, old, new.raw)
    kebab = Noun(old, contracts.TAKEN).kebab
    renames.text(PurePosixPath("Procfile"), lambda content: _process(content, kebab, new.kebab, old, new.raw))
    renames.text(PurePosixPath("compose.yaml"), lambda content: _container(content, old, new.raw))


def _process(content: bytes, old: str, new: str, group: str, renamed: str) -> bytes:
    """A Procfile in which the process of a group, or of its stand-ins, has another name."""
    line = re.compile(rb"(?m)^" + re.escape(old.encode()) + rb":(?P<command>.*)$")
    known = rb"(?<=[ ])" + re.escape(group.encode()) + rb"(?=\s|$)"
    return line.sub(lambda it: f"{new}:".encode() + re.sub(known, renamed.encode(), it["command"]), content)


def _container(content: bytes, old: str, new: str) -> bytes:
    """A compose file in which the service of a group has another name."""
    content = re.sub(rb"(?m)^  " + re.escape(old.encode()) + rb":(?=\s*$)", f"  {new}:".encode(), content)
    command = rb"(?<=command: \[group, )" + re.escape(old.encode()) + rb"(?=\])"
    return re.sub(command, new.encode(), content)


def _fields(model: ast.ClassDef) -> dict[str, ast.AnnAssign]:
    """The fields of a model, by name."""
    declared = (it for it in model.body if isinstance(it, ast.AnnAssign))
    return {it.target.id: it for it in declared if isinstance(it.target, ast.Name)}
