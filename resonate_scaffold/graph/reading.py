"""The structure of a service, read from its code: see :mod:`resonate_scaffold.code.model`."""

from __future__ import annotations

import ast
from dataclasses import replace

from resonate_scaffold.code.facts import Contract, DurableCall, Place, Registration
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.queries import is_query
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.graph.structure import Edge, Group, Kind, Link, Node, Structure


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
        self._by_contract: dict[int, str] = {}
        self._by_name: dict[tuple[str, str | None], str] = {}

    def read(self, title: str) -> Structure:
        model = self._model
        for it in model.registrations:
            self._registered(it)
        for contract in model.contracts.values():
            self._contract(contract)
        for scope in list(self._functions):
            self._calls(scope, self._functions[scope])
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
            tuple(sorted(self._edges, key=lambda it: (it.source, it.target, it.kind))),
        )

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

    def _calls(self, scope: Scope, source: str) -> None:
        """The durable calls of a function, of its steps, and of what runs as a part of it."""
        waiting, seen = [scope], {scope}
        while waiting:
            current = waiting.pop()
            self._starts_and_answers(current, source)
            for call in self._model.durable_calls.get(current, ()):
                if call.kind == "run" and call.function is not None and call.function not in self._functions:
                    if call.function not in seen:
                        seen.add(call.function)
                        waiting.append(call.function)
                else:
                    self._call(call, source, current)
            for _, callee in self._model.plain_calls.get(current, ()):
                if callee not in seen and not self._is_machinery(callee):
                    seen.add(callee)
                    waiting.append(callee)

    def _call(self, call: DurableCall, source: str, scope: Scope) -> None:
        target: str | None = None
        if call.contract is not None:
            target = self._by_contract.get(id(call.contract))
        elif call.gate is not None:
            gate = call.gate
            group = self._nodes[source].group
            name = gate.name or gate.variable
            target = self._add(f"gate {name}", Kind.gate, name, group, gate.scope, gate.call)
            self._link(source, target, Link.waits)
            return
        elif call.function is not None:
            target = self._functions.get(call.function)
        elif call.name is not None:
            there = self._model.target(call.options, scope)
            group = there.group if there.said else self._nodes[source].group
            target = self._named(call.name, group)
        if target is not None:
            self._link(source, target, Link.detaches if call.kind == "detached" else Link.calls)

    def _route(self, route: Route) -> None:
        code = self._model.code_of(route)
        queries = [it for it in code if is_query(it, self._model.evaluate)]
        if queries or any(self._model.starts.get(it) or self._model.answers.get(it) for it in code):
            label = f"{' '.join(route.methods)} {route.path}"
            node = f"route {label}"
            for scope in code:
                self._starts_and_answers(scope, node)
            for it in queries:
                query = self._add(f"query {it.name}", Kind.query, it.name, self._api_group(route), it, it.node)
                self._link(node, query, Link.reads)
            if any(edge.source == node for edge in self._edges):
                self._add(node, Kind.route, label, self._api_group(route), route.handler, route.handler.node)

    def _starts_and_answers(self, scope: Scope, source: str) -> None:
        """The work that a function starts through a client, and the gates that it answers."""
        model = self._model
        for start in model.starts.get(scope, ()):
            target: str | None = None
            if start.contract is not None:
                target = self._by_contract.get(id(start.contract))
            elif start.function is not None:
                target = self._functions.get(start.function)
            elif start.name is not None and start.client is not None:
                there = model.target(start.client.options, scope)
                target = self._named(start.name, there.group if there.said else model.group_of(start.client))
            if target is not None and start.kind != "schedule":
                self._link(source, target, Link.starts)
        for _, gate in model.answers.get(scope, ()):
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
