# file: tours/__init__.py
# file: tours/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future = future
        self._result = result

    def __await__(self) -> Generator[Any, None, R]:
        value = yield from self._future.__await__()
        return self._result.model_validate(value)


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout, version=self.version)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True, slots=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any]]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]], *, retries: int = 0
) -> Served:
    async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
        result = await function(ctx, contract.request.model_validate(request))
        return result.model_dump(mode="json")

    return Served(contract, run)

# file: tours/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Tour(BaseModel):
    city: str


class Guide(BaseModel):
    name: str


find_guide = Rpc(name="guides.find", group="guides", request=Tour, result=Guide)
pay_guide = Rpc(name="payments.pay", group="payments", request=Guide, result=Guide)
plan = Rpc(name="plan", group="workers", request=Tour, result=Guide)
# file: tours/fakes/__init__.py
# file: tours/fakes/worker.py
from resonate.context import Context

from ..contracts import Guide, Tour, find_guide, pay_guide
from ..rpc import Served, serve


async def somebody(ctx: Context, tour: Tour) -> Guide:
    return Guide(name=f"Ann of {tour.city}")


async def paid(ctx: Context, guide: Guide) -> Guide:
    return guide


SERVED: list[Served] = [serve(find_guide, somebody), serve(pay_guide, paid)]


async def run(group: str) -> list[Served]:
    return [entry for entry in SERVED if entry.contract.group == group]
# file: tours/workflows/__init__.py
# file: tours/workflows/worker.py
from resonate.context import Context

from ..contracts import Guide, Tour, find_guide, pay_guide, plan
from ..rpc import Served, serve

GROUP = "workers"


async def plan_tour(ctx: Context, tour: Tour) -> Guide:
    guide = await find_guide(ctx, tour)
    return await pay_guide(ctx, guide)


SERVED: list[Served] = [serve(plan, plan_tour)]
