"""The structure of a service, read from its code: see :mod:`resonate_scaffold.code.model`."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import replace

from resonate_scaffold.code.facts import Contract, DurableCall, Gate, Place, Registration, Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.queries import is_query
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope, above
from resonate_scaffold.graph.structure import Edge, Group, Kind, Link, Node, Structure

_Act = DurableCall | Start | Gate | Scope
"""Something that a function does; a scope is a function that it calls as such."""


def structure_of(model: Model, title: str) -> Structure:
    """What a service has and who calls whom. What cannot be read from the code is left out."""
    return _Reader(model).read(title)


class _Reader:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._nodes: dict[str, Node] = {}
        self._edges: dict[Edge, None] = {}
        self._functions: dict[Scope, str] = {}
        """Of the functions that have a node, its id."""
        self._waiting: deque[tuple[Scope, str]] = deque()
        """Functions with their nodes, of which it is not known yet what they do."""
        self._seen: set[Scope] = set()
        """Functions whose code runs as part of some node's."""
        self._by_contract: dict[int, str] = {}
        self._by_name: dict[tuple[str, str | None], str] = {}

    def read(self, title: str) -> Structure:
        model = self._model
        for it in model.registrations:
            self._registered(it)
        for contract in model.contracts.values():
            self._contract(contract)
        self._waiting += self._functions.items()
        self._read_waiting()
        if not model.services:
            for scope in model.workflows:  # in code that is not whole, nobody may register them
                if scope not in self._seen and not self._is_machinery(scope):
                    node = self._add(_dotted(scope), Kind.workflow, qualified(scope), None, scope, scope.node)
                    self._functions[scope] = node
                    self._waiting.append((scope, node))
                    self._read_waiting()
        for route in model.routes:
            self._route(route)
        for schedule in model.schedules:
            started = None
            if schedule.contract is not None:
                started = self._by_contract.get(id(schedule.contract))
            elif schedule.function is not None:
                started = self._named(schedule.function, schedule.group)
            group = self._nodes[started].group if started else schedule.group
            node = self._add(
                f"schedule {schedule.name or '?'}",
                Kind.schedule,
                schedule.name or "schedule",
                group,
                schedule.scope,
                schedule.node,
            )
            if started:
                self._link(node, started, Link.starts)
        groups = {it.group for it in self._nodes.values() if it.group is not None}
        joined = {name for name, group in model.groups.items() if not group.stands_in}
        api = {it.group for it in self._nodes.values() if it.kind is Kind.route}
        return Structure(
            title,
            tuple(Group(name, name not in joined and name not in api) for name in sorted(groups)),
            tuple(self._reachable()),
            tuple(self._edges),
        )

    def _read_waiting(self) -> None:
        while self._waiting:
            self._does(*self._waiting.popleft())

    def _is_machinery(self, scope: Scope | None) -> bool:
        return scope is not None and self._model.is_machinery(scope.module)

    def _registered(self, it: Registration) -> None:
        if it.name is None or self._is_machinery(it.function) or self._is_machinery(it.scope):
            return
        version = it.version or 1
        node_id = f"{it.group or '?'}/{it.name}" + (f"@{version}" if version != 1 else "")
        workflow = it.function is not None and self._model.makes_durable_calls(it.function)
        # One that makes no call yet is told by where its contract stands: `contracts/workflows/`, in 0.1.0 one file.
        where = it.contract.scope.module.path if it.contract is not None else None
        workflow = workflow or (where is not None and "workflows" in (where.stem, where.parent.name))
        kind = Kind.workflow if workflow else Kind.function
        place = it.function if it.function is not None else it.scope
        self._add(node_id, kind, it.name, it.group, place, place.node, version)
        if it.function is not None:
            self._functions.setdefault(it.function, node_id)
        if it.contract is not None:
            self._by_contract[id(it.contract)] = node_id
        self._by_name.setdefault((it.name, it.group), node_id)

    def _contract(self, contract: Contract) -> None:
        """One that nobody here serves: another team's function."""
        if id(contract) in self._by_contract or contract.name is None:
            return
        node_id = f"{contract.group or '?'}/{contract.name}" + (
            f"@{contract.version}" if contract.version not in (1, None) else ""
        )
        self._add(node_id, Kind.function, contract.name, contract.group, contract.scope, contract.call)
        self._by_contract[id(contract)] = node_id
        self._by_name.setdefault((contract.name, contract.group), node_id)

    def _named(self, name: str, group: str | None) -> str:
        """The node of a function that is called by name; one that is not known here is somebody else's."""
        found = self._by_name.get((name, group))
        if found is None:
            several = [node for (known, _), node in self._by_name.items() if known == name]
            found = several[0] if len(several) == 1 and group is None else None
        if found is None:
            found = f"{group or '?'}/{name}"
            self._nodes.setdefault(found, Node(found, Kind.function, name, group))
            self._by_name[(name, group)] = found
        return found

    def _does(self, scope: Scope, source: str) -> None:
        """What a function does, with what runs as a part of it, in the order of the code."""
        seen = {scope}
        running = [(scope, iter(self._acts(scope)))]
        while running:
            current, acts = running[-1]
            self._seen.add(current)
            act = next(acts, None)
            match act:
                case None:
                    running.pop()
                case Scope():
                    if act not in seen and not self._is_machinery(act):
                        seen.add(act)
                        running.append((act, iter(self._acts(act))))
                case DurableCall():
                    self._call(act, source, current)
                case Start():
                    self._starts(act, source, current)
                case Gate():
                    self._answers(act, source)

    def _acts(self, scope: Scope) -> list[_Act]:
        """The durable calls, starts and answers of a function itself, and what it calls as such."""
        model = self._model
        found: list[tuple[ast.AST, _Act]] = []
        for call in model.durable_calls.get(scope, ()):
            function = call.function
            anonymous = function is not None and isinstance(function.node, ast.Lambda)
            found.append((call.node, function if function is not None and anonymous else call))
        found += ((start.node, start) for start in model.starts.get(scope, ()))
        found += model.answers.get(scope, ())
        found += model.plain_calls.get(scope, ())
        # What stands in the brackets of a call is done before it.
        found.sort(key=lambda it: (getattr(it[0], "end_lineno", 0), getattr(it[0], "end_col_offset", 0)))
        return [act for _, act in found]

    def _call(self, call: DurableCall, source: str, scope: Scope) -> None:
        target: str | None = None
        if call.contract is not None:
            target = self._by_contract.get(id(call.contract))
        elif call.gate is not None:
            gate, name = call.gate, call.gate.name or call.gate.variable
            target = self._add(f"gate {name}", Kind.gate, name, self._nodes[source].group, gate.scope, gate.call)
            self._link(source, target, Link.waits)
            return
        elif call.kind == "promise":
            name = assigned_to(call.node) or "promise"
            target = self._add(f"{source}: {name}", Kind.gate, name, self._nodes[source].group, scope, call.node)
            self._link(source, target, Link.waits)
            return
        elif call.function is not None:
            target = self._functions.get(call.function)
            if target is None and call.kind == "run" and not self._is_machinery(call.function):
                target = self._step(call.function, source)
        elif call.name is not None:
            there = self._model.target(call.options, scope)
            group = there.group if there.said else self._nodes[source].group
            target = self._named(call.name, group)
        if target is not None:
            self._link(source, target, Link.detaches if call.kind == "detached" else Link.calls)

    def _step(self, function: Scope, source: str) -> str:
        """A function that nobody registers: it runs in the process of the workflow, and is recorded there."""
        group = self._nodes[source].group
        node = self._add(_dotted(function), Kind.step, qualified(function), group, function, function.node)
        self._functions[function] = node
        self._waiting.append((function, node))
        return node

    def _route(self, route: Route) -> None:
        code = self._model.code_of(route)
        queries = [it for it in code if is_query(it, self._model.evaluate)]
        if queries or any(self._model.starts.get(it) or self._model.answers.get(it) for it in code):
            label = f"{' '.join(route.methods)} {route.path}"
            node = f"route {label}"
            for scope in code:
                for act in self._acts(scope):
                    if isinstance(act, Start):
                        self._starts(act, node, scope)
                    elif isinstance(act, Gate):
                        self._answers(act, node)
            for it in queries:
                query = self._add(f"query {it.name}", Kind.query, it.name, self._api_group(route), it, it.node)
                self._link(node, query, Link.reads)
            if any(edge.source == node for edge in self._edges):
                self._add(node, Kind.route, label, self._api_group(route), route.handler, route.handler.node)

    def _starts(self, start: Start, source: str, scope: Scope) -> None:
        """Work that a function starts through a client."""
        target: str | None = None
        if start.contract is not None:
            target = self._by_contract.get(id(start.contract))
        elif start.function is not None:
            target = self._functions.get(start.function)
        elif start.name is not None and start.client is not None:
            there = self._model.target(start.client.options, scope)
            target = self._named(start.name, there.group if there.said else self._model.group_of(start.client))
        if target is not None and start.kind != "schedule":
            self._link(source, target, Link.starts)

    def _answers(self, gate: Gate, source: str) -> None:
        name = gate.name or gate.variable
        if f"gate {name}" not in self._nodes:
            self._add(f"gate {name}", Kind.gate, name, None, gate.scope, gate.call)
        self._link(source, f"gate {name}", Link.answers)

    def _api_group(self, route: Route) -> str:
        """The group of the process that serves a route: what its module, or one above it, calls GROUP; else `api`."""
        for module in self._model.modules:
            if (
                "GROUP" in module.scope.bindings
                and module.directory
                and route.handler.module.directory.startswith(module.directory)
            ):
                name = self._model.evaluate.text(ast.Name("GROUP", ast.Load()), module.scope)
                if name is not None:
                    return name
        return "api"

    def _add(
        self, node_id: str, kind: Kind, label: str, group: str | None, scope: Scope, node: ast.AST, version: int = 1
    ) -> str:
        self._nodes.setdefault(node_id, Node(node_id, kind, label, group, Place.of(scope, node), True, version))
        return node_id

    def _link(self, source: str, target: str, kind: Link) -> None:
        self._edges[Edge(source, target, kind)] = None

    def _reachable(self) -> list[Node]:
        """All nodes, sorted, each with whether a route or a schedule leads to it; what these start is a workflow."""
        onward: dict[str, list[str]] = {}
        for edge in self._edges:
            onward.setdefault(edge.source, []).append(edge.target)
        waiting = [it.id for it in self._nodes.values() if it.kind in (Kind.route, Kind.schedule)]
        reached = set(waiting)
        while waiting:
            for target in onward.get(waiting.pop(), ()):
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
        started = {edge.target for edge in self._edges if edge.kind is Link.starts}
        return [
            replace(
                it,
                kind=Kind.workflow if it.id in started and it.kind is Kind.function else it.kind,
                reachable=it.id in reached,
            )
            for _, it in sorted(self._nodes.items())
        ]


def assigned_to(node: ast.AST) -> str | None:
    """The variable that an expression is assigned to, awaited or not."""
    up = above(node)
    while isinstance(up, ast.Await):
        up = above(up)
    match up:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _dotted(function: Scope) -> str:
    """A function as it is imported."""
    return f"{'.'.join(function.module.path.with_suffix('').parts)}.{qualified(function)}"


def qualified(function: Scope) -> str:
    """The name of a function, with those of the classes and functions around it."""
    own = f"{function.class_.name}.{function.name}" if function.class_ is not None else function.name
    outer = function.outer
    return own if outer is None or isinstance(outer.node, ast.Module) else f"{qualified(outer)}.{own}"
