"""`# noqa` comments: what they suppress, which of them suppress nothing, and how to add them.

A comment counts for its own line. On the last line of a statement it counts for the whole statement, and beside the
end of a text of several lines for all of these, since there is no place for it within.
"""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import RULES, Finding, Mend
from resonate_scaffold.code.parse import encoding_of

UNUSED = "RS001"
_UNSUPPRESSED = frozenset({"RS000", UNUSED})
"""What a comment cannot suppress."""

_DIRECTIVE = re.compile(r"#\s*noqa\b(?P<named>\s*:|\s+(?=RS\d))?", re.IGNORECASE)
_CODE = re.compile(r"[,\s]*(?P<code>[A-Za-z]{1,9}[0-9]\w*)")
_WORD = re.compile(r"\s*(?P<code>[\w-]+)")
_LOOKALIKES = str.maketrans("OIL", "011")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_STARTS, _ENDS = frozenset({"FSTRING_START", "TSTRING_START"}), frozenset({"FSTRING_END", "TSTRING_END"})
_NO_STATEMENT = frozenset({tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENCODING})

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a comment, and its columns (from 0, in characters)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Noqa:
    """A `# noqa` on ``line``, for the lines from ``first`` to ``last``. Without codes it is for all rules: None.

    To remove it is to cut the columns from ``start`` to ``end``.
    """

    line: int
    start: int
    end: int
    codes: tuple[Code, ...] | None
    first: int
    last: int

    def suppresses(self, finding: Finding) -> bool:
        """Whether a finding in its file is suppressed by it."""
        if not self.first <= finding.line <= self.last or finding.code in _UNSUPPRESSED:
            return False
        return self.codes is None or any(it.text.upper() == finding.code for it in self.codes)


class Lines:
    """What of the layout of a file decides where a comment counts."""

    def __init__(self, content: bytes) -> None:
        self.comments: list[tokenize.TokenInfo] = []
        self._statements: list[Span] = []
        self._texts: list[Span] = []
        """Of texts of several lines, and of lines that a backslash joins."""
        opened: list[int] = []
        first = 0
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            start, end, kind = token.start[0], token.end[0], tokenize.tok_name[token.type]
            if token.type == tokenize.COMMENT:
                self.comments.append(token)
            elif kind in _STARTS:
                opened.append(start)
            elif kind in _ENDS:
                self._texts.append((opened.pop(), end))
            elif token.type == tokenize.STRING and end > start:
                self._texts.append((start, end))
            if token.type == tokenize.NEWLINE:
                self._statements.append((first, start))
                first = 0
            elif not first and token.type not in _NO_STATEMENT:
                first = start
        lines = content.splitlines()
        self._texts += [(number, number + 1) for number, line in enumerate(lines, 1) if line.endswith(b"\\")]
        self._texts.sort()

    def before(self, line: int) -> int:
        """The first line that a comment on a line counts for."""
        for first, last in self._statements:
            if last == line:
                return first
        for start, end in reversed(self._texts):
            if start < line <= end:
                line = start
        return line

    def place(self, line: int) -> int:
        """The line on which a comment counts for a line."""
        for start, end in self._texts:
            if start <= line < end:
                line = end
        return line


def read(content: bytes) -> list[Noqa]:
    """The `# noqa` comments of a file; none of a file that cannot be split into tokens."""
    if b"noqa" not in content.lower():
        return []
    lines = _lines(content)
    return [] if lines is None else list(_read(lines))


def _lines(content: bytes) -> Lines | None:
    try:
        return Lines(content)
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return None


def _read(lines: Lines) -> Iterator[Noqa]:
    for token in lines.comments:
        match = _DIRECTIVE.search(token.string)
        if match is None:
            continue
        line, column = token.start
        codes, place = _codes(token.string, column, match)
        # With it goes what is said about it, up to another comment.
        another = token.string.find("#", place)
        end = column + (another if another >= 0 else len(token.string))
        yield Noqa(line, column + match.start(), end, codes, lines.before(line), line)


def _codes(comment: str, column: int, match: re.Match[str]) -> tuple[tuple[Code, ...] | None, int]:
    """The codes that a comment names, None for all; and where in it they end."""
    if match["named"] is None:
        return None, match.end()
    found: list[Code] = []
    place = match.end()
    code = _CODE.match(comment, place) or _WORD.match(comment, place)
    while code is not None:
        found.append(Code(code["code"], column + code.start("code"), column + code.end("code")))
        place = code.end()
        code = _CODE.match(comment, place)
    return tuple(found), place


def unused(path: PurePosixPath, found: Iterable[Finding], comments: Iterable[Noqa]) -> Iterator[Finding]:
    """RS001: codes of a file's comments that suppress nothing that was found in it."""
    known = list(found)
    for noqa in comments:
        codes = noqa.codes or ()
        if any(it.text.upper() == UNUSED for it in codes):
            continue
        for code in codes:
            text = code.text.upper()
            if text in RULES and not any(it.code == text and noqa.first <= it.line <= noqa.last for it in known):
                start, end = _without(code, noqa, codes)
                mend = Mend(noqa.line, start + 1, noqa.line, end + 1, "")
                message = f"this comment suppresses nothing: {text} finds nothing here"
                yield _finding(path, noqa, code, message, f"Remove {text} from it.", mend)
            elif text not in RULES and (text.startswith("RS") or _by_name(code)):
                message = f"this comment suppresses nothing: there is no rule {code.text}"
                close = _by_name(code) or _misspelt(text)
                hint = f"Did you mean {close[0]}?" if close else "Remove it, or name a rule of docs/check.md."
                yield _finding(path, noqa, code, message, hint)


def _finding(path: PurePosixPath, noqa: Noqa, code: Code, message: str, hint: str, mend: Mend | None = None) -> Finding:
    return Finding(path, noqa.line, code.start + 1, UNUSED, message, hint, noqa.line, code.end + 1, mend)


def _by_name(code: Code) -> list[str]:
    """The code of a rule that a comment has by its name."""
    return [rule.code for rule in RULES.values() if rule.name == code.text.lower()]


def _misspelt(text: str) -> list[str]:
    """The code that was probably meant: letters that look like digits are likelier than another digit."""
    digits = text[:2] + text[2:].translate(_LOOKALIKES)
    return [digits] if digits in RULES else difflib.get_close_matches(text, RULES, 1)


def _without(code: Code, noqa: Noqa, codes: tuple[Code, ...]) -> Span:
    """The columns to cut for a comment without one of its codes; with the last one it goes as a whole."""
    if len(codes) == 1:
        return noqa.start, noqa.end
    place = codes.index(code)
    return (codes[place - 1].end, code.end) if place else (code.start, codes[1].start)


def added(content: bytes, codes: Mapping[int, Iterable[str]]) -> bytes:
    """A file with comments that suppress these rules on these lines; as it was, if it cannot be split into tokens."""
    lines = _lines(content)
    if lines is None:
        return content
    wanted: dict[int, set[str]] = {}
    for line, of_line in codes.items():
        wanted.setdefault(lines.place(line), set()).update(of_line)
    encoding = encoding_of(content)
    texts = _LINE.findall(content.decode(encoding))
    there = {noqa.line: noqa.codes[-1].end for noqa in _read(lines) if noqa.codes}
    for line, of_line in wanted.items():
        body = texts[line - 1].rstrip("\r\n")
        end_of_line = texts[line - 1][len(body) :]
        more = ", ".join(sorted(of_line))
        if line in there:
            body = f"{body[: there[line]]}, {more}{body[there[line] :]}"
        else:
            body = f"{body.rstrip()}  # noqa: {more}"
        texts[line - 1] = body + end_of_line
    return "".join(texts).encode(encoding)
