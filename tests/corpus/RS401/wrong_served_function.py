# file: crm/__init__.py
# file: crm/rpc.py (shared)
# file: crm/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class FindCustomer(BaseModel):
    email: str


class Customer(BaseModel):
    name: str | None


find_customer = Rpc(name="db.find_customer", group="db", request=FindCustomer, result=Customer)

# file: crm/db.py
from resonate.context import Context

from .contracts import Customer, FindCustomer


async def look_up(ctx: Context, request: FindCustomer) -> Customer:
    return Customer(name=ctx.get_dependency(dict).get(request.email))


# file: crm/worker.py
from . import contracts
from .db import look_up
from .rpc import serve

GROUP = "db"

SERVED = [serve(contracts.find_customer, look_up)]

# file: crm/routes.py
from typing import Any

from fastapi import APIRouter, Request

from .contracts import Customer, FindCustomer
from .db import look_up

router = APIRouter(prefix="/customers")


@router.get("/{email}")
async def get_customer(email: str, request: Request) -> Customer:
    stand_in: Any = request.app.state
    return await look_up(stand_in, FindCustomer(email=email))  # want: RS401
