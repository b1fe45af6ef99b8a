"""Many calls at once, at a cost that grows with their number and no faster."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Self, cast

from msgspec.structs import replace
from pydantic import BaseModel
from resonate.chain import Link
from resonate.codec import decode_settled
from resonate.context import Context, Opts, ResonateFuture
from resonate.durable import DurableFunction
from resonate.error import Suspended
from resonate.types import PromiseCreateReq

from .json_values import validate
from .rpc import DurableCall, Rpc
from .steps import DurableContext

IN_FLIGHT = 50
"""Calls of one `fan_out` that are open at a time, where nothing else is said."""

_FOREVER = timedelta(days=36_500)
_MADE_BY = "fan-out"


async def fan_out[Q: BaseModel, R: BaseModel](
    ctx: Context, contract: Rpc[Q, R], requests: Sequence[Q], *, in_flight: int = IN_FLIGHT
) -> list[R]:
    """Call a durable function once for each request; returns the results in the order of the requests.

        found = await fan_out(ctx, get_account, [GetAccount(account_id=one) for one in request.account_ids])

    The calls are made in waves of ``in_flight``; the next wave begins when all of one have ended. The results of a wave
    are kept as one value, which may have 1 MiB: where results are large, make it smaller. A call that failed is seen when
    the last of its wave has ended, as a rule: then the wave fails with the same `Failure`, no further one begins, and what
    still runs is left to its end.

    Calls that a workflow awaits itself are made again each time that one of them has ended, as long as they are open: a
    hundred of them cost thousands of requests to the engine. Here a call costs at most eight, however many there are,
    those of the function that is called included.

    Raises:
        Failure: a call failed, was canceled, or did not end in time.
        ValueError: ``in_flight`` is less than 1.
    """
    if in_flight < 1:
        raise ValueError("in_flight must be 1 or more")

    async def fan_out_wave(ctx: Context, name: str, wave: list[dict[str, Any]]) -> list[Any]:
        return await _Wave.of(ctx).results(contract, [validate(contract.request, request) for request in wave])

    fan_out_wave.__qualname__ = fan_out.__name__  # So histories and logs call the step.
    # A step without a time-out has a day. The SDK cuts this to the workflow's own deadline.
    waves = ctx.options(timeout=_FOREVER)
    results: list[R] = []
    for first in range(0, len(requests), in_flight):
        wave = [request.model_dump(mode="json") for request in requests[first : first + in_flight]]
        results += [validate(contract.result, value) for value in await waves.run(fan_out_wave, contract.name, wave)]
    return results


class _Wave(DurableContext):
    """A step that makes calls, and goes on when all of them have ended.

    The SDK wakes a run whenever one of its open calls ends, and the run then makes all of its calls again to see which.
    Here it waits for one call alone, the one that was made last: when that has ended, most others have, too. Then it
    looks at them from the last to the first, and waits for the first that it finds open.
    """

    def __init__(self, state: Any, opts: Opts) -> None:
        super().__init__(state, opts)
        self._attempt = uuid.uuid4().hex
        self._made: list[tuple[PromiseCreateReq, asyncio.Future[Any]]] = []
        self._open: list[str] = []

    @classmethod
    def of(cls, ctx: Context) -> Self:
        """The same step, with this class's ways."""
        return cls(ctx._state, ctx.opts)

    async def results[Q: BaseModel, R: BaseModel](self, contract: Rpc[Q, R], requests: Sequence[Q]) -> list[Any]:
        """The results of the calls as JSON, in their order."""
        calls = [contract(self, request) for request in requests]
        *others, last = range(len(calls))
        if await self._look(calls, last):
            for number in others:
                await self._look(calls, number)
            self._open.reverse()
        else:
            for number in reversed(others):
                if not await self._look(calls, number) and self._open:
                    break  # What was made before it was made by the same attempt.
        if self._open:
            self._state.spawned_remote.append(self._open[0])
            raise Suspended
        return [(await call).model_dump(mode="json") for call in calls]

    async def _look(self, calls: Sequence[DurableCall[Any]], number: int) -> bool:
        """Make a call, or find it; returns whether it was made now. Raises the failure of one that has failed."""
        request, answer = self._made[number]
        request = replace(request, tags={**request.tags, _MADE_BY: self._attempt})
        record = await self._state.effects.create_promise(request)
        self.tree.add_child(self._state.id, record.id, "ext")
        if record.state == "pending":
            self._open.append(record.id)
        else:
            self.tree.settle(record.id)
            try:
                answer.set_result(decode_settled(record))
            except Exception as error:
                answer.set_exception(error)
                await calls[number]
        return record.tags.get(_MADE_BY) == self._attempt

    def _remote_future(
        self, req: PromiseCreateReq, link: Link, df: DurableFunction | None = None
    ) -> ResonateFuture[Any]:
        """Note a call that a contract makes: it is made when this looks at it."""
        link.done.set_result(None)
        answer = asyncio.get_running_loop().create_future()
        self._made.append((req, answer))
        return ResonateFuture(_id=req.id, _task=cast("asyncio.Task[Any]", answer), _created=link.done)
