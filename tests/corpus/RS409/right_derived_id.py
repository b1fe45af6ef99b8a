import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()
ORDERS = uuid.UUID("0f7e7bb0-6f0c-4a0c-9b1b-3f1d2a5c7e11")


class Meal(BaseModel):
    table: int
    dishes: list[str]


@router.post("/meals", status_code=202)
async def cook(meal: Meal, idempotency_key: Annotated[str, Header()], request: Request) -> dict[str, str]:
    # Who asks has named it, and finds it under that name: the answer need not say it again.
    resonate: Resonate = request.app.state.resonate
    name = uuid.uuid5(ORDERS, f"{meal.table}/{idempotency_key}")
    kitchen = resonate.options(target="kitchen", timeout=timedelta(hours=1))
    await kitchen.rpc(f"meal/{name}", "cook", meal.dishes).id()
    return {"status": "cooking"}
