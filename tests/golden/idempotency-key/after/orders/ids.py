"""How requests name their work: one function a convention, from business fields to an id.

`runtime/durable/ids.py` explains the ids of work, gates and operations. `resonate-scaffold add idempotency-key` adds a
convention here.
"""

from datetime import date, datetime
from uuid import UUID

from .runtime.durable.ids import keyed


def invoice(customer_id: str, number: int, day: date, at: datetime, id: UUID) -> str:
    """``invoice/<customer_id>/<number>/<day>/<at>/<id>``: the
    request itself names the work.
    """
    return keyed("invoice", customer_id, number, day, at, id)
