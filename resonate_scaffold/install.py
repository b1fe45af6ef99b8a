"""A service's dependencies, installed into its own environment. A step of its own that can be repeated."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from resonate_scaffold import systems
from resonate_scaffold.errors import InstallError

ENVIRONMENT = ".venv"
CONSTRAINTS = "constraints.txt"
LOCK = "uv.lock"

_SHOWN_LINES = 15
# They would send the installation somewhere other than the service's own environment, or leave a part of it out
# because another place has it.
_FOREIGN_VARIABLES = (
    *("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"),
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN", "PIP_NO_DEPS"),
    *("UV_PROJECT_ENVIRONMENT", "UV_PROJECT", "UV_WORKING_DIRECTORY", "UV_SYSTEM_PYTHON", "UV_NO_DEPS"),
)


def commands(project: Path) -> tuple[tuple[str, ...], ...]:
    """What installs a service, to be run in its directory: uv if it is on PATH, else venv and pip.

    The versions are those of the service's `uv.lock`, else of its `constraints.txt`, where it has one. Either way it
    gets the interpreter that runs this tool.
    """
    versions = ("-c", CONSTRAINTS) if (project / CONSTRAINTS).exists() else ()
    if not uv_on_path():
        return (
            (sys.executable, "-m", "venv", ENVIRONMENT),
            (str(scripts() / "python"), "-m", "pip", "install", *versions, "-e", ".[dev]"),
        )
    if (project / LOCK).exists():
        return (("uv", "sync", "--extra", "dev", "--python", sys.executable),)
    return (
        ("uv", "venv", "--allow-existing", "--python", sys.executable, ENVIRONMENT),
        ("uv", "pip", "install", "--python", ENVIRONMENT, *versions, "-e", ".[dev]"),
    )


def uv_on_path() -> bool:
    return shutil.which("uv") is not None


def scripts() -> Path:
    """Where the environment keeps its programs, relative to the service."""
    return systems.scripts(ENVIRONMENT)


def repeat_command(project: str) -> str:
    """The line that installs again, for a shell; *project* is the directory as the user would type it."""
    steps = [shlex.join(command) for command in commands(Path(project))]
    foreign = [name for name in _FOREIGN_VARIABLES if name in os.environ and name.startswith(("PIP_", "UV_"))]
    unset = [f"unset {' '.join(foreign)}"] if foreign and systems.speaks_posix() else []
    # What is there of a broken one stands in the way of another.
    broken = os.path.lexists(Path(project, ENVIRONMENT)) and problem(Path(project)) is not None
    remove = [f"rm -rf {ENVIRONMENT}"] if broken else []
    return " && ".join([f"cd {shlex.quote(project)}", *unset, *remove, *steps])


def problem(project: Path) -> str | None:
    """Why the service in *project* cannot run from its environment as it is; None where it can.

    An environment may be a link that leads nowhere, or made by an interpreter that has gone since.
    """
    environment = project / ENVIRONMENT
    if environment.is_symlink() and not environment.exists():
        return f"{environment} is a link to {os.readlink(environment)}, which is not there"  # noqa: PTH115
    if not (project / scripts()).is_dir():
        return f"{environment} is not there"
    python = project / scripts() / systems.program("python")
    if not python.exists():
        gone = f" leads to {os.path.realpath(python)}, which" if python.is_symlink() else ""
        return f"{python}{gone} is not there"
    return None


def install(project: Path, shown_as: str, progress: Callable[[str], None]) -> None:
    """Install the service in *project*.

    Args:
        project: the service's directory.
        shown_as: the same, as the user would type it.
        progress: called with each line that the installer prints.

    Raises:
        InstallError: with the last lines that the installer printed.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN_VARIABLES}
    # Without a network, pip's usual five retries for each package take minutes to say so.
    environment.setdefault("PIP_RETRIES", "1")
    environment["PIP_USER"] = "0"  # also where a configuration file says otherwise
    environment.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    # As pip does unasked: otherwise the first start of each process pays for it, seconds each.
    environment.setdefault("UV_COMPILE_BYTECODE", "1")
    for command in commands(project):
        program = shlex.join(command)
        last: deque[str] = deque(maxlen=_SHOWN_LINES)

        def line(text: str, last: deque[str] = last) -> None:
            last.append(text)
            progress(text)

        try:
            status = _run(command, project, environment, line)
        except OSError as error:
            status, last = 1, deque([f"{program}: {error.strerror or error}"])
        if status:
            raise InstallError(
                f"{shown_as} is complete, but its dependencies are not installed: `{program}` failed",
                f"Repeat it (it needs a network): {repeat_command(shown_as)}",
                tuple(last),
            )


def _run(command: tuple[str, ...], directory: Path, environment: dict[str, str], line: Callable[[str], None]) -> int:
    """Run *command* to its end, handing on its output line by line; it does not outlive an interruption."""
    program = command[0] if Path(command[0]).is_absolute() else shutil.which(command[0]) or command[0]
    if program.startswith(ENVIRONMENT):
        program = str(directory / program)
    with subprocess.Popen(
        [program, *command[1:]],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            assert process.stdout is not None
            for text in process.stdout:
                if text.strip():
                    line(text.rstrip())
            return process.wait()
        except BaseException:
            process.terminate()
            raise
