"""The example job on Restate, as its documentation has one: a handler that its server calls, a FastAPI route before it.

`restate_app.py service` is what the Restate server calls. `restate_app.py api` takes the jobs: it sends each to the
server's ingress with the client's key as idempotency key, and waits for an end by attaching to that call. What
`ctx.run` does may be done twice, so that a row is written once is left to the row's own key.

DATABASE_URL is where the rows are, RESTATE_INGRESS the server's URL for calls, PORT where either listens.
Its fastest sensible settings:

- Two processes, as there are two cores, and HTTP/2 between server and handler (Hypercorn, as its documentation has it,
  with uvloop): a job is one stream. By HTTP/1.1, where each step is a request of its own, it took longer.
- asyncpg, which keeps its statements prepared.
- aiohttp for the ingress, on connections that are kept, in place of the SDK's client, which is httpx.
- uvicorn with uvloop and httptools for the API; no log of requests on either.

The server has its defaults but for its log. With 4 partitions in place of 24 nothing showed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import aiohttp
import asyncpg
import hypercorn
import hypercorn.asyncio
import restate
import uvicorn
import uvloop
from fastapi import FastAPI, Header
from pydantic import BaseModel

TABLES = """
CREATE TABLE IF NOT EXISTS accounts (id varchar(64) PRIMARY KEY, owner varchar(200) NOT NULL, balance numeric NOT NULL);
CREATE TABLE IF NOT EXISTS job_results (
    id serial PRIMARY KEY, job_id varchar(190) NOT NULL UNIQUE, account_id varchar(64) NOT NULL,
    risk varchar(20) NOT NULL, processed_at timestamptz NOT NULL);
INSERT INTO accounts VALUES ('acc-1', 'Ada Lovelace', 1200) ON CONFLICT DO NOTHING;
"""
INSERT = """
INSERT INTO job_results (job_id, account_id, risk, processed_at) VALUES ($1, $2, $3, $4) ON CONFLICT (job_id) DO NOTHING
"""
CONNECTIONS = 20

pool: asyncpg.Pool
jobs = restate.Service("Jobs")


class Job(BaseModel):
    account_id: str
    requires_approval: bool = False


async def get_account(account_id: str) -> dict[str, str]:
    row = await pool.fetchrow("SELECT id, owner, balance FROM accounts WHERE id = $1", account_id)
    return {"id": row["id"], "owner": row["owner"], "balance": str(row["balance"])}


async def assess(account: dict[str, str]) -> dict[str, str]:
    risk = "high" if float(account["balance"]) < 0 else "normal"
    return {"risk": risk, "processed_at": datetime.now(UTC).isoformat()}


async def save_result(job_id: str, account_id: str, risk: str, processed_at: str) -> None:
    await pool.execute(INSERT, job_id, account_id, risk, datetime.fromisoformat(processed_at))


@jobs.handler()
async def process(ctx: restate.Context, job: dict[str, str]) -> dict[str, Any]:
    account = await ctx.run_typed("get account", get_account, account_id=job["account_id"])
    assessment = await ctx.run_typed("assess", assess, account=account)
    await ctx.run_typed("save result", save_result, job_id=job["job_id"], account_id=job["account_id"], **assessment)
    return {"account": account, **assessment}


async def serve_handler() -> None:
    global pool
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(TABLES)
        config = hypercorn.Config()
        config.bind = [f"127.0.0.1:{os.environ['PORT']}"]
        # Connections and streams without an end, as the documentation has it for production.
        config.h2_max_concurrent_streams = config.keep_alive_max_requests = config.keep_alive_timeout = 2**31 - 1
        await hypercorn.asyncio.serve(restate.app([jobs]), config)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(os.environ["RESTATE_INGRESS"], raise_for_status=True) as app.state.ingress:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/jobs", status_code=202)
async def submit(job: Job, idempotency_key: Annotated[str, Header()]) -> dict[str, str]:
    body = {"job_id": idempotency_key, "account_id": job.account_id}
    headers = {"Idempotency-Key": idempotency_key}
    async with app.state.ingress.post("/Jobs/process/send", json=body, headers=headers):
        return {"id": idempotency_key, "status": "running"}


@app.get("/jobs/{id}")
async def look(id: str) -> dict[str, Any]:
    """The job, once it has ended."""
    async with app.state.ingress.get(f"/restate/invocation/Jobs/process/{id}/attach") as answer:
        return {"id": id, "status": "succeeded", "result": await answer.json()}


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {}


if __name__ == "__main__":
    if sys.argv[1] == "service":
        uvloop.run(serve_handler())
    else:
        uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
