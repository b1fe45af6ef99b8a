"""Processes of a worker, one after the other, on one engine in this process."""

import asyncio

from resonate.connections import LocalConnection
from resonate.connections.local import ServerState
from resonate.error import ConnectorError
from shop.runtime.durable.rpc import Registration
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.offers import WorkerResonate
from shop.runtime.engine.worker import register
from shop.runtime.service import Service, functions_of
from shop.runtime.testing.plugin import make_settings


class Connection(LocalConnection):
    """A process's connection to an engine that outlives it."""

    dead = False

    def __init__(self, state: ServerState) -> None:
        super().__init__(group="tests")
        self.state = state

    async def stop(self) -> None:
        """Refuse what comes after, as a connection to a server does."""
        self.dead = True
        await super().stop()

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        if self.dead:
            raise ConnectorError(RuntimeError("dead"))
        return await super().send(req, headers)


class Life:
    """A process of a worker."""

    def __init__(self, definition: Service, state: ServerState, *served: Registration) -> None:
        settings = make_settings(definition)
        self.connection = Connection(state)
        namespace = definition.namespace(settings)
        self.client: EngineClient = build(settings, namespace, "workers", listens=True, local=self.connection)
        register(self.client, functions_of(served), [])
        self.client.resonate.start()
        state.outgoing.clear()
        for task in list(state.tasks.values()):
            if task.state == "pending":
                state.send_execute_message("poll://any@tests", task.id, task.version)
        self.connection._dispatch_messages(list(state.outgoing))

    @property
    def worker(self) -> WorkerResonate:
        """The SDK's client of it."""
        assert isinstance(self.client.resonate, WorkerResonate)
        return self.client.resonate

    async def die(self) -> None:
        """End without a last word; then the leases end."""
        self.connection.dead = True
        tasks = list(self.client.resonate._runtime.bg_tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await LocalConnection.stop(self.connection)
        for held in list(self.connection.state.tasks.values()):
            if held.state == "acquired":
                self.connection.state.apply(0, {"kind": "task.release", "id": held.id, "version": held.version})
