"""The embedded engine: a Resonate server in one process, with its own state machine. Development only.

`serve` runs it until a signal, `running` for the length of a block. A client cannot tell it from a Resonate
server: requests go to ``POST /``, work arrives on ``GET /poll/{group}/{pid}`` as server-sent events.

    server      HTTP, SSE, signals, the clock that ticks         (asyncio, uvicorn)
    engine      one request: journal it, apply it, deliver       (no I/O but the journal's)
    protocol    what each request does                           (pure)
    router      who gets which message                           (pure)
    journal     what survives a restart                          (a file)
    past        journals of format 1                             (pure)
"""

from resonate_scaffold.devserver.errors import EngineError
from resonate_scaffold.devserver.server import Running, event_loop, running, serve

__all__ = ["EngineError", "Running", "event_loop", "running", "serve"]
