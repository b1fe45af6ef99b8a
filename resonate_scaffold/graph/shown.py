"""What every drawing does alike: one order, one spelling of names, one meaning of foreign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from resonate_scaffold.errors import plain
from resonate_scaffold.graph.structure import Edge, Kind, Node, Structure

SYMBOLS = {Kind.schedule: "◷", Kind.gate: "◇"}
"""What marks the kinds that are easily taken for another, where there is only text. One cell wide in a terminal."""

_ORDER = {kind: number for number, kind in enumerate(Kind)}


def ordered_groups(structure: Structure) -> list[str]:
    """The names of all groups, those of this code first; also of groups that only a node names."""
    foreign = foreign_groups(structure)
    names = {group.name for group in structure.groups} | {node.group for node in structure.nodes}
    return sorted(filter(None, names), key=lambda name: (name in foreign, name))


def ordered_nodes(structure: Structure) -> list[Node]:
    """All nodes, in an order that does not depend on the order of the structure."""
    return sorted(structure.nodes, key=lambda node: (_ORDER[node.kind], node.label, node.id))


def ordered_edges(structure: Structure) -> list[Edge]:
    """Every edge between two nodes of the structure, once: by its source, those of one as they are in its code."""
    known = {node.id for node in structure.nodes}
    edges = dict.fromkeys(edge for edge in structure.edges if edge.source in known and edge.target in known)
    return sorted(edges, key=lambda edge: edge.source)


def foreign_groups(structure: Structure) -> frozenset[str]:
    return frozenset(group.name for group in structure.groups if group.foreign)


def name_of(node: Node) -> str:
    """A node's label on one line; with its version, if that is not the first."""
    version = "" if node.version == 1 else f" v{node.version}"
    return plain(node.label) + version


def counted(nodes: Iterable[Node]) -> str:
    """``2 routes, 1 workflow``: how many there are of each kind that occurs."""
    counts = Counter(node.kind for node in nodes)
    several = {kind: "queries" if kind is Kind.query else f"{kind}s" for kind in Kind}
    return ", ".join(f"{counts[kind]} {kind if counts[kind] == 1 else several[kind]}" for kind in Kind if counts[kind])
