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
