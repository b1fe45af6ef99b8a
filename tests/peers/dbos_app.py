"""The example job on DBOS, as its documentation and its starter have one: a FastAPI application, the workflow inside.

The client's key is the workflow's id, so a key starts one workflow. A step reads the account, another assesses it, and
the write is a transaction of a datasource: the row is committed together with DBOS's record that it was written.

SYSTEM_DATABASE_URL is where DBOS keeps its workflows, DATABASE_URL where the rows are, PORT where the API listens.
Its fastest sensible settings:

- Plain functions, which DBOS runs in threads: as coroutines they made a third fewer jobs a second.
- A step for the read: as a transaction of the datasource it would be recorded twice.
- READ COMMITTED in place of the datasource's SERIALIZABLE: one insert needs no more, and nothing is tried again.
- A request that waits for a job's end looks each POLL seconds, in place of once a second. With 5 ms one job alone ends
  sooner and many take longer, with 50 ms it is the other way round.
- 20 connections to either database (its default for its own), logs from WARNING on, no traces.
- uvicorn with uvloop and httptools, without a log of requests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from dbos import DBOS, DBOSConfig, SetWorkflowID, SQLAlchemyDatasource
from fastapi import FastAPI, Header
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, String, Table, select

POLL = 0.02
CONNECTIONS = 20

metadata = MetaData()
accounts = Table(
    "accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("balance", Numeric, nullable=False),
)
job_results = Table(
    "job_results",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", String(190), nullable=False, unique=True),
    Column("account_id", String(64), nullable=False),
    Column("risk", String(20), nullable=False),
    Column("processed_at", DateTime(timezone=True), nullable=False),
)

config: DBOSConfig = {
    "name": "peer",
    "system_database_url": os.environ["SYSTEM_DATABASE_URL"],
    "sys_db_pool_size": CONNECTIONS,
    "log_level": "WARNING",
}
DBOS(config=config)
rows = SQLAlchemyDatasource.create(
    os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"), {"pool_size": CONNECTIONS}
)


@DBOS.step()
def get_account(account_id: str) -> dict[str, str]:
    with rows.engine.connect() as connection:
        account = connection.execute(select(accounts).where(accounts.c.id == account_id)).one()
    return {"id": account.id, "owner": account.owner, "balance": str(account.balance)}


@DBOS.step()
def assess(account: dict[str, str]) -> dict[str, str]:
    risk = "high" if float(account["balance"]) < 0 else "normal"
    return {"risk": risk, "processed_at": datetime.now(UTC).isoformat()}


@rows.transaction(isolation_level="READ COMMITTED")
def save_result(job_id: str, account_id: str, risk: str, processed_at: str) -> int:
    moment = datetime.fromisoformat(processed_at)
    insert = job_results.insert().values(job_id=job_id, account_id=account_id, risk=risk, processed_at=moment)
    return rows.sql_session().execute(insert.returning(job_results.c.id)).scalar_one()


@DBOS.workflow()
def process_job(job_id: str, account_id: str) -> dict[str, Any]:
    account = get_account(account_id)
    assessment = assess(account)
    save_result(job_id, account_id, **assessment)
    return {"account": account, **assessment}


@contextmanager
def lifespan(app: FastAPI) -> Iterator[None]:
    with rows.engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(accounts.insert().values(id="acc-1", owner="Ada Lovelace", balance=1200))
    DBOS.launch()
    yield
    DBOS.destroy()


class Job(BaseModel):
    account_id: str
    requires_approval: bool = False


app = FastAPI()


@app.post("/jobs", status_code=202)
def submit(job: Job, idempotency_key: Annotated[str, Header()]) -> dict[str, str]:
    with SetWorkflowID(idempotency_key):
        DBOS.start_workflow(process_job, idempotency_key, job.account_id)
    return {"id": idempotency_key, "status": "running"}


@app.get("/jobs/{id}")
def look(id: str) -> dict[str, Any]:
    """The job, once it has ended."""
    result = DBOS.retrieve_workflow(id).get_result(polling_interval_sec=POLL)
    return {"id": id, "status": "succeeded", "result": result}


@app.get("/livez")
def livez() -> dict[str, str]:
    return {}


if __name__ == "__main__":
    with lifespan(app):
        uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
