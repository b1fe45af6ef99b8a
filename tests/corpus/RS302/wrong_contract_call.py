# file: rentals/rpc.py
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
        call = ctx.options(target=self.group, timeout=self.timeout)
        return call.rpc(self.name, request.model_dump(mode="json"))

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
