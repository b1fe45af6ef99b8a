from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter(prefix="/trees")


@dataclass(frozen=True)
class Forestry:
    resonate: Resonate

    async def plant(self, plot: int, species: str) -> str:
        crew = self.resonate.options(target="crew", timeout=timedelta(days=14))
        handle = crew.rpc(f"tree/{plot}", "plant_tree", plot, species)
        return await handle.id()


class Tree(BaseModel):
    plot: int
    species: str


def forestry(request: Request) -> Forestry:
    return Forestry(request.app.state.resonate)


@router.post("", status_code=202)
async def plant(tree: Tree, service: Annotated[Forestry, Depends(forestry)]) -> dict[str, str]:
    return {"id": await service.plant(tree.plot, tree.species)}
