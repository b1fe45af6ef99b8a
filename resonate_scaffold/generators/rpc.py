"""`add rpc`: a durable function of another group.

Of a group that another team serves, in any language: the stub and a stand-in. Of a group of this service that
`add group` made: the stub and the function.
"""

from __future__ import annotations

import builtins
import itertools
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import Taken, UsageError
from resonate_scaffold.fields import Field, parse_type
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before
from resonate_scaffold.generators.foreign_schema import ForeignContract, Member, read
from resonate_scaffold.generators.wiring import Known
from resonate_scaffold.layout import Item
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shape import Shape
from resonate_scaffold.values import Example, Import

PROCFILE_DEV = PurePosixPath("Procfile.dev")
STAND_INS = "# What `resonate-scaffold dev` runs beside the Procfile: stand-ins for groups that other teams serve.\n"
"""How that file begins, where it was not there."""
_BUILT_IN = {
    **dict.fromkeys(("workers", "workflows"), "add workflow {}"),
    "db": "add db-function {}",
    "api": "add workflow {} --route",
}


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """``target`` is ``GROUP.NAME``, or ``SERVICE.GROUP.NAME``; ``takes`` and ``returns`` as typed.

    ``schema`` is the text of another team's file, which ``schema_file`` names, in their place.
    """

    target: str
    takes: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    schema: str | None = None
    schema_file: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """A group as the engine knows it (``payments`` or ``payments.workers``), and a name in it."""

    group: str
    name: Noun
    folder: str = ""
    """Where the contracts of the group are, below `contracts/`."""
    stem: str = ""
    """The name of its module there."""

    @property
    def durable(self) -> str:
        """What the function is registered as. A service has its workflows under their bare names."""
        service, _, inside = self.group.rpartition(".")
        return self.name.raw if service and inside == contracts.GROUP_OF_WORKFLOWS else f"{inside}.{self.name}"


def add_rpc(project: Project, request: RpcRequest) -> Plan:
    """Plan an rpc stub, and what answers it."""
    target = _target(request.target, project.name)
    addition = Addition(project, "rpc", f"{target.group}.{target.name}")
    target = _placed(addition, target)
    name = target.name
    module = f"contracts.{target.folder}.{target.stem}"
    foreign = None if request.schema is None else _foreign(addition, target, request)
    if foreign is None:
        takes, returns = contracts.fields(addition, request.takes, request.returns)
        addition.options = contracts.options(takes=takes, returns=returns)
    else:
        takes, returns = _fields(addition, foreign.takes), _fields(addition, foreign.returns)
        # Whole, so that it can be made again; its layout does not count.
        addition.options = {"schema": json.dumps(json.loads(request.schema or ""))}
    if done := asked_before(addition):
        return done
    new = contracts.New(name, target.durable, target.group, module, takes, returns)
    if foreign is not None:
        new = replace(
            new,
            durable=foreign.durable,
            version=foreign.version,
            raises=_failures(addition, foreign, _types_of(module)),
        )
        addition.notes += foreign.notes
        if foreign.types:
            addition.write(addition.module(_types_of(module)), foreign.types.encode())
    ours = any(item.name == target.group for item in addition.service.groups)
    if ours and foreign is not None:
        raise UsageError(
            f"Group {target.group} is this service's own: its contracts are not another team's",
            "Leave --from-schema out, and give --takes and --returns.",
        )
    package = addition.module(f"contracts.{target.folder}.__init__")
    if package not in project.files:
        addition.write(package, contracts.package_of(target.group))

    function = f"{target.folder}.{target.stem}" if ours else f"fakes.{target.folder}_{target.stem}"
    imports = Imports([new.variable, "ctx", "request", "Context"])
    imports.contract(new.module)
    imports.names("runtime.durable.rpc", "serve")
    imports.add(new.models)
    arguments = contracts.filled(returns, Known(addition.types, takes), addition, imports)
    asked = contracts.request_example(addition, new.request, takes)
    answered = _answered(addition, new, arguments.items)
    summary = f"The durable function `{new.durable}`" + ("." if ours else f" of group `{new.group}`: another team's.")
    contracts.declare(addition, new, summary, wire="" if ours else _wire(new, asked.json, answered.json))
    stand_in_for = (
        f"A stand-in for `{new.durable}` of group `{new.group}`, which another team serves: for development and tests."
    )
    context: dict[str, Any] = {
        "summary": layout.docstring(summary if ours else stand_in_for),
        "durable": new.durable,
        "function": new.variable,
        "ours": ours,
        "definition": contracts.definition(
            name.snake, ["ctx: Context", f"request: {name.model}"], f"{name.pascal}Result"
        ),
        "answer": contracts.statement(layout.call(f"{name.pascal}Result", arguments.items), before="return "),
    }
    addition.create("rpc/function.py", addition.module(function), context, imports)
    contracts.note_examples(addition, addition.module(function), arguments)
    addition.serve(target.folder if ours else "fakes", function, name.snake)
    if not ours:
        _stand_in_process(addition, target)
    _test(addition, new, target, asked, answered)
    return addition.plan()


def _types_of(module: str) -> str:
    """The module with the types of a contract that was read from a schema."""
    return f"{module}_types"


def _foreign(addition: Addition, target: _Target, request: RpcRequest) -> ForeignContract:
    """What the schema says; the addition knows its types from here on."""
    module = f"contracts.{target.folder}.{target.stem}"
    pascal = target.name.pascal
    found = read(
        request.schema or "",
        request.schema_file,
        target.group,
        target.durable,
        _types_of(module),
        taken=[target.name.model, f"{pascal}Result", "BaseModel", "Field", "Failure", "Rpc", *dir(builtins)],
    )
    path = addition.module(_types_of(module))
    if found.types and path not in addition.project.files:
        addition.foresee(path, found.types.encode())
    return found


def _fields(addition: Addition, members: Sequence[Member]) -> tuple[Field, ...]:
    resolve = addition.types.resolve
    shapes = [(it, parse_type(it.type.spelled, it.name, resolve)) for it in members]
    return tuple(
        Field(it.name, Shape("optional", of=shape) if it.optional else shape, it.optional) for it, shape in shapes
    )


def _failures(addition: Addition, foreign: ForeignContract, module: str) -> tuple[Import, ...]:
    """The classes that the contract's ``raises`` names. A code has one class in a service.

    Raises:
        Taken: one is there already, and is no contract's.
    """
    package = PurePosixPath(addition.project.package)
    for name in foreign.failures:
        for path in addition.project.files.containing(package, f"class {name}(".encode()):
            if path.parts[1] != "runtime":
                raise Taken(
                    f"{path} has a {name} already, and a code of failures has one class in a service",
                    f"Write the contract by hand, with raises=({name},).",
                )
    return (
        *((module, name) for name in foreign.failures),
        *(("runtime.errors", it) for it in foreign.runtime_failures),
    )


def _answered(addition: Addition, new: contracts.New, arguments: Sequence[Item]) -> Example:
    """What the function answers to the example of its request."""
    takes = {item.name: item for item in new.takes}
    returns = {item.name: item for item in new.returns}
    items: list[Item] = []
    imports = [new.models[1]]
    data: dict[str, Any] = {}
    for argument in arguments:
        name = argument.prefix.removesuffix("=")
        asked = takes[name] if argument.code == f"request.{name}" else None
        if asked is not None and asked.optional:  # The request leaves it out.
            example = asked.value
            if returns[name].optional and returns[name].value == example:
                continue
        else:
            example = addition.types.example((asked or returns[name]).shape)
        assert example is not None  # else the request, or the function, would have been refused
        items.append(Item(example.code, f"{name}="))
        imports += example.imports
        data[returns[name].wire] = example.json
    return Example(layout.call(f"{new.name.pascal}Result", items), tuple(imports), data)


def _target(text: str, service: str) -> _Target:
    parts = text.split(".")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(
            f"{text} is not GROUP.NAME, nor SERVICE.GROUP.NAME",
            "For example: resonate-scaffold add rpc payments.workers.charge",
        )
    name = contracts.theirs(parts[-1], "rpc")
    group = ".".join(contracts.theirs(part, "group").raw for part in parts[:-1])
    own = group.removeprefix(f"{service}.")
    if own in _BUILT_IN:
        hint = _BUILT_IN[own].format(name.kebab[: contracts.MAX_LENGTH].rstrip("-"))
        raise UsageError(f"Group {own} is this service's own", f"Use resonate-scaffold {hint}")
    if own != group:
        raise UsageError(f"{service} is this service", f"Use resonate-scaffold add rpc {own}.{name}")
    target = _Target(group, name)
    if len(target.durable) > contracts.MAX_LENGTH + 4:
        size = f"{len(target.durable)} characters, the limit is {contracts.MAX_LENGTH + 4}"
        raise UsageError(f"{target.durable} has {size}: ids begin with it", "Shorten the group's name, or its own.")
    return target


def _placed(addition: Addition, target: _Target) -> _Target:
    """The target with its folder and its module; names that differ in their marks alone have files of their own."""
    named = contracts_folder(target.group)
    numbered = (named if number == 1 else f"{named}_{number}" for number in itertools.count(1))
    folder = next(it for it in numbered if addition.service.group_of(it) in (None, target.group))
    stem = addition.distinct(
        target.name.snake,
        lambda it: addition.module(f"contracts.{folder}.{it}"),
        lambda it: addition.module(f"fakes.{folder}_{it}"),
        lambda it: _test_path(folder, it),
    )
    return replace(target, folder=folder, stem=stem)


def _test_path(folder: str, stem: str) -> PurePosixPath:
    return PurePosixPath("tests", f"test_rpc_{folder}_{stem}.py")


def _wire(new: contracts.New, asked: object, answered: object) -> str:
    """What the other side is written from."""

    def shown(label: str, data: object) -> str:
        one_line = json.dumps(data)
        if len(one_line) <= layout.PROSE - 18:
            return f"    {label:<9} {one_line}"
        return f"    {label}\n" + textwrap.indent(json.dumps(data, indent=2), "        ")

    served = (
        f"Group `{new.group}` serves it: a durable function registered as `{new.durable}`, in any language, called "
    )
    lines = [
        *textwrap.wrap(served + "with one argument and answering one value:", layout.PROSE - 4, break_on_hyphens=False),
        "",
        f"    {'target':<9} poll://any@{new.group}",
        shown("argument", asked),
        shown("result", answered),
    ]
    return textwrap.indent("\n".join(lines), "    ")


def contracts_folder(group: str) -> str:
    """Where the contracts of a group are, below `contracts/`."""
    parts = (Noun(part).snake for part in group.split("."))
    return "_".join(parts)


def stand_in(group: str) -> str:
    """The name of the process of a group's stand-ins, which `dev` runs beside those of the Procfile."""
    return f"fake-{group.replace('.', '-').replace('_', '-')}"


def _stand_in_process(addition: Addition, target: _Target) -> None:
    line = f"{stand_in(target.group)}: python -m {addition.project.package} fake {target.group}\n"
    content = addition.text(PROCFILE_DEV)
    if content is None:
        addition.write(PROCFILE_DEV, (STAND_INS + line).encode())
    elif not any(existing.startswith(f"{stand_in(target.group)}:") for existing in content.decode().splitlines()):
        addition.edit_text(
            PROCFILE_DEV, len(content), line if content.endswith(b"\n") or not content else f"\n{line.rstrip()}"
        )


def _test(addition: Addition, new: contracts.New, target: _Target, asked: Example, answered: Example) -> None:
    imports = Imports()
    imports.names(new.module, new.variable)
    imports.names("runtime.testing.running", "RunningService")
    imports.add([*asked.imports, *answered.imports])
    run = layout.group("await service.run(", [new.variable, layout.text(f"{new.durable}/test"), "REQUEST"], ")")
    dump = 'model_dump(mode="json", exclude_unset=True)'
    context = {
        "durable": new.durable,
        "function": new.variable,
        "request": contracts.statement(asked.code, indent=0, before="REQUEST = "),
        "result": contracts.statement(answered.code, indent=0, before="RESULT = "),
        "asked": contracts.statement(layout.value(asked.json), before=f"assert REQUEST.{dump} == "),
        "answered": contracts.statement(layout.value(answered.json), before=f"assert RESULT.{dump} == "),
        "run": contracts.statement(run, before="result = "),
    }
    addition.create("rpc/test.py", _test_path(target.folder, target.stem), context, imports)
