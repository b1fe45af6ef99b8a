"""What the tests of the tool share: ways to run it, and a small template that is not the shipped one."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from resonate_scaffold import cli, templates

PROGRAM = Path(sys.executable).with_name("resonate-scaffold")

collect_ignore = ["service"]  # of services: `test_machinery` runs them in some


# The longest files of their sessions. Their tests share nothing that a fixture made: each goes where there is room.
APART = ("test_machinery", "test_merging", "test_remove")


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist says nothing of its types
    """Keeps the tests of a file in one process, as they share what its fixtures made; but for those of `APART`."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return nodeid if PurePosixPath(file).stem in APART else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """With several processes."""
    return Scheduling(config, log)


@dataclass(frozen=True)
class Ran:
    """One run of the tool."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What ``--json`` printed: one object and nothing else."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


Tool = Callable[..., Ran]


@pytest.fixture(scope="session", autouse=True)
def inner_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The services' own tests get a directory apart: pytest closes the one it shares, and a Postgres may live there."""
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path_factory.mktemp("inner"))


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The key of the tool's journals is this session's own: nothing is written to a home directory."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session", autouse=True)
def types_of_dependencies(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What mypy found in the dependencies of one service serves for the next one."""
    os.environ["MYPY_CACHE_DIR"] = str(tmp_path_factory.mktemp("mypy"))


@pytest.fixture(scope="session", autouse=True)
def garbage() -> Iterator[None]:
    """What a command leaves to the end of its process is collected here, where thousands run in one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "freeze", lambda: None)
        yield


@pytest.fixture
def clean_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A git without a configured user, whatever this machine has."""
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def tool(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], clean_git: None
) -> Iterator[Tool]:
    """The tool, run in this process in an empty directory; ``tool("new", "x")`` answers with a `Ran`."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        status = cli.run(list(arguments))
        return Ran(status, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def process(tmp_path: Path, clean_git: None) -> Tool:
    """The tool as its installed console script, in a process of its own; ``cwd`` and ``env`` may be given."""

    def run(*arguments: str, cwd: Path = tmp_path, env: dict[str, str] | None = None) -> Ran:
        result = subprocess.run(
            [PROGRAM, *arguments],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(result.returncode, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def service_python() -> Iterator[Path]:
    """The interpreter of an environment with what services and their tests need, in the versions of a new service.

    The services themselves run from their directories. TEST_SERVICE_PYTHON names one that is there.
    """
    if there := os.environ.get("TEST_SERVICE_PYTHON"):
        yield Path(there)
        return
    # Not below pytest's own directory, which any other session of pytest closes to the user that Postgres runs as.
    with tempfile.TemporaryDirectory(prefix="service-python-") as directory:
        yield service_environment(Path(directory))


def service_environment(root: Path) -> Path:
    """Install what services and their tests need below *root*, for every user to read; returns the interpreter."""
    root.chmod(0o755)
    answers = templates.complete_answers({"project_name": "orders", "database": "postgres"})
    files = templates.render_builtin(answers).files
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).write_bytes(files[PurePosixPath(name)].content)
    python = root / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    uv = [sys.executable, "-m", "uv"]
    needs = ["-c", "constraints.txt", "--extra", "dev", "-r", "pyproject.toml"]
    for command in (
        [*uv, "venv", "-q", "--python", sys.executable, "env"],
        [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), *needs],
    ):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
    return python


def git(directory: Path, *arguments: str) -> str:
    """What git says about a repository."""
    return subprocess.run(
        ["git", "-C", str(directory), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def tree(root: Path) -> dict[str, bytes]:
    """Every file below *root*, but for git's own."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


COPIER_YML = """\
project_name:
  type: str
package_name:
  type: str
  default: "{{ project_name | replace('-', '_') }}"
  when: false
description:
  type: str
  default: Something
database:
  type: str
  choices: [sqlite, postgres]
  default: sqlite
author:
  type: str
  default: ""
bare:
  type: bool
  default: false
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A small template of somebody else's, for services."""
    root = tmp_path / "template"
    files = {
        "copier.yml": COPIER_YML,
        ".gitignore": ".env\n",
        ".env.example": "WEBHOOK_SECRETS=\nPORT=8000\n",
        "{{_copier_conf.answers_file}}.jinja": "# Made by Copier\n{{ _copier_answers|to_nice_yaml -}}\n",
        "pyproject.toml.jinja": '[project]\nname = "{{ project_name }}"\n',
        "{{package_name}}/__init__.py.jinja": '"""{{ description }} on {{ database }}"""\n',
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root
