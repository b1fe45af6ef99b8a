"""The checks of this repository. They run in the environment that nox runs in: see README.md."""

from __future__ import annotations

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests", "generated"]

# These make services, install them and run them; the session `generated` has them, the longest first.
SLOW = [
    "tests/test_generated.py",
    "tests/test_order_service.py",
    "tests/test_chaos.py",
    "tests/test_attack.py",
    "tests/test_over_http.py",
    "tests/test_sequences_runs.py",
    "tests/test_wheel.py",
    "tests/test_wiring_runs.py",
]
# These fork, which a process that also runs the threads of pytest-xdist had better not.
FORKING = ["tests/test_apply.py", "tests/test_disk.py", "tests/test_grow.py"]
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")


def _python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, of the tool. The services' own is checked by `generated`."""
    _python(session, "ruff", "check", ".")
    _python(session, "ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, of the tool."""
    _python(session, "mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """The tool's tests, but for those that run whole services."""
    _python(session, "pytest", *FORKING, *session.posargs)
    others = [f"--ignore={path}" for path in (*SLOW, *FORKING)]
    _python(session, "pytest", *TWO_AT_A_TIME, *others, *session.posargs)


@nox.session
def generated(session: nox.Session) -> None:
    """Every combination is generated and passes its own checks; one is installed and driven over HTTP."""
    _python(session, "pytest", *TWO_AT_A_TIME, *SLOW, *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """2,000 jobs while 60 times something dies: three seeds, on SQLite and on PostgreSQL; about 20 minutes."""
    _python(session, "tests.chaos", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Figures, as ratios within one run."""
    _python(session, "tests.bench", *session.posargs)
