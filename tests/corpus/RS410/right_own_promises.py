from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter()


@dataclass
class Promises:
    """What politicians promised, by year."""

    made: dict[int, list[str]] = field(default_factory=dict)

    async def search(self, words: str | None, limit: int) -> list[str]:
        return [said for year in self.made.values() for said in year if not words or words in said][:limit]


class Archive:
    def __init__(self, resonate: Resonate) -> None:
        self.resonate = resonate
        self.promises = Promises()


@router.get("/promises")
async def promises(request: Request, q: str | None = None) -> list[str]:
    archive: Archive = request.app.state.archive
    return await archive.promises.search(q, 20)
