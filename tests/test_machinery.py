"""The machinery of a service passes our tests of it, which are in `tests/service`, whatever the answers were."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_generated import COMBINATIONS, EXAMPLES, MACHINERY, check_passed, new, path_with_tool, run

EACH_ANSWER_ONCE = ("shop-bare", EXAMPLES[1])
"""SQLite without the example, PostgreSQL with it. The machinery is the same in all four, byte for byte."""


@pytest.mark.parametrize("name", EACH_ANSWER_ONCE)
def test_the_machinery(name: str, tmp_path: Path, service_python: Path) -> None:
    """Of a service with the same answers and the name that the tests know."""
    service = new("shop", COMBINATIONS[name], tmp_path)
    pytest_of_machinery = ["-m", "pytest", "-rs", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", "."]
    command = [str(service_python), *pytest_of_machinery, f"--confcutdir={MACHINERY}", str(MACHINERY)]
    check_passed(run(command, service, PATH=path_with_tool()))
