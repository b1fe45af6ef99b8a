# file: mill/engine.py
import aiohttp
from resonate.connections import HttpConnection, SSEConnection
from resonate.resonate import Resonate
from resonate.retry import Exponential


class LiveSSE(SSEConnection):
    """The SDK's stream, in a session without a total timeout."""

    def _ensure_session(self) -> aiohttp.ClientSession:
        if self._session is None and not self._stopped:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=10))
        return super()._ensure_session()


def connect(url: str, group: str, pid: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    stream = LiveSSE(url, pid=pid, group=group)
    return Resonate(network=HttpConnection(url), sources=[stream], group=group, pid=pid, retry_policy=policy)

# file: mill/worker.py
import asyncio

from resonate.context import Context

from mill.engine import connect


async def grind(ctx: Context, kilos: int) -> int:
    return kilos - 1


async def main() -> None:
    resonate = connect("http://localhost:8001", "mill", "mill-1")
    resonate.register(grind)
    await asyncio.Event().wait()


asyncio.run(main())
