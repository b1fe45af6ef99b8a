"""What a program does with Resonate: who registers what for which group, who calls whom, what routes start.

Everything is read from the program's text, by :mod:`~resonate_scaffold.code.evaluate`. Rules ask here and decide
what is wrong; the graph draws the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cached_property

from resonate_scaffold.code.evaluate import DURABLE
from resonate_scaffold.code.facts import (
    Contract,
    DurableCall,
    Gate,
    Schedule,
    Start,
    Target,
)
from resonate_scaffold.code.lists import ListReader
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.registrations import Registrations
from resonate_scaffold.code.routes import Route, Routes, definitions
from resonate_scaffold.code.scopes import Bound, Scope, above, loads
from resonate_scaffold.code.values import (
    Class,
    Client,
    Constant,
    Context,
    External,
    Function,
    Method,
    OneOf,
    Options,
)

_POLL = re.compile(r"poll://(?:any|uni)@([^/]+)(?:/.*)?")
_APPLYING = frozenset(
    {
        "builtins.map",
        "builtins.filter",
        "builtins.sorted",
        "builtins.min",
        "builtins.max",
        "builtins.list.sort",
        "functools.reduce",
        "itertools.starmap",
        "itertools.groupby",
        "itertools.takewhile",
        "itertools.dropwhile",
    }
)


class Model(Registrations):
    """One program, understood."""

    @cached_property
    def durable_calls(self) -> dict[Scope, list[DurableCall]]:
        """The durable calls that stand in a function itself."""
        found: dict[Scope, list[DurableCall]] = {}
        for scope in self.scopes:
            calls = [it for call in scope.calls if (it := self._durable_call(call, scope)) is not None]
            if calls:
                found[scope] = calls
        return found

    def _durable_call(self, call: ast.Call, scope: Scope) -> DurableCall | None:
        function = self.evaluate.value(call.func, scope)
        if isinstance(function, Method) and isinstance(function.of, Context) and function.name in DURABLE:
            made = DurableCall(call, scope, function.name, function.of)
            if function.name in ("run", "rpc", "detached"):
                given = argument(call, "fn", 0)
                value = self.evaluate.value(given, scope)
                made.function = value.scope if isinstance(value, Function) else None
                made.name = self.evaluate.text(given, scope)
                made.by_name = made.name is not None
                made.arguments = tuple(call.args[1:])
            return made
        first = self.evaluate.value(call.args[0], scope) if call.args else None
        if not isinstance(first, Context):
            return None
        contract = self.contract_of(function)
        if contract is not None:
            return DurableCall(call, scope, "contract", first, contract=contract, arguments=tuple(call.args[1:]))
        if isinstance(function, Function) and _is_fan_out(function.scope):
            contract = self.contract_of(self.evaluate.value(argument(call, "contract", 1), scope))
            return None if contract is None else DurableCall(call, scope, "fan_out", first, contract=contract)
        if isinstance(function, Function) and function.scope.name == "wait":
            gate = self.gate_of(function.owner)
            if gate is not None:
                return DurableCall(call, scope, "wait", first, gate=gate)
        return None

    @cached_property
    def plain_calls(self) -> dict[Scope, list[tuple[ast.Call, Scope]]]:
        """The functions of the program that a function calls as such: their code runs as part of it."""
        return {scope: calls for scope in self.scopes if (calls := self.plain_calls_of(scope))}

    def plain_calls_of(self, scope: Scope) -> list[tuple[ast.Call, Scope]]:
        """Those that one function calls."""
        known = self._plain_calls.get(scope)
        if known is None:
            self._plain_calls[scope] = known = list(self._find_plain_calls(scope))
        return known

    def _find_plain_calls(self, scope: Scope) -> Iterator[tuple[ast.Call, Scope]]:
        for call in scope.calls:
            function = self.evaluate.value(call.func, scope)
            callee: Scope | None = None
            if isinstance(function, Function):
                callee = function.scope
            elif isinstance(function, Class):
                callee = function.class_.methods.get("__init__") or function.class_.methods.get("__post_init__")
            elif isinstance(function, External) and function.name in _APPLYING:
                for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                    applied = self.evaluate.value(given, scope)
                    if isinstance(applied, Function):
                        yield call, applied.scope
            elif isinstance(call.func, ast.Attribute) and call.func.attr == "start_soon" and call.args:
                begun = self.evaluate.value(call.args[0], scope)  # of a task group, which calls it with the others
                callee = begun.scope if isinstance(begun, Function) else None
            if callee is not None and not self._is_made_a_step(callee):
                yield call, callee

    @cached_property
    def _plain_calls(self) -> dict[Scope, list[tuple[ast.Call, Scope]]]:
        return {}

    def _is_made_a_step(self, function: Scope) -> bool:
        """Whether a decorator of the program puts a durable call around a function: to call it is to run a step."""
        for decorator in function.decorators:
            inner = decorator.func if isinstance(decorator, ast.Call) else decorator
            value = self.evaluate.value(inner, function.outer or function)
            if isinstance(value, Function) and _runs_a_parameter(value.scope, set()):
                return True
        return False

    def makes_durable_calls(self, scope: Scope) -> bool:
        """Whether a function makes a durable call, itself or by handing its Context on."""
        return scope in self._callers

    @cached_property
    def _callers(self) -> set[Scope]:
        found = set(self.durable_calls)
        # A function inside of a workflow calls with the workflow's own context.
        found |= {call.context.scope for calls in self.durable_calls.values() for call in calls}
        handing: dict[Scope, set[Scope]] = {}
        for scope, calls in self.plain_calls.items():
            for call, callee in calls:
                for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                    value = self.evaluate.value(given, scope)
                    if isinstance(value, Context):  # its own, or that of the function in which it stands
                        handing.setdefault(callee, set()).update((scope, value.scope))
        waiting = list(found)
        while waiting:
            for caller in handing.get(waiting.pop(), ()):
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return found

    @cached_property
    def workflows(self) -> list[Scope]:
        """The durable functions that make durable calls."""
        return [it for it in self.durable_functions if self.makes_durable_calls(it)]

    @cached_property
    def workflow_code(self) -> dict[Scope, Scope]:
        """Every function whose code runs in a workflow without a step, each with one workflow that it runs in."""
        found: dict[Scope, Scope] = {}
        for workflow in self.workflows:
            waiting = [workflow]
            while waiting:
                scope = waiting.pop()
                if scope in found and (scope is not workflow or found[scope] is workflow):
                    continue
                found[scope] = workflow if scope not in found or scope is workflow else found[scope]
                waiting += [callee for _, callee in self.plain_calls.get(scope, ()) if callee not in found]
        return found

    def own_groups(self, scope: Scope) -> set[str | None]:
        """The groups whose workers may run a function, itself or as part of a workflow."""
        workflow = self.workflow_code.get(scope, scope)
        return {it.group for function in {scope, workflow} for it in self.by_function.get(function, ())}

    def target(self, options: Options, scope: Scope) -> Target:
        """The group that a call with these options goes to; without a target it is not said."""
        if options.target is None:
            return Target(None, said=options.hide)
        text = self.evaluate.text(options.target, options.scope or scope)
        if text is None:
            value = self.evaluate.value(options.target, options.scope or scope)
            return Target(None, said=value != Constant(None))
        return Target(_group_at(text), said=True)

    def groups_named(self, options: Options, scope: Scope) -> list[str | None]:
        """Each group that a call may go to, where its target is one of several; None for those that are not known."""
        value = self.evaluate.value(options.target, options.scope or scope)
        several = value.options if isinstance(value, OneOf) else (value,)
        return [
            _group_at(it.value) if isinstance(it, Constant) and isinstance(it.value, str) else None for it in several
        ]

    @cached_property
    def routes(self) -> list[Route]:
        """Every path operation, in the order of the files."""
        return list(Routes(self.evaluate, self.scopes).read())

    def router_call(self, node: ast.expr, scope: Scope) -> tuple[ast.Call, Scope] | None:
        """The call that makes the router or application that a name means."""
        for made, holder in definitions(self.evaluate, node, scope):
            return (made, holder) if isinstance(made, ast.Call) else None
        return None

    @cached_property
    def starts(self) -> dict[Scope, list[Start]]:
        """The work that a function starts through a client, or through a contract that it passes on."""
        return {scope: starts for scope in self.scopes if (starts := self.starts_of(scope))}

    def starts_of(self, scope: Scope) -> list[Start]:
        """What one function starts."""
        return [start for call in scope.calls if (start := self._start(call, scope)) is not None]

    def _start(self, call: ast.Call, scope: Scope) -> Start | None:
        function = self.evaluate.value(call.func, scope)
        if isinstance(function, Method) and isinstance(function.of, Client):
            client = function.of
            if function.name in ("run", "rpc"):
                given = argument(call, "fn", 1) or argument(call, "func")
                start = Start(call, scope, function.name, client, argument(call, "id", 0))
                start.arguments = tuple(call.args[2:])
                return self._named(start, given)
            if function.name == "schedule":
                start = Start(call, scope, "schedule", client, argument(call, "id", 0))
                return self._named(start, argument(call, "func_name", 2))
            if function.name == "promises.create":
                start = Start(call, scope, "create", client, argument(call, "id", 0))
                task = self._task(call, scope)
                return self._named(start, argument(task, "func", 0) if task is not None else None)
            return None
        if isinstance(function, Function) and (function.scope.name == "serve" or _is_fan_out(function.scope)):
            return None
        if isinstance(function, Function) and function.scope.name == "start":
            contract = self.contract_of(function.owner)
            if contract is not None:
                return Start(call, scope, "contract", None, self._id_given(call, function.scope), contract=contract)
        if isinstance(function, Class) and function.class_.name == "Schedule":
            return None
        if not isinstance(function, Function | Class):
            return None
        taking = function.scope if isinstance(function, Function) else None
        for given, parameter in _given(call, taking):
            contract = self.contract_of(self.evaluate.value(given, scope))
            if contract is not None and (
                taking is None or parameter is None or self._may_use(taking, parameter, "start", ())
            ):
                return Start(call, scope, "contract", None, self._id_given(call, taking), contract=contract)
        return None

    def _may_use(self, function: Scope, parameter: str, method: str, inside: tuple[Scope, ...]) -> bool:
        """Whether a function may call a method of what it is given: it does more than to look at other attributes."""
        if function in inside:
            return False
        for node, scope in loads(parameter, function):
            up = above(node)
            if isinstance(up, ast.Attribute):
                if up.attr == method or (method == "start" and self._names_task(up, scope)):
                    return True
                continue
            call = above(up) if isinstance(up, ast.keyword) else up
            callee = self.evaluate.value(call.func, scope) if isinstance(call, ast.Call) else None
            if not isinstance(call, ast.Call) or call.func is node or not isinstance(callee, Function):
                return True  # who knows what becomes of it
            for given, name in _given(call, callee.scope):
                if given is node and (name is None or self._may_use(callee.scope, name, method, (*inside, function))):
                    return True
        return False

    def _names_task(self, name: ast.Attribute, scope: Scope) -> bool:
        """Whether it is part of what the SDK starts: ``TaskData(func=contract.name)``, as services of 0.1.0 have it."""
        up = above(name)
        call = above(up) if isinstance(up, ast.keyword) else up
        return isinstance(call, ast.Call) and self._is_task(call, scope)

    @cached_property
    def answers(self) -> dict[Scope, list[tuple[ast.Call, Gate]]]:
        """The gates that a function answers, itself or by what it passes them on to."""
        return {scope: answers for scope in self.scopes if (answers := list(self.answers_of(scope)))}

    def answers_of(self, scope: Scope) -> Iterator[tuple[ast.Call, Gate]]:
        """The gates that one function answers."""
        for call in scope.calls:
            function = self.evaluate.value(call.func, scope)
            if not isinstance(function, Function):
                continue
            gate = self.gate_of(function.owner) if function.scope.name == "deliver" else None
            for given, parameter in _given(call, function.scope):
                passed = self.gate_of(self.evaluate.value(given, scope)) if gate is None else None
                if passed and (parameter is None or self._may_use(function.scope, parameter, "deliver", ())):
                    gate = passed
            if gate is not None:
                yield call, gate

    def code_of(self, route: Route) -> list[Scope]:
        """The code that a route runs, but for the machinery's."""
        if self.is_machinery(route.handler.module):
            return []
        # The machinery knows no service: what it calls is its own, and much to read.
        return self.reached(route.handler, 3, among=lambda it: not self.is_machinery(it.module))

    def started(self, start: Start | DurableCall, scope: Scope) -> Contract | None:
        """The contract of what is started or called: by the contract, its function, or its durable name."""
        if start.contract is not None:
            return start.contract
        if start.function is not None:
            of_function = (it.contract for it in self.by_function.get(start.function, ()))
            return next((it for it in of_function if it is not None), None)
        options = start.options if isinstance(start, DurableCall) else start.client and start.client.options
        target = self.target(options, scope) if options else Target(None, said=False)
        named = [it for it in self.contracts.values() if it.name == start.name and start.name is not None]
        fitting = [it for it in named if not target.said or target.group in (None, it.group)]
        return max(fitting, key=lambda it: it.version or 0, default=None)

    def _named(self, start: Start, given: ast.expr | None) -> Start:
        value = self.evaluate.value(given, start.scope)
        start.function = value.scope if isinstance(value, Function) else None
        start.name = self.evaluate.text(given, start.scope)
        start.by_name = start.name is not None
        return start

    def _task(self, call: ast.Call, scope: Scope) -> ast.Call | None:
        """The `TaskData(…)` in a `promises.create`."""
        for inner in ast.walk(call):
            if isinstance(inner, ast.Call) and self._is_task(inner, scope):
                return inner
        return None

    def _is_task(self, call: ast.Call, scope: Scope) -> bool:
        return self.evaluate.external(call.func, scope) == "resonate.types.TaskData"

    def _id_given(self, call: ast.Call, function: Scope | None) -> ast.expr | None:
        """The argument of a call that names the work: by the name of the parameter."""
        if function is None:
            return None
        names = [it.arg for it in function.positional]
        for name in ("promise_id", "root_id", "root", "id", "job_id", "work_id"):
            if name in names:
                return argument(call, name, names.index(name))
        return None

    @cached_property
    def schedules(self) -> list[Schedule]:
        """What starts by the clock."""
        found: list[Schedule] = []
        for scope in self.scopes:
            for call in scope.calls:
                function = self.evaluate.value(call.func, scope)
                if isinstance(function, Method) and function.name == "schedule" and isinstance(function.of, Client):
                    name = self.evaluate.text(argument(call, "id", 0), scope)
                    started = self.evaluate.text(argument(call, "func_name", 2), scope)
                    target = self.target(function.of.options, scope)
                    group = target.group if target.said else self.group_of(function.of)
                    found.append(Schedule(name, call, scope, started, None, group))
                elif isinstance(function, Class) and function.class_.name == "Schedule" and self._is_listed(call):
                    of_this = len(found)
                    for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                        value = self.evaluate.value(given, scope)
                        served = self.contract_fulfilled_by(value.scope) if isinstance(value, Function) else None
                        contract = served or self.contract_of(value)
                        if contract is not None:
                            name = self.evaluate.text(argument(call, "name", 0), scope)
                            found.append(Schedule(name, call, scope, contract.name, contract, contract.group))
                    if len(found) == of_this and self.is_machinery(function.class_.module):
                        name = self.evaluate.text(argument(call, "name", 0), scope)
                        found.append(Schedule(name, call, scope))
        return found

    def _is_listed(self, call: ast.Call) -> bool:
        """Whether a schedule stands in a SCHEDULES list, where the program has such lists."""
        return self._listed is None or call in self._listed

    @cached_property
    def _listed(self) -> set[ast.AST] | None:
        """What the SCHEDULES lists hold; None where there are none, or more may be in them."""
        found: set[ast.AST] = set()
        modules = [it for it in self.modules if "SCHEDULES" in it.scope.bindings]
        for module in modules:
            reader = ListReader(self.evaluate)
            reader.named("SCHEDULES", module.scope)
            if reader.is_open:
                return None
            for item, holder in reader.elements:
                found |= {node for node, _ in definitions(self.evaluate, item, holder)}
        return found if modules else None

    def reached(self, scope: Scope, depth: int = 4, among: Callable[[Scope], bool] | None = None) -> list[Scope]:
        """A function and the functions of the program that it calls, itself first; by those ``among`` some only."""
        found, waiting = [scope], [(scope, 0)]
        while waiting:
            current, level = waiting.pop(0)
            if level < depth:
                for _, callee in self.plain_calls_of(current):
                    if callee not in found and (among is None or among(callee)):
                        found.append(callee)
                        waiting.append((callee, level + 1))
        return found


def _group_at(target: str) -> str | None:
    """The group that a target means: it may be an address."""
    match = _POLL.fullmatch(target)
    if match:
        return match[1]
    return None if "://" in target else target


def _given(call: ast.Call, function: Scope | None) -> Iterator[tuple[ast.expr, str | None]]:
    """The arguments of a call of a function, each with the parameter that it is for; None where that is not known."""
    names = [it.arg for it in function.positional] if function is not None else []
    for place, value in enumerate(call.args):
        yield value, names[place] if place < len(names) else None
    for keyword in call.keywords:
        yield keyword.value, keyword.arg


def _runs_a_parameter(scope: Scope, parameters: set[str]) -> bool:
    """Whether a function, or one inside of it, gives a parameter to `run` or `rpc`."""
    known = parameters | {it for it, bound in scope.bindings.items() if bound[0].how is Bound.parameter}
    for call in scope.calls:
        match call:
            case ast.Call(func=ast.Attribute(attr="run" | "rpc"), args=[ast.Name(id=given), *_]) if given in known:
                return True
    return any(_runs_a_parameter(inner, known) for inner in scope.inner)


def _is_fan_out(function: Scope) -> bool:
    """Whether a function is the runtime's `fan_out`, which calls a contract many times."""
    return function.name == "fan_out" and function.module.path.parts[-3:] == ("runtime", "durable", "fan_out.py")
