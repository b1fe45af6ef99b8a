"""The database of a 0.1.0 service under the same service upgraded: its rows are read, and what was done is done."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.past_service import old, upgraded, write
from tests.postgres import Cluster

# Run in each version's service: does some writes, and says what each of them answered and what is in the tables.
_WRITES = """
import asyncio, json, os, sys
from datetime import UTC, datetime
from decimal import Decimal
from pydantic import BaseModel
from sqlalchemy import text
{imports}

class Payment(BaseModel):
    customer: str
    amount: Decimal
    at: datetime
    note: str = "-"

class Receipt(BaseModel):
    number: int

async def main():
    said = {{}}
    given = json.load(sys.stdin)
    async with Database(os.environ["DATABASE_URL"]) as database:
        for number, asked in enumerate(given):
            done = []
            async def effect(session):
                done.append(1)
                row = "(job_id, account_id, risk, processed_at) VALUES (:id, 'acc-1', 'low', '2026-01-01 00:00:00')"
                await session.execute(text("INSERT INTO job_results " + row), {{"id": asked["id"]}})
                return Receipt(number=number)
            try:
                request = Payment.model_validate(asked["request"])
                found = await once(database, "db/op/pay/" + asked["id"], request, Receipt, effect)
                said[number] = [found.number, len(done)]
            except Exception as error:
                said[number] = type(error).__name__
        async with database.read() as session:
            query = "SELECT id, balance_cents FROM accounts ORDER BY id"
            said["accounts"] = [list(row) for row in await session.execute(text(query))]
            said["results"] = await session.scalar(text("SELECT count(*) FROM job_results"))
    print(json.dumps(said))

{migrate}
asyncio.run(main())
"""
_OLD = _WRITES.format(
    imports="from shop.db.database import Database, migrate\nfrom shop.db.operations import once",
    migrate='migrate(os.environ["DATABASE_URL"])',
)
_NEW = _WRITES.format(
    imports="from shop.__main__ import SERVICE\n"
    "from shop.runtime.database import Database, migrate\n"
    "from shop.runtime.durable.once import once",
    migrate='migrate(os.environ["DATABASE_URL"], SERVICE.migrations)',
)
PAID = {"customer": "a", "amount": "19.90", "at": "2026-01-01T01:00:00+01:00"}
ACCOUNTS = [["acc-1", 120_000], ["acc-2", 98_050], ["acc-3", -4_200]]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'service.db'}"
        return
    with Cluster.make(tmp_path / "postgres", "service").running() as cluster:
        yield cluster.url("service")


def test_rows_and_operations_are_found(url: str, tmp_path: Path, service_python: Path) -> None:
    before, after = write(old("shop"), tmp_path / "before"), write(upgraded("shop")[0], tmp_path / "after")

    def write_rows(service: Path, code: str, *requests: tuple[str, dict[str, Any]]) -> Any:
        given = json.dumps([{"id": id, "request": request} for id, request in requests])
        command, env = [str(service_python), "-c", code], {**os.environ, "DATABASE_URL": url}
        done = subprocess.run(
            command, cwd=service, env=env, input=given, text=True, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    first = write_rows(before, _OLD, ("paid", PAID))
    assert first == {"0": [0, 1], "accounts": ACCOUNTS, "results": 1}
    other, more = {**PAID, "amount": "20.00"}, {**PAID, "amount": "1.10"}
    then = write_rows(after, _NEW, ("new", PAID), ("paid", PAID), ("paid", other), ("more", more))
    found = {"0": [0, 1], "1": [0, 0], "2": "OperationConflict", "3": [3, 1]}
    assert then == {**found, "accounts": ACCOUNTS, "results": 3}
    # There is a way back: the old version finds its database at its own migration, and what the new one wrote.
    back = write_rows(before, _OLD, ("paid", PAID), ("newer", PAID))
    assert back == {"0": [0, 0], "1": [1, 1], "accounts": ACCOUNTS, "results": 4}
