from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()


class Move(BaseModel):
    household: str
    date: str


def engine(request: Request) -> Resonate:
    return request.app.state.resonate


@router.post("/moves", status_code=202)
async def plan_move(move: Move, resonate: Annotated[Resonate, Depends(engine)]) -> dict[str, str]:
    trucks = resonate.options(target="trucks", timeout=timedelta(days=30))
    people = resonate.options(target="people", timeout=timedelta(days=30))
    truck = trucks.rpc(f"truck/{move.household}", "book_truck", move.date)
    people.rpc(f"movers/{move.household}", "book_movers", move.date)  # want: RS411
    return {"truck": await truck.id(), "movers": f"movers/{move.household}"}
