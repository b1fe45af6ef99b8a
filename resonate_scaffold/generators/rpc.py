"""`add rpc`: a durable function of another group.

Of a group that another team serves, in any language: the stub and a stand-in. Of a group of this service that
`add group` made: the stub and the function.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import Taken, UsageError
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.growth import Growth, asked_before
from resonate_scaffold.layout import Item
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shapes import Example, Import

PROCFILE_DEV = PurePosixPath("Procfile.dev")
STAND_INS = "# What `resonate-scaffold dev` runs beside the Procfile: stand-ins for groups that other teams serve.\n"
"""How that file begins."""
_BUILT_IN = {"workers": "add workflow", "workflows": "add workflow", "db": "add db-function", "api": "add route"}


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """``target`` is ``GROUP.NAME``; ``takes`` and ``returns`` as typed."""

    target: str
    takes: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()


def add_rpc(project: Project, request: RpcRequest) -> Plan:
    """Plan an rpc stub, and what answers it."""
    group, name = _target(request.target)
    growth = Growth(project, "rpc", f"{group}.{name}")
    takes, returns = contracts.fields(growth, request.takes, request.returns)
    growth.options = contracts.options(takes=takes, returns=returns)
    if done := asked_before(growth):
        return done
    new = contracts.New(name, f"{group}.{name}", group.raw, f"contracts.{group.snake}", takes, returns)
    ours = any(item.name == group.raw for item in growth.survey.groups)
    path = growth.module(new.module)
    if path not in project.files:
        growth.write(path, contracts.module_of(group.raw))
    elif any(item.module == new.module and item.group != group.raw for item in growth.survey.contracts):
        raise Taken(f"{path} holds the contracts of another group", "Choose another name for the group.")

    module = f"{group.snake}.{name.snake}" if ours else f"fakes.{group.snake}_{name.snake}"
    worker = f"{group.snake}.worker" if ours else "fakes.worker"
    imports: list[Import] = [*new.models]
    known = {item.name: (f"request.{item.name}", item.shape) for item in takes}
    arguments, invented = contracts.filled(returns, known, growth, imports)
    asked = contracts.request_example(growth, new.request, takes)
    answered = _answered(growth, new, arguments)
    contracts.declare(growth, new, wire="" if ours else _wire(new, asked.json, answered.json))
    context: dict[str, Any] = {
        "durable": new.durable,
        "group": group.raw,
        "ours": ours,
        "definition": contracts.definition(
            name.snake, ["ctx: Context", f"request: {name.pascal}"], f"{name.pascal}Result"
        ),
        "answer": contracts.statement(layout.call(f"{name.pascal}Result", arguments), before="return "),
    }
    growth.create("rpc/function.py", growth.module(module), context, imports)
    for what in invented:
        growth.notes.append(f"{growth.module(module)}: the result's {what} is an example; put your own value there")
    growth.wire(
        growth.module(worker),
        "SERVED",
        f"{new.module}.{new.variable}",
        [("rpc", "serve"), (new.module, None), (module, name.snake)],
        lambda serve, of, function: f"{serve}({of}.{new.variable}, {function})",
    )
    if not ours:
        _stand_in_process(growth, group)
    _test(growth, new, group, asked, answered)
    return growth.plan()


def _answered(growth: Growth, new: contracts.New, arguments: Sequence[Item]) -> Example:
    """What the function answers to the example of its request."""
    takes = {item.name: item for item in new.takes}
    shapes = {item.name: item.shape for item in new.returns}
    items: list[Item] = []
    imports: list[Import] = [new.models[1]]
    data: dict[str, Any] = {}
    for argument in arguments:
        name = argument.prefix.removesuffix("=")
        of_request = argument.code == f"request.{name}"
        if of_request and takes[name].optional:
            continue
        example = growth.types.example(takes[name].shape if of_request else shapes[name])
        assert example is not None  # else the request, or the function, would have been refused
        items.append(Item(example.code, f"{name}="))
        imports += example.imports
        data[name] = example.json
    return Example(layout.call(f"{new.name.pascal}Result", items), tuple(imports), data)


def _target(text: str) -> tuple[Name, Name]:
    group, dot, name = text.partition(".")
    if not dot or "." in name:
        raise UsageError(f"{text} is not GROUP.NAME", "For example: resonate-scaffold add rpc payments.charge")
    if group in _BUILT_IN:
        raise UsageError(
            f"Group {group} is this service's own", f"Use resonate-scaffold {_BUILT_IN[group]} {name or 'NAME'}"
        )
    if len(text) > contracts.MAX_LENGTH + 4:
        raise UsageError(f"{text} is too long: it begins ids", f"At most {contracts.MAX_LENGTH + 4} characters.")
    return contracts.noun(group, "group"), contracts.noun(name, "rpc")


def _wire(new: contracts.New, asked: object, answered: object) -> str:
    """What the other side is written from."""

    def shown(label: str, data: object) -> str:
        one_line = json.dumps(data)
        if len(one_line) <= 90:
            return f"    {label:<9} {one_line}"
        return f"    {label}\n" + textwrap.indent(json.dumps(data, indent=2), "        ")

    served = (
        f"Group `{new.group}` serves it: a durable function registered as `{new.durable}`, in any language, called "
    )
    lines = [
        *textwrap.wrap(served + "with one argument and answering one value:", 110, break_on_hyphens=False),
        "",
        f"    {'target':<9} poll://any@{new.group}",
        shown("argument", asked),
        shown("result", answered),
    ]
    return textwrap.indent("\n".join(lines), "    ")


def _stand_in_process(growth: Growth, group: Name) -> None:
    """A process of the stand-ins, which `dev` runs beside those of the Procfile."""
    line = f"fake-{group.kebab}: python -m {growth.project.package} fake {group.raw}\n"
    content = growth.text(PROCFILE_DEV)
    if content is None:
        growth.write(PROCFILE_DEV, (STAND_INS + line).encode())
    elif not any(existing.startswith(f"fake-{group.kebab}:") for existing in content.decode().splitlines()):
        growth.edit_text(PROCFILE_DEV, len(content), line if content.endswith(b"\n") or not content else f"\n{line}")


def _test(growth: Growth, new: contracts.New, group: Name, asked: Example, answered: Example) -> None:
    imports: list[Import] = [(new.module, new.variable), *asked.imports, *answered.imports]
    imports.append(("tests.conftest", "Service"))
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
    path = PurePosixPath("tests", f"test_rpc_{group.snake}_{new.name.snake}.py")
    growth.create("rpc/test.py", path, context, imports)
