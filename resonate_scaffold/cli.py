"""The console command's entry point: quick answers, and how every failure becomes an exit status.

0    done, or nothing to do
1    refused or failed; nothing changed
2    wrong usage
130  interrupted
"""

from __future__ import annotations

import functools
import os
import sys
from itertools import pairwise
from typing import Any, NoReturn, cast

import resonate_scaffold
from resonate_scaffold import systems
from resonate_scaffold.errors import DiskError, ScaffoldError, UsageError

PROGRAM = "resonate-scaffold"
INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line of this process, and end it."""
    systems.escape_unknown(sys.stdout, "backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status. Only a bug leaves it as an exception."""
    if arguments == ["--version"]:  # before anything that takes its time to import
        print(f"{PROGRAM} {resonate_scaffold.__version__}")
        return 0
    try:
        status = _reported(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter's own flush at exit must not fail for that either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return 1


def _reported(arguments: list[str]) -> int:
    """Run one command line, and report how it fails."""
    try:
        return _dispatch(arguments or ["--help"])
    except ScaffoldError as error:
        return _fail(arguments, error, error.exit_status)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(arguments, DiskError(_sentence(error), "Check the path and its permissions."), 1)
    except KeyboardInterrupt:
        return _fail(arguments, _interrupted(), INTERRUPTED)


def _dispatch(arguments: list[str]) -> int:
    import typer

    # Their common base moved between versions of Typer; its subclass did not.
    wrong_usage = cast(type[typer.BadParameter], typer.BadParameter.__base__)
    try:
        status = _program(*arguments[:2]).main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except wrong_usage as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else PROGRAM
        message = " ".join(error.format_message().split())  # choices come one to a line
        raise UsageError(message, f"See {command} --help") from None
    if status == INTERRUPTED:  # some versions of Typer return this where others raise Abort
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


@functools.cache
def _program(*line: str) -> Any:
    """The commands that a line may mean, as Typer runs them: once is enough where many lines are run."""
    import typer

    from resonate_scaffold.commands import program

    return typer.main.get_command(program(line))


def _fail(arguments: list[str], error: ScaffoldError, status: int) -> int:
    """Report *error* as the command line asked for."""
    from resonate_scaffold.report import Outcome, Report, complain

    if _wants_json(arguments):
        Report(as_json=True).finish(Outcome(arguments[0], error=error))
    else:
        complain(error)
    return status


def _wants_json(arguments: list[str]) -> bool:
    return bool({"--json", "--format=json"} & set(arguments)) or ("--format", "json") in pairwise(arguments)


def _interrupted() -> ScaffoldError:
    return ScaffoldError("Interrupted", "What was under way is undone; what was finished stays.")


def _sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
