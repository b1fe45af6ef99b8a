import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resonate.retry import Exponential

from .engine.client import build


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    package: str
    settings: type[Any]
    groups: Sequence[str]

    def serve(self, url: str, group: str) -> None:
        if group not in self.groups:
            raise ValueError(f"there is no worker group {group!r}")
        client = build(url, self.name, group)
        for entry in importlib.import_module(f"{self.package}.{group}.worker").SERVED:
            policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=entry.retries)
            client.resonate.register(entry.run, name=entry.contract.name, retry_policy=policy)
        client.resonate.start()
