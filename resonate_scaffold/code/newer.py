"""Syntax of Pythons that are newer than the one that runs this tool, in words that this one has.

Of the libraries that parse newer Python one knows nothing after 3.13, and one can end the process: code that is nested
deeply overflows its stack. What is new are a few tokens, so the text around these is changed, and parsed again.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from tokenize import NAME, OP, STRING, TokenInfo

_TEMPLATE = re.compile(r"(?i)t|rt|tr")
_LEADING = frozenset({tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT})
# What older Pythons say of syntax that they know, and a newer one allows. It has no older words.
_SINCE = {
    "iterable unpacking cannot be used in comprehension": "3.15",
    "dict unpacking cannot be used in dict comprehension": "3.15",
}
# Each pass reads further: in a template there may be quotes that an older Python takes for its end.
_PASSES = 50

type Cut = tuple[int, int, int, str]
"""A line (from 1), the columns where it is cut, and what is put there."""


def parse_newer(content: bytes, error: SyntaxError) -> ast.Module:
    """The tree of a file about which this Python gives an error, on the same lines.

    Raises:
        SyntaxError: the first error that is about no newer syntax.
    """
    try:
        text = content.decode(tokenize.detect_encoding(io.BytesIO(content).readline)[0])
    except (SyntaxError, UnicodeDecodeError):
        raise error from None
    for _ in range(_PASSES):
        lines = text.split("\n")
        for line, start, end, new in sorted(_cuts(_tokens(text)), reverse=True):
            lines[line - 1] = lines[line - 1][:start] + new + lines[line - 1][end:]
        text, before = "\n".join(lines), text
        if text == before:
            break
        try:
            return ast.parse(text)
        except SyntaxError as again:
            error = again
    raise error


def needed_for(message: str) -> str | None:
    """The Python that has the syntax about which this one gives an error; None where that is not known."""
    return _SINCE.get(message)


def _tokens(text: str) -> list[TokenInfo]:
    """The tokens of a program, as far as they are some."""
    found: list[TokenInfo] = []
    with suppress(SyntaxError, tokenize.TokenError):
        found.extend(tokenize.generate_tokens(io.StringIO(text).readline))
    return found


def _cuts(tokens: list[TokenInfo]) -> Iterator[Cut]:
    for place, (token, following) in enumerate(pairwise(tokens)):
        line, start = token.start
        if token.type != NAME:
            continue
        if _TEMPLATE.fullmatch(token.string) and following.start == token.end and _opens_text(following):
            yield line, start, token.end[1], re.sub("(?i)t", "f", token.string)
        elif token.string == "lazy" and following.string in ("import", "from") and _is_first(tokens, place):
            yield line, start, following.start[1], ""
        elif token.string == "except":
            yield from _kinds(tokens[place + 1 :])


def _opens_text(token: TokenInfo) -> bool:
    return token.type == STRING or token.string[:1] in ("'", '"')


def _is_first(tokens: list[TokenInfo], place: int) -> bool:
    """Whether a statement begins with a token."""
    return place == 0 or tokens[place - 1].type in _LEADING or tokens[place - 1].string in (";", ":")


def _kinds(tokens: list[TokenInfo]) -> Iterator[Cut]:
    """Parentheses around `A, B` in `except A, B:`; *tokens* are what follows `except`."""
    kinds: list[TokenInfo] = []
    depth, several = 0, False
    for token in tokens:
        if token.type == OP:
            if token.string == ":" and depth == 0:
                break
            depth += (token.string in "([{") - (token.string in ")]}")
            several = several or (token.string == "," and depth == 0)
        kinds.append(token)
    if kinds and kinds[0].string == "*":
        kinds = kinds[1:]
    if kinds and several and all(it.string != "as" for it in kinds):
        line, start = kinds[0].start
        end_line, end = kinds[-1].end
        yield end_line, end, end, ")"
        yield line, start, start, "("
