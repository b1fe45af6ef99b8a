# file: parking/__init__.py
# file: parking/rpc.py
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

# file: parking/contracts/__init__.py
# file: parking/contracts/workflows.py
from pydantic import BaseModel

from .. import rpc


class Park(BaseModel):
    plate: str


class Ticket(BaseModel):
    minutes: int


park = rpc.Rpc(name="park", group="workers", request=Park, result=Ticket)
fine = rpc.Rpc(name="fine", group="workers", request=Park, result=Ticket)  # want: RS103
# file: parking/workflows/__init__.py
# file: parking/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from .. import rpc
from ..contracts.workflows import Park, Ticket, park

GROUP = "workers"


async def park_car(ctx: Context, request: Park) -> Ticket:
    await ctx.sleep(timedelta(minutes=30))
    return Ticket(minutes=30)


SERVED = [rpc.serve(park, park_car)]
# file: parking/api/__init__.py
# file: parking/api/starting.py
from typing import Any

from pydantic import BaseModel
from resonate.resonate import Resonate

from ..rpc import Rpc


async def start(resonate: Resonate, contract: Rpc[Any, Any], root: str, request: BaseModel) -> str:
    group = resonate.options(target=contract.group, timeout=contract.timeout, version=contract.version)
    return await group.rpc(root, contract.name, request.model_dump(mode="json")).id()
# file: parking/api/routes.py
from fastapi import APIRouter, Request

from ..contracts.workflows import Park, fine
from .starting import start

router = APIRouter(prefix="/fines")


@router.post("", status_code=202)
async def submit(body: Park, request: Request) -> dict[str, str]:
    return {"id": await start(request.app.state.resonate, fine, f"fine/{body.plate}", body)}
