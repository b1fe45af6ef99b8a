# file: letters/rpc.py (shared)
# file: letters/__init__.py
# file: letters/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Write(BaseModel):
    template: str
    names: list[str]


class Written(BaseModel):
    count: int


write_letters = Rpc(name="write-letters", group="workers", request=Write, result=Written)
# file: letters/writing.py
from pathlib import Path

from resonate.context import Context

from .contracts import Write, Written

TEMPLATES = Path(__file__).parent / "templates"


async def write(ctx: Context, request: Write) -> Written:
    text = (TEMPLATES / request.template).read_text(encoding="utf-8")  # want: RS205
    for name in request.names:
        await ctx.run(print_letter, text.replace("{name}", name))
    return Written(count=len(request.names))


async def print_letter(ctx: Context, text: str) -> None:
    print(text)
# file: letters/worker.py
from . import contracts
from .rpc import Served, serve
from .writing import write

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.write_letters, write)]
