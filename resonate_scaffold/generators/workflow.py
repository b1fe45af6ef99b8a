"""`add workflow`: a durable function of group `workers` that orchestrates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, tests_path
from resonate_scaffold.generators.wiring import RESULT, Choose, Known
from resonate_scaffold.layout import Item
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.service.things import Contract


@dataclass(frozen=True, slots=True)
class WorkflowRequest:
    """``takes`` and ``returns`` as typed; ``calls`` are durable names, in the order of the calls.

    ``map`` says where arguments come from (see `wiring`); ``choose`` asks, where there is somebody to ask.
    """

    name: str
    takes: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    map: tuple[str, ...] = ()
    choose: Choose | None = None


@dataclass(frozen=True, slots=True)
class _Call:
    """A durable call of the workflow: ``label`` is what `--map` calls it, ``variable`` what its result is called."""

    label: str
    callee: Contract
    variable: str
    made: layout.Group


@dataclass(frozen=True, slots=True)
class _Body:
    """``sources`` says, as code, where each field of the result comes from."""

    statements: list[str]
    sources: Mapping[str, str]


def add_workflow(project: Project, request: WorkflowRequest) -> Plan:
    """Plan a workflow: contract, function, registration, test."""
    name = contracts.noun(request.name, "workflow")
    addition = Addition(project, "workflow", name.kebab)
    takes, returns = contracts.fields(addition, request.takes, request.returns)
    callees = {called: contracts.named(addition, called) for called in request.calls}
    calls = tuple(_as_it_is(called, callees[called]) for called in request.calls)
    options = contracts.options(takes=takes, returns=returns, calls=calls)
    record = project.find_add("workflow", name.kebab)
    decided = request.map or tuple(record.options.get("map", ()) if record else ())  # what was answered then holds
    addition.options = {**options, "map": list(decided)} if decided else options
    if done := asked_before(addition):
        return done
    module = f"contracts.workflows.{name.snake}"
    new = contracts.New(name, name.kebab, contracts.GROUP_OF_WORKFLOWS, module, takes, returns)
    if new.durable in calls:
        raise UsageError(f"{new.durable} would call itself", "Leave it out of --calls.")
    called = [contracts.find(addition, text, "--calls") for text in request.calls]

    imports = Imports([new.variable, "ctx", "request", "Context"])
    imports.contract(new.module)
    imports.names("runtime.durable.rpc", "serve")
    imports.add(new.models)
    function = f"workflows.{name.snake}"
    path = addition.module(function)
    known = Known(addition.types, takes, request.map, request.choose, narrows=True)
    body = _body(addition, new, called, known, imports, path)
    if known.decided:
        addition.options = {**options, "map": list(known.decided)}
    new = replace(new, takes=tuple(known.takes.values()))
    contracts.declare(addition, new, f"The workflow `{new.durable}`.")
    context = {
        "durable": new.durable,
        "function": new.variable,
        "definition": contracts.definition(
            name.snake, ["ctx: Context", f"request: {name.model}"], f"{name.pascal}Result"
        ),
        "body": body.statements,
    }
    addition.create("workflow/function.py", path, context, imports)
    for field, by in known.narrowed.items():
        kind = (
            f"{known.takes[field].shape.spelled}{f' ({bounds})' if (bounds := known.takes[field].shape.bounds) else ''}"
        )
        addition.notes.append(f"{field} is of type {kind}, as {by} takes it: with any other value that would fail")
    addition.serve("workflows", function, name.snake)
    _test(addition, new, called, body.sources)
    return addition.plan()


def _body(
    addition: Addition,
    new: contracts.New,
    callees: Sequence[Contract],
    known: Known,
    imports: Imports,
    path: PurePosixPath,
) -> _Body:
    """The statements of the function; what is an example, or nobody decided, is noted."""
    calls: list[_Call] = []
    used: set[str] = set()
    for callee in callees:
        asks, answers = contracts.models_of(callee)
        function = imports(callee.module, callee.variable)
        label = _fresh(callee.variable, [call.label for call in calls])
        arguments = contracts.filled(addition.types.fields(asks), known, addition, imports, label, callee.durable)
        contracts.note_examples(addition, path, arguments, label, callee.durable)
        where, _, model = asks.rpartition(".")
        wanted = layout.call(imports(where, model), arguments.items)
        made = layout.group(f"await {function}(", ["ctx", Item(wanted)], ")")
        kind = "answer" if function.endswith("_result") else "result"
        variable = _fresh(f"{function}_{kind}", [call.variable for call in calls])
        calls.append(_Call(label, callee, variable, made))
        used |= _read(arguments.items)
        given = {item.prefix.removesuffix("="): layout.render(item.code) for item in arguments.items}
        known.called(label, variable, given, addition.types.fields(answers), callee.durable)
    arguments = contracts.filled(new.returns, known, addition, imports)
    known.check_maps([*(call.label for call in calls), RESULT])
    contracts.note_examples(addition, path, arguments)
    used |= _read(arguments.items)
    statements = [
        contracts.statement(call.made, before=f"{call.variable} = " if call.variable in used else "") for call in calls
    ]
    result = layout.call(f"{new.name.pascal}Result", arguments.items)
    statements.append(contracts.statement(result, before="return "))
    sources = {item.prefix.removesuffix("="): layout.render(item.code) for item in arguments.items}
    return _Body(statements, sources)


def _as_it_is(called: str, contract: Contract | None) -> str:
    """The name of a call as its contract has it; as it was typed, where that is one of its names."""
    return called if contract is None or called in (contract.durable, contract.target) else contract.durable


def _read(arguments: Iterable[Item]) -> set[str]:
    """The variables whose fields are among the arguments."""
    return {layout.render(item.code).partition(".")[0] for item in arguments}


def _fresh(name: str, taken: list[str]) -> str:
    """A variable that is not used yet."""
    return next(
        candidate
        for number in range(1, len(taken) + 2)
        if (candidate := name if number == 1 else f"{name}_{number}") not in taken
    )


def _test(addition: Addition, new: contracts.New, callees: Iterable[Contract], sources: Mapping[str, str]) -> None:
    """A run from end to end. What comes from a call is the callee's to know."""
    imports = Imports()
    imports.names(new.module, new.name.model, new.variable)
    imports.names("runtime.testing.running", "RunningService")
    imports.names("runtime.testing.crashes", "Crashes")
    example = contracts.request_example(addition, new.request, new.takes)
    imports.add(example.imports)
    arguments = [new.variable, layout.text(f"{new.durable}/test"), "REQUEST"]
    certain = all(contracts.is_certain(addition, callee) for callee in callees)
    ran = layout.group(f"await service.{'run' if certain else 'outcome'}(", arguments, ")")
    context: dict[str, Any] = {
        "durable": new.durable,
        "function": new.variable,
        "request": contracts.statement(example.code, indent=0, before="REQUEST = "),
        "certain": certain,
        "run": contracts.statement(ran, before="result = " if certain else "outcome = "),
    }
    if certain:
        context["checks"] = _checks(addition, new, sources, imports)
        context["again"] = contracts.statement(ran, before="again = ")
    else:
        imports.names("runtime.http.work", "Status")
    addition.create("workflow/test.py", tests_path("workflow", new.name), context, imports)


def _checks(addition: Addition, new: contracts.New, sources: Mapping[str, str], imports: Imports) -> list[str]:
    """What is known of the result: the whole, or field by field where a call answers some."""
    expected: list[Item] = []
    for item in new.returns:
        source = sources.get(item.name)
        if source is None or "_result" in source.partition(".")[0]:
            continue  # left out: its default
        asked = next((field for field in new.takes if source == f"request.{field.name}"), None)
        value = asked.value if asked is not None and asked.optional else addition.types.example((asked or item).shape)
        expected.append(Item(value.code if value else "None", f"{item.name}="))
        imports.add(value.imports if value else ())
    if not any("_result" in source.partition(".")[0] for source in sources.values()):
        imports.names(new.module, f"{new.name.pascal}Result")
        result = layout.call(f"{new.name.pascal}Result", expected)
        return [contracts.statement(result, before="assert result == ")]
    return [
        contracts.statement(
            item.code,
            before=f"assert result.{item.prefix.removesuffix('=')} {'is' if item.code == 'None' else '=='} ",
        )
        for item in expected
    ]
