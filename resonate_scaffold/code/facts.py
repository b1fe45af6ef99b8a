"""What a program does with Resonate, as values: its contracts, registrations, durable calls, starts, schedules."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from resonate_scaffold.code.scopes import Module, ProgramClass, Scope
from resonate_scaffold.code.served import Worker
from resonate_scaffold.code.values import (
    Client,
    Context,
    Options,
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file; ``path`` is relative to the project."""

    path: str
    line: int

    @classmethod
    def of(cls, scope: Scope, node: ast.AST) -> Place:
        """Where a node of a scope stands."""
        return cls(str(scope.module.path), int(getattr(node, "lineno", 1)))


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
    payload: ProgramClass | None = None


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
