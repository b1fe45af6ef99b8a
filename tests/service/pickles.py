"""Pickles that somebody plants on the engine, who may write there."""

import base64
import pickle
from pathlib import Path
from typing import Any

from resonate.types import PromiseSettleReq, Value
from shop.runtime.testing.running import RunningService


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pickled = base64.b64encode(pickle.dumps(self)).decode()

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


async def plant(service: RunningService, promise_id: str, bomb: Bomb, name: str = "__py_pickle") -> None:
    """Reject a promise with a pickle; ``name`` is the member that holds it, as JSON spells it."""
    raw = '{"message": "planted", "' + name + '": "' + bomb.pickled + '"}'
    value = Value(data=base64.b64encode(raw.encode()).decode())
    record = await service.client.resonate.promises.sender.promise_settle(
        PromiseSettleReq(id=service.client.namespace.engine_id(promise_id), state="rejected", value=value)
    )
    assert (record.state, record.value) == ("rejected", value)
