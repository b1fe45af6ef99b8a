"""The service under test, freshly generated: its package is `shop`, and its directory is the current one.

The tests here need nothing of its example. Those in `example/` do, and are left out where the service is bare.
"""

import importlib.util

import pytest
from shop.__main__ import SERVICE
from shop.runtime.service import Service

pytest_plugins = ["shop.runtime.testing.plugin", f"{__package__}.fixtures"]

collect_ignore = [] if importlib.util.find_spec("shop.api.jobs") else ["example"]


@pytest.fixture(scope="session")
def definition() -> Service:
    """The service that was generated."""
    return SERVICE


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark of what only PostgreSQL can do."""
    config.addinivalue_line("markers", "postgres: not where the tests run on SQLite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only PostgreSQL can do where the tests run on SQLite."""

    def runs(item: pytest.Item) -> bool:
        params = getattr(getattr(item, "callspec", None), "params", {})
        kind = params.get("database_kind", config.getoption("--database"))
        return item.get_closest_marker("postgres") is None or kind == "postgres"

    items[:] = [item for item in items if runs(item)]
