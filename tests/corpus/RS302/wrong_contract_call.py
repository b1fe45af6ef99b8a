# file: rentals/rpc.py (shared)
# file: rentals/contracts.py
from pydantic import BaseModel

from rentals.rpc import Rpc


class FindTenant(BaseModel):
    flat: str


class Tenant(BaseModel):
    name: str


find_tenant = Rpc(name="registry.find_tenant", group="registry", request=FindTenant, result=Tenant)

# file: rentals/workflows.py
from datetime import timedelta

from resonate.context import Context
from resonate.retry import Never

from rentals.contracts import FindTenant, find_tenant


async def remind(ctx: Context, flats: list[str]) -> None:
    async def one(step: Context, flat: str) -> None:
        tenant = await find_tenant(ctx, FindTenant(flat=flat))  # want: RS302
        print("reminded", tenant)

    calls = [ctx.options(timeout=timedelta(minutes=1), retry_policy=Never()).run(one, flat) for flat in flats]
    for call in calls:
        await call
