"""The contracts and gates of a program, its durable functions, and what of it is machinery."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath

from resonate_scaffold.code.evaluate import Evaluator, is_class_of_contracts, is_contract
from resonate_scaffold.code.facts import (
    Contract,
    Gate,
)
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.program import Program
from resonate_scaffold.code.scopes import Bound, Module, ProgramClass, Scope
from resonate_scaffold.code.values import (
    Class,
    Client,
    Context,
    Function,
    Instance,
    Method,
    OneOf,
    Value,
)

_HOME_IN_A_RUNTIME = ("runtime", "durable")
_OLDER_MACHINERY = frozenset({"rpc", "gate", "engine", "schedules", "recording", "histories"})


class Contracts:
    """The first layer of :class:`~resonate_scaffold.code.model.Model`."""

    def __init__(self, program: Program, *, find_durable: bool = True) -> None:
        self.program = program
        self.evaluate = Evaluator(program)
        self._contracts_of: dict[Module, dict[ast.Call, Contract]] = {}
        self._in_runtime: dict[Module, bool] = {}
        self._gates_of: dict[Module, dict[ast.Call, Gate]] = {}
        if find_durable:
            self._find_durable()

    @cached_property
    def modules(self) -> list[Module]:
        """All files but tests, which do what they like."""
        return [it for it in self.program.modules.values() if not it.is_test and it.error is None]

    @cached_property
    def runtime(self) -> frozenset[Module]:
        """The modules of the `runtime/` of generated services: machinery, which the tool renews."""
        return frozenset(it for it in self.modules if self.is_runtime(it))

    def is_runtime(self, module: Module) -> bool:
        """Whether a file is one of the `runtime/` of a generated service."""
        if module not in self._in_runtime:
            self._in_runtime[module] = not self._runtimes.isdisjoint(module.path.parents)
        return self._in_runtime[module]

    def is_machinery(self, module: Module) -> bool:
        """Whether a file is of the runtime, or of what stood in its place in services of version 0.1.0.

        It says how a service calls, and not what.
        """
        return self.is_runtime(module) or (module.path.stem in _OLDER_MACHINERY and module.path.parent in self._homes)

    @cached_property
    def _homes(self) -> set[PurePosixPath]:
        """The directories with an `rpc.py` that defines the class of contracts."""
        known = [self.program.modules[path] for path in self.program.rpc_modules]
        return {it.path.parent for it in known if not it.is_test and defines_contracts(it)}

    @cached_property
    def services(self) -> set[PurePosixPath]:
        """The packages of generated services."""
        return {path.parent for path in self._runtimes}

    @cached_property
    def _runtimes(self) -> set[PurePosixPath]:
        """The directories of the runtimes: one a service."""
        return {path.parent for path in self._homes if path.parts[-2:] == _HOME_IN_A_RUNTIME}

    @cached_property
    def _own_scopes(self) -> list[Scope]:
        """All scopes but those of tests and of the runtime, which registers only what SERVED lists say."""
        return [it for it in self.scopes if not self.is_runtime(it.module)]

    def _is_machinery(self, scope: Scope) -> bool:
        """Whether code registers what SERVED lists say, as the engine of a generated service does."""
        return self.is_machinery(scope.module) or "Served" in scope.module.scope.bindings

    @cached_property
    def program_uses_resonate(self) -> bool:
        """Whether any file imports the SDK."""
        return any(it.uses_resonate for it in self.modules)

    @cached_property
    def scopes(self) -> list[Scope]:
        """All scopes but those of tests."""
        return [scope for module in self.modules for scope in module.scopes]

    @cached_property
    def contracts(self) -> dict[ast.Call, Contract]:
        """The contracts, by the call that makes them."""
        return {it.call: it for it in self.contracts_in(self.modules)}

    def contracts_in(self, modules: Iterable[Module]) -> Iterator[Contract]:
        """The contracts of some files."""
        for module in modules:
            if module not in self._contracts_of:
                self._contracts_of[module] = {it.call: it for it in self._find_contracts(module)}
            yield from self._contracts_of[module].values()

    def _find_contracts(self, module: Module) -> Iterator[Contract]:
        text, scope = self.evaluate.text, module.scope
        for variable, call, class_ in self._module_values(module):
            if is_contract(Instance(class_, call, scope)):
                version = argument(call, "version", 5)
                yield Contract(
                    variable,
                    call,
                    scope,
                    text(argument(call, "name", 0), scope),
                    text(argument(call, "group", 1), scope),
                    self.evaluate.number(version, scope) if version is not None else 1,
                    self._class(argument(call, "request", 2), scope),
                    self._class(argument(call, "result", 3), scope),
                )

    @cached_property
    def gates(self) -> dict[ast.Call, Gate]:
        """The gates, by the call that makes them."""
        return {it.call: it for it in self.gates_in(self.modules)}

    def gates_in(self, modules: Iterable[Module]) -> Iterator[Gate]:
        """The gates of some files."""
        for module in modules:
            if module not in self._gates_of:
                self._gates_of[module] = {it.call: it for it in self._find_gates(module)}
            yield from self._gates_of[module].values()

    def _find_gates(self, module: Module) -> Iterator[Gate]:
        scope = module.scope
        for variable, call, class_ in self._module_values(module):
            if _is_gate(class_):
                name = self.evaluate.text(argument(call, "name", 0), scope)
                yield Gate(variable, call, scope, name, self._class(argument(call, "payload", 1), scope))

    def _module_values(self, module: Module) -> Iterator[tuple[str, ast.Call, ProgramClass]]:
        """The instances of the program's classes that a module binds to a name."""
        for name, bindings in module.scope.bindings.items():
            for binding in bindings:
                if binding.how is Bound.value and isinstance(binding.node, ast.Call):
                    value = self.evaluate.value(binding.node, module.scope)
                    if isinstance(value, Instance):
                        yield name, binding.node, value.class_

    def contract_of(self, value: Value | None) -> Contract | None:
        """The contract that a value is."""
        if not isinstance(value, Instance) or value.call is None or value.scope is None or not is_contract(value):
            return None
        return next((it for it in self.contracts_in([value.scope.module]) if it.call is value.call), None)

    def is_gate(self, value: Value | None) -> bool:
        """Whether a value is a gate, also one that is only known by its type."""
        return isinstance(value, Instance) and _is_gate(value.class_)

    def gate_of(self, value: Value | None) -> Gate | None:
        """The gate that a value is."""
        if not isinstance(value, Instance) or value.call is None or value.scope is None or not self.is_gate(value):
            return None
        return next((it for it in self.gates_in([value.scope.module]) if it.call is value.call), None)

    def _class(self, node: ast.expr | None, scope: Scope) -> ProgramClass | None:
        value = self.evaluate.value(node, scope)
        return value.class_ if isinstance(value, Class) else None

    def _find_durable(self) -> None:
        """Find functions that get a Context without saying so: what is registered, and what is run as a step."""
        evaluate = self.evaluate
        for _ in range(6):
            found: set[Scope] = set()
            for module in self.program.modules.values():
                for scope in module.scopes:
                    for call in scope.calls:
                        function = evaluate.value(call.func, scope)
                        if isinstance(function, Method):
                            found |= self._given_a_context(function, call, scope)
                    if scope.decorators and isinstance(scope.outer, Scope):
                        for decorator in scope.decorators:
                            inner = decorator.func if isinstance(decorator, ast.Call) else decorator
                            value = evaluate.value(inner, scope.outer)
                            if self._registers(value):
                                found.add(scope)
            found = {it for it in found if not self._has_context(it)}
            if not found - evaluate.durable:
                return
            evaluate.durable |= found
            evaluate.forget()

    def _registers(self, decorator: Value | None) -> bool:
        """Whether a decorator registers: `client.register`, or `serve` of a generated service."""
        if isinstance(decorator, Method):
            return isinstance(decorator.of, Client) and decorator.name == "register"
        if not isinstance(decorator, Function):
            return False
        return decorator.scope.name == "serve" and defines_contracts(decorator.scope.module)

    def _given_a_context(self, function: Method, call: ast.Call, scope: Scope) -> set[Scope]:
        place: int | None = None
        if isinstance(function.of, Context) and function.name in ("run", "rpc", "lfc", "lfi", "call"):
            place = 0
        elif isinstance(function.of, Client):
            place = {"register": 0, "run": 1, "rpc": 1}.get(function.name)
        if place is None or len(call.args) <= place:
            return set()
        value = self.evaluate.value(call.args[place], scope)
        options = value.options if isinstance(value, OneOf) else (value,)
        return {it.scope for it in options if isinstance(it, Function)}

    def _has_context(self, scope: Scope) -> bool:
        if not scope.positional:
            return True  # it can have none
        return self.context_of(scope) is not None

    def context_of(self, scope: Scope) -> Context | None:
        """The Context of a function that has one as its first parameter."""
        if isinstance(scope.node, ast.Module) or not scope.positional:
            return None
        value = self.evaluate.name(scope.positional[0].arg, scope)
        return value if isinstance(value, Context) and value.scope is scope else None

    @cached_property
    def durable_functions(self) -> list[Scope]:
        """The functions whose first parameter is a Context."""
        return [it for it in self.scopes if not isinstance(it.node, ast.Module) and self.context_of(it) is not None]


def defines_contracts(module: Module) -> bool:
    """Whether the class of contracts is defined in a module: `rpc` of a generated service."""
    return any(
        it.class_ is not None and is_class_of_contracts(it.class_) for it in module.scope.bindings.get("Rpc", ())
    )


def _is_gate(class_: ProgramClass) -> bool:
    return class_.name == "Gate" and {"wait", "deliver"} <= class_.methods.keys()
