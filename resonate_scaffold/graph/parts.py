"""A part of a structure, or less of it: what one route leads to, or the groups alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from resonate_scaffold.errors import UsageError
from resonate_scaffold.graph.shown import counted, foreign_groups, ordered_groups
from resonate_scaffold.graph.structure import Edge, Kind, Link, Node, Structure


def reached_from(structure: Structure, names: Iterable[str]) -> Structure:
    """What these nodes lead to, with what answers the gates among it.

    Raises:
        UsageError: there is no node of a name.
    """
    waiting = [node.id for name in names for node in _named(structure, name)]
    reached = set(waiting)
    while waiting:
        source = waiting.pop()
        new = [edge.target for edge in structure.edges if edge.source == source and edge.target not in reached]
        reached.update(new)
        waiting += new
    answering = {edge.source for edge in structure.edges if edge.kind is Link.answers and edge.target in reached}
    edges = [
        edge
        for edge in structure.edges
        if edge.target in reached and (edge.source in reached or edge.kind is Link.answers)
    ]
    nodes = tuple(node for node in structure.nodes if node.id in reached | answering)
    groups = {node.group for node in nodes}
    return replace(
        structure,
        nodes=nodes,
        edges=tuple(edges),
        groups=tuple(group for group in structure.groups if group.name in groups),
    )


def _named(structure: Structure, name: str) -> list[Node]:
    """The nodes that a user means: by label, as `POST /jobs`, by path alone, or by id."""
    found = [
        node
        for node in structure.nodes
        if name in (node.id, node.label) or (node.kind is Kind.route and node.label.partition(" ")[2] == name)
    ]
    if not found:
        labels = list(dict.fromkeys(node.label for node in structure.nodes))
        close = difflib.get_close_matches(name, labels, 1) or labels[:1]
        raise UsageError(f"--from: there is no {name!r} here", f"For example: --from {close[0]!r}")
    return found


def by_group(structure: Structure) -> Structure:
    """One node for each group, and how they are joined."""
    foreign = foreign_groups(structure)
    nodes: list[Node] = []
    for name in (*ordered_groups(structure), None):
        inside = [node for node in structure.nodes if (node.group or None) == name]
        if inside:
            parts = counted(inside)
            label = f"{name or 'in no group'}{' (foreign)' if name in foreign else ''}: {parts}"
            reachable = any(node.reachable for node in inside)
            nodes.append(Node(_id(name), Kind.group, label, None, None, reachable))
    of = {node.id: _id(node.group or None) for node in structure.nodes}
    edges = dict.fromkeys(
        Edge(of[edge.source], of[edge.target], edge.kind)
        for edge in structure.edges
        if edge.source in of and edge.target in of and of[edge.source] != of[edge.target]
    )
    return Structure(structure.title, (), tuple(nodes), tuple(edges))


def _id(group: str | None) -> str:
    return f"group {group}" if group is not None else "no group"
