"""The structure as text, for a terminal."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator

from resonate_scaffold.errors import plain
from resonate_scaffold.graph.shown import SYMBOLS, counted, foreign_groups, name_of, ordered_edges, ordered_groups
from resonate_scaffold.graph.structure import Edge, Kind, Link, Node, Structure

_ENTRIES = (Kind.route, Kind.schedule)
_WORDS = {Link.detaches: "detaches ", Link.waits: "waits for ", Link.answers: "answers ", Link.reads: "reads "}
_WIDEST = 72  # a longer line does not push the columns of the others to the right

_Row = tuple[str, str, str]


def render(structure: Structure) -> str:
    """Each group's routes and schedules with what they lead to, in the order of the structure; then what is left.

    A line ends with the group, where that is another than the heading's, and the place. What comes twice has all that
    it calls below it the first time only.
    """
    sections = list(_sections(structure))
    widths = _widths(row for _, rows in sections for row in rows)
    total = counted(structure.nodes) or "nothing durable yet"
    lines = [f"{plain(structure.title)}: {total}"]
    for heading, rows in sections:
        lines += ["", heading, *(f"  {_line(row, widths)}" for row in rows)]
    return "\n".join(lines) + "\n"


def _sections(structure: Structure) -> Iterator[tuple[str, list[_Row]]]:
    walk = _Walk(structure)
    for group in (*ordered_groups(structure), None):
        entries = [node for node in structure.nodes if node.kind in _ENTRIES and (node.group or None) == group]
        rows = [row for node in entries for row in walk.rows(node, group)]
        if rows:
            yield walk.group(group) or "in no group", rows
    rows = [row for node in walk.roots_left() for row in walk.rows(node, None)]
    if rows:
        grouped = any(node.kind is Kind.group for node in structure.nodes)
        yield "groups" if grouped else "not reached from a route or a schedule", rows


class _Walk:
    """A way through the structure that knows what it has shown."""

    def __init__(self, structure: Structure) -> None:
        self._nodes = {node.id: node for node in structure.nodes}
        self._foreign = foreign_groups(structure)
        self._shown: set[str] = set()
        self._next: dict[str, list[Edge]] = defaultdict(list)
        for edge in ordered_edges(structure):
            self._next[edge.source].append(edge)

    def rows(self, root: Node, group: str | None) -> Iterator[_Row]:
        """The lines of a node and of all below it, under the heading of a group."""
        waiting: list[tuple[Node, str, str, str]] = [(root, "", "", "")]
        while waiting:
            node, before, below, word = waiting.pop()
            again = node.id in self._shown
            edges = self._next[node.id]
            self._shown.add(node.id)
            text = f"{before}{word}{_symbol(node)}{name_of(node)}{' (above)' if again and edges else ''}"
            yield text, "" if node.group == group else self.group(node.group), "" if again else _place(node)
            for number, edge in enumerate([] if again else reversed(edges)):
                corner, line = ("├─ ", "│  ") if number else ("└─ ", "   ")
                target = self._nodes[edge.target]
                waiting.append((target, below + corner, below + line, _WORDS.get(edge.kind, "")))

    def roots_left(self) -> Iterator[Node]:
        """What was not shown yet, one at a time: first what nothing leads to, then what only its own cycle leads to."""
        left = [node for node in self._nodes.values() if node.id not in self._shown]
        inner = {edge.target for node in left for edge in self._next[node.id] if edge.target != node.id}
        for node in sorted(left, key=lambda node: node.id in inner):
            if node.id not in self._shown:
                yield node

    def group(self, name: str | None) -> str:
        return "" if name is None else plain(name) + (" (foreign)" if name in self._foreign else "")


def _symbol(node: Node) -> str:
    return f"{SYMBOLS[node.kind]} " if node.kind in SYMBOLS else ""


def _place(node: Node) -> str:
    return f"{plain(node.place.path)}:{node.place.line}" if node.place else ""


def _widths(rows: Iterable[_Row]) -> tuple[int, int]:
    texts, groups = [0], [0]
    for text, group, _ in rows:
        texts.append(_cells(text))
        groups.append(_cells(group))
    return max(width for width in texts if width <= _WIDEST), max(groups)


def _line(row: _Row, widths: tuple[int, int]) -> str:
    text, group, place = row
    first, second = (column + " " * (width - _cells(column)) for column, width in zip(row, widths, strict=False))
    return (f"{first}  {second}  {place}" if widths[1] else f"{first}  {place}").rstrip() if group or place else text


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
