"""Workers that hear of their work by another way than the server's stream."""

import asyncio

from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant
from resonate_pg import PostgresConnection

POLICY = Constant(delay=3, max_retries=10)


async def sweep(ctx: Context, floor: int) -> int:
    return floor


async def in_postgres(url: str) -> None:
    engine = PostgresConnection(url, pid="sweeper-1", group="sweepers")
    resonate = Resonate(network=engine, group="sweepers", pid="sweeper-1", retry_policy=POLICY)
    resonate.register(sweep)
    await asyncio.Event().wait()


async def in_process() -> int:
    local = Resonate(network=LocalConnection(), retry_policy=POLICY)
    local.register(sweep)
    return await local.run("sweep/1", sweep, 1).result()


if __name__ == "__main__":
    print(asyncio.run(in_process()))
    asyncio.run(in_postgres("postgresql://sweepers@localhost/resonate"))
