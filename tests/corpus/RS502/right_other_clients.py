"""Clients of other libraries that have methods and parameters by these names."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import ray
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


@dataclass
class Wizard:
    dependencies: dict[str, Any]

    def set_dependency(self, name: str, value: Any) -> None:
        self.dependencies[name] = value

    def options(self, *, send_to: str, idempotency_key: str | None = None) -> str:
        return f"{send_to}:{idempotency_key}"

    def begin_run(self, name: str) -> str:
        return f"{name} begins"


@ray.remote
def heavy(number: int) -> int:
    return number**2


async def conjure(ctx: Context, spell: str) -> str:
    wizard = Wizard({})
    wizard.set_dependency("wand", "oak")
    return f"{wizard.begin_run(spell)}, {wizard.options(send_to='moon')}"


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="magic", retry_policy=Never())
    client.register(conjure)
    task = heavy.remote(12)
    with ThreadPoolExecutor() as pool:
        print(pool.submit(ray.get, task).result())
    await asyncio.Event().wait()


asyncio.run(main())
