import asyncio
from datetime import timedelta

from company_durable import install_standard_functions
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def work(ctx: Context, n: int) -> int:
    return await ctx.options(timeout=timedelta(minutes=1)).rpc("company.audit", n)


async def main() -> None:
    client = Resonate(group="a", retry_policy=Never())
    client.register(work)
    install_standard_functions(client)
    print(await client.run("p/1", work, 1).result())


asyncio.run(main())
