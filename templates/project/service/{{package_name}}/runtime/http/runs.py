"""Lists of work over HTTP: what a caller has started, the newest first."""

import asyncio
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import AwareDatetime, BaseModel

from ..durable.ids import public_of
from ..engine.client import EngineClient
from ..engine.run_ids import run_id, run_number
from ..engine.run_list import list_runs
from ..engine.run_status import Status
from ..engine.runs import Run, RunQuery
from .auth import get_caller
from .openapi import problems
from .pages import LINK, link_next, path_of
from .work import Links

StatusFilter = Annotated[Status | None, Query(alias="status", description="Only work of this status.")]

RUNS_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"headers": LINK},
    **problems(
        (401, "The API key is missing or wrong."),
        (422, "The request does not fit its schema, or its cursor is none of this list."),
        (501, "The engine lists nothing for this service."),
        (503, "The engine did not answer. Asking again is safe."),
    ),
}
"""`responses` of a route that lists work."""


class ListedWork(BaseModel):
    """Work as a list has it: `links.self` says how it goes, with its result."""

    id: str
    status: Status
    began_at: AwareDatetime
    ended_at: AwareDatetime | None
    links: Links


class WorkList(BaseModel):
    """Some work, the newest first, of the last 30 days. `next_cursor` asks for what began before; null: there is none."""

    items: list[ListedWork]
    next_cursor: str | None


async def list_work(
    kind: str,
    request: Request,
    response: Response,
    *,
    status: Status | None,
    limit: int,
    cursor: str | None,
    polled_at: str | None = None,
    is_shared: bool = False,
) -> WorkList:
    """Work of this kind, the newest first. A `Link` says where the next page is.

    Its links are below ``polled_at``, the path at which it is polled without its id: else this route's own. With API
    keys it is the caller's own; or, with ``is_shared``, what is nobody's own. Work that was started again is in the list
    once, as its newest run is.

    Problems: 422 for a cursor that is none, 501 where the engine lists nothing for this process, 503 while it does not
    answer.
    """
    caller = get_caller(request)
    here = caller.link(path_of(request) if polled_at is None else polled_at)
    owner = None if is_shared else caller.name
    query = RunQuery(kind=kind, status=status, caller=owner, limit=limit, cursor=cursor)
    items: list[ListedWork] = []
    while True:
        page = await list_runs(caller.client, query)
        runs = [run for run in page.runs if run.caller is None or not is_shared]
        newest = await asyncio.gather(*(_is_newest(caller.client, run) for run in runs))
        for run in (run for run, is_newest in zip(runs, newest, strict=True) if is_newest):
            public = public_of(run.id)
            links = Links(self=f"{here}/{public}")
            items.append(
                ListedWork(id=public, status=run.status, began_at=run.began_at, ended_at=run.ended_at, links=links)
            )
        if page.next_cursor is None or len(items) == limit or not page.runs:
            link_next(page.next_cursor, request, response)
            return WorkList(items=items, next_cursor=page.next_cursor)
        query = query.model_copy(update={"cursor": page.next_cursor, "limit": limit - len(items)})


async def _is_newest(client: EngineClient, run: Run) -> bool:
    """Whether this is the last run of its work. One request where it ended badly, and none otherwise."""
    if run.status in (Status.RUNNING, Status.SUCCEEDED):
        return True
    return await client.find(run_id(run.id, run_number(run.id) + 1)) is None
