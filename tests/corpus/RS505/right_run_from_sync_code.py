"""A test without a loop of its own hands the coroutines to one."""

import asyncio
from collections.abc import Iterator

import pytest
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never
from resonate.testing import local_resonate


async def add(ctx: Context, one: int, other: int) -> int:
    return one + other


class Adder:
    def __init__(self, client: Resonate) -> None:
        self.client = client

    async def __call__(self, one: int, other: int) -> int:
        started = self.client.run(f"add/{one}/{other}", add, one, other)
        name = await started.id()
        return await started.result() if name else 0


@pytest.fixture
def policy() -> Iterator[Never]:
    yield Never()


def test_add(policy: Never) -> None:
    async def scenario() -> int:
        client = local_resonate(retry_policy=policy)
        try:
            client.register(add)
            outcome = client.run("add/3/4", add, 3, 4).result()
            return await Adder(client)(1, 2) + await outcome
        finally:
            await client.stop()

    assert asyncio.run(scenario()) == 10
