"""The requests to the engine, counted."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from shop.runtime.engine.client import EngineClient


class Asked(Counter[str]):
    """The requests by kind, but for those by which somebody waits for an end; ``bytes`` are those of their answers.

    ``waiting`` are those by which somebody waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()


@contextmanager
def counting(client: EngineClient) -> Iterator[Asked]:
    """Count the requests of a client."""
    asked = Asked()
    send = client.network.send

    async def count(req: str, headers: dict[str, str] | None = None) -> str:
        kind = json.loads(req)["kind"]
        answer = await send(req, headers)
        if kind in ("promise.get", "promise.register_listener"):
            asked.waiting[kind] += 1
        else:
            asked[kind] += 1
            asked.bytes[kind] += len(answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client.network, "send", count)
        yield asked
