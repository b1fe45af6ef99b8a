"""Functions that block, and that something else calls: a decorator in a thread, FastAPI, Flask."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import requests
from fastapi import APIRouter, Depends
from flask import Blueprint
from resonate.context import Context
from resonate.resonate import Resonate

router = APIRouter()
pages = Blueprint("pages", __name__)


def in_thread[**P, R](function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    @functools.wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(function, *args, **kwargs)

    return run


@in_thread
def download(url: str) -> str:
    return requests.get(url, timeout=10).text


def budget() -> float:
    time.sleep(0.1)
    return 1.5


@router.get("/budget")
async def show_budget(left: float = Depends(budget)) -> float:
    return left


@pages.get("/slow")
def slow() -> str:
    time.sleep(1)
    return "done"


async def fetch(ctx: Context, url: str) -> dict[str, Any]:
    time.sleep(0)
    return {"url": url, "size": len(await download(url))}


async def crawl(ctx: Context, urls: list[str]) -> int:
    return sum([(await ctx.run(fetch, url))["size"] for url in urls])


def register(resonate: Resonate) -> None:
    resonate.register(crawl)
