import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, Request
from pydantic import BaseModel
from resonate.resonate import Resonate


class Thesis(BaseModel):
    author: str
    pages: int


class Reviews:
    """Sends theses to the reviewers, whose code is elsewhere."""

    def __init__(self, resonate: Resonate) -> None:
        self.reviewers = resonate.options(target="reviewers", timeout=timedelta(days=30), version=2)

    async def normal(self, thesis: Thesis) -> str:
        handle = self.reviewers.rpc(f"review/{thesis.author}", "review", thesis.pages)
        return await handle.id()

    async def urgent(self, thesis: Thesis) -> str:
        soon = self.reviewers.options(target="reviewers", timeout=timedelta(days=3))  # want: RS111
        return await soon.rpc(f"urgent/{thesis.author}", "review", thesis.pages).id()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.reviews = Reviews(Resonate(url=os.environ["RESONATE_URL"], group="library"))
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/theses", status_code=202)
async def submit(thesis: Thesis, request: Request) -> dict[str, str]:
    reviews: Reviews = request.app.state.reviews
    long = thesis.pages > 400
    return {"id": await (reviews.normal(thesis) if long else reviews.urgent(thesis))}
