"""The machinery of a service passes our tests of it, which are in `tests/service`, whatever the answers were.

It is the same in all services, byte for byte: all tests run in one, and those that know the database or the example in
another, which has PostgreSQL.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_generated import COMBINATIONS, EXAMPLES, MACHINERY, check_passed, new, path_with_tool, run

KNOWS_THE_DATABASE = re.compile(
    r"shop\.runtime\.(database|columns|reads|pages|local_postgres|durable\.(once|rows|reconcile)|engine\.(postgres|upkeep))"
)
ALL = sorted(MACHINERY.glob("test_*.py"))
ON_POSTGRES = [
    *(path for path in ALL if KNOWS_THE_DATABASE.search(path.read_text("utf-8"))),
    *sorted((MACHINERY / "example").glob("test_*.py")),
]
# Of each service, the tests are run in parts, which may run at once.
PARTS = {
    **{f"sqlite-bare-{part}": ("shop-bare", ALL[part::3]) for part in range(3)},
    **{f"postgres-{part}": (EXAMPLES[1], ON_POSTGRES[part::3]) for part in range(3)},
}


@pytest.mark.parametrize(("name", "tests"), PARTS.values(), ids=PARTS)
def test_the_machinery(name: str, tests: list[Path], tmp_path: Path, service_python: Path) -> None:
    """Of a service with the same answers and the name that the tests know."""
    service = new("shop", COMBINATIONS[name], tmp_path)
    pytest_of_machinery = ["-m", "pytest", "-rs", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", "."]
    command = [str(service_python), *pytest_of_machinery, f"--confcutdir={MACHINERY}", *map(str, tests)]
    check_passed(run(command, service, PATH=path_with_tool()))
