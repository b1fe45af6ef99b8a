"""Compare what the engine says was done with the operations in the database, after one of them was restored.

Of each call of a database function that has succeeded, the function itself is asked which operation it is: it runs up
to `once`, which looks whether the operation is recorded instead of doing it. Doing it again is the function itself, run
with the request that the engine has kept, under the ids that it had.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from resonate.context import Context
from resonate.types import PromiseRecord

from ..engine.client import EngineClient
from ..engine.run_ids import run_number
from ..engine.runs import moment
from ..outages import Lost
from .job_runs import first_began
from .once import OperationAsked, asking
from .rpc import Registration

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MissingWrite:
    """A call that has succeeded, and whose operation the database does not have."""

    operation: str
    registration: Registration
    record: PromiseRecord

    @property
    def done_at(self) -> datetime:
        """When the engine says that it was done."""
        return moment(self.record.settled_at or self.record.created_at)


class Reconciliation:
    """Compares calls of one group's functions with the database; counts what it looked at."""

    def __init__(self, client: EngineClient, served: Sequence[Registration]) -> None:
        self._client = client
        self._served = {(entry.name, entry.version): entry for entry in served}
        self._incomparable: set[str] = set()
        self.compared = 0
        """Calls whose operation was looked for."""
        self.pruned = 0
        """Those of them whose operation is not there, and may have been pruned."""
        self._first_began: dict[str, datetime | None] = {}

    async def missing(self, records: AsyncIterator[PromiseRecord]) -> list[MissingWrite]:
        """Those of the calls whose operation is not there, in the order in which they were done.

        A function that cannot be asked is logged, once: it writes without `once`, or its contract has changed.

        Raises:
            Lost: the database is away.
        """
        found = []
        async for record in records:
            write = await self._look(record)
            if write is not None:
                found.append(write)
        return sorted(found, key=lambda write: write.done_at)

    async def do_again(self, write: MissingWrite) -> bool:
        """Do a write again. Returns whether its result is the one that the engine has kept.

        Raises whatever the function raises.
        """
        entry = write.registration
        result = await entry.function(self._context(write.record), entry.contract.stored_request(write.record))
        return bool(result.model_dump(mode="json") == write.record.value.data)

    async def _look(self, record: PromiseRecord) -> MissingWrite | None:
        param: Any = record.param.data
        if not isinstance(param, dict) or "func" not in param:
            return None
        entry = self._served.get((str(param["func"]), int(param.get("version", 1))))
        if entry is None:
            return None
        with asking():
            try:
                await entry.function(self._context(record), entry.contract.stored_request(record))
            except OperationAsked as asked:
                self.compared += 1
                if asked.is_recorded:
                    return None
                write = MissingWrite(asked.operation_id, entry, record)
                if not await asked.may_be_pruned(await self._began(record)):
                    return write
                self.pruned += 1
            except Lost:
                raise
            except Exception as error:
                if entry.name not in self._incomparable:
                    self._incomparable.add(entry.name)
                    logger.warning("%s cannot be compared: %s: %s", entry.name, type(error).__name__, error)
        return None  # It only reads, or nobody knows.

    async def _began(self, record: PromiseRecord) -> datetime | None:
        """When a call was made; of a job that was started again, its first run: the write may be of that one."""
        root = self._client.namespace.local_id(record.id).partition(":")[0]
        if run_number(root) == 1:
            return moment(record.created_at)
        if root not in self._first_began:
            self._first_began[root] = await first_began(self._client, root)
        return self._first_began[root]

    def _context(self, record: PromiseRecord) -> Context:
        """A context with the ids that the call had. It makes no durable calls."""
        return Context.root(
            id=record.id,
            origin_id=record.tags.get("resonate:origin", record.id),
            timeout_at=record.timeout_at,
            func_name="reconcile",
            effects=cast(Any, None),
            target_resolver=lambda target: target or "",
            deps=self._client.resonate._deps,
        )
