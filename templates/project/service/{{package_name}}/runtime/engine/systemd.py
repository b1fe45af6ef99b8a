"""What a process tells systemd, for units of `Type=notify`: that it serves, what is wrong, that it lives. Nothing elsewhere.

The watchdog is fed by the event loop, as `/livez` is answered by it: a process whose loop is blocked is started again. What
`/readyz` says goes into the status alone, since a new process would not make an engine come back.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

logger = logging.getLogger(__name__)

READY = "READY=1"
"""It serves: systemd starts what comes after it."""
STOPPING = "STOPPING=1"
"""It drains."""
FED = "WATCHDOG=1"
"""It lives."""

PERIOD = 10.0
"""Seconds between two looks at what is wrong, at most; a third of WatchdogSec where that is less."""

_LONGEST_STATUS = 200


def tell(*lines: str) -> None:
    """Send lines such as :data:`READY` to the socket that systemd named in NOTIFY_SOCKET, if it did. Safe in any thread."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            # With an @ it is a name in the abstract namespace, which sockets write with a zero.
            sender.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            sender.sendall("\n".join(lines).encode())
    except OSError as error:
        logger.warning("systemd cannot be told anything: NOTIFY_SOCKET (%s)", error)


@asynccontextmanager
async def kept_informed(health_problem: Callable[[], Awaitable[str | None]]) -> AsyncIterator[None]:
    """Feed the watchdog meanwhile, and say in the status what `health_problem` says."""
    if not os.environ.get("NOTIFY_SOCKET"):
        yield
        return
    tasks = [asyncio.create_task(_feed()), asyncio.create_task(_say_status(health_problem))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _feed() -> None:
    while True:
        tell(FED)
        await asyncio.sleep(_period())


async def _say_status(health_problem: Callable[[], Awaitable[str | None]]) -> None:
    said = None
    while True:
        problem = await health_problem()
        status = "ready" if problem is None else " ".join(f"not ready: {problem}".split())[:_LONGEST_STATUS]
        if status != said:
            tell(f"STATUS={status}")
            said = status
        await asyncio.sleep(_period())


def _period() -> float:
    """Seconds between two messages. WATCHDOG_PID is another process's where a wrapper started this one."""
    watchdog, of = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    if not watchdog.isdecimal() or int(watchdog) == 0 or of not in (None, "", str(os.getpid())):
        return PERIOD
    return min(PERIOD, int(watchdog) / 3_000_000)
