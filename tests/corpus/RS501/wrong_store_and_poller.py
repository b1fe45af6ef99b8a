"""A settings module that still names stores, task sources and targets."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resonate.stores import LocalStore, RemoteStore  # want: RS501
from resonate.targets import poll  # want: RS501
from resonate.task_sources.poller import Poller  # want: RS501

if TYPE_CHECKING:
    from resonate.models.store import Store  # want: RS501


@dataclass(frozen=True)
class Engine:
    host: str | None
    group: str = "default"

    def store(self) -> "Store":
        return RemoteStore(host=self.host) if self.host else LocalStore()

    def source(self) -> Poller:
        return Poller(group=self.group)

    def target(self) -> str:
        return poll(self.group)
