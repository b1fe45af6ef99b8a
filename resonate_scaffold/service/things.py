"""What a service has, each thing as a value: contracts, routes, gates, schedules, keys, queries, groups, clients.

Names are qualified by their module, without the package: ``contracts.workflows.place_order.place_order``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from resonate_scaffold.code import facts, routes
from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.queries import is_query

if TYPE_CHECKING:
    from resonate_scaffold.service.service import Service


@dataclass(frozen=True, slots=True)
class Contract:
    """An ``Rpc`` value: what is declared, and lazily who serves and who uses it."""

    variable: str
    module: str
    durable: str
    group: str
    version: int
    request: str | None
    result: str | None
    place: Place
    _fact: facts.Contract = field(repr=False, compare=False)
    _service: Service = field(repr=False, compare=False)

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.variable}"

    @property
    def call(self) -> ast.Call:
        """The call that makes it."""
        return self._fact.call

    @property
    def target(self) -> str:
        """The group and the name in it, as `add rpc` takes them: ``payments.workers.charge``."""
        inside = self.group.rpartition(".")[2]
        return f"{self.group}.{self.durable.removeprefix(f'{inside}.')}"

    @property
    def served(self) -> Place | None:
        """Its element in a worker's SERVED."""
        entry = self._service.users.served.get(self.call)
        return Place.of(entry.scope, entry.node) if entry else None

    @property
    def function(self) -> Place | None:
        """The function that fulfils it; the stand-in's is not meant."""
        entry = self._service.users.served.get(self.call)
        return Place.of(entry.function, entry.function.node) if entry and entry.function else None

    @property
    def faked(self) -> Place | None:
        """Its element in SERVED of the stand-ins."""
        entry = self._service.users.faked.get(self.call)
        return Place.of(entry.scope, entry.node) if entry else None

    @property
    def called(self) -> tuple[Place, ...]:
        """The calls inside durable functions."""
        return self._service.users.called.get(self.call, ())

    @property
    def started(self) -> tuple[Place, ...]:
        """Where it is started: in the API, in a step."""
        return self._service.users.started.get(self.call, ())

    @property
    def scheduled(self) -> tuple[str, ...]:
        """The names of the schedules that start it."""
        return tuple(it.name for it in self._service.schedules if it.contract == self.qualified)


@dataclass(frozen=True, slots=True)
class Route:
    """A path operation. ``included`` says whether an application has its router; else nobody reaches it."""

    method: str
    path: str
    function: str
    module: str
    place: Place
    included: bool
    _fact: routes.Route = field(repr=False, compare=False)
    _service: Service = field(repr=False, compare=False)

    @property
    def contracts(self) -> tuple[str, ...]:
        """The durable names of what it starts."""
        model = self._service.near
        started = (
            model.started(start, scope)
            for scope in model.code_of(self._fact)
            for start in model.starts_of(scope)
            if start.kind != "schedule"
        )
        return tuple(sorted({it.name for it in started if it is not None and it.name is not None}))

    @property
    def queries(self) -> tuple[str, ...]:
        """The names of the queries that it reads by."""
        model = self._service.near
        return tuple(sorted({it.name for it in model.code_of(self._fact) if is_query(it, model.evaluate)}))

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the gates that it answers."""
        model = self._service.near
        answered = (gate for scope in model.code_of(self._fact) for _, gate in model.answers_of(scope))
        return tuple(sorted({it.name for it in answered if it.name is not None}))


@dataclass(frozen=True, slots=True)
class Gate:
    """A ``Gate`` value; ``payload`` is the qualified name of the answer's model."""

    variable: str
    module: str
    name: str
    payload: str | None
    place: Place
    _fact: facts.Gate = field(repr=False, compare=False)
    _service: Service = field(repr=False, compare=False)

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.variable}"

    @property
    def waited(self) -> tuple[Place, ...]:
        """Where a workflow waits for it."""
        return self._service.users.waited.get(self._fact.call, ())

    @property
    def answered(self) -> tuple[Place, ...]:
        """Where a durable function answers it."""
        return self._service.users.answered.get(self._fact.call, ())

    @property
    def routes(self) -> tuple[str, ...]:
        """``METHOD path`` of the routes that answer it."""
        return tuple(f"{route.method} {route.path}" for route in self._service.routes if self.name in route.gates)


@dataclass(frozen=True, slots=True)
class Schedule:
    """An element of SCHEDULES. ``cron`` is its text, or the expression that computes it, as are those of ``ways``:
    ``catch_up`` and ``overlap``, where they are given; ``workflow`` a durable name, of the contract ``contract``
    (qualified)."""

    name: str
    cron: str
    workflow: str | None
    contract: str | None
    place: Place
    ways: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Key:
    """A key convention: a function of ``ids`` that returns ``keyed(kind, …)``."""

    name: str
    kind: str
    fields: tuple[str, ...]
    place: Place
    _service: Service = field(repr=False, compare=False)

    @property
    def used(self) -> tuple[Place, ...]:
        """Where the rest of the package refers to it."""
        return _used_elsewhere(self._service, f"ids.{self.name}", self.place)


@dataclass(frozen=True, slots=True)
class Query:
    """A query: a function of `db/queries/`. ``arguments`` are its parameters but for the session, with their defaults,
    ``named`` those that are given by name alone; ``returns`` is its annotation. All are as ``module`` spells them.
    """

    name: str
    module: str
    arguments: tuple[tuple[ast.arg, ast.expr | None], ...]
    named: frozenset[str]
    returns: ast.expr | None
    place: Place
    _service: Service = field(repr=False, compare=False)

    @property
    def used(self) -> tuple[Place, ...]:
        """Where the rest of the package refers to it."""
        return _used_elsewhere(self._service, f"{self.module}.{self.name}", self.place)


@dataclass(frozen=True, slots=True)
class Client:
    """A client of an HTTP API of somebody else: a subclass of `HttpApi` in `clients/`."""

    name: str
    qualified: str
    place: Place
    _service: Service = field(repr=False, compare=False)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in whose DEPENDENCIES it is."""
        return tuple(it.name for it in self._service.groups if self._is_opened_by(it))

    @property
    def settings(self) -> tuple[str, ...]:
        """The variables that it is set by."""
        name = self.name.replace("-", "_").upper()
        return tuple(f"{name}_{part}" for part in ("URL", "TOKEN", "TIMEOUT"))

    def _is_opened_by(self, group: Group) -> bool:
        path = self._service.path_of(f"{group.module}.worker")
        return path is not None and self._service.source(path).mentions(self.qualified, within=None)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of this service: ``module`` is the part of the package that runs it (``workflows``, ``api``)."""

    name: str
    module: str
    place: Place
    _service: Service = field(repr=False, compare=False)

    @property
    def serves(self) -> tuple[str, ...]:
        """The durable names in its worker's SERVED."""
        worker = PurePosixPath(self._service.project.package, self.module, "worker.py")
        entries = self._service.users.served.values()
        own = (it for it in entries if it.home is not None and it.home.module.path == worker)
        return tuple(sorted(it.name for it in own if it.name is not None))


def _used_elsewhere(service: Service, name: str, defined: Place) -> tuple[Place, ...]:
    """Where the package, but for the file that defines it, refers to a qualified name."""
    package = f"{service.project.package}/"
    found = service.references([name], imports=False)
    return tuple(sorted(it for _, it in found if it.path != defined.path and it.path.startswith(package)))
