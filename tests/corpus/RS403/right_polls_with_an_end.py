"""Polls that something else ends as well: a count, a clock, a timeout around them, the client that goes."""

import asyncio
import time

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.get("/by-count/{root}")
async def by_count(root: str, request: Request) -> str:
    resonate: Resonate = request.app.state.resonate
    tries = 0
    while True:
        record = await resonate.promises.get(f"job/{root}")
        tries += 1
        if record.state != "pending" or tries > 10:
            return record.state
        await asyncio.sleep(0.2)


@app.get("/by-clock/{root}")
async def by_clock(root: str, request: Request) -> str:
    resonate: Resonate = request.app.state.resonate
    end = time.monotonic() + 5
    while True:
        record = await resonate.promises.get(f"job/{root}")
        if record.state != "pending" or time.monotonic() > end:
            return record.state
        await asyncio.sleep(0.2)


@app.get("/by-timeout/{root}")
async def by_timeout(root: str, request: Request) -> str:
    resonate: Resonate = request.app.state.resonate
    async with asyncio.timeout(5):
        while True:
            record = await resonate.promises.get(f"job/{root}")
            if record.state != "pending":
                return record.state
            await asyncio.sleep(0.2)


async def settled(resonate: Resonate, root: str) -> str:
    while True:
        record = await resonate.promises.get(root)
        if record.state != "pending":
            return record.state
        await asyncio.sleep(0.2)


@app.get("/bounded/{root}")
async def bounded(root: str, request: Request) -> str:
    return await asyncio.wait_for(settled(request.app.state.resonate, f"job/{root}"), 5)


@app.get("/while-connected/{root}")
async def while_connected(root: str, request: Request) -> str:
    resonate: Resonate = request.app.state.resonate
    while not await request.is_disconnected():
        record = await resonate.promises.get(f"job/{root}")
        if record.state != "pending":
            return record.state
        await asyncio.sleep(0.2)
    return "gone"
