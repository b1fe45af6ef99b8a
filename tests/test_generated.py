"""Every combination of answers gives a service that passes its own checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from resonate_scaffold import templates
from resonate_scaffold.project import Manifest, runtime_digest

COMBINATIONS = {
    "shop": ("--database", "sqlite"),
    "shop-bare": ("--database", "sqlite", "--bare"),
    # The longest name there is, and one that sorts after `tests`: neither may change how the code is formatted.
    "zz-a-service-with-a-name-of-forty-letter": ("--database", "postgres", "--data", "author=Ada O'Hara & Co"),
    "shop_pg_bare": ("--database", "postgres", "--bare", "--data", "description=What's <new> & {{ odd }}?"),
}
EXAMPLES = ("shop", "zz-a-service-with-a-name-of-forty-letter")
MACHINERY = Path(__file__).with_name("service")
"""The tests of the machinery: of a service whose package is `shop`."""


def run(command: list[str], directory: Path, **environment: str) -> str:
    """Run a command that must succeed; returns what it printed."""
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command,
        cwd=directory,
        env={**inherited, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
    )
    assert done.returncode == 0, f"{command} failed in {directory.name}:\n{done.stdout}"
    return done.stdout


def new(name: str, options: tuple[str, ...], parent: Path) -> Path:
    """Make a service."""
    parent.mkdir(exist_ok=True)
    run([sys.executable, "-m", "resonate_scaffold", "new", name, "--defaults", "--no-install", *options], parent)
    return parent / name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all of them."""
    parent = tmp_path_factory.mktemp("made")
    for name, options in COMBINATIONS.items():
        new(name, options, parent)
    return parent


def path_with_tool() -> str:
    """A PATH on which the tool is."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def check_passed(report: str) -> None:
    """See that tests ran, and none was skipped."""
    assert "SKIPPED" not in report, report
    assert re.search(r"[1-9][0-9]* passed", report) or "100%]" in report, report


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_service_passes_its_own_checks(name: str, made: Path, service_python: Path) -> None:
    service, python = made / name, str(service_python)
    run([python, "-m", "ruff", "check", "."], service)
    run([python, "-m", "ruff", "format", "--check", "."], service)
    run([python, "-m", "mypy"], service)
    check_passed(run([python, "-m", "pytest", "-rs", "-p", "no:cacheprovider"], service, PATH=path_with_tool()))


def test_the_tests_of_the_machinery_are_strictly_typed(made: Path, service_python: Path) -> None:
    command = [str(service_python), "-m", "mypy", "--config-file", "pyproject.toml", str(MACHINERY)]
    run(command, made / "shop", MYPYPATH=f"{MACHINERY.parent.parent}")


def test_the_runtime_is_the_same_in_every_service(made: Path) -> None:
    """Byte for byte what the template has, whatever the name and the answers; and the manifest has its digest."""
    (template,) = templates.builtin_directory().glob("service/*/runtime")
    wanted = {path.relative_to(template): path.read_bytes() for path in template.rglob("*") if path.is_file()}
    wanted = {path: content for path, content in wanted.items() if "__pycache__" not in path.parts}
    assert not [path for path in wanted if path.suffix == ".jinja"]
    digests = set()
    for name in COMBINATIONS:
        package = name.replace("-", "_")
        runtime = made / name / package / "runtime"
        found = {path.relative_to(runtime): path.read_bytes() for path in runtime.rglob("*") if path.is_file()}
        assert {path: text for path, text in found.items() if "__pycache__" not in path.parts} == wanted, name
        manifest = Manifest.from_bytes((made / name / ".resonate-scaffold.json").read_bytes())
        assert manifest.runtime == runtime_digest(manifest.files, package)
        digests.add(manifest.runtime)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("name", "most_of_package", "most_of_tests"),
    [*((name, 800, 700) for name in EXAMPLES), ("shop-bare", 350, 250), ("shop_pg_bare", 350, 250)],
)
def test_the_rooms_of_the_owner_are_small(name: str, most_of_package: int, most_of_tests: int, made: Path) -> None:
    """In lines of Python."""

    def lines(directory: Path) -> int:
        files = [path for path in directory.rglob("*.py") if "runtime" not in path.relative_to(directory).parts]
        return sum(len(path.read_text("utf-8").splitlines()) for path in files)

    assert lines(made / name / name.replace("-", "_")) <= most_of_package
    assert lines(made / name / "tests") <= most_of_tests


def test_a_history_holds_nothing_of_where_it_was_recorded(made: Path) -> None:
    """The template's histories fit a service of any name: their ids have no namespace."""
    for path in (made / EXAMPLES[1] / "tests" / "histories").glob("*.json"):
        assert not json.loads(path.read_text("utf-8"))["id"].startswith(("shop", "zz"))
