"""The checks of this service: `nox`. They run in the environment that nox is installed in."""

import shutil
import sys

import nox

nox.options.default_venv_backend = "none"


def _python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    _python(session, "ruff", "check")
    _python(session, "ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types."""
    _python(session, "mypy")


@nox.session
def check(session: nox.Session) -> None:
    """Mistakes that show only at run time, where `resonate-scaffold` is installed."""
    if shutil.which("resonate-scaffold"):
        session.run("resonate-scaffold", "check", external=True)
    else:
        session.log("not run: resonate-scaffold is not on the PATH")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; what follows `--` goes to pytest."""
    _python(session, "pytest", *session.posargs)
