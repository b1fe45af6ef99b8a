"""What a program does with Resonate: who registers what for which group, who calls whom, what routes start.

Everything is read from the program's text, by :mod:`~resonate_scaffold.code.evaluate`. Rules ask here and decide
what is wrong; the graph draws the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from resonate_scaffold.code.evaluate import DURABLE, Evaluator, argument, is_class_of_contracts, is_contract
from resonate_scaffold.code.program import Binding, Bound, Module, Program, ProgramClass, Scope, above
from resonate_scaffold.code.served import Entry, Worker, decorated_by, function_of, served_by, serves, worker_of
from resonate_scaffold.code.values import (
    Class,
    Client,
    Constant,
    Context,
    External,
    Function,
    Instance,
    Method,
    ModuleOf,
    OneOf,
    Options,
    Thing,
    Value,
)

DEFAULT_GROUP = "default"
# What `Resonate(…)` takes.
CLIENT_ARGUMENTS = frozenset(
    {
        "url", "network", "sources", "group", "pid", "resolve_target", "ttl", "token", "encryptor", "heartbeat",
        "max_concurrent_tasks", "retry_policy", "env", "clock", "sleeper", "observer", "subscription_refresh_secs",
        "autostart",
    }
)  # fmt: skip
_OLD_CLIENT = "resonate.Resonate"
_POLL = re.compile(r"poll://(?:any|uni)@([^/]+)(?:/.*)?")
_HTTP_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_APPLICATIONS = frozenset(
    {
        "fastapi.FastAPI",
        "fastapi.APIRouter",
        "fastapi.routing.APIRouter",
        "fastapi.applications.FastAPI",
        "starlette.applications.Starlette",
        "starlette.routing.Router",
        "flask.Flask",
        "flask.Blueprint",
        "quart.Quart",
        "quart.Blueprint",
    }
)
# What calls the functions that it is given, there and then.
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
# What may be given a client, and registers nothing with it.
_KEEPING = (
    *("builtins.", "asyncio.", "functools.", "contextlib.", "contextvars.", "typing.", "dataclasses.", "logging."),
    *("fastapi.", "starlette.", "flask.", "threading.", "anyio."),
)
_RPC_OF_A_RUNTIME = ("runtime", "durable", "rpc.py")
_OLDER_MACHINERY = frozenset({"rpc", "gate", "engine", "schedules", "recording", "histories"})
_ROUTE_CLASSES = frozenset({"starlette.routing.Route", "fastapi.routing.APIRoute"})


class GroupList(NamedTuple):
    """The worker groups of the service in ``package``, as ``module`` lists them: its processes join no others."""

    names: frozenset[str]
    module: Module
    package: PurePosixPath


class Target(NamedTuple):
    """Where a call goes: ``group`` is None where it is not known; ``said`` whether the code names it."""

    group: str | None
    said: bool


@dataclass(slots=True, eq=False)
class Contract:
    """An `Rpc` value of a generated service."""

    variable: str
    call: ast.Call
    scope: Scope
    name: str | None
    group: str | None
    version: int | None
    request: ProgramClass | None
    result: ProgramClass | None


@dataclass(slots=True, eq=False)
class Gate:
    """A `Gate` value of a generated service."""

    variable: str
    call: ast.Call
    scope: Scope
    name: str | None


@dataclass(slots=True, eq=False)
class Registration:
    """A function that a worker runs under a name. ``group``, ``name``, ``version``: None where they are not known.

    ``registry`` tells what it is registered in: two equal names in one of these exclude each other.
    """

    name: str | None
    version: int | None
    group: str | None
    function: Scope | None
    node: ast.AST
    scope: Scope
    registry: object
    client: Client | None = None
    contract: Contract | None = None
    retries: bool = False
    stands_in: bool = False
    """It is another team's function, faked."""
    home: Worker | None = None
    """The worker whose SERVED list it stands in."""
    serve: tuple[ast.Call, Scope] | None = None
    """The call of `serve` that pairs it with its contract, and where that stands."""


@dataclass(slots=True, eq=False)
class DurableCall:
    """A durable call. ``kind``: `run`, `rpc`, `detached`, `sleep`, `promise`, `contract`, `fan_out`, `wait`."""

    node: ast.Call
    scope: Scope
    kind: str
    context: Context
    function: Scope | None = None
    """What a call by object means."""
    name: str | None = None
    """What a call by name means."""
    by_name: bool = False
    arguments: tuple[ast.expr, ...] = ()
    contract: Contract | None = None
    gate: Gate | None = None

    @property
    def options(self) -> Options:
        return self.context.options


@dataclass(slots=True, eq=False)
class Start:
    """Work that is started from outside of a workflow. ``kind``: `rpc`, `run`, `create`, `contract`, `schedule`."""

    node: ast.Call
    scope: Scope
    kind: str
    client: Client | None = None
    id: ast.expr | None = None
    function: Scope | None = None
    name: str | None = None
    by_name: bool = False
    contract: Contract | None = None
    arguments: tuple[ast.expr, ...] = ()


@dataclass(slots=True, eq=False)
class Route:
    """A path operation: ``handler`` serves ``methods`` (upper case) of ``path``. ``node`` declares it."""

    handler: Scope
    methods: tuple[str, ...]
    path: str
    node: ast.Call
    scope: Scope
    router: Value | None
    framework: str


@dataclass(slots=True, eq=False)
class Schedule:
    """A workflow that starts by the clock."""

    name: str | None
    node: ast.Call
    scope: Scope
    function: str | None = None
    contract: Contract | None = None
    group: str | None = None


@dataclass(slots=True)
class Group:
    """A group that some process of this program joins."""

    name: str
    functions: dict[tuple[str, int], Registration] = field(default_factory=dict)
    is_open: bool = False
    """Something is registered that could not be read."""
    stands_in: bool = False
    """Only stand-ins join it."""


class Model:
    """One program, understood."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.evaluate = Evaluator(program)
        self._find_durable()

    # -- what there is ------------------------------------------------------------------------------------------------

    @cached_property
    def modules(self) -> list[Module]:
        """All files but tests, which do what they like."""
        return [it for it in self.program.modules.values() if not it.is_test and it.error is None]

    @cached_property
    def runtime(self) -> frozenset[Module]:
        """The modules of the `runtime/` of generated services: machinery, which the tool renews."""
        return frozenset(it for it in self.modules if not self._runtimes.isdisjoint(it.path.parents))

    @cached_property
    def _runtimes(self) -> set[PurePosixPath]:
        """The directories of the runtimes: one a service."""
        known = [it for it in self.modules if it.path.parts[-3:] == _RPC_OF_A_RUNTIME and _defines_contracts(it)]
        return {module.path.parent.parent for module in known}

    @cached_property
    def machinery(self) -> frozenset[Module]:
        """The runtime, and what stood in its place in services of version 0.1.0: how a service calls, and not what."""
        homes = {it.directory for it in self.modules if it.path.name == "rpc.py" and _defines_contracts(it)}
        older = [it for it in self.modules if it.directory in homes and it.path.stem in _OLDER_MACHINERY]
        return self.runtime | frozenset(older)

    @cached_property
    def _own_scopes(self) -> list[Scope]:
        """All scopes but those of tests and of the runtime, which registers only what SERVED lists say."""
        return [it for it in self.scopes if it.module not in self.runtime]

    def _is_machinery(self, scope: Scope) -> bool:
        """Whether code registers what SERVED lists say, as the engine of a generated service does."""
        return scope.module in self.machinery or "Served" in scope.module.scope.bindings

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
        found: dict[ast.Call, Contract] = {}
        for variable, call, class_, scope in self._module_values():
            if is_contract(Instance(class_, call, scope)):
                value = self.evaluate
                version = argument(call, "version", 5)
                found[call] = Contract(
                    variable,
                    call,
                    scope,
                    value.text(argument(call, "name", 0), scope),
                    value.text(argument(call, "group", 1), scope),
                    value.number(version, scope) if version is not None else 1,
                    self._class(argument(call, "request", 2), scope),
                    self._class(argument(call, "result", 3), scope),
                )
        return found

    @cached_property
    def gates(self) -> dict[ast.Call, Gate]:
        """The gates, by the call that makes them."""
        return {
            call: Gate(variable, call, scope, self.evaluate.text(argument(call, "name", 0), scope))
            for variable, call, class_, scope in self._module_values()
            if _is_gate(class_)
        }

    def _module_values(self) -> Iterator[tuple[str, ast.Call, ProgramClass, Scope]]:
        """The instances of the program's classes that modules bind to a name."""
        for module in self.modules:
            for name, bindings in module.scope.bindings.items():
                for binding in bindings:
                    if binding.how is Bound.value and isinstance(binding.node, ast.Call):
                        value = self.evaluate.value(binding.node, module.scope)
                        if isinstance(value, Instance):
                            yield name, binding.node, value.class_, module.scope

    def contract_of(self, value: Value | None) -> Contract | None:
        """The contract that a value is."""
        return self.contracts.get(value.call) if isinstance(value, Instance) and value.call is not None else None

    def is_gate(self, value: Value | None) -> bool:
        """Whether a value is a gate, also one that is only known by its type."""
        return isinstance(value, Instance) and _is_gate(value.class_)

    def gate_of(self, value: Value | None) -> Gate | None:
        """The gate that a value is."""
        return self.gates.get(value.call) if isinstance(value, Instance) and value.call is not None else None

    def _class(self, node: ast.expr | None, scope: Scope) -> ProgramClass | None:
        value = self.evaluate.value(node, scope)
        return value.class_ if isinstance(value, Class) else None

    # -- who registers what -------------------------------------------------------------------------------------------

    def group_of(self, client: Client) -> str | None:
        """The group that a client joins; None where that is not known, or where it is one of several."""
        groups = self._groups_of(client)
        return next(iter(groups)) if len(groups) == 1 else None

    def _groups_of(self, client: Client) -> set[str | None]:
        """The groups that a client may join, with None for those that only the run decides."""
        if client.node is None or client.scope is None:
            return {None}
        given = argument(client.node, "group")
        if given is None:
            return {None if any(it.arg is None for it in client.node.keywords) else DEFAULT_GROUP}
        if self.evaluate.value(given, client.scope) == Constant(None):
            return {DEFAULT_GROUP}
        return self._texts(given, client.scope)

    def _texts(self, node: ast.expr | None, scope: Scope, depth: int = 0) -> set[str | None]:
        """What a text may be: that of a parameter is what the calls of its function give."""
        text = self.evaluate.text(node, scope)
        if text is not None:
            return {text}
        if isinstance(node, ast.IfExp):
            return self._texts(node.body, scope, depth) | self._texts(node.orelse, scope, depth)
        holder: Scope | None = scope
        while isinstance(node, ast.Name) and holder is not None and node.id not in holder.bindings:
            holder = holder.outer
        if not isinstance(node, ast.Name) or holder is None or depth > 3:
            return {None}
        bindings = holder.bindings[node.id]
        if len(bindings) != 1 or bindings[0].how is not Bound.parameter:
            return {None}
        names = [it.arg for it in holder.positional]
        place = names.index(node.id) if node.id in names else None
        found: set[str | None] = {None} if holder.decorators or holder.name in self._passed_on else set()
        for call, caller in self.evaluate.calls_of(holder):
            found |= self._texts(argument(call, node.id, place), caller, depth + 1)
        return found or {None}

    @cached_property
    def _passed_on(self) -> set[str]:
        """The names that are used for something else than a call: a function of this name may be called anywhere."""
        found: set[str] = set()
        for scope in self.scopes:
            for node in scope.nodes:
                if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                    up = above(node)
                    if not isinstance(up, ast.Call) or up.func is not node:
                        found.add(node.id if isinstance(node, ast.Name) else node.attr)
        return found

    @cached_property
    def joins_unknown(self) -> bool:
        """Whether a process joins a group that only its run decides."""
        for scope in self._own_scopes:
            for call in scope.calls:
                value = self.evaluate.value(call, scope)
                made = isinstance(value, Client) and value.node is None
                if made and not isinstance(self.evaluate.value(call.func, scope), Method | Function):
                    return True
        return any(None in self._groups_of(it) for it in self.clients if it.scope and not self._is_machinery(it.scope))

    @cached_property
    def is_blind(self) -> bool:
        """Whether a file that is not Python might register something."""
        broken = [it for it in self.program.modules.values() if it.error is not None and not it.is_test]
        return any(word in line for it in broken for line in it.lines for word in (b"resonate", b"register", b"serve"))

    @cached_property
    def handed_out(self) -> list[Client]:
        """The clients that are given to code that is not here: what that registers is not known."""
        found: list[Client] = []
        for scope in self._own_scopes:
            for call in scope.calls:
                if not _is_elsewhere(self.evaluate.value(call.func, scope)):
                    continue
                given = [*call.args, *(it.value for it in call.keywords)]
                values = [self.evaluate.value(it, scope) for it in given if isinstance(it, ast.Name | ast.Attribute)]
                found += [it for it in values if isinstance(it, Client)]
        return found

    def is_stale(self, client: Client) -> bool:
        """Whether a client is made as in releases before 0.8, which knew other defaults: RS501 and RS502 tell it."""
        if client.node is None or client.scope is None:
            return True
        given = {it.arg for it in client.node.keywords if it.arg is not None}
        return bool(given - CLIENT_ARGUMENTS) or self.evaluate.external(client.node.func, client.scope) == _OLD_CLIENT

    @cached_property
    def clients(self) -> list[Client]:
        """Every client that the program makes."""
        found: list[Client] = []
        for scope in self.scopes:
            for call in scope.calls:
                value = self.evaluate.value(call, scope)
                if isinstance(value, Client) and value.node is call:
                    found.append(value)
        return found

    @cached_property
    def registrations(self) -> list[Registration]:
        """Everything that is registered; what could not be read has no function or no name."""
        found: list[Registration] = []
        for scope in self.scopes:
            for call in scope.calls:
                found += self._registered(call, scope)
            if not isinstance(scope.node, ast.Module | ast.Lambda):
                found += self._decorated(scope)
        return found

    def _registered(self, call: ast.Call, scope: Scope) -> Iterator[Registration]:
        if serves(self.evaluate, call, scope):
            yield from self._served(call, scope)
            return
        said, given = self._registering(call, scope)
        if said is None:
            return
        method = self.evaluate.value(said.func, scope)
        if isinstance(method, Method) and isinstance(method.of, Client):
            if given is None and _decorates(call):
                return
            value = self.evaluate.value(given, scope)
            options = value.options if isinstance(value, OneOf) else (value,)
            for option in options:
                if not isinstance(option, Function) and self._is_machinery(scope):
                    continue
                yield self._registration(option, said, scope, method.of, self._registry(method.of, said.func, scope))
        elif method is None or isinstance(method, External):
            # Whatever this is, a durable function that it registers is registered.
            value = self.evaluate.value(given, scope)
            if isinstance(value, Function) and self.context_of(value.scope) is not None:
                yield self._registration(value, said, scope, Client(), call)

    def _registering(self, call: ast.Call, scope: Scope) -> tuple[ast.Call | None, ast.expr | None]:
        """The call with the options of a registration, and what is registered.

        It is `client.register(function, …)` or `client.register(…)(function)`.
        """
        if isinstance(call.func, ast.Call):
            _, given = self._registering(call.func, scope)
            decorating = given is None and _is_register(self.evaluate.value(call.func.func, scope), call.func)
            return (call.func, call.args[0]) if decorating and call.args else (None, None)
        if not _is_register(self.evaluate.value(call.func, scope), call):
            return None, None
        return call, argument(call, "fn", 0) or argument(call, "func")

    def _registry(self, client: Client, function: ast.expr, scope: Scope) -> object:
        """What tells one registry from another: its client, unless that is made more than once."""
        made = client.scope
        if client.node is None or made is None:
            return scope, ast.dump(function)
        several = not isinstance(made.node, ast.Module) and sum(1 for _ in self.evaluate.calls_of(made)) > 1
        return (scope, ast.dump(function)) if several else client.node

    def _registration(
        self, value: Value | None, call: ast.Call, scope: Scope, client: Client, registry: object
    ) -> Registration:
        implementation = value.scope if isinstance(value, Function) else None
        named, version = argument(call, "name"), argument(call, "version")
        name = implementation.name if implementation is not None else None
        if named is not None:
            name = self.evaluate.text(named, scope)
        number = 1 if version is None else self.evaluate.number(version, scope)
        retries = argument(call, "retry_policy") is not None
        group = self.group_of(client)
        return Registration(name, number, group, implementation, call, scope, registry, client, None, retries)

    @cached_property
    def workers(self) -> list[Worker]:
        """The modules with a SERVED list."""
        found = [worker_of(self.evaluate, it, by_decorator=self._has_runtime(it)) for it in self.modules]
        return [it for it in found if it is not None]

    def _has_runtime(self, module: Module) -> bool:
        """Whether a module belongs to a service with a `runtime/`."""
        return any(home.parent in module.path.parents for home in self._runtimes)

    @cached_property
    def group_lists(self) -> list[GroupList]:
        """The lists from which generated services know their worker groups: `Service(…, groups=GROUPS)`."""
        found: list[GroupList] = []
        for _, call, class_, scope in self._module_values():
            if class_.name == "Service" and class_.module in self.runtime:
                given = argument(call, "groups", 3)
                items = self.evaluate.each(given, scope) if given is not None else None
                names = [self.evaluate.text(item, holder) for item, holder in items or ()]
                if items is not None and None not in names:
                    package = class_.module.path.parent.parent
                    found.append(GroupList(frozenset(filter(None, names)), scope.module, package))
        return found

    @cached_property
    def _entries(self) -> dict[ast.Call, list[tuple[Worker, Entry]]]:
        """The elements of SERVED lists that a call of `serve` made."""
        found: dict[ast.Call, list[tuple[Worker, Entry]]] = {}
        for worker in self.workers:
            for entry in worker.entries:
                found.setdefault(entry.call, []).append((worker, entry))
        return found

    def _served(self, call: ast.Call, scope: Scope) -> Iterator[Registration]:
        """What a call of `serve` registers: once for each worker that has it in its list."""
        contract = self.contract_of(self.evaluate.value(argument(call, "contract", 0), scope))
        serve = self.evaluate.value(call.func, scope)
        if contract is None and not (isinstance(serve, Function) and _defines_contracts(serve.scope.module)):
            return  # another `serve`
        function = function_of(self.evaluate, call, scope)
        listed = self._entries.get(call, [])
        unlisted = not listed and decorated_by(call, scope) is not None
        if unlisted and not any(it.is_open for it in self.workers):
            return  # its function is in no list, so no worker has it
        homes = [(worker, entry) for worker, entry in listed if worker.grouped]
        own = [(worker, entry) for worker, entry in homes if worker.module is entry.scope.module]
        places: list[tuple[Worker | None, Entry]] = [*(own or homes)]
        for home, entry in places or [(None, listed[0][1] if listed else Entry(call, scope, call))]:
            group = home.group if home is not None else None
            if group is None and contract is not None:
                group = contract.group
            found = Registration(
                contract.name if contract is not None else None,
                contract.version if contract is not None else None,
                group,
                function.scope if function is not None else None,
                entry.node,
                entry.scope,
                entry.scope.module.path if home is None else home.module.path,
            )
            found.contract, found.retries, found.home, found.serve = contract, True, home, (call, scope)
            if unlisted:
                found.stands_in = all(it.group != group for it in self.workers)
            else:
                found.stands_in = home is None and "GROUP" not in entry.scope.module.scope.bindings
            yield found

    def contract_fulfilled_by(self, function: Scope) -> Contract | None:
        """The contract that a function is decorated to fulfil, whether a worker lists it or not."""
        call = served_by(self.evaluate, function)
        given = argument(call, "contract", 0) if call is not None else None
        return self.contract_of(self.evaluate.value(given, function.outer or function))

    @cached_property
    def unlisted(self) -> dict[Scope, Contract]:
        """The functions that are decorated to fulfil a contract, and stand in no SERVED list."""
        if not self.workers or any(it.is_open for it in self.workers):
            return {}
        found: dict[Scope, Contract] = {}
        for scope in self.scopes:
            call = served_by(self.evaluate, scope)
            contract = self.contract_fulfilled_by(scope)
            if call is not None and call not in self._entries and contract is not None:
                found[scope] = contract
        return found

    def is_served_by_decorator(self, contract: Contract) -> bool:
        """Whether the `serve` that belongs to a contract decorates functions; that of 0.1.0 is given them."""
        class_ = self.evaluate.value(contract.call.func, contract.scope)
        bindings = class_.class_.module.scope.bindings.get("serve", ()) if isinstance(class_, Class) else ()
        parameters = [it.arg for binding in bindings if binding.scope is not None for it in binding.scope.positional]
        return "function" not in parameters

    def _decorated(self, scope: Scope) -> Iterator[Registration]:
        for decorator in scope.decorators:
            call = decorator if isinstance(decorator, ast.Call) else None
            outer = scope.outer or scope
            function = self.evaluate.value(call.func if call else decorator, outer)
            if isinstance(function, Method) and isinstance(function.of, Client) and function.name == "register":
                if call is not None and call.args:
                    continue
                registry = self._registry(function.of, call.func if call else decorator, outer)
                carrier = call or ast.Call(decorator, [], [])
                found = self._registration(Function(scope), carrier, outer, function.of, registry)
                found.node = decorator
                yield found

    @cached_property
    def groups(self) -> dict[str, Group]:
        """The groups that are joined here, with what they run."""
        found: dict[str, Group] = {}
        for client in self.clients:
            for name in self._groups_of(client):
                if name is not None:
                    found.setdefault(name, Group(name))
        real = {it.group for it in self.registrations if not it.stands_in} | found.keys()
        for it in self.registrations:
            if it.group is None:
                continue
            group = found.setdefault(it.group, Group(it.group))
            group.stands_in = it.group not in real
            if it.name is None or it.version is None:
                group.is_open = True
            else:
                group.functions.setdefault((it.name, it.version), it)
        for worker in self.workers:
            if worker.group is not None:
                group = found.setdefault(worker.group, Group(worker.group))
                group.is_open, group.stands_in = group.is_open or worker.is_open, False
        for client in self.handed_out:
            for name in self._groups_of(client):
                if name is not None:
                    found.setdefault(name, Group(name)).is_open = True
        return found

    @cached_property
    def is_open(self) -> bool:
        """Whether something may be registered by what could not be read, for who knows which group."""
        return (
            self.is_blind
            or any(it.group is None and (it.name is None or it.version is None) for it in self.registrations)
            or any(None in self._groups_of(it) for it in self.handed_out)
            or any(it.grouped and it.group is None and it.is_open for it in self.workers)
        )

    @cached_property
    def by_name(self) -> dict[str, list[Registration]]:
        """What is registered under a name, in whatever group and version."""
        found: dict[str, list[Registration]] = {}
        for it in self.registrations:
            if it.name is not None:
                found.setdefault(it.name, []).append(it)
        return found

    @cached_property
    def by_function(self) -> dict[Scope, list[Registration]]:
        """Under what a function is registered."""
        found: dict[Scope, list[Registration]] = {}
        for it in self.registrations:
            if it.function is not None:
                found.setdefault(it.function, []).append(it)
        return found

    # -- durable functions and their calls ----------------------------------------------------------------------------

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
                            if isinstance(value, Method) and isinstance(value.of, Client) and value.name == "register":
                                found.add(scope)
            found = {it for it in found if not self._has_context(it)}
            if not found - evaluate.durable:
                return
            evaluate.durable |= found
            evaluate.forget()

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
        found: dict[Scope, list[tuple[ast.Call, Scope]]] = {}
        for scope in self.scopes:
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
                            found.setdefault(scope, []).append((call, applied.scope))
                if callee is not None and not self._is_made_a_step(callee):
                    found.setdefault(scope, []).append((call, callee))
        return found

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
                given = [*call.args, *(keyword.value for keyword in call.keywords)]
                if any(isinstance(self.evaluate.value(it, scope), Context) for it in given):
                    handing.setdefault(callee, set()).add(scope)
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

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    @cached_property
    def routes(self) -> list[Route]:
        """Every path operation, in the order of the files."""
        found: list[Route] = []
        for scope in self.scopes:
            outer = scope.outer or scope
            for decorator in scope.decorators:
                if isinstance(decorator, ast.Call):
                    found += self._operations(decorator, outer, scope)
            for call in scope.calls:
                found += self._declared_routes(call, scope)
        return found

    def _operations(self, call: ast.Call, scope: Scope, handler: Scope) -> Iterator[Route]:
        if not isinstance(call.func, ast.Attribute):
            return
        verb = call.func.attr
        router = self.evaluate.value(call.func.value, scope)
        if not self._is_router(router):
            return
        framework = router.of.partition(".")[0] if isinstance(router, Thing) else "fastapi"
        path = self.evaluate.text(argument(call, "path", 0) or argument(call, "rule"), scope)
        if path is None:
            return
        if verb in _HTTP_METHODS:
            methods: tuple[str, ...] = (verb.upper(),)
        elif verb in ("route", "api_route"):
            methods = self._methods(argument(call, "methods"), scope)
        else:
            return
        yield Route(handler, methods, self._prefix(call.func.value, scope) + path, call, scope, router, framework)

    def _declared_routes(self, call: ast.Call, scope: Scope) -> Iterator[Route]:
        """`Route("/path", handler)` and `app.add_api_route("/path", handler)`."""
        function = self.evaluate.value(call.func, scope)
        if not isinstance(function, External):
            return
        added = function.name.rpartition(".")[2] in ("add_api_route", "add_route", "add_url_rule")
        if function.name not in _ROUTE_CLASSES and not (added and function.name.rpartition(".")[0] in _APPLICATIONS):
            return
        path = self.evaluate.text(argument(call, "path", 0) or argument(call, "rule"), scope)
        handler = self.evaluate.value(argument(call, "endpoint", 1) or argument(call, "view_func"), scope)
        if path is not None and isinstance(handler, Function):
            methods = self._methods(argument(call, "methods"), scope)
            yield Route(handler.scope, methods, path, call, scope, None, function.name.partition(".")[0])

    def _methods(self, node: ast.expr | None, scope: Scope) -> tuple[str, ...]:
        items = self.evaluate.each(node, scope) if node is not None else None
        texts = [self.evaluate.text(item, holder) for item, holder in items or ()]
        return tuple(text.upper() for text in texts if text is not None) or ("GET",)

    def _is_router(self, value: Value | None) -> bool:
        if isinstance(value, Instance):
            return any(
                isinstance(base, External) and base.name in _APPLICATIONS
                for node in value.class_.node.bases
                for base in [self.evaluate.value(node, value.class_.outer)]
            )
        return isinstance(value, Thing) and value.of in _APPLICATIONS

    def _prefix(self, node: ast.expr, scope: Scope) -> str:
        """The prefix that a router was made with."""
        made = self.router_call(node, scope)
        if made is None:
            return ""
        prefix = argument(made[0], "prefix") or argument(made[0], "url_prefix")
        return self.evaluate.text(prefix, made[1]) or ""

    def router_call(self, node: ast.expr, scope: Scope) -> tuple[ast.Call, Scope] | None:
        """The call that makes the router or application that a name means."""
        found = self.definition(node, scope)
        return (found[0], found[1]) if found is not None and isinstance(found[0], ast.Call) else None

    def definition(self, node: ast.expr, scope: Scope, depth: int = 0) -> tuple[ast.expr, Scope] | None:
        """The expression that a name is first bound to, here or where it is imported from."""
        if isinstance(node, ast.Attribute):
            module = self.evaluate.value(node.value, scope)
            if isinstance(module, ModuleOf):
                return self.definition(ast.Name(node.attr, ast.Load()), module.module.scope, depth + 1)
        holder: Scope | None = scope
        while holder is not None and isinstance(node, ast.Name) and depth < 6:
            for binding in holder.bindings.get(node.id, ()):
                if binding.how is Bound.value and isinstance(binding.node, ast.expr):
                    return binding.node, holder
                if binding.how is Bound.imported and binding.member is not None:
                    return self._imported_definition(binding, binding.member, holder, depth)
            if node.id in holder.bindings:
                return None
            if holder.outer is None:
                stars = (self._imported_definition(it, node.id, holder, depth) for it in holder.bindings.get("*", ()))
                return next((it for it in stars if it is not None), None)
            holder = holder.outer
        return None

    def _imported_definition(
        self, binding: Binding, name: str, holder: Scope, depth: int
    ) -> tuple[ast.expr, Scope] | None:
        path = self.program.importing(holder.module, binding.module, binding.level)
        imported = self.program.modules.get(path) if path is not None else None
        return None if imported is None else self.definition(ast.Name(name, ast.Load()), imported.scope, depth + 1)

    @cached_property
    def starts(self) -> dict[Scope, list[Start]]:
        """The work that a function starts through a client, or through a contract that it passes on."""
        found: dict[Scope, list[Start]] = {}
        for scope in self.scopes:
            for call in scope.calls:
                start = self._start(call, scope)
                if start is not None:
                    found.setdefault(scope, []).append(start)
        return found

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
        for given in (*call.args, *(keyword.value for keyword in call.keywords)):
            contract = self.contract_of(self.evaluate.value(given, scope))
            if contract is not None and isinstance(function, Function | Class):
                if isinstance(function, Class) and function.class_.name == "Schedule":
                    return None
                place = function.scope if isinstance(function, Function) else None
                return Start(call, scope, "contract", None, self._id_given(call, place), contract=contract)
        return None

    def _named(self, start: Start, given: ast.expr | None) -> Start:
        value = self.evaluate.value(given, start.scope)
        start.function = value.scope if isinstance(value, Function) else None
        start.name = self.evaluate.text(given, start.scope)
        start.by_name = start.name is not None
        return start

    def _task(self, call: ast.Call, scope: Scope) -> ast.Call | None:
        """The `TaskData(…)` in a `promises.create`."""
        for inner in ast.walk(call):
            if isinstance(inner, ast.Call) and self.evaluate.external(inner.func, scope) == "resonate.types.TaskData":
                return inner
        return None

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
                elif isinstance(function, Class) and function.class_.name == "Schedule":
                    for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                        value = self.evaluate.value(given, scope)
                        served = self.contract_fulfilled_by(value.scope) if isinstance(value, Function) else None
                        contract = served or self.contract_of(value)
                        if contract is not None:
                            name = self.evaluate.text(argument(call, "name", 0), scope)
                            found.append(Schedule(name, call, scope, contract.name, contract, contract.group))
        return found

    # -- helps for rules ----------------------------------------------------------------------------------------------

    def reached(self, scope: Scope, depth: int = 4) -> list[Scope]:
        """A function and the functions of the program that it calls, itself first."""
        found, waiting = [scope], [(scope, 0)]
        while waiting:
            current, level = waiting.pop(0)
            if level < depth:
                for _, callee in self.plain_calls.get(current, ()):
                    if callee not in found:
                        found.append(callee)
                        waiting.append((callee, level + 1))
        return found


def _group_at(target: str) -> str | None:
    """The group that a target means: it may be an address."""
    match = _POLL.fullmatch(target)
    if match:
        return match[1]
    return None if "://" in target else target


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


def _defines_contracts(module: Module) -> bool:
    """Whether the class of contracts is defined in a module: `rpc` of a generated service."""
    return any(
        it.class_ is not None and is_class_of_contracts(it.class_) for it in module.scope.bindings.get("Rpc", ())
    )


def _is_register(function: Value | None, call: ast.Call) -> bool:
    """Whether a call registers: with a client, or with what is not known and calls it so."""
    if isinstance(function, Method):
        return isinstance(function.of, Client) and function.name == "register"
    named = isinstance(call.func, ast.Attribute) and call.func.attr == "register"
    return named and (function is None or isinstance(function, External))


def _is_elsewhere(function: Value | None) -> bool:
    """Whether what is called is not here, and may do anything with what it gets."""
    if isinstance(function, External):
        return not function.name.startswith(_KEEPING)
    return function is None or isinstance(function, Thing)


def _decorates(call: ast.Call) -> bool:
    """Whether `client.register(…)` without a function is applied to one where it stands."""
    up = above(call)
    if isinstance(up, ast.Call):
        return up.func is call
    return isinstance(up, ast.FunctionDef | ast.AsyncFunctionDef) and call in up.decorator_list


def _is_gate(class_: ProgramClass) -> bool:
    return class_.name == "Gate" and {"wait", "deliver"} <= class_.methods.keys()
