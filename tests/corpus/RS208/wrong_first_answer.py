# file: search/engines.py
from resonate.context import Context


async def ask(ctx: Context, engine: str, query: str) -> list[str]:
    return [f"{engine}: {query}"]


async def log_winner(ctx: Context, answer: list[str]) -> None:
    print(answer)
# file: search/flow.py
import asyncio

from resonate.context import Context

from search.engines import ask, log_winner


async def fastest(ctx: Context, query: str, engines: list[str]) -> list[str]:
    running = [asyncio.ensure_future(ctx.run(ask, engine, query)) for engine in engines]
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)  # want: RS208
    answer = done.pop().result()
    await ctx.run(log_winner, answer)
    return answer


async def in_order_of_arrival(ctx: Context, query: str, engines: list[str]) -> list[str]:
    answers: list[str] = []
    for arriving in asyncio.as_completed([ctx.run(ask, engine, query) for engine in engines]):  # want: RS208
        answers += await arriving
    return answers
# file: search/worker.py
from resonate.resonate import Resonate
from resonate.retry import Never

from search.flow import fastest, in_order_of_arrival


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="search", retry_policy=Never())
    client.register(fastest)
    client.register(in_order_of_arrival)
    return client
