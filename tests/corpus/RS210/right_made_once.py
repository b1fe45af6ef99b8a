"""What is made when it is first asked for, and the same for whoever asks; what is set before any workflow runs."""

import asyncio
import re

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

_http: httpx.AsyncClient | None = None
_patterns: dict[str, re.Pattern[str]] = {}
LIMITS: dict[str, int] = {}
SITES: dict[str, str] = {}


def http() -> httpx.AsyncClient:
    global _http
    if _http is None:
        _http = httpx.AsyncClient()
    return _http


def pattern(word: str) -> re.Pattern[str]:
    if word not in _patterns:
        _patterns[word] = re.compile(rf"\b{word}\b")
    return _patterns[word]


def site(name: str, url: str) -> None:
    SITES[name] = url


site("blog", "https://blog.example")
site("shop", "https://shop.example")


async def fetch(ctx: Context, client: httpx.AsyncClient, url: str) -> str:
    return (await client.get(url)).text


async def count(ctx: Context, word: str) -> dict[str, int]:
    pages = {name: await ctx.run(fetch, http(), url) for name, url in SITES.items()}
    return {name: min(len(pattern(word).findall(text)), LIMITS["most"]) for name, text in pages.items()}


async def main() -> None:
    LIMITS["most"] = 100
    client = Resonate(url="http://localhost:8001", group="words", retry_policy=Never())
    client.register(count)
    await asyncio.Event().wait()


asyncio.run(main())
