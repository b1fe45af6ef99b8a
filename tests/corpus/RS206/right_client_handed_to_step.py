"""The workflow opens the client and hands it on; arguments of `ctx.run` stay in the process."""

import httpx
from resonate.context import Context
from resonate.resonate import Resonate


async def fetch_page(ctx: Context, http: httpx.AsyncClient, number: int) -> list[str]:
    answer = await http.get("/items", params={"page": number})
    return [str(item["name"]) for item in answer.json()]


async def fetch_all(ctx: Context, pages: int) -> list[str]:
    names: list[str] = []
    async with httpx.AsyncClient(base_url="https://catalog.example") as http:
        for number in range(pages):
            names += await ctx.run(fetch_page, http, number)
    return names


def install(client: Resonate) -> None:
    client.register(fetch_all, name="catalog.fetch")
