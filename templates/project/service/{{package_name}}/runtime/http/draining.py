"""Whether this process was told to stop: requests that only wait are answered then, and readiness says it."""

import asyncio

from .problems import Problem

_begun = False
_waiting: set[asyncio.Future[None]] = set()


def begin() -> None:
    """Begin to drain, for good. Safe in a signal handler, and in any thread."""
    global _begun
    _begun = True
    for pause in list(_waiting):
        pause.get_loop().call_soon_threadsafe(_end, pause)


def reset() -> None:
    """Forget it: another server begins in this process."""
    global _begun
    _begun = False


def has_begun() -> bool:
    """Whether this process drains."""
    return _begun


async def sleep(seconds: float, until: asyncio.Future[None] | None = None) -> None:
    """Wait, but not once the process drains, nor when ``until`` is done."""
    if _begun:
        return
    pause = until or asyncio.get_running_loop().create_future()
    _waiting.add(pause)
    try:
        await asyncio.wait([pause], timeout=seconds)
    finally:
        _waiting.discard(pause)


def stopping() -> Problem:
    """503: this process stops. Another one answers the same request."""
    detail = "This process is about to stop. Ask again."
    return Problem(503, "stopping", detail, headers={"Retry-After": "1", "Connection": "close"})


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
