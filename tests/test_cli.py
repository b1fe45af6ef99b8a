"""The console command: quick answers, exit statuses, one JSON object, and never a traceback for a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import resonate_scaffold
from resonate_scaffold import cli, devserver, disk
from tests.conftest import PROGRAM, Tool


def imported_by(*arguments: str, cwd: Path) -> set[str]:
    """The top-level packages that a run of the tool has imported when it ends."""
    code = (
        "import sys\nfrom resonate_scaffold import cli\n"
        "status = cli.run(sys.argv[1:])\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "sys.exit(status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=cwd,
    )
    return set(result.stderr.split())


def test_version_imports_nothing_heavy(tmp_path: Path) -> None:
    assert not imported_by("--version", cwd=tmp_path) & {
        "typer",
        "rich",
        "jinja2",
        "yaml",
        "copier",
        "json",
        "asyncio",
    }


def test_help_imports_nothing_of_the_work(tmp_path: Path) -> None:
    assert not imported_by("new", "--help", cwd=tmp_path) & {"rich", "jinja2", "yaml", "copier", "resonate"}


def test_new_imports_neither_copier_nor_the_sdk(tmp_path: Path) -> None:
    heavy = imported_by("new", "x", "--no-install", "--no-git", cwd=tmp_path)
    assert not heavy & {"copier", "resonate", "aiohttp", "rich", "asyncio"}
    assert (tmp_path / "x").is_dir()


def test_the_version_is_the_distributions(process: Tool) -> None:
    from importlib.metadata import version

    assert resonate_scaffold.__version__ == version("resonate-scaffold")
    ran = process("--version")
    assert (ran.status, ran.out) == (0, f"resonate-scaffold {resonate_scaffold.__version__}\n")


def test_nothing_is_a_question_for_help(tool: Tool) -> None:
    ran = tool()
    assert ran.status == 0
    assert all(command in ran.out for command in ("new", "dev", "engine"))


@pytest.mark.parametrize(
    "arguments", [("nope",), ("new",), ("new", "a", "b"), ("new", "x", "--nope"), ("engine", "--port", "x")]
)
def test_wrong_usage_is_two_lines(tool: Tool, arguments: tuple[str, ...]) -> None:
    ran = tool(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert [line.split()[0] for line in ran.err.splitlines()] == ["error", "hint"]
    assert "--help" in ran.err


@pytest.mark.parametrize(
    "arguments", [("new",), ("new", "x", "--nope"), ("nope",), ("new", "json"), ("new", "x", "--run")]
)
def test_json_is_one_object_whatever_is_wrong(tool: Tool, arguments: tuple[str, ...]) -> None:
    ran = tool(*arguments, "--json")
    assert ran.status in {1, 2}
    assert ran.err == ""
    assert ran.json["command"] == arguments[0]
    assert ran.json["error"].keys() == {"message", "hint"}
    assert ran.json["changes"] == []


@pytest.mark.parametrize("into", ["/dev/null", "/dev/null/x", "/proc/nothing", "x" * 300, "/sys"])
def test_a_place_where_nothing_can_be_made(tool: Tool, into: str) -> None:
    ran = tool("new", "svc", "--into", into, "--no-install")
    assert ran.status == 1
    assert [line.split()[0] for line in ran.err.splitlines()] == ["error", "hint"]
    assert not list(Path().iterdir())


def test_permission_denied(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated: the tests may run as root, whom nothing is denied."""

    def denied(path: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", denied)
    ran = tool("new", "svc", "--no-install")
    assert ran.status == 1
    assert "Permission denied" in ran.err


def test_a_current_directory_that_has_gone(process: Tool, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "{PROGRAM}" new svc --no-install'
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "error" in result.stderr


def test_ctrl_c(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(disk, "check_target", pressed)
    ran = tool("new", "svc")
    assert ran.status == cli.INTERRUPTED
    assert "Interrupted" in ran.err
    ran = tool("new", "svc", "--json")
    assert (ran.status, ran.json["error"]["message"]) == (cli.INTERRUPTED, "Interrupted")


def test_a_reader_that_has_gone(tmp_path: Path, clean_git: None) -> None:
    script = f'"{PROGRAM}" new svc --dry-run | true; exit 0'
    result = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert result.stderr == ""


@pytest.mark.parametrize("arguments", [("add",), ("list", "--json"), ("list", "--help"), ("new", "x", "--dry-run")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_readers_that_have_gone_before_it_begins(
    tmp_path: Path, clean_git: None, arguments: tuple[str, ...], unbuffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [PROGRAM, *arguments],
            cwd=tmp_path,
            stdout=writing,
            stderr=writing if arguments == ("add",) else subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert result.returncode == 1
    assert not result.stderr


def test_the_engine_is_given_its_options(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    async def serve(**options: object) -> None:
        seen.update(options)
        ready = seen.pop("ready")
        assert callable(ready)
        ready("http://127.0.0.1:9")

    monkeypatch.setattr(devserver, "serve", serve)
    monkeypatch.setenv("RESONATE_TOKEN", "secret")
    ran = tool("engine", "--port", "9", "--journal", "jobs")
    assert (ran.status, ran.out) == (0, "engine listening on http://127.0.0.1:9\n")
    assert seen == {"port": 9, "journal": Path("jobs"), "token": "secret"}


def test_an_engine_that_cannot_start(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(**options: object) -> None:
        raise devserver.EngineError("Port 9 is taken", "Choose another one with --port.")

    monkeypatch.setattr(devserver, "serve", serve)
    ran = tool("engine")
    assert ran.status == 1
    assert "Port 9 is taken" in ran.err
    assert "--port" in ran.err
    assert "Traceback" not in ran.err


def test_dev_outside_a_service(tool: Tool) -> None:
    ran = tool("dev")
    assert ran.status == 1
    assert [line.split()[0] for line in ran.err.splitlines()] == ["error", "hint"]


def test_a_program_sees_the_whole_outcome(process: Tool, tmp_path: Path) -> None:
    ran = process("new", "svc", "--no-install", "--no-git", "--json")
    assert json.loads(ran.out)["project"] == str(tmp_path / "svc")
