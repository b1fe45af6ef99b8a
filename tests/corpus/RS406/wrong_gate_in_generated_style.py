# file: museum/__init__.py
# file: museum/engine.py
from dataclasses import dataclass
from typing import Any

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, Value


@dataclass(frozen=True, slots=True)
class Engine:
    resonate: Resonate

    async def resolve(self, promise_id: str, value: Any) -> PromiseRecord:
        return await self.resonate.promises.resolve(promise_id, Value(data=value))


# file: museum/gate.py
from dataclasses import dataclass

from pydantic import BaseModel

from .engine import Engine


@dataclass(frozen=True, slots=True)
class Gate[P: BaseModel]:
    name: str
    payload: type[P]

    async def deliver(self, engine: Engine, key: str, answer: P) -> P:
        record = await engine.resolve(f"{self.name}/{key}", answer.model_dump(mode="json"))
        return self.payload.model_validate(record.value.data)


# file: museum/contracts.py
from pydantic import BaseModel

from .gate import Gate


class Loan(BaseModel):
    granted: bool


loan = Gate("loan", Loan)

# file: museum/routes.py
from fastapi import APIRouter, Request

from .contracts import Loan, loan
from .engine import Engine

router = APIRouter(prefix="/webhooks/loans", tags=["webhooks"])


@router.post("/{id}")
async def decide(id: int, answer: Loan, request: Request) -> Loan:  # want: RS406
    engine: Engine = request.app.state.engine
    return await loan.deliver(engine, str(id), answer)
