# file: clinic/__init__.py
# file: clinic/rpc.py
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

# file: clinic/contracts/__init__.py
# file: clinic/contracts/insurers.py
from pydantic import BaseModel

from ..rpc import Rpc


class Claim(BaseModel):
    patient: str
    cents: int


class Cover(BaseModel):
    cents: int


claim = Rpc(name="insurers.claim", group="insurers", request=Claim, result=Cover)
# file: clinic/contracts/workflows.py
from pydantic import BaseModel

from ..rpc import Rpc


class Bill(BaseModel):
    patient: str
    cents: int


class Billed(BaseModel):
    own_share: int


bill = Rpc(name="bill", group="workers", request=Bill, result=Billed)
# file: clinic/workflows/__init__.py
# file: clinic/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import insurers, workflows
from ..rpc import serve

GROUP = "workers"


async def bill_patient(ctx: Context, request: workflows.Bill) -> workflows.Billed:
    cover = await insurers.claim(ctx, insurers.Claim(patient=request.patient, cents=request.cents))
    own = request.cents - cover.cents
    await ctx.options(target="poll://any@printing", timeout=timedelta(hours=1)).rpc("print.invoice", own)
    return workflows.Billed(own_share=own)


SERVED = [serve(workflows.bill, bill_patient)]
