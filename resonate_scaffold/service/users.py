"""Who serves, calls, starts, waits for and answers what in a service."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from resonate_scaffold.code import facts
from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Scope


class Users:
    """Who serves, calls, starts, waits for and answers what; by the call that makes the contract or the gate."""

    def __init__(self, model: Model) -> None:
        self.served: dict[ast.Call, facts.Registration] = {}
        self.faked: dict[ast.Call, facts.Registration] = {}
        for entry in sorted(model.registrations, key=lambda it: Place.of(it.scope, it.node)):
            if entry.contract is not None:
                (self.faked if entry.stands_in else self.served).setdefault(entry.contract.call, entry)
        called: list[tuple[ast.Call, Place]] = []
        waited: list[tuple[ast.Call, Place]] = []
        for scope, calls in self._own(model, model.durable_calls):
            for call in calls:
                contract = model.started(call, scope)
                if contract is not None:
                    called.append((contract.call, Place.of(scope, call.node)))
                if call.gate is not None:
                    waited.append((call.gate.call, Place.of(scope, call.node)))
        started = [
            (contract.call, Place.of(scope, start.node))
            for scope, starts in self._own(model, model.starts)
            for start in starts
            if start.kind != "schedule" and (contract := model.started(start, scope)) is not None
        ]
        in_routes = {scope for route in model.routes for scope in model.code_of(route)}
        answered = [
            (gate.call, Place.of(scope, call))
            for scope, answers in self._own(model, model.answers)
            for call, gate in answers
            if scope not in in_routes
        ]
        self.called, self.started = _by_call(called), _by_call(started)
        self.waited, self.answered = _by_call(waited), _by_call(answered)

    def _own[T](self, model: Model, found: Mapping[Scope, T]) -> Iterator[tuple[Scope, T]]:
        return ((scope, it) for scope, it in found.items() if not model.is_machinery(scope.module))


def _by_call(found: Iterable[tuple[ast.Call, Place]]) -> Mapping[ast.Call, tuple[Place, ...]]:
    places: dict[ast.Call, set[Place]] = defaultdict(set)
    for call, place in found:
        places[call].add(place)
    return {call: tuple(sorted(several)) for call, several in places.items()}
