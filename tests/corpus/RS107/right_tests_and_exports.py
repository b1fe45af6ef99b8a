# file: soil/probes.py
from resonate.context import Context

__all__ = ["acidity", "moisture"]


async def acidity(ctx: Context, plot: int) -> float:
    return 6.5 + plot / 10


async def moisture(ctx: Context, plot: int) -> float:
    return plot / 100

# file: soil/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Never

from soil.probes import acidity


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="soil", retry_policy=Never())
    client.register(acidity)
    await asyncio.Event().wait()

# file: tests/conftest.py
import pytest
from resonate.context import Context
from resonate.testing import root_context


@pytest.fixture
def ctx() -> Context:
    return root_context()


async def broken_probe(ctx: Context, plot: int) -> float:
    raise ValueError(plot)

# file: tests/test_probes.py
from resonate.context import Context

from soil import probes


async def slow_probe(ctx: Context, plot: int) -> float:
    return 0.0


async def test_acidity(ctx: Context) -> None:
    assert await probes.acidity(ctx, 5) == 7.0
