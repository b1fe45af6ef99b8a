"""The machinery of a service of every combination of answers passes our tests of it, which are in `tests/service`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_generated import COMBINATIONS, MACHINERY, check_passed, new, path_with_tool, run


@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_machinery(name: str, tmp_path: Path, service_python: Path) -> None:
    """Of a service with the same answers and the name that the tests know."""
    service = new("shop", COMBINATIONS[name], tmp_path)
    pytest_of_machinery = ["-m", "pytest", "-rs", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", "."]
    command = [str(service_python), *pytest_of_machinery, f"--confcutdir={MACHINERY}", str(MACHINERY)]
    check_passed(run(command, service, PATH=path_with_tool()))
