"""Changes that `check` makes itself: mends that are certain, and `# noqa` comments for what is to stay."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable

from resonate_scaffold.check.findings import Mend
from resonate_scaffold.code.parse import encoding_of

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def mended(content: bytes, mends: Iterable[Mend]) -> bytes:
    """A file with these changes. Of two that overlap one is made; one that would break the file is not."""
    encoding = encoding_of(content)
    text = content.decode(encoding)
    starts = [0]
    for line in _LINE.findall(text):
        starts.append(starts[-1] + len(line))
    taken = len(text) + 1
    for mend in sorted(set(mends), key=lambda it: (it.line, it.column), reverse=True):
        start = starts[mend.line - 1] + mend.column - 1
        end = starts[mend.end_line - 1] + mend.end_column - 1
        if end > taken:
            continue
        after = _spliced(text, start, end, mend.text)
        if _is_python(after.encode(encoding)):
            text, taken = after, start
    return text.encode(encoding)


def _spliced(text: str, start: int, end: int, new: str) -> str:
    """A text with another piece; where nothing is left behind it on the line, no blanks are, either."""
    before, after = text[:start], text[end:]
    if not new and not after.partition("\n")[0].strip():
        before = before.rstrip(" \t")
    return before + new + after


def _is_python(content: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content)
    except (SyntaxError, ValueError):
        return False
    return True
