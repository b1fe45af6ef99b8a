"""The programs by which each rule of `check` is held: `tests/corpus/<rule>/{wrong,right}_<what>.py`.

A program of several files is one file: a line `# file: app/worker.py` begins the next. Of a file that is `(shared)` the
text is in `tests/corpus/shared`, at the same path or at the end of it. A line with a mistake ends in `# want: RS201`.
What is wanted is just that: no other finding, of any rule that is on by default.

`python -m tests.corpus` writes the table of docs/check.md anew, from the rules and the numbers of their programs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resonate_scaffold.check import check
from resonate_scaffold.check.findings import RULES

CORPUS = Path(__file__).parent / "corpus"
PAGES = Path(__file__).parent.parent / "resonate_scaffold" / "check" / "pages"
DOCUMENT = Path(__file__).parent.parent / "docs" / "check.md"

_FILE = re.compile(r"# file: (\S+)( \(shared\))?\s*$")
_WANT = re.compile(r"# want: (RS[\w, ]+?)\s*$")
_ROWS = re.compile(r"^\| RS000 .*?(?=^$)", re.MULTILINE | re.DOTALL)
_TOTALS = re.compile(r"\d+ wrong and \d+ right programs")
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a rule."""

    rule: str
    path: Path

    @property
    def name(self) -> str:
        return f"{self.rule}-{self.path.stem}"

    @property
    def is_wrong(self) -> bool:
        return self.path.name.startswith("wrong_")

    @property
    def files(self) -> Mapping[str, str]:
        return parts(self.path.read_text("utf-8"))

    @property
    def wanted(self) -> set[tuple[str, int, str]]:
        """File, line and rule of each mistake."""
        return {
            (file, number, code.strip())
            for file, text in self.files.items()
            for number, line in enumerate(text.splitlines(), 1)
            for match in [_WANT.search(line)]
            if match
            for code in match[1].split(",")
        }


def programs() -> list[Program]:
    """All of them, by rule and name."""
    return [Program(path.parent.name, path) for path in sorted(CORPUS.glob("RS*/*.py"))]


def parts(text: str) -> dict[str, str]:
    """The files of a program; what stands before the first separator is `main.py`."""
    files: dict[str, str] = {}
    name, lines = "main.py", list[str]()
    for line in text.splitlines(keepends=True):
        match = _FILE.match(line)
        if match is None:
            lines.append(line)
            continue
        if name != "main.py" or "".join(lines).strip():
            files[name] = "".join(lines)
        name, lines = match[1], []
        if match[2]:
            lines = [shared(PurePosixPath(name)).read_text("utf-8")]
    return {**files, name: "".join(lines)}


def shared(path: PurePosixPath) -> Path:
    """The file that programs share under a path: the one with the longest end of it."""
    ends = [CORPUS.joinpath("shared", *path.parts[place:]) for place in range(len(path.parts))]
    return next(it for it in ends if it.exists())


def found(files: Mapping[str, str], rule: str) -> set[tuple[str, int, str]]:
    """What `check` finds, as :attr:`Program.wanted` has it. A rule that is not on by default is turned on."""
    content = {PurePosixPath(name): text.encode() for name, text in files.items()}
    given = check(content)
    if not RULES[rule].by_default:
        given += check(content, select=(rule,))
    return {(str(it.path), it.line, it.code) for it in given}


def examples(rule: str, heading: str) -> list[Mapping[str, str]]:
    """The programs below a heading of a rule's page."""
    page = (PAGES / f"{rule}.md").read_text("utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [parts(block) for block in _BLOCK.findall(section)]


def document() -> str:
    """docs/check.md, with the table of the rules as they are."""
    numbers = Counter((it.rule, it.is_wrong) for it in programs())
    rows = (
        f"| {it.code} | {it.name} | {it.summary.removesuffix('.')} "
        f"| {numbers[it.code, True]} / {numbers[it.code, False]} |\n"
        for it in RULES.values()
    )
    wrong, right = (sum(it.is_wrong is kind for it in programs()) for kind in (True, False))
    text = _ROWS.sub("".join(rows).replace("\\", r"\\"), DOCUMENT.read_text("utf-8"), 1)
    return _TOTALS.sub(f"{wrong} wrong and {right} right programs", text, 1)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
