import json
from datetime import timedelta

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter(prefix="/claims")


@router.post("/{claim}", status_code=202)
async def file_claim(claim: int, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    # Whatever the pool is: an INSERT writes.
    async with request.app.state.pool.acquire() as connection:
        await connection.execute("INSERT INTO claims (id) VALUES ($1)", claim)  # want: RS401
    claims = resonate.options(target="claims", timeout=timedelta(hours=1))
    return {"id": await claims.rpc(f"claim/{claim}", "settle_claim", claim).id()}


@router.post("/{claim}/photos", status_code=202)
async def add_photos(claim: int, photos: list[str], request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    with open(f"/var/spool/claims/{claim}.json", "w") as file:  # want: RS401
        json.dump(photos, file)
    claims = resonate.options(target="claims", timeout=timedelta(hours=1))
    return {"id": await claims.rpc(f"photos/{claim}", "look_at_photos", claim).id()}
