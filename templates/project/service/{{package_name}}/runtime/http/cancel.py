"""Canceling work over HTTP: `DELETE` of where it is polled."""

import asyncio
import logging
from urllib.parse import quote

from fastapi import Request, Response
from resonate.error import ServerError
from resonate.types import PromiseRecord
from starlette._utils import get_route_path

from ..durable import cancel as durable
from ..durable.cancel_requests import is_canceled
from ..durable.job_runs import find_newest
from ..engine.client import EngineClient
from ..errors import EngineUnavailable
from .auth import Caller
from .problems import Problem, not_found
from .work import Outcome

logger = logging.getLogger(__name__)

# A task that nobody refers to may be collected.
_following: set[asyncio.Task[None]] = set()


async def cancel(caller: Caller, root_id: str, request: Request, response: Response) -> PromiseRecord:
    """Cancel some work, and return its record: 202 while it stops, then 200. `Location` is where it is polled.

    The same again changes nothing. Problems: 404 where there is no such work, 409 where it has ended otherwise, 503
    where the engine does not answer.
    """
    found = await find_newest(caller.client, root_id)
    if found is None:
        raise not_found()
    record = await durable.ask(caller.client, found)
    if record.state == "pending":
        task = asyncio.create_task(_follow(caller.client, record))
        _following.add(task)
        task.add_done_callback(_following.discard)
    elif is_canceled(record):
        response.status_code = 200
    else:
        status = Outcome.of(record).status
        raise Problem(409, "already-ended", f"It has ended already: it is {status}.", ended=status)
    response.headers["Location"] = caller.link(quote(get_route_path(request.scope)))
    return record


async def _follow(client: EngineClient, record: PromiseRecord) -> None:
    try:
        await durable.follow(client, record)
    except (EngineUnavailable, ServerError) as error:
        # It learns of the request by itself at its next call; only what it begins to wait for now is not woken.
        logger.warning(
            "a canceled job may go on waiting until it is canceled again: %s", error, extra={"job": record.id}
        )
