"""The only module that prints: for people (rich, status words in a column) or for programs (one JSON object).

With ``--json`` nothing goes to standard output but that object, at the very end. Colours, panels and
spinners are for a terminal: anything else gets the same lines as plain text, and rich is not even imported
for it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resonate_scaffold.errors import InstallError, ScaffoldError, plain
from resonate_scaffold.project import ADDS

if TYPE_CHECKING:
    from rich.console import Console

    from resonate_scaffold.check.shown import Shown
    from resonate_scaffold.plan import Plan

_COLUMN = 10  # the width of a status word
_WIDEST = 46  # a longer command does not push the comments of the others to the right
_COLOURS = {
    "next": "bold green",
    "create": "green",
    "edit": "yellow",
    "delete": "red",
    "note": "yellow",
    "error": "bold red",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did: the object that ``--json`` prints."""

    command: str
    project: str | None = None
    changes: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    error: ScaffoldError | None = None
    diff: str | None = None
    inventory: Mapping[str, Any] | None = None
    findings: tuple[Mapping[str, Any], ...] | None = None
    checklist: tuple[Mapping[str, Any], ...] | None = None
    conflicts: tuple[Mapping[str, Any], ...] | None = None

    @property
    def exit_status(self) -> int:
        return self.error.exit_status if self.error else 1 if self.findings else 0


class Report:
    """Tells the user what happens. Every method but ``finish`` is silent with ``--json``."""

    def __init__(
        self, *, as_json: bool, for_github: bool = False, write: Callable[[Outcome], str] | None = None
    ) -> None:
        self._as_json = as_json or write is not None
        self._for_github = for_github
        self._write = write or _as_json

    def summary(self, where: str, plan: Plan) -> None:
        """One line for each top-level directory of a new service, rather than one for each file."""
        if self._as_json:
            return
        heads = Counter(change.path.parts[0] for change in plan.changes if len(change.path.parts) > 1)
        self._line("create", where)
        for head, count in heads.items():
            self._line("create", f"{where}/{head}/", f"{count} {_plural(count, 'file')}")
        for change in plan.changes:
            if len(change.path.parts) == 1:
                self._line("create", f"{where}/{change.path}")

    def files(self, plan: Plan) -> None:
        """One line for each file of a plan, but for the tool's own records."""
        if not self._as_json:
            for change in plan.changes:
                if change.path.parent != ADDS:
                    self._line(change.action, str(change.path))

    def diff(self, lines: Iterable[str]) -> None:
        """A unified diff: as it is for `git apply`, and without what would steer a terminal."""
        if not self._as_json:
            on_terminal = sys.stdout.isatty()
            for line in lines:
                print("\t".join(map(plain, line.split("\t"))) if on_terminal else line)

    def table(self, tables: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Headings with rows below."""
        if not self._as_json:
            for number, (heading, rows) in enumerate(tables):
                print(f"{chr(10) if number else ''}{heading}")
                for row in rows:
                    print(f"  {plain(row)}".rstrip())

    def findings(self, shown: Shown, *, statistics: bool, every_stale: bool) -> None:
        """What a check found: where, what is wrong, its line, what to do. Or, for GitHub, an annotation each.

        Many uses of an older SDK are one line, unless *every_stale* is wanted.
        """
        if self._as_json:
            return
        from resonate_scaffold.check.shown import excerpt

        pairs, stale = shown.without_stale()
        if every_stale:
            pairs, stale = list(zip(shown.findings, shown.sources, strict=True)), None
        if self._for_github:
            for it, _ in pairs:
                print(_annotation(it))
            if stale is not None:
                print(f"::error title=RS5 older SDK::{stale}")
            return
        if statistics:
            print(*shown.statistics(), shown.total(), sep="\n")
            return
        if stale is not None:
            self._finding("", "", stale, [], "Move to resonate-sdk 0.8 first. Each place: --select RS5")
        for it, source in pairs:
            where = f"{plain(it['path'])}:{it['line']}:{it['column']}"
            code = f"{it['code']} [{it['name']}]"
            self._finding(where, code, plain(it["message"]), excerpt(it, source), plain(it["hint"]))
        print(shown.total())
        for line in shown.hints():
            print(line)

    def checklist(self, items: Sequence[Mapping[str, Any]]) -> None:
        """The checklist of each route, a row an answer, with the line that shows it."""
        if self._as_json or self._for_github:
            return
        marks = {"yes": "✓", "no": "✗", "unknown": "?"}
        for item in items:
            if not item["rows"]:
                continue
            print(f"{plain(item['route'])}  {item['file']}:{item['line']}")
            wide = max(len(row["question"]) for row in item["rows"])
            for row in item["rows"]:
                place = f"  {row['file']}:{row['line']}" if row["file"] else ""
                print(f"  {marks[row['answer']]} {row['question']:<{wide}}  {plain(row['why'])}{place}")
            print()
        if not any(item["rows"] for item in items):
            print("No route here starts durable work.")

    def _finding(self, where: str, code: str, message: str, source: Sequence[str], hint: str) -> None:
        below = [f"    | {line}" for line in source]
        if not sys.stdout.isatty():
            print(": ".join(filter(None, (where, f"{code} {message}".strip()))), *below, f"    {hint}", sep="\n")
            return
        from rich.text import Text

        parts = Text.assemble((where, "bold"), ": " if where else "", (code, "bold red"), f" {message}\n")
        for line in below:
            parts.append(f"{line}\n", "cyan" if line is below[-1] else "")
        _console().print(parts.append(f"    {hint}", "dim"), soft_wrap=True)

    def text(self, text: str) -> None:
        """A page, or a drawing, as it is."""
        if not self._as_json:
            print(text.rstrip("\n"))

    def step(self, word: str, text: str) -> None:
        """One line for something that has been done."""
        if not self._as_json:
            self._line(word, text)

    def note(self, text: str) -> None:
        """Something that the user should know; further lines stand below the first."""
        if not self._as_json:
            first, *rest = text.splitlines()
            self._line("note", first)
            for line in rest:
                self._line("", line)

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show that something takes its time, with the last line it printed; only on a terminal."""
        if self._as_json or not sys.stdout.isatty():
            yield lambda line: None
            return
        from rich.markup import escape

        console = _console()

        def show(line: str) -> None:
            room = max(console.width - len(text) - 8, 10)
            status.update(f"{escape(text)}  [dim]{escape(line[:room])}[/dim]")

        with console.status(escape(text)) as status:
            yield show

    def next_steps(self, lines: Sequence[tuple[str, str]]) -> None:
        """The end: what to type next, each with what it does. No frame and no wrapping: it is for pasting."""
        if self._as_json:
            return
        room = max(len(command) for command, _ in lines if len(command) <= _WIDEST)
        self._line("next", "")
        for command, meaning in lines:
            self._line("", f"{command:<{room}}", f"# {meaning}" if meaning else "")

    def finish(self, outcome: Outcome) -> int:
        """Print what is left to say, and return the exit status."""
        if self._as_json:
            print(self._write(outcome))
        elif outcome.error is not None:
            complain(outcome.error)
        return outcome.exit_status

    def _line(self, word: str, text: str, aside: str = "") -> None:
        text = plain(text)
        if not sys.stdout.isatty():
            print(f"{word:>{_COLUMN}}  {text}  {aside}".rstrip())
            return
        from rich.text import Text

        parts: list[str | tuple[str, str]] = [
            (f"{word:>{_COLUMN}}", _COLOURS.get(word, "cyan")),
            f"  {text}",
            (f"  {aside}", "dim"),
        ]
        _console().print(Text.assemble(*parts), soft_wrap=True)


def complain(error: ScaffoldError) -> None:
    """Print an error on standard error: what is wrong, and what to do."""
    lines = [("|", "dim", plain(line)) for line in (error.output if isinstance(error, InstallError) else ())]
    hint = "\n".join(map(plain, error.hint.split("\n")))  # it may go on with lines to paste
    lines += [("error", "bold red", plain(error.message)), ("hint", "yellow", hint)]
    if not sys.stderr.isatty():
        for word, _, text in lines:
            print(f"{word:>{_COLUMN}}  {text}", file=sys.stderr)
        return
    from rich.text import Text

    console = _console(stderr=True)
    for word, style, text in lines:
        console.print(Text.assemble((f"{word:>{_COLUMN}}", style), f"  {text}"), soft_wrap=True)


def ask(question: str, *, default: str, choices: Sequence[str] = ()) -> str:
    """Ask on the terminal; an empty answer is the default."""
    from rich.prompt import Prompt

    return Prompt.ask(
        question,
        console=_console(),
        default=default,
        choices=list(choices) or None,
        show_default=bool(default),
    )


def confirm(question: str, *, default: bool) -> bool:
    """Ask on the terminal for a yes or a no."""
    from rich.prompt import Confirm

    return Confirm.ask(question, console=_console(), default=default)


def is_interactive() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _as_json(outcome: Outcome) -> str:
    error = outcome.error
    content: dict[str, Any] = {
        "command": outcome.command,
        "project": outcome.project,
        "changes": [{"path": path, "action": action} for path, action in outcome.changes],
        "notes": list(outcome.notes),
        "error": None if error is None else {"message": error.message, "hint": error.hint},
    }
    if outcome.diff is not None:
        content["diff"] = outcome.diff
    if outcome.inventory is not None:
        content["inventory"] = outcome.inventory
    if outcome.findings is not None:
        content["findings"] = list(outcome.findings)
    if outcome.checklist is not None:
        content["checklist"] = list(outcome.checklist)
    if outcome.conflicts is not None:
        content["conflicts"] = list(outcome.conflicts)
    return json.dumps(content, indent=2, default=str)


def _annotation(finding: Mapping[str, Any]) -> str:
    """A finding as a command of GitHub's workflows: https://docs.github.com/actions, workflow commands."""

    def escaped(text: str, more: str = "") -> str:
        text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        return text.replace(":", "%3A").replace(",", "%2C") if more else text

    title = escaped(f"{finding['code']} {finding['name']}", "property")
    path = escaped(finding["path"], "property")
    message = escaped(f"{finding['message']}\n{finding['hint']}")
    return f"::error file={path},line={finding['line']},col={finding['column']},title={title}::{message}"


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
