# file: bank/__init__.py
# file: bank/rpc.py
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> Any:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return options.rpc(self.name, request.model_dump(mode="json"))


# file: bank/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class GetBalance(BaseModel):
    account: str


class Balance(BaseModel):
    cents: int


get_balance = Rpc(name="ledger.get_balance", group="ledger", request=GetBalance, result=Balance)

# file: bank/routes.py
from fastapi import APIRouter
from resonate.context import Context

from .contracts import Balance, GetBalance, get_balance

router = APIRouter(prefix="/accounts")


@router.get("/{account}/balance")
async def balance(account: str, ctx: Context) -> Balance:  # want: RS402
    return Balance.model_validate(await get_balance(ctx, GetBalance(account=account)))
