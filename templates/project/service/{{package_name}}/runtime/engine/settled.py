"""A cache of settled promises, so that a run which goes on in this process need not ask the engine for them again.

A run is run from the top at each wake, and makes all its calls again to learn their results. A settled promise never
changes: what was seen of it once holds. A worker whose lease has passed to another is told so at its next request that is
made: with a step that it records, a call that it makes, or its end.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from resonate.types import PromiseRecord

MOST_BYTES = 32 * 1024 * 1024
"""Of all records that one process keeps, about. Beyond it the run that was seen longest ago is forgotten."""

_OVERHEAD = 2000  # Bytes of a record besides its values, as Python objects.


@dataclass(slots=True)
class _Run:
    created_at: int
    version: int
    records: dict[str, PromiseRecord] = field(default_factory=dict)
    size: int = 0


class SettledRecords:
    """The settled calls and steps of the runs that go on here, as the engine sent them: their values still encoded.

    So nothing that a run does to a value changes what it finds the next time.
    """

    def __init__(self) -> None:
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._size = 0

    def begin(self, promise: PromiseRecord, version: int) -> None:
        """A run was taken; ``version`` grows each time. What is known of an earlier one with its id is forgotten.

        So it is where the engine has been restored from a backup, which counts anew.
        """
        known = self._runs.get(promise.id)
        if known and known.created_at == promise.created_at and known.version < version:
            known.version = version
            self._runs.move_to_end(promise.id)
        else:
            self.forget(promise.id)
            self._runs[promise.id] = _Run(promise.created_at, version)

    def find(self, run: str, promise: str) -> PromiseRecord | None:
        """A settled promise of a run; None where it is not known that it has settled."""
        known = self._runs.get(run)
        return known.records.get(promise) if known else None

    def keep(self, run: str, record: PromiseRecord) -> None:
        """Keep the record of a promise of a run, if it has settled."""
        known = self._runs.get(run)
        if known is None or record.state == "pending" or record.id in known.records:
            return
        size = _OVERHEAD + len(record.param.data or "") + len(record.value.data or "")
        known.records[record.id] = record
        known.size += size
        self._size += size
        while self._size > MOST_BYTES:
            self.forget(next(iter(self._runs)))

    def forget(self, run: str) -> None:
        """A run has ended, or does not go on here."""
        if known := self._runs.pop(run, None):
            self._size -= known.size
