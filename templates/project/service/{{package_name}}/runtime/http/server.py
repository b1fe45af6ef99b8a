"""uvicorn, as this service runs it, with a stop that clients do not notice."""

import signal
import socket
import sys
from datetime import timedelta
from time import monotonic
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import ChangeReload

from ..engine import systemd
from ..settings import ServiceSettings
from ..systems import raise_file_limit, uvicorn_loop
from ..telemetry import logs
from . import draining
from .protocol import BoundedHttp

_STARTUP_FAILED = 3  # as uvicorn's own command exits


def serve(app: FastAPI | str, settings: ServiceSettings, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT. ``app`` may be an import path, as `uvicorn.run` takes it."""
    raise_file_limit()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHttp,
        loop=uvicorn_loop(),
        ws="none",
        log_config=None,
        access_log=False,
        limit_concurrency=settings.max_connections,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=int(settings.keep_alive.total_seconds()),
        timeout_graceful_shutdown=max(int(settings.shutdown_grace.total_seconds()), 1),
        **options,
    )
    # Nobody sends requests by the readiness of a process that reloads.
    server = DrainingServer(config, timedelta(0) if config.reload else settings.shutdown_delay)
    if config.should_reload:
        ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
        return
    logs.defer()
    server.run()
    if not server.started:
        sys.exit(_STARTUP_FAILED)


class DrainingServer(uvicorn.Server):
    """uvicorn that first says that it will stop, and then stops.

    From SIGTERM on readiness is a 503, each response closes its connection, and requests that only wait are answered.
    For ``delay`` it goes on to take connections, so that a proxy can take notice. A clean stop exits with 0: uvicorn's
    own would end by the signal. Ctrl-C has no delay.
    """

    def __init__(self, config: uvicorn.Config, delay: timedelta = timedelta(0)) -> None:
        super().__init__(config)
        self._delay = delay.total_seconds()
        self._exit_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second signal stops at once, and a second Ctrl-C waits for nothing."""
        if draining.has_begun():
            self.should_exit = True
            self.force_exit = self.force_exit or sig == signal.SIGINT
            return
        self._exit_at = monotonic() + (self._delay if sig == signal.SIGTERM else 0)
        self._begin_to_drain()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start."""
        draining.reset()
        await super().startup(sockets)
        if self.started:
            systemd.tell(systemd.READY)

    async def on_tick(self, counter: int) -> bool:
        """Look whether it is time to stop, ten times a second."""
        if self._exit_at is not None and monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._begin_to_drain()
        try:
            await super().shutdown(sockets)
        finally:
            draining.reset()

    def _begin_to_drain(self) -> None:
        if not draining.has_begun():
            systemd.tell(systemd.STOPPING)
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedHttp):
                connection.drain()
        draining.begin()
