"""Who registers what for which group."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from resonate_scaffold.code.contracts import Contracts, defines_contracts
from resonate_scaffold.code.facts import (
    Contract,
    Group,
    GroupList,
    Registration,
)
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Bound, Module, Scope, above
from resonate_scaffold.code.served import Entry, Worker, decorated_by, function_of, served_by, serves, worker_of
from resonate_scaffold.code.values import (
    Class,
    Client,
    Constant,
    External,
    Function,
    Method,
    OneOf,
    Thing,
    Value,
)

DEFAULT_GROUP = "default"
CLIENT_ARGUMENTS = frozenset(
    {
        "url", "network", "sources", "group", "pid", "resolve_target", "ttl", "token", "encryptor", "heartbeat",
        "max_concurrent_tasks", "retry_policy", "env", "clock", "sleeper", "observer", "subscription_refresh_secs",
        "autostart",
    }
)  # fmt: skip
_OLD_CLIENT = "resonate.Resonate"
_KEEPING = (
    *("builtins.", "asyncio.", "functools.", "contextlib.", "contextvars.", "typing.", "dataclasses.", "logging."),
    *("fastapi.", "starlette.", "flask.", "threading.", "anyio."),
)


class Registrations(Contracts):
    """The second layer of :class:`~resonate_scaffold.code.model.Model`."""

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
        for module in self.modules:
            for _, call, class_ in self._module_values(module):
                if class_.name == "Service" and self.is_runtime(class_.module):
                    given = argument(call, "groups", 3)
                    items = self.evaluate.each(given, module.scope) if given is not None else None
                    names = [self.evaluate.text(item, holder) for item, holder in items or ()]
                    if items is not None and None not in names:
                        package = class_.module.path.parent.parent
                        found.append(GroupList(frozenset(filter(None, names)), module, package))
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
        if contract is None and not (isinstance(serve, Function) and defines_contracts(serve.scope.module)):
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
