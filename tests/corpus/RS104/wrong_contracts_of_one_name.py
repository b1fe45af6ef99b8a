# file: survey/__init__.py
# file: survey/rpc.py (shared)
# file: survey/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc

GROUP = "workers"


class Ask(BaseModel):
    question: str


class Answers(BaseModel):
    yes: int
    no: int


class Close(BaseModel):
    question: str


class Closed(BaseModel):
    answers: Answers


ask = Rpc(name="survey", group=GROUP, request=Ask, result=Answers, timeout=timedelta(days=3))
close = Rpc(name="survey", group=GROUP, request=Close, result=Closed)
# file: survey/workflows/__init__.py
# file: survey/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from .. import contracts
from ..contracts import GROUP, Answers, Ask, Close, Closed
from ..rpc import serve


async def ask(ctx: Context, request: Ask) -> Answers:
    await ctx.sleep(timedelta(days=2))
    return Answers(yes=len(request.question), no=0)


async def close(ctx: Context, request: Close) -> Closed:
    return Closed(answers=Answers(yes=0, no=len(request.question)))


SERVED = [
    serve(contracts.ask, ask),
    serve(contracts.close, close),  # want: RS104
]
__all__ = ["GROUP", "SERVED"]
