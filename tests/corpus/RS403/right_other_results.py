from datetime import timedelta

import anyio
from fastapi import APIRouter, HTTPException, Request
from resonate.resonate import Resonate

router = APIRouter()


class Ballot:
    """Votes that are counted in memory."""

    def __init__(self) -> None:
        self.votes: list[str] = []

    async def result(self) -> dict[str, int]:
        return {vote: self.votes.count(vote) for vote in self.votes}


@router.get("/ballots/{name}")
async def ballot(name: str, request: Request) -> dict[str, int]:
    found: Ballot = request.app.state.ballots[name]
    return await found.result()


@router.get("/recounts/{name}")
async def recount(name: str, request: Request) -> dict[str, int]:
    resonate: Resonate = request.app.state.resonate
    counting = resonate.options(target="counting", timeout=timedelta(minutes=2))
    with anyio.move_on_after(5):
        return await counting.rpc(f"recount/{name}", "recount", name).result()
    raise HTTPException(504)
