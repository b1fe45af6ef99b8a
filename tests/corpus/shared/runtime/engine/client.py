from dataclasses import dataclass
from datetime import timedelta
from time import time
from typing import Any

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, TaskData, Value


@dataclass(frozen=True, slots=True)
class EngineClient:
    resonate: Resonate
    group: str

    async def start(self, task: TaskData, group: str, promise_id: str, timeout: timedelta) -> PromiseRecord:
        timeout_at = int((time() + timeout.total_seconds()) * 1000)
        return await self.create(promise_id, task, timeout_at, {"resonate:target": f"poll://any@{group}"})

    async def create(self, promise_id: str, param: Any, timeout_at: int, tags: dict[str, str]) -> PromiseRecord:
        root = {"resonate:origin": promise_id, "resonate:branch": promise_id, "resonate:parent": promise_id}
        return await self.resonate.promises.create(promise_id, timeout_at, Value(data=param), {**root, **tags})

    async def find(self, promise_id: str) -> PromiseRecord:
        return await self.resonate.promises.get(promise_id)

    async def resolve(self, promise_id: str, value: Any) -> PromiseRecord:
        return await self.resonate.promises.resolve(promise_id, Value(data=value))


def build(url: str, name: str, group: str) -> EngineClient:
    return EngineClient(Resonate(url=url, group=f"{name}.{group}", autostart=False), group)
