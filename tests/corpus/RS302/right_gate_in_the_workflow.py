# file: bank/runtime/durable/rpc.py (shared)
# file: bank/runtime/durable/gate.py (shared)
# file: bank/runtime/engine/client.py (shared)
# file: bank/contracts/workflows/lend.py
from datetime import timedelta

from pydantic import BaseModel

from ...runtime.durable.gate import Gate
from ...runtime.durable.rpc import Rpc


class Loan(BaseModel):
    number: str
    cents: int


class Word(BaseModel):
    yes: bool


lend = Rpc(name="lend", group="workers", request=Loan, result=Word, timeout=timedelta(days=3))
word = Gate("word", Word)
# file: bank/workflows/lend.py
from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import lend as contract
from ..contracts.workflows.lend import Loan, Word
from ..runtime.durable.rpc import serve


@serve(contract.lend)
async def lend(ctx: Context, loan: Loan) -> Word:
    async def ask() -> bool:
        answer = await contract.word.wait(ctx, loan.number, timedelta(days=2))
        return answer.yes

    async def weigh(ctx: Context) -> bool:
        return loan.cents < 100_000

    return Word(yes=await ctx.run(weigh) or await ask())
# file: bank/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .lend import lend

GROUP = "workers"

SERVED: list[Registration] = [lend]
