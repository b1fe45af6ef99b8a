"""Run a command of a generated service, with its environment and settings, as `dev` does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from resonate_scaffold import install
from resonate_scaffold.errors import ScaffoldError

_SECONDS = 60.0  # for a command that answers and ends


def run_command(root: Path, package: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run ``python -m package arguments`` in a service that may be trusted, to its end.

    Args:
        root: the service's directory, which `trust.check_owner` has seen.

    Returns:
        What it printed, and its exit status, whatever that is.

    Raises:
        ScaffoldError: the service is not installed, or the command does not start or end.
    """
    if why := install.problem(root):
        hint = f"Install them: {install.repeat_command(str(root))}"
        raise ScaffoldError(f"The service's dependencies are not installed: {why}", hint)
    command = [str(root / install.scripts() / "python"), "-m", package, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        return subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        shown = f"python -m {package} {' '.join(arguments)}"
        raise ScaffoldError(f"`{shown}` does not run: {error}", "Run it by hand, and see what it says.") from error


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed said last."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit status {done.returncode}"
