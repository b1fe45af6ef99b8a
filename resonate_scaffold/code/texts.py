"""Texts of which parts are known, and numbers and literal lists."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from resonate_scaffold.code.names import Names
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import (
    Collection,
    Constant,
    OneOf,
    Text,
    Value,
)

_MOST_TEXTS = 16


class Texts(Names):
    """A layer of :class:`~resonate_scaffold.code.evaluate.Evaluator`."""

    def text(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The text that an expression is, if all of it is known."""
        value = self.value(node, scope)
        return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None

    def parts(self, node: ast.expr | None, scope: Scope) -> tuple[str | None, ...] | None:
        """The parts of a text, unknown ones as None; None where it is no text that is put together here."""
        match self.value(node, scope):
            case Constant(str(text)):
                return (text,)
            case Text(parts):
                return parts
        return None

    def number(self, node: ast.expr | None, scope: Scope) -> int | None:
        """The whole number that an expression is."""
        value = self.value(node, scope)
        return value.value if isinstance(value, Constant) and type(value.value) is int else None

    def _joined(self, values: Sequence[ast.expr], scope: Scope) -> Value:
        """An f-string; of what may be several texts, such as a loop's variable, it is several too."""
        known: list[list[str | None]] = [[]]
        for item in values:
            pieces: list[tuple[str | None, ...]] = [(None,)]
            match item:
                case ast.Constant(value=str(text)):
                    pieces = [(text,)]
                case ast.FormattedValue(value=inner, format_spec=None):
                    value = self.value(inner, scope)
                    options = value.options if isinstance(value, OneOf) else (value,)
                    if len(known) * len(options) <= _MOST_TEXTS:
                        pieces = [_formatted_parts(it) for it in options]
            known = [[*before, *piece] for before in known for piece in pieces]
        texts = [_text(it) for it in known]
        return texts[0] if len(texts) == 1 else OneOf(tuple(texts))

    def _added(self, left: ast.expr, right: ast.expr, scope: Scope) -> Value | None:
        sides = self.parts(left, scope), self.parts(right, scope)
        if sides == (None, None):
            return None
        return _text([part for side in sides for part in (side if side is not None else (None,))])

    def _between(self, separator: str | None, items: list[tuple[ast.expr, Scope]] | None) -> Value:
        """What `join` makes of a literal list."""
        parts: list[str | None] = []
        for item, scope in items or ():
            known = self.parts(item, scope)
            parts += [*([separator] if parts else []), *(known if known is not None else (None,))]
        return _text(parts) if items is not None else Text((None,))

    def _formatted(self, pattern: str | None, mark: str) -> Value:
        if pattern is None:
            return Text((None,))
        pieces = pattern.split(mark)
        parts: list[str | None] = [pieces[0]]
        for piece in pieces[1:]:
            tail = piece.partition("}")[2] if mark == "{" else piece[1:]
            parts += [None, tail]
        return _text(parts)

    def each(self, node: ast.expr, scope: Scope) -> list[tuple[ast.expr, Scope]] | None:
        """The elements of a literal list, tuple or set, or the values of a dictionary's."""
        value = self.value(node, scope)
        if not isinstance(value, Collection) or value.node is None or value.scope is None:
            return None
        match value.node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                found: list[tuple[ast.expr, Scope]] = []
                for item in items:
                    if isinstance(item, ast.Starred):
                        inner = self.each(item.value, value.scope)
                        if inner is None:
                            return None
                        found += inner
                    else:
                        found.append((item, value.scope))
                return found
            case ast.Dict(keys=keys) if None not in keys:
                return [(key, value.scope) for key in keys if key is not None]
        return None


def _formatted_parts(value: Value | None) -> tuple[str | None, ...]:
    """What stands in a text for a value."""
    match value:
        case Constant(str() | int() | float() as known) if not isinstance(known, bool):
            return (str(known),)
        case Text(parts):
            return parts
    return (None,)


def _text(parts: Sequence[str | None]) -> Value:
    merged: list[str | None] = []
    for part in parts:
        if part == "":
            continue
        if merged and part is not None and merged[-1] is not None:
            merged[-1] += part
        else:
            merged.append(part)
    if not merged:
        return Constant("")
    if len(merged) == 1 and merged[0] is not None:
        return Constant(merged[0])
    return Text(tuple(merged))
