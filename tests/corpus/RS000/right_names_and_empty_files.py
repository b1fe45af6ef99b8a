# file: größen/__init__.py
# file: größen/leer.py
# Only a comment.
# file: größen/maße.py
from resonate.context import Context


async def fläche(ctx: Context, länge: float, höhe: float) -> float:
    return länge * höhe


async def 測定(ctx: Context, räume: list[dict[str, float]]) -> float:
    gesamt = 0.0
    for raum in räume:
        gesamt += await ctx.run(fläche, raum["länge"], höhe=raum["höhe"])
    return gesamt
# file: größen/dienst.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Never

from größen import leer, maße


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="größen", retry_policy=Never())
    client.register(maße.測定, name="messung")
    print(leer.__name__, client)
    await asyncio.Event().wait()
