"""`add workflow`: a durable function of group `workers` that orchestrates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import Shape
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, tests_path
from resonate_scaffold.layout import Item
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.service.service import Contract

TIMEOUT_DAYS = 7  # as the example's: it may wait for people


@dataclass(frozen=True, slots=True)
class WorkflowRequest:
    """``takes`` and ``returns`` as typed; ``calls`` are durable names, in the order of the calls."""

    name: str
    takes: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


def add_workflow(project: Project, request: WorkflowRequest) -> Plan:
    """Plan a workflow: contract, function, registration, test."""
    name = contracts.noun(request.name, "workflow")
    addition = Addition(project, "workflow", name.kebab)
    takes, returns = contracts.fields(addition, request.takes, request.returns)
    addition.options = contracts.options(takes=takes, returns=returns, calls=request.calls)
    if done := asked_before(addition):
        return done
    module = f"contracts.workflows.{name.snake}"
    new = contracts.New(name, name.kebab, contracts.GROUP_OF_WORKFLOWS, module, takes, returns)
    if new.durable in request.calls:
        raise UsageError(f"{new.durable} would call itself", "Leave it out of --calls.")
    contracts.declare(addition, new, f"The workflow `{new.durable}`.", timeout_days=TIMEOUT_DAYS)

    callees = [contracts.find(addition, called, "--calls") for called in request.calls]
    imports = Imports([new.variable, "ctx", "request", "Context"])
    imports.contract(new.module)
    imports.names("runtime.durable.rpc", "serve")
    imports.add(new.models)
    body, sources, invented = _body(addition, new, callees, imports)
    context = {
        "durable": new.durable,
        "function": new.variable,
        "definition": contracts.definition(
            name.snake, ["ctx: Context", f"request: {name.pascal}"], f"{name.pascal}Result"
        ),
        "body": body,
    }
    function = f"workflows.{name.snake}"
    path = addition.module(function)
    addition.create("workflow/function.py", path, context, imports)
    for what in invented:
        addition.notes.append(f"{path}: {what} is an example; put your own value there")
    addition.serve("workflows", function, name.snake)
    _test(addition, new, callees, sources)
    return addition.plan()


def _body(
    addition: Addition, new: contracts.New, callees: Iterable[Contract], imports: Imports
) -> tuple[list[str], dict[str, str], list[str]]:
    """The statements, where each field of the result comes from, and what is an example."""
    known: dict[str, tuple[str, Shape]] = {item.name: (f"request.{item.name}", item.shape) for item in new.takes}
    steps: list[tuple[str, layout.Group]] = []
    invented: list[str] = []
    used: set[str] = set()
    for callee in callees:
        asks, answers = contracts.models_of(callee)
        function = imports(callee.module, callee.variable)
        arguments, examples = contracts.filled(addition.types.fields(asks), known, addition, imports)
        invented += [f"{callee.durable}'s {name}" for name in examples]
        where, _, model = asks.rpartition(".")
        wanted = layout.call(imports(where, model), arguments)
        made = layout.group(f"await {function}(", ["ctx", Item(wanted)], ")")
        kind = "answer" if function.endswith("_result") else "result"
        variable = _fresh(f"{function}_{kind}", [name for name, _ in steps])
        steps.append((variable, made))
        used |= _read(arguments)
        for item in addition.types.fields(answers):
            known.setdefault(item.name, (f"{variable}.{item.name}", item.shape))
    arguments, examples = contracts.filled(new.returns, known, addition, imports)
    invented += [f"the result's {name}" for name in examples]
    result = layout.call(f"{new.name.pascal}Result", arguments)
    used |= _read(arguments)
    statements = [
        contracts.statement(made, before=f"{variable} = " if variable in used else "") for variable, made in steps
    ]
    statements.append(contracts.statement(result, before="return "))
    sources = {item.prefix.removesuffix("="): layout.render(item.code) for item in arguments}
    return statements, sources, invented


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
    imports.names(new.module, new.name.pascal, new.variable)
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
        asked = source.startswith("request.")
        optional = asked and next(field.optional for field in new.takes if field.name == item.name)
        value = None if optional else addition.types.example(item.shape)
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
