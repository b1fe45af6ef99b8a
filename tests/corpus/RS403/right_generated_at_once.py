# file: depot/__init__.py
# file: depot/idempotency.py
import asyncio
from time import monotonic

from resonate.resonate import Resonate
from resonate.types import PromiseRecord


async def await_end(resonate: Resonate, record: PromiseRecord, seconds: float) -> PromiseRecord:
    deadline, pause = monotonic() + seconds, 0.02
    while record.state == "pending" and (left := deadline - monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.5)
        record = await resonate.promises.get(record.id)
    return record


# file: depot/answers.py
from dataclasses import dataclass
from typing import Any

from resonate.types import PromiseRecord


@dataclass(frozen=True, slots=True)
class Outcome:
    record: PromiseRecord

    async def result(self) -> Any:
        """What is recorded: nothing is waited for."""
        return self.record.value.data if self.record.state == "resolved" else None


# file: depot/routes.py
from fastapi import APIRouter, Request
from resonate.resonate import Resonate

from .answers import Outcome
from .idempotency import await_end

router = APIRouter(prefix="/pallets")


@router.get("/{pallet}")
async def get_pallet(pallet: int, request: Request, wait: int = 0) -> dict[str, object]:
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.get(f"pallet/{pallet}")
    outcome = Outcome(await await_end(resonate, record, min(wait, 25)))
    return {"state": outcome.record.state, "result": await outcome.result()}
