"""Python text whose parts depend on names, written down plainly: how it is laid out is ruff's to say (`formatting`)."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

PROSE = 88
"""Columns of docstrings, which ruff does not break: they fit whatever width a project is likely to set."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a group: ``prefix`` is what it begins with (``name=``), ``comment`` stands on the line above."""

    code: Code
    prefix: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets: a call, a list, the arguments of a definition."""

    head: str
    items: tuple[Item, ...]
    tail: str


Code = str | Group


def call(function: str, arguments: Iterable[Item | str]) -> Group:
    """A call."""
    return group(f"{function}(", arguments, ")")


def group(head: str, items: Iterable[Item | str], tail: str) -> Group:
    """A group; an item without a prefix may be given as text."""
    return Group(head, tuple(item if isinstance(item, Item) else Item(item) for item in items), tail)


def value(data: object) -> Code:
    """JSON-like data as a Python literal."""
    match data:
        case str():
            return text(data)
        case Mapping():
            return Group("{", tuple(Item(value(item), f"{text(str(key))}: ") for key, item in data.items()), "}")
        case list() | tuple():
            return Group("[", tuple(Item(value(item)) for item in data), "]")
        case _:
            return repr(data)


def render(code: Code) -> str:
    """Write *code*: on one line, but for comments."""
    if isinstance(code, str):
        return code
    items = [f"{_comment(item)}{item.prefix}{render(item.code)}" for item in code.items]
    return f"{code.head}{', '.join(items)}{code.tail}"


def _comment(item: Item) -> str:
    return f"\n# {item.comment}\n" if item.comment else ""


def text(content: str) -> str:
    """A string literal."""
    if '"' in content and "'" not in content:
        return repr(content)
    return json.dumps(content, ensure_ascii=not content.isprintable())


def docstring(content: str, *, indent: int = 0) -> str:
    """A docstring of one paragraph, quotes included, without the indent of its first line.

    A method stays with its path, and no word stands alone on the last line.
    """
    if indent + len(content) + 6 <= PROSE:
        return f'"""{content}"""'
    margin = " " * indent
    whole = re.sub(r"\b(GET|POST|PUT|PATCH|DELETE) (?=/)", "\\1\u00a0", content)
    # Narrower by the quotes: two lines at least, or the formatter pulls the closing quotes up.
    widest = PROSE - indent - 3
    lines = _wrapped(whole, widest)
    for width in range(widest, widest // 2, -1):
        narrower = _wrapped(whole, width)
        if len(narrower) > len(lines):
            break
        if " " in narrower[-1] and len(narrower[-1]) > width // 3:
            lines = narrower
            break
    lines = [line.replace("\u00a0", " ") for line in lines]
    lines[0] = f'"""{lines[0][3:]}'
    return "\n".join([lines[0], *(margin + line for line in lines[1:]), f'{margin}"""'])


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines; the first has room for the quotes."""
    # `textwrap` breaks at white space of ASCII alone, so what is held together by a no-break space is one word.
    return textwrap.wrap(text, width, initial_indent=3 * " ", break_long_words=False, break_on_hyphens=False)


def strings(pieces: Iterable[str], *, indent: int = 0, before: str = "") -> str:
    """*before* and a text that is given in pieces (each inside of quotes): one literal where that fits into a line.

    The pieces are those of an f-string where *before* ends with ``f``.
    """
    kind = "f" if before.endswith("f") else ""
    literals = [f'{kind if "{" in piece else ""}"{piece}"' for piece in pieces]
    return "\n".join([f"{' ' * indent}{before.removesuffix('f')}(", *literals, ")"])


def condition(head: str, operands: Iterable[str], tail: str, *, indent: int = 0) -> str:
    """Operands of ``and`` in brackets: ``if not (a and b):``."""
    return f"{' ' * indent}{head}{' and '.join(operands)}{tail}"


def expression(node: ast.expr, name_of: Callable[[ast.expr], str | None]) -> str:
    """An annotation as text, on one line. ``name_of`` says how a name or an attribute is written here."""

    def go(node: ast.expr) -> str:
        renamed = name_of(node) if isinstance(node, ast.Name | ast.Attribute) else None
        if renamed is not None:
            return renamed
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=base, attr=name):
                return f"{go(base)}.{name}"
            case ast.Subscript(value=base, slice=ast.Tuple(elts=items)):
                return f"{go(base)}[{', '.join(map(go, items))}]"
            case ast.Subscript(value=base, slice=item):
                return f"{go(base)}[{go(item)}]"
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return f"{go(left)} | {go(right)}"
            case ast.Constant(value=str(content)):
                return text(content)
            case ast.Call(func=function, args=arguments, keywords=keywords):
                given = [*map(go, arguments), *(f"{keyword.arg}={go(keyword.value)}" for keyword in keywords)]
                return f"{go(function)}({', '.join(given)})"
            case ast.List(elts=items):
                return f"[{', '.join(map(go, items))}]"
            case _:
                return ast.unparse(node)

    return go(node)
