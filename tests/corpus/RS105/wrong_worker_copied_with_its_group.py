# file: zoo/__init__.py
# file: zoo/rpc.py (shared)
# file: zoo/contracts/__init__.py
# file: zoo/contracts/keepers.py
from pydantic import BaseModel

from ..rpc import Rpc

GROUP = "keepers"


class Animal(BaseModel):
    name: str


class Done(BaseModel):
    ok: bool = True


feed = Rpc(name=f"{GROUP}.feed", group=GROUP, request=Animal, result=Done)
wash = Rpc(name=f"{GROUP}.wash", group=GROUP, request=Animal, result=Done)
# file: zoo/contracts/vets.py
from ..rpc import Rpc
from .keepers import Animal, Done

GROUP = "vets"

examine = Rpc(name=f"{GROUP}.examine", group=GROUP, request=Animal, result=Done)
# file: zoo/keepers/__init__.py
# file: zoo/keepers/worker.py
from resonate.context import Context

from ..contracts import keepers
from ..rpc import Served, serve

GROUP = keepers.GROUP


async def care(ctx: Context, animal: keepers.Animal) -> keepers.Done:
    return keepers.Done(ok=bool(animal.name))


SERVED: list[Served] = [serve(keepers.feed, care), serve(keepers.wash, care)]
# file: zoo/vets/__init__.py
# file: zoo/vets/worker.py
"""Copied from the keepers' worker; the group came along."""

from resonate.context import Context

from ..contracts import keepers, vets
from ..rpc import Served, serve

GROUP = keepers.GROUP


async def examine(ctx: Context, animal: keepers.Animal) -> keepers.Done:
    return keepers.Done(ok=len(animal.name) > 3)


SERVED: list[Served] = [serve(vets.examine, examine, retries=2)]  # want: RS105
