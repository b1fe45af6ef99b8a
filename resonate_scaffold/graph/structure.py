"""The structure of a service, as a value: what reads the code makes one, every renderer draws one.

Routes and queries stand in the group of the API, workflows and functions in the group that serves them, a gate in the
group of the workflow that waits for it, a step in the group of the workflow that runs it, a schedule in that of what it
starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from resonate_scaffold.code.facts import Place


class Kind(StrEnum):
    """What a node is. A ``gate`` is answered from outside; a ``group`` stands for all that is in it."""

    route = "route"
    schedule = "schedule"
    workflow = "workflow"
    function = "function"
    step = "step"
    gate = "gate"
    group = "group"
    query = "query"


@dataclass(frozen=True, slots=True)
class Node:
    """Something that starts, runs, or is waited for.

    ``id`` is unique in its structure. ``label`` may be any text. ``reachable``: from a route or a schedule.
    """

    id: str
    kind: Kind
    label: str
    group: str | None
    place: Place | None = None
    reachable: bool = True
    version: int = 1


class Link(StrEnum):
    """What an edge means.

    ``starts``: a route, a schedule or a function -> a workflow or a function. ``calls``: a durable call, awaited.
    ``detaches``: a durable call that nobody waits for. ``waits``: a workflow -> a gate. ``answers``: a route or a
    function -> a gate. ``reads``: a route -> a query.
    """

    starts = "starts"
    calls = "calls"
    detaches = "detaches"
    waits = "waits"
    answers = "answers"
    reads = "reads"


@dataclass(frozen=True, slots=True)
class Edge:
    """From the node with the id ``source`` to the one with the id ``target``. Cycles are recursion."""

    source: str
    target: str
    kind: Link


@dataclass(frozen=True, slots=True)
class Group:
    """Processes that serve the same functions. No process of this code joins a ``foreign`` one."""

    name: str
    foreign: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """A service. The edges of a node are in the order of its code."""

    title: str
    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
