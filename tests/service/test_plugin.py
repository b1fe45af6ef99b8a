"""`testing.plugin`: options and fixtures of a service's tests, in a pytest of their own."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from shop.runtime.service import Service
from shop.runtime.testing import plugin

CONFTEST = """
import pytest
from shop.__main__ import SERVICE

pytest_plugins = ["shop.runtime.testing.plugin"]


@pytest.fixture(scope="session")
def definition():
    return SERVICE
"""
TESTS = """
def test_a_database(database_url): ...


def test_crashes(crashes): ...


def test_nothing(): ...
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with tests of the service."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTEST_DEBUG_TEMPROOT": str(directory)},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_all_databases(directory: Path) -> None:
    done = run(directory, "--collect-only", "--database", "all", "--crash-seed", "4711", "--crashes", "all")
    assert done.returncode == 0, done.stdout
    assert "crashes: all points a workflow, --crash-seed 4711" in done.stdout
    collected = [line.strip().removeprefix("<Function ").removesuffix(">") for line in done.stdout.splitlines()]
    tests = [name for name in collected if name.startswith("test_")]
    assert sorted(tests) == [
        "test_a_database[postgres]",
        "test_a_database[sqlite]",
        "test_crashes[postgres]",
        "test_crashes[sqlite]",
        "test_nothing",
    ]


def test_a_conftest_without_a_definition() -> None:
    with pytest.raises(pytest.UsageError, match="must bring a fixture `definition` that returns the Service value"):
        inspect.unwrap(plugin.definition)()


def test_postgres_lives_apart_from_pytests_own_directory(
    definition: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any other session of pytest closes that to the user that Postgres runs as, and the server dies."""
    made = inspect.unwrap(plugin.databases)(definition, "postgres", tmp_path_factory)
    try:
        url = unquote(next(made).create())
        assert str(tmp_path_factory.getbasetemp().parent) not in url
    finally:
        made.close()
