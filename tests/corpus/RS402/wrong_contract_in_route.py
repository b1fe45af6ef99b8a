# file: bank/__init__.py
# file: bank/rpc.py (shared)
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
