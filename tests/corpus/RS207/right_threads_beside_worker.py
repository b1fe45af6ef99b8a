# file: gateway/status.py
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Status(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def serve_status(port: int) -> threading.Thread:
    server = HTTPServer(("127.0.0.1", port), Status)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    return thread
# file: gateway/flow.py
from datetime import timedelta

from resonate.context import Context


async def forward(ctx: Context, message: str) -> bool:
    return bool(message)


async def relay(ctx: Context, message: str) -> int:
    attempts = 1
    while not await ctx.run(forward, message):
        await ctx.sleep(timedelta(seconds=attempts))
        attempts += 1
    return attempts
# file: gateway/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Never

from gateway.flow import relay
from gateway.status import serve_status


async def main() -> None:
    serve_status(9001)
    client = Resonate(url="http://localhost:8001", group="gateway", retry_policy=Never())
    client.register(relay)
    await asyncio.to_thread(input, "Enter stops the worker")
    await client.stop()


asyncio.run(main())
