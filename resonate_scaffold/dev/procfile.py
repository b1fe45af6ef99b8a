"""A Procfile: its commands, what they need, and which of them a changed file concerns."""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from resonate_scaffold.errors import ScaffoldError

_RESERVED = frozenset({"dev", "engine"})  # our own prefixes
_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})")
_SHELL = ("sh", "-c")
# What only a shell can carry out, where it is not quoted: operators, patterns, comments, the home directory.
_OPERATORS = re.compile(r"[;&|<>()*?]|(?<!\S)[~#]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BUILTINS = {
    "cd",
    "command",
    "eval",
    "exec",
    "export",
    "for",
    "if",
    "set",
    "source",
    "trap",
    "ulimit",
    "umask",
    "unset",
}
_BUILTINS |= {".", ":", "until", "while", "{"}
_PROCESS_OF = {"workflows": "worker", "fakes": "fake"}  # folders that are not called like their process


def parse_procfile(text: str, file: str = "Procfile") -> dict[str, tuple[str, ...]]:
    """`name: command` lines to argument lists, variables not yet expanded; blank and `#` lines skipped.

    A command that needs a shell, as other runners give one to every line, is `sh -c COMMAND`.
    """
    commands: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{file}, line {number}"
        match = _LINE.fullmatch(line.strip())
        if not match:
            raise ScaffoldError(
                f"{where} is not `name: command`: {line.strip()}", hint="Correct it, or put a # before it."
            )
        name, command = match.groups()
        if name in commands or name in _RESERVED:
            reason = "is there twice" if name in commands else "is a name that `dev` uses itself"
            raise ScaffoldError(f"{where}: `{name}` {reason}.", hint="Give this process another name.")
        try:
            words = tuple(shlex.split(command))
            commands[name] = (*_SHELL, command) if _needs_shell(command, words[0]) else words
        except ValueError as error:
            raise ScaffoldError(f"{where}: {error}.", hint="Close what is open in this command.") from error
    return commands


def _needs_shell(command: str, program: str) -> bool:
    """Whether a command means something else to a shell than its words, and the variables that `expand` knows."""
    unquoted = re.sub(r"'[^']*'", "''", command)
    variables = _VARIABLE.sub(lambda match: "$(" if "$" in (match["default"] or "") else "", unquoted)
    if re.search(r"`|\$[({0-9@*?!#$-]", variables):
        return True  # inside of double quotes, too
    bare = re.sub(r'"(?:\\.|[^"\\])*"|\\.', "", variables)
    return bool(_OPERATORS.search(bare) or _ASSIGNMENT.match(command) or program in _BUILTINS)


def expand(argv: Sequence[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """`$NAME`, `${NAME}` and `${NAME:-default}` replaced, also inside quotes; a value stays one argument.

    A shell replaces them itself.
    """
    if tuple(argv[:2]) == _SHELL:
        return tuple(argv)

    def value(match: re.Match[str]) -> str:
        name, default = match["plain"] or match["braced"], match["default"]
        if default is not None:
            return env.get(name) or default
        if name not in env:
            raise ScaffoldError(
                f"The Procfile's `{shlex.join(argv)}` needs ${name}, which is not set.",
                hint=f"Add {name}=… to .env, or write ${{{name}:-default}}.",
            )
        return env[name]

    return tuple(_VARIABLE.sub(value, argument) for argument in argv)


def which_to_restart(
    changed: Iterable[Path], project: Path, package: Path, commands: Mapping[str, Sequence[str]]
) -> set[str]:
    """The processes that a change of these files concerns.

    `.env`: all. A Python file in a folder of the package that a process is named after, or has as an argument
    (`python -m myapi group billing`, folder `billing`): that one. In `fakes`: the processes that run `fake`, maybe
    none, for nobody else imports a stand-in. Any other Python file of the package: all.
    """
    hit: set[str] = set()
    for path in changed:
        if path == project / ".env":
            return set(commands)
        if path.suffix == ".py" and path.is_relative_to(package):
            folder = path.relative_to(package).parts[0]
            concerned = {name for name, argv in commands.items() if _runs(folder, {name, *_words(argv)})}
            hit |= concerned or (set() if folder == "fakes" else set(commands))
    return hit


def _words(argv: Sequence[str]) -> list[str]:
    """The arguments of a command, or the words of what a shell runs."""
    return argv[2].split() if tuple(argv[:2]) == _SHELL and len(argv) > 2 else list(argv[1:])


def _runs(folder: str, words: Collection[str]) -> bool:
    """Whether a process, by its name and arguments, is the one of this folder. `fake billing` is not `billing`'s."""
    return _PROCESS_OF.get(folder, folder) in words and (folder == "fakes" or "fake" not in words)
