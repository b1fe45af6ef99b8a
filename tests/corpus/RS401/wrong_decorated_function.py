# file: crm/runtime/durable/rpc.py (shared)
# file: crm/runtime/engine/client.py (shared)
# file: crm/contracts/db/find_customer.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class FindCustomer(BaseModel):
    email: str


class Customer(BaseModel):
    name: str | None


find_customer = Rpc(name="db.find_customer", group="db", request=FindCustomer, result=Customer)
# file: crm/db/find_customer.py
from resonate.context import Context

from ..contracts.db import find_customer as contract
from ..contracts.db.find_customer import Customer, FindCustomer
from ..runtime.durable.rpc import serve


@serve(contract.find_customer, retries=6)
async def find_customer(ctx: Context, request: FindCustomer) -> Customer:
    return Customer(name=ctx.get_dependency(dict).get(request.email))
# file: crm/db/worker.py
from ..runtime.durable.rpc import Registration
from .find_customer import find_customer

GROUP = "db"

SERVED: list[Registration] = [find_customer]
# file: crm/api/customers.py
from typing import Any

from fastapi import APIRouter, Request

from ..contracts.db.find_customer import Customer, FindCustomer
from ..db.find_customer import find_customer  # want: RS116

router = APIRouter(prefix="/customers")


@router.get("/{email}")
async def get_customer(email: str, request: Request) -> Customer:
    stand_in: Any = request.app.state
    return await find_customer(stand_in, FindCustomer(email=email))  # want: RS401
