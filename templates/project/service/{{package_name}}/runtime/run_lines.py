"""Runs as lines of text: in color and alive on a terminal, plain elsewhere."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from .durable.run_values import STEPS_OF_GATES
from .durable.schedule_states import ScheduleState
from .engine.run_status import Status
from .engine.runs import Call, Run, RunTree

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

LONGEST_VALUE = 160
"""Characters of a request or a result on its line."""

_MARKS = {
    Status.RUNNING: "▶",
    Status.SUCCEEDED: "✔",
    Status.FAILED: "✘",
    Status.CANCELED: "⊘",
    Status.TIMED_OUT: "⧗",
}
_PLAIN_MARKS = {
    Status.RUNNING: ">",
    Status.SUCCEEDED: "+",
    Status.FAILED: "x",
    Status.CANCELED: "-",
    Status.TIMED_OUT: "!",
}
_STYLES = {
    Status.RUNNING: "cyan",
    Status.SUCCEEDED: "green",
    Status.FAILED: "red",
    Status.CANCELED: "yellow",
    Status.TIMED_OUT: "magenta",
}

type Part = tuple[str, str]
"""Some text and its style."""

type Line = list[Part]


def run_lines(runs: Sequence[Run]) -> list[Line]:
    """A line for each run, in columns."""
    rows = [
        (run.id, run.function or "", run.status.replace("_", " "), _duration(run), _when(run.began_at)) for run in runs
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return [
        [
            (f"{_mark(run.status)} ", _STYLES[run.status]),
            (f"{row[0]:{widths[0]}}  ", "bold"),
            (f"{row[1]:{widths[1]}}  ", ""),
            (f"{row[2]:{widths[2]}}  ", _STYLES[run.status]),
            (f"{row[3]:>{widths[3]}}  ", ""),
            (row[4], "dim"),
        ]
        for run, row in zip(runs, rows, strict=True)
    ]


def tree_lines(tree: RunTree) -> list[Line]:
    """A run, its calls below it, and what those that are open wait for."""
    run = tree.run
    lines = [
        [
            (f"{_mark(run.status)} ", _STYLES[run.status]),
            (run.id, "bold"),
            (f"  {run.function or ''}  ", ""),
            (run.status.replace("_", " "), _STYLES[run.status]),
            (f"  {_duration(run)}", ""),
            (f"  began {_when(run.began_at)}", "dim"),
            *([(f"  until {_when(run.ends_at)}", "dim")] if run.status is Status.RUNNING else []),
        ],
        *_details(tree.root, "  "),
    ]
    lines += _lines_below(tree.root, "  ")
    if tree.is_cut:
        lines.append([("  … and more calls", "dim")])
    others = [other for other in tree.runs if other.id != run.id]
    if others:
        lines.append([("other runs of this job:", "dim")])
        lines += [[("  ", ""), *line] for line in run_lines(others)]
    return lines


def schedule_lines(states: Sequence[ScheduleState]) -> list[Line]:
    """A few lines for each schedule."""
    lines: list[Line] = []
    for state in states:
        lines.append([(state.name, "bold"), (f"  {state.cron}  {state.workflow}", "")])
        if not state.is_kept:
            lines.append([("  the engine does not have it: no worker of group workers has put it there", "red")])
        lines.append([(f"  next: {', '.join(map(_when, state.next_times))}", "")])
        last = state.last_run
        if last is not None:
            skipped = f", skipped: {state.skipped}" if state.skipped else ""
            status = (last.status.replace("_", " "), _STYLES[last.status])
            lines.append([("  last: ", ""), status, (f"{skipped}, {last.id}, {_duration(last)}", "")])
    return lines or [[("there are no schedules", "")]]


def print_runs(runs: Sequence[Run]) -> None:
    """Print a list of runs."""
    _print(run_lines(runs) or [[("there are no such runs", "dim")]])


def print_tree(tree: RunTree) -> None:
    """Print one run."""
    _print(tree_lines(tree))


def print_schedules(states: Sequence[ScheduleState]) -> None:
    """Print schedules."""
    _print(schedule_lines(states))


class _Screen(AbstractContextManager["_Screen"]):
    """What changes in place on a terminal; elsewhere the lines that are new are printed."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._printed: set[str] = set()
        self._lines: list[Line] = []

    def __enter__(self) -> Self:
        console = _console()
        if console is not None:
            from rich.live import Live

            self._live = Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, text: str) -> None:
        """Say something below what was shown last."""
        self._update(self._lines, [[(text, "yellow")]])

    def _update(self, lines: list[Line], below: list[Line] | None = None) -> None:
        self._lines = lines
        shown = [*lines, *(below or [])]
        if self._live is not None:
            from rich.console import Group

            self._live.update(Group(*map(_styled, shown)), refresh=True)
            return
        for line in map(_plain, shown):
            if line not in self._printed:
                self._printed.add(line)
                click.echo(line)


class LiveRuns(_Screen):
    """The newest runs, as they change."""

    def show(self, runs: Sequence[Run]) -> None:
        """Show them now."""
        if self._live is None:  # How long they run changes each time.
            self._update([_without_time(run) for run in reversed(runs)])
        else:
            self._update(run_lines(runs))


class LiveTree(_Screen):
    """One run, as it changes."""

    def show(self, tree: RunTree) -> None:
        """Show it now."""
        if self._live is not None:
            self._update(tree_lines(tree))
            return
        calls = [call for call in tree.walk() if call is not tree.root and call.name not in STEPS_OF_GATES]
        changes = [[(f"{call.id}  {call.name}  {_outcome(call)}", "")] for call in calls]
        self._update([*changes, _without_time(tree.run)])
        if tree.run.status is not Status.RUNNING and tree.root.error:
            click.echo(f"{tree.root.error.code}: {tree.root.error.message}")


def _without_time(run: Run) -> Line:
    ended = f"  {_duration(run)}" if run.ended_at else ""
    return [(f"{run.id}  {run.function or ''}  {run.status.replace('_', ' ')}{ended}", "")]


def _outcome(call: Call) -> str:
    waits = f", waits for {call.waiting_for.text}" if call.waiting_for else ""
    error = f"  {call.error.code}: {call.error.message}" if call.error else ""
    return f"{call.status.replace('_', ' ')}{waits}{error}"


def _lines_below(call: Call, indent: str) -> list[Line]:
    lines: list[Line] = []
    # How a gate asks and closes its question is its own affair, as long as it can.
    calls = [inner for inner in call.calls if inner.name not in STEPS_OF_GATES or inner.status is not Status.SUCCEEDED]
    width = max((len(inner.name) for inner in calls), default=0)
    for number, inner in enumerate(calls):
        is_last = number == len(calls) - 1
        branch, below = _branches(is_last)
        where = inner.group if inner.form in ("call", "detached") else inner.form
        tried = f"  taken {inner.attempts} times" if (inner.attempts or 0) > 1 and inner.form == "call" else ""
        lines.append(
            [
                (f"{indent}{branch} ", "dim"),
                (f"{_mark(inner.status)} ", _STYLES[inner.status]),
                (f"{inner.name:{width}}", ""),
                (f"  {_duration(inner):>8}", ""),
                (f"  {where or ''}{' (detached)' if inner.form == 'detached' else ''}{tried}", "dim"),
            ]
        )
        lines += _details(inner, f"{indent}{below}   ")
        lines += _lines_below(inner, f"{indent}{below} ")
    return lines


def _details(call: Call, indent: str) -> list[Line]:
    """What a call waits for, its error, and its values, a line each."""
    lines: list[Line] = []
    if call.waiting_for is not None:
        is_bad = call.waiting_for.is_served is False or call.waiting_for.problem is not None
        until = f", until {_when(call.waiting_for.until)}" if call.waiting_for.until else ""
        lines.append([(f"{indent}waits for {call.waiting_for.text}{until}", "bold red" if is_bad else "cyan")])
    if call.error is not None:
        lines.append([(f"{indent}{call.error.code}: {_short(call.error.message)}", "red")])
    if call.request not in (None, {}, []):
        lines.append([(f"{indent}request {_short(call.request)}", "dim")])
    if call.result not in (None, {}, []):
        lines.append([(f"{indent}result {_short(call.result)}", "dim")])
    if call.is_hidden:
        lines.append([(f"{indent}no contract here says what of its values may be shown: --values", "dim")])
    return lines


def _short(value: Any) -> str:
    """A value on one line, shortened."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _duration(run: Run | Call) -> str:
    """How long it took, or takes."""
    seconds = ((run.ended_at or datetime.now(UTC)) - run.began_at).total_seconds()
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _when(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _can_show(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _mark(status: Status) -> str:
    return _MARKS[status] if _can_show(_MARKS[status]) else _PLAIN_MARKS[status]


def _branches(is_last: bool) -> tuple[str, str]:
    if not _can_show("├└│"):
        return ("`-", " ") if is_last else ("|-", "|")
    return ("└─", " ") if is_last else ("├─", "│")


def _print(lines: Iterable[Line]) -> None:
    console = _console()
    for line in lines:
        if console is None:
            click.echo(_plain(line))
        else:
            console.print(_styled(line), soft_wrap=True)


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def _styled(line: Line) -> "Text":
    from rich.text import Text

    return Text.assemble(*line)


def _console() -> "Console | None":
    """The terminal; None where the output goes elsewhere."""
    if not sys.stdout.isatty():
        return None
    from rich.console import Console

    return Console(highlight=False)
