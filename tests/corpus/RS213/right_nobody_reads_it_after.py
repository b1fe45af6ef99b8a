import logging

import httpx
from resonate.context import Context

log = logging.getLogger(__name__)


async def send(ctx: Context, letters: list[str]) -> int:
    sent = 0
    while letters:
        letters.pop()
        sent += 1
    return sent


async def post(ctx: Context, letters: list[str]) -> int:
    tried: list[int] = []
    client: httpx.AsyncClient | None = None

    async def attempt(_: Context, number: int) -> int:
        """Between attempts of one step its variables live on; the workflow only logs them."""
        nonlocal client
        client = client or httpx.AsyncClient()
        tried.append(number)
        return (await client.get(f"https://example.com/{number}")).status_code

    status = await ctx.run(attempt, len(letters))
    log.info("tried %s", tried)
    batch = letters[:10]
    sent = await ctx.run(send, batch)
    for start in range(0, len(letters), 10):
        batch = letters[start : start + 10]
        log.info("next: %d", len(batch))
        sent += await ctx.run(send, batch)
    return sent + status
