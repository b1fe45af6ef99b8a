"""RS311: waits that a workflow's own deadline cuts short."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import maker
from resonate_scaffold.code.facts import Contract, DurableCall, Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import ProgramClass, Scope
from resonate_scaffold.code.values import Class, Constant, Instance, Value

_UNITS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")  # in timedelta's order
_TIMEOUT = "timeout"
_DAY = timedelta(days=1)  # the SDK's DEFAULT_TOP_LEVEL_TIMEOUT, and that of a call
_WAITS = {"wait": (_TIMEOUT, 2), "sleep": ("duration", 0), "promise": (_TIMEOUT, 0)}


def deadlines(model: Model) -> Iterator[Finding]:
    """RS311. It is silent where a duration is not known, or work is started with a deadline that is not known."""
    for contract, workflow in workflows_of(model):
        deadline = deadline_of(model, contract)
        if deadline is None:
            continue
        for scope in code_of(model, workflow):
            for call in model.durable_calls.get(scope, ()):
                found = duration_of(model, call)
                if found is not None and found >= deadline:
                    name = contract.name or contract.variable
                    hint = f"Give {name} a longer timeout in its contract, or wait for less"
                    yield _finding(call, name, found, deadline, hint)
    yield from _without_contracts(model)


def code_of(model: Model, workflow: Scope) -> Iterator[Scope]:
    """A workflow, and what it calls as its own code."""
    seen, waiting = set[Scope](), [workflow]
    while waiting:
        scope = waiting.pop()
        if scope not in seen and not model.is_machinery(scope.module):
            seen.add(scope)
            yield scope
            waiting += [callee for _, callee in model.plain_calls.get(scope, ())]


def _without_contracts(model: Model) -> Iterator[Finding]:
    """RS311 of what the SDK's own client starts: with no timeout it has a day."""
    starts = [(start, scope) for scope, found in model.starts.items() for start in found]
    if model.handed_out or model.is_blind or any(_is_anything(it) for it, _ in starts):
        return
    for workflow in model.workflows:
        if any(it.contract is not None for it in model.by_function.get(workflow, ())):
            continue
        deadline = _longest(model, workflow, starts)
        code = set(code_of(model, workflow)) if deadline is not None else set()
        for scope in code:
            for call in model.durable_calls.get(scope, ()):
                found = duration_of(model, call) if call.context.scope in code else None
                if found is not None and deadline is not None and found >= deadline:
                    hint = f"Start {workflow.name} with options(timeout=…) of more than that, or wait for less"
                    yield _finding(call, workflow.name, found, deadline, hint)


def _is_anything(start: Start) -> bool:
    """Whether it is not known what is started, or for how long that may take."""
    if start.kind == "contract":
        return False
    return start.kind == "create" or (start.function is None and start.name is None) or start.client is None


def _longest(model: Model, workflow: Scope, starts: list[tuple[Start, Scope]]) -> timedelta | None:
    """The longest time that a workflow gets from those who start or call it; None where one of them is not known."""
    names = {it.name for it in model.by_function.get(workflow, ())} | {workflow.name}
    given: list[tuple[ast.expr | None, Scope]] = []
    for start, scope in starts:
        if start.client is not None and (start.function is workflow or (start.name and start.name in names)):
            options = start.client.options
            if options.hide:
                return None
            timeout = argument(start.node, "promise_timeout", 5) if start.kind == "schedule" else options.timeout
            given.append((timeout, scope if start.kind == "schedule" else options.scope or scope))
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.function is workflow or (call.name is not None and call.name in names):
                if call.options.hide:
                    return None
                given.append((call.options.timeout, call.options.scope or scope))
    found = [_timeout_given(model, node, scope) for node, scope in given]
    known = [it for it in found if it is not None]
    return max(known) if known and len(known) == len(found) else None


def _timeout_given(model: Model, node: ast.expr | None, scope: Scope) -> timedelta | None:
    """A timeout as the SDK takes it."""
    if node is None or model.evaluate.value(node, scope) == Constant(None):
        return _DAY
    return _duration(model, node, scope)


def _finding(call: DurableCall, name: str, found: timedelta, deadline: timedelta, hint: str) -> Finding:
    kinds = {"wait": "this wait", "sleep": "this sleep", "promise": "this promise"}
    message = (
        f"{kinds[call.kind]} may take {_spelled(found)}, but {name} is timed out after {_spelled(deadline)}: "
        "what follows it never runs"
    )
    return finding("RS311", call.node, call.scope, message, f"{hint}: the deadline counts from the run's start.")


def _spelled(duration: timedelta) -> str:
    return str(duration).removesuffix(", 0:00:00")


def workflows_of(model: Model) -> Iterator[tuple[Contract, Scope]]:
    """The contracts of workflows, each with its function; a function that fulfils several is left out."""
    for function, registrations in model.by_function.items():
        contracts = {id(it.contract): it.contract for it in registrations if it.contract is not None}
        if len(contracts) == 1 and function in model.workflow_code:
            yield next(iter(contracts.values())), function


def deadline_of(model: Model, contract: Contract) -> timedelta | None:
    """The longest time that a run may have: its contract's, or what it is started with."""
    deadline = _timeout_of(model, contract)
    for scope in model.scopes:
        if model.is_machinery(scope.module):
            continue
        for call in scope.calls:
            given = next((it.value for it in call.keywords if it.arg == _TIMEOUT), None)
            if given is None or not _mentions(model, call, scope, contract):
                continue
            started = _duration(model, given, scope)
            if started is None or deadline is None:
                return None
            deadline = max(deadline, started)
    return deadline


def _mentions(model: Model, call: ast.Call, scope: Scope, contract: Contract) -> bool:
    """Whether a call is given a contract, or something of it, or is one of its methods: it may start its work."""
    names = [it for it in ast.walk(call) if isinstance(it, ast.Name | ast.Attribute)]
    return any(model.contract_of(model.evaluate.value(it, scope)) is contract for it in names)


def _timeout_of(model: Model, contract: Contract) -> timedelta | None:
    """A contract's timeout; where it says none, the default of its class, or of the setting that it leaves it to."""
    given = argument(contract.call, _TIMEOUT, 4)
    value = model.evaluate.value(contract.call, contract.scope)
    if given is not None and model.evaluate.value(given, contract.scope) != Constant(None):
        return _duration(model, given, contract.scope)
    if given is not None:  # It leaves it to the setting, whose default the client of the engine has.
        runtime = value.class_.module.scope if isinstance(value, Instance) else contract.scope
        client = model.evaluate.value(ast.Name("EngineClient"), runtime)
        return _field(model, client.class_, "job_timeout") if isinstance(client, Class) else None
    return _field(model, value.class_, _TIMEOUT) if isinstance(value, Instance) else None


def duration_of(model: Model, call: DurableCall) -> timedelta | None:
    """How long a wait may last, where that is said. The timeout of a call is a bound, and no wait."""
    if call.kind not in _WAITS:
        return None
    name, position = _WAITS[call.kind]
    # Of a gate's `wait` the first argument is the context; the second was a key in older runtimes.
    if call.kind == "wait" and len(call.node.args) == 2:
        position = 1
    given = argument(call.node, name, position)
    return _duration(model, given, call.scope) if given is not None else None


def _duration(model: Model, node: ast.expr, scope: Scope) -> timedelta | None:
    """The `timedelta` that an expression is, also the default of a setting."""
    made = maker(model, node, scope)
    if made is not None:
        call, place = made
        if model.evaluate.external(call.func, place) != "datetime.timedelta":
            return None
        numbers = [*zip(_UNITS, call.args, strict=False), *((it.arg, it.value) for it in call.keywords)]
        values = {unit: model.evaluate.value(value, place) for unit, value in numbers if unit is not None}
        known = {
            unit: it.value
            for unit, it in values.items()
            if isinstance(it, Constant) and isinstance(it.value, int | float) and not isinstance(it.value, bool)
        }
        return timedelta(**known) if len(known) == len(call.args) + len(call.keywords) and known else None
    if isinstance(node, ast.Name):
        return _bound(model, node, scope)
    if isinstance(node, ast.Attribute):
        owners = (_declared(model, node.value, scope), model.evaluate.value(node.value, scope))
        found = (_field(model, it.class_, node.attr) for it in owners if isinstance(it, Class | Instance))
        return next((it for it in found if it is not None), None)
    return None


def _declared(model: Model, node: ast.expr, scope: Scope) -> Value | None:
    """The class that a variable is declared to be of: `settings: Settings = request.app.state.settings`."""
    bindings = scope.bindings.get(node.id, ()) if isinstance(node, ast.Name) else ()
    annotation = bindings[0].annotation if len(bindings) == 1 else None
    return model.evaluate.value(annotation, scope) if annotation is not None else None


def _bound(model: Model, name: ast.Name, scope: Scope) -> timedelta | None:
    """What a function's variable is, where it is assigned once."""
    bindings = scope.bindings.get(name.id, ())
    node = bindings[0].node if len(bindings) == 1 else None
    return _duration(model, node, scope) if isinstance(node, ast.Attribute | ast.Call) else None


def _field(model: Model, class_: ProgramClass, name: str) -> timedelta | None:
    """The default of a class's field."""
    value = class_.fields.get(name, (None, None))[1]
    return _duration(model, value, class_.module.scope) if value is not None else None
