"""Merge three versions of a statement by its parts: what is called, each argument, each item of a list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from resonate_scaffold.upgrade.sequences import Conflict, Item, Piece, merge_items

type _Positioned = ast.stmt | ast.expr | ast.keyword | ast.arg | ast.alias


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a statement, with the text of its module."""

    node: _Positioned
    text: bytes
    starts: Sequence[int]

    def of(self, node: _Positioned) -> _Part:
        return _Part(node, self.text, self.starts)

    @property
    def span(self) -> tuple[int, int]:
        node = self.node
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[end_line - 1] + end_column

    @property
    def source(self) -> str:
        start, end = self.span
        return self.text[start:end].decode()

    @property
    def syntax(self) -> str:
        return ast.dump(self.node)


def merge_expressions(nodes: Sequence[ast.stmt], texts: Sequence[str]) -> str | None:
    """Merge a statement of the base with what ours and theirs made of it; None where both changed one part.

    The text is laid out as it comes: the parts stand as one of the sides has them.
    """
    parts = []
    for node, text in zip(nodes, texts, strict=True):
        content = text.encode()
        parts.append(_Part(node, content, [0, *accumulate(map(len, content.splitlines(keepends=True)))]))
    found = _merged(parts[0], parts[1], parts[2])
    return None if found is None else found[0]


def _merged(base: _Part, ours: _Part, theirs: _Part) -> tuple[str, type[ast.AST]] | None:
    """The merged text, and what kind of node it is."""
    if base.syntax == ours.syntax or ours.syntax == theirs.syntax:
        return theirs.source, type(theirs.node)
    if base.syntax == theirs.syntax:
        return ours.source, type(ours.node)
    if not type(base.node) is type(ours.node) is type(theirs.node):
        return None
    text = _of_items(base, ours, theirs) if _brackets(theirs) else _of_shape(base, ours, theirs)
    return None if text is None else (text, type(theirs.node))


def _brackets(part: _Part) -> str | None:
    """What is around the items of a part that has items."""
    match part.node:
        case ast.Call():
            return "()"
        case ast.List():
            return "[]"
        case ast.Set():
            return "{}"
        case _:
            return None


def _of_items(base: _Part, ours: _Part, theirs: _Part) -> str | None:
    head = ""
    match base.node, ours.node, theirs.node:
        case ast.Call(func=before), ast.Call(func=mine), ast.Call(func=new):
            function = _merged(base.of(before), ours.of(mine), theirs.of(new))
            if function is None:
                return None
            head = function[0]
    pieces = merge_items((list(_items(base)), list(_items(ours)), list(_items(theirs))), _both)
    if any(isinstance(piece, Conflict) for piece in pieces):
        return None
    around = _brackets(theirs) or "()"
    texts = [piece.text for piece in pieces if isinstance(piece, Item)]
    is_exploded = any(re.search(r",\s*[\])}]$", part.source) for part in (ours, theirs))
    return f"{head}{around[0]}{', '.join(texts)}{',' if texts and is_exploded else ''}{around[1]}"


def _items(part: _Part) -> Iterator[Item]:
    match part.node:
        case ast.Call(args=values, keywords=keywords):
            found: list[ast.expr | ast.keyword] = [*values, *keywords]
        case ast.List(elts=values) | ast.Set(elts=values):
            found = list(values)
        case _:
            raise TypeError(part.node)
    for node in found:
        inner = part.of(node)
        name = node.arg if isinstance(node, ast.keyword) else None
        yield Item(inner.syntax, inner.source, name, is_free=name is not None, node=inner)


def _both(base: Item, ours: Item, theirs: Item) -> Piece:
    found = _merged(base.node, ours.node, theirs.node)
    return Conflict((ours,), (theirs,)) if found is None else Item("", found[0])


def _of_shape(base: _Part, ours: _Part, theirs: _Part) -> str | None:
    """A part whose inner parts have fixed places, such as an operator's."""
    shapes = [_shape(part.node) for part in (base, ours, theirs)]
    inner = [list(_inner(part.node)) for part in (base, ours, theirs)]
    if len({len(nodes) for nodes in inner}) > 1 or shapes[0] not in shapes[1:]:
        return None
    outer = theirs if shapes[0] == shapes[1] else ours
    start, end = outer.span
    found, reached = "", start
    for before, mine, new in zip(*inner, strict=True):
        merged = _merged(base.of(before), ours.of(mine), theirs.of(new))
        there = outer.of(new if outer is theirs else mine)
        # Of another kind, it might bind less than what is around it.
        if merged is None or merged[1] is not type(there.node):
            return None
        found += outer.text[reached : there.span[0]].decode() + merged[0]
        reached = there.span[1]
    return found + outer.text[reached:end].decode()


def _inner(node: ast.AST) -> Iterator[_Positioned]:
    """The parts of a node that have a place in the text, in their order there."""
    found = list[_Positioned]()
    for child in ast.iter_child_nodes(node):
        found += (
            [child] if isinstance(child, ast.stmt | ast.expr | ast.keyword | ast.arg | ast.alias) else _inner(child)
        )
    return iter(sorted(found, key=lambda it: (it.lineno, it.col_offset)))


def _shape(value: object) -> object:
    """A node without its inner parts."""
    match value:
        case list():
            return [_shape(it) for it in value]
        case ast.AST():
            fields = [
                "part" if isinstance(it, ast.stmt | ast.expr | ast.keyword | ast.arg | ast.alias) else _shape(it)
                for _, it in ast.iter_fields(value)
            ]
            return [type(value).__name__, *fields]
        case _:
            return repr(value)
