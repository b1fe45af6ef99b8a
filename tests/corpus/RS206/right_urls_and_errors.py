"""Of the network libraries only what makes no request: URLs, constants, exceptions, settings."""

import socket
from urllib.parse import quote, urlencode, urlsplit

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

PATIENCE = httpx.Timeout(10.0, connect=2.0)


async def call(ctx: Context, url: str, family: int) -> int:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        answer = await http.get(url)
        answer.raise_for_status()
        return answer.status_code + family * 0


async def notify(ctx: Context, hook: str, event: str) -> int | None:
    query = urlencode({"event": event})
    url = httpx.URL(f"{hook}/{quote(event)}?{query}")
    family = socket.AF_INET6 if ":" in (urlsplit(hook).hostname or "") else socket.AF_INET
    try:
        return await ctx.run(call, str(url), int(family))
    except httpx.HTTPStatusError as error:
        return error.response.status_code


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="hooks", retry_policy=Never())
    client.register(notify)
    return client
