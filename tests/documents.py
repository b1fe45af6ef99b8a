"""The pages of the documentation, their blocks of commands, and how each block is proven.

A comment on the line above a block says how:

    <!-- run: SESSION -->           run as it stands, in order, by `test_docs_runs.py`
    <!-- run: SESSION, until: TEXT -->   a process that goes on; the next block comes when it has printed this
    <!-- run: SESSION, after: TEXT -->   waits before, until that process has printed this since the last block
                                   began, and is quiet, and the API is ready
    <!-- transcript: NAME -->       written by one of `docs/record_*.py`, from a real run
    <!-- recorded: FILE -->         the page is written by this program, from a real run
    <!-- not run: REASON -->        why it cannot be run here, and what holds it instead

A block ``sh`` of the guide that has `resonate-scaffold add` is run by `test_guide.py` and needs no comment. The two
commands of README.md have comments of their own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docs.site.describe import Command

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guide").glob("*.md"))]
SERVICES = ("myapi", "orders", "clinic", "shop")
TOOL = "resonate-scaffold"

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<indent> *)```(?P<language>sh|console)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
ANY_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_OPERATORS = set(";&|()<>")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of commands; ``mark`` is the comment above it."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def run(self) -> dict[str, str] | None:
        """How it is run: the session under ``run``, with ``until`` or ``after``; None if it is proven otherwise."""
        parts = dict(part.split(": ", 1) for part in self.mark.split(", ") if ": " in part)
        return parts if "run" in parts else None

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command of a transcript with the lines that it prints; of a script all of it, with none."""
        if self.language == "sh":
            return [(self.text, [])]
        found: list[tuple[str, list[str]]] = []
        goes_on = False
        for line in self.text.splitlines():
            if goes_on:
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            elif line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif found:
                found[-1][1].append(line)
            goes_on = line.endswith("\\") and (goes_on or line.startswith("$ "))
        return found


def blocks(page: Path) -> list[Block]:
    """All blocks of commands of a page."""
    text = page.read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        indent = match["indent"]
        lines = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        begin = text.count("\n", 0, match.start("language")) + 1
        found.append(Block(page, begin, match["language"], lines, match["mark"] or ""))
    return found


def without_blocks(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return ANY_BLOCK.sub("", page.read_text("utf-8"))


def command_lines(text: str, programs: tuple[str, ...]) -> Iterator[list[str]]:
    """The command lines of these programs in a script, as words without the program."""
    text = text.replace("\\\n", " ")
    inner = re.compile(r"\$\(([^()]*)\)")
    for script in inner.findall(text):
        yield from command_lines(script, programs)
    text = inner.sub("VALUE", text)
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = "#"
        try:
            words = list(lexer)
        except ValueError:  # A text in quotes that goes on in the next line: none of ours.
            continue
        yield from _of_words(words, programs)


def _of_words(words: list[str], programs: tuple[str, ...]) -> Iterator[list[str]]:
    begins = True
    for place, word in enumerate(words):
        if begins and Path(word).name in programs:
            rest = words[place + 1 :]
            end = next((it for it, other in enumerate(rest) if set(other) <= _OPERATORS), len(rest))
            yield rest[:end]
        begins = bool(word) and set(word) <= _OPERATORS


def faults(words: list[str], commands: Mapping[tuple[str, ...], Command], *, whole: bool) -> list[str]:
    """What of a command line the program does not have; of one that is *whole* also what it lacks."""
    path: tuple[str, ...] = ()
    words = list(words)
    while words and commands[path]["is_group"] and not words[0].startswith("-"):
        if re.fullmatch(r"[A-Z…]+", words[0]):  # A placeholder: `add KIND`.
            return []
        path = (*path, words.pop(0))
        if path not in commands:
            return [f"there is no command {' '.join(path)}"]
    command = commands[path]
    options = {name: it for it in command["params"] for name in it["names"] if not it["is_argument"]}
    arguments = [it for it in command["params"] if it["is_argument"]]
    found: list[str] = []
    given: list[str] = []
    is_answered = command["is_group"] and words in (["--version"], ["--help"])
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("-") or re.fullmatch(r"-\d+", word):
            given.append(word)
        elif name == "--help":
            return found
        elif name not in options:
            found.append(f"{' '.join(path)} has no option {name}")
        elif not options[name]["is_flag"]:
            value = value if equals else (words.pop(0) if words else "")
            if options[name]["choices"] and value not in options[name]["choices"] and not value.isupper():
                found.append(f"{' '.join(path)} {name} takes no {value!r}")
    if whole and command["is_group"] and not is_answered:
        found.append(f"{' '.join(path)} lacks a command")
    if whole and len(given) < sum(it["is_required"] for it in arguments):
        found.append(f"{' '.join(path)} lacks an argument")
    if len(given) > len(arguments) and not any(it["is_repeated"] for it in arguments):
        found.append(f"{' '.join(path)} takes no {given[-1]!r}")
    return found


def command_faults(programs: tuple[str, ...], commands: Mapping[tuple[str, ...], Command]) -> list[str]:
    """What of all command lines of the documentation these programs do not have, with page and line."""
    found: list[str] = []
    for page in PAGES:
        for block in blocks(page):
            text = block.text if block.language == "sh" else "\n".join(command for command, _ in block.commands)
            for words in command_lines(text, programs):
                found += [f"{block.where}: {it}" for it in faults(words, commands, whole=True)]
        for code in re.findall(r"`([^`\n]+)`", without_blocks(page)):
            for words in command_lines(code.removeprefix("python -m "), programs):
                found += [f"{page.name}: `{code}`: {it}" for it in faults(words, commands, whole=False)]
    return found
