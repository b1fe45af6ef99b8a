"""The documentation's commands are run as they stand, and its site is built without a warning or a broken link."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.record_growth import Shell
from docs.site.__main__ import build
from docs.site.service import describe, write_service

from .conftest import PROGRAM
from .documents import PAGES, ROOT, SERVICES, Block, blocks, command_faults
from .topology import PATIENCE, free_port

TUTORIAL = [block for block in blocks(ROOT / "docs" / "tutorial.md") if block.run]
# The pages whose blocks run in the service that the tutorial has made; the last one changes it.
IN_THE_EXAMPLE = [
    ROOT / name for name in ("README.md", "docs/graph.md", "docs/http.md", "docs/testing.md", "docs/entities.md")
]
# What a page tells of, and does not make itself.
BEFORE = {
    "http.md": "curl -s localhost:8000/jobs -H 'Content-Type: application/json' -H 'Idempotency-Key: order-4712'"
    ' -d \'{"account_id": "acc-1", "requires_approval": true}\'\n'
}
# What `pip install .` of a clone reads.
CLONED = ("resonate_scaffold", "templates", "pyproject.toml", "README.md", "CHANGELOG.md", "constraints.txt")
_CHANGES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
READY = "curl -s -o /dev/null --fail --retry 60 --retry-delay 1 --retry-all-errors localhost:8000/readyz"
QUIET = 2.0
"""Seconds without a line of a process, after which it is taken to have done what it was about to do."""


class Background:
    """A process of a page that goes on: `resonate-scaffold dev`."""

    def __init__(self, command: str, cwd: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            shlex.split(command),
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""
        self.last = time.monotonic()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            self.last = time.monotonic()

    def wait_for(self, text: str, since: int = 0, quiet: float = 0.0) -> None:
        """Wait until it has printed this, after so many characters of its output, and then nothing for so long."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.printed[since:] or time.monotonic() - self.last < quiet:
            assert self.process.poll() is None and time.monotonic() < deadline, f"no {text!r} in:\n{self.printed}"
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


class Session:
    """One shell, and the process beside it. Ports are free ones, in the place of 8000."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if name not in ("RESONATE_URL", "VIRTUAL_ENV", "CI")}
        # A `python3` of the version that runs the tests stands first: that of the machine may be an older one. The
        # tests' own scripts stand last: the tool is the clone's, and `new` finds uv.
        programs = directory.parent / "programs"
        programs.mkdir()
        (programs / "python3").symlink_to(Path(sys.executable).resolve())
        path = os.pathsep.join([str(programs), os.environ["PATH"], str(PROGRAM.parent)])
        ports = {"PORT": str(self.port), "CONSOLE_PORT": str(free_port())}
        git = {
            f"GIT_{role}_{what}": "you@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        self.environment = {**kept, **ports, **git, "PATH": path, "GIT_CONFIG_GLOBAL": os.devnull}
        self.shell = Shell(directory, self.environment)
        self.background: Background | None = None
        self.before = 0  # What the process had printed when the last block began.

    def run(self, block: Block) -> None:
        """Run a block; what it prints is as the page says."""
        how = block.run
        assert how is not None
        if "until" in how:
            path = self.ask('echo "$PATH"')[0]
            self.background = Background(block.text, self.ask("pwd")[0], {**self.environment, "PATH": path})
            self.background.wait_for(how["until"])
            return
        if "after" in how:
            assert self.background is not None
            self.background.wait_for(how["after"], self.before, QUIET)
            self.ask(READY)
        self.before = len(self.background.printed) if self.background is not None else 0
        for command, expected in block.commands:
            printed = self.ask(command)
            if block.language == "console":
                assert _steady(printed) == _steady(expected), f"{block.where}: {command}"
            else:
                assert not [line for line in printed if '"request_id"' in line], f"{block.where}: {printed}"

    def ask(self, command: str) -> list[str]:
        """Run commands, each of which must succeed; what they printed."""
        command = command.replace("localhost:8000", f"localhost:{self.port}").rstrip("\n")
        return self.shell.quietly(f"failed=; trap 'failed=1' ERR\n{command}\ntrap - ERR; echo; [ -z \"$failed\" ]")

    def stop(self) -> None:
        if self.background is not None:
            self.background.stop()
        self.shell.process.kill()
        self.shell.process.wait()


def _steady(lines: list[str]) -> list[str]:
    """Lines without what is another in each run."""
    return [_CHANGES.sub("TIME", line) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A shell in a clone of this repository."""
    clone = tmp_path_factory.mktemp("newcomer") / "clone"
    clone.mkdir()
    for name in CLONED:
        path = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, clone / name, ignore=ignored) if path.is_dir() else shutil.copy(path, clone)
    session = Session(clone)
    yield session
    session.stop()


@pytest.fixture(scope="module")
def example(session: Session) -> Session:
    """The shell after the tutorial, in the service that it has made; without the keys of its last step."""
    for block in TUTORIAL:
        session.run(block)
    assert session.background is not None
    session.background.stop()
    session.ask("sed -i.bak '/^API_KEYS=alice/d' .env && rm .env.bak")
    session.run(next(block for block in TUTORIAL if block.run and "until" in block.run))
    return session


def test_the_tutorial_and_the_pages_about_its_service_do_what_they_say(example: Session) -> None:
    for page in IN_THE_EXAMPLE:
        example.ask(BEFORE.get(page.name, "true"))
        for block in blocks(page):
            if block.run:
                assert block.run["run"] == "example", block.where
                example.run(block)


def test_every_block_that_is_to_be_run_is_run() -> None:
    pages = {page for page in PAGES if any(block.run for block in blocks(page))}
    assert pages == {ROOT / "docs" / "tutorial.md", *IN_THE_EXAMPLE}


def test_no_command_or_option_of_a_service_is_invented(service_python: Path, tmp_path: Path) -> None:
    known = {tuple(it["path"]): it for it in describe(write_service(tmp_path), service_python)["commands"]}
    assert command_faults(SERVICES, known) == []


def test_the_site_is_built_without_a_warning_or_a_broken_link(service_python: Path, tmp_path: Path) -> None:
    assert build(service_python, tmp_path / "site") == []
    for page in ("index", "docs/tutorial", "docs/reference/settings", "docs/reference/rules/RS201"):
        assert (tmp_path / "site" / "html" / f"{page}.html").is_file()
