"""Ports of this machine, and what answers at a URL."""

import asyncio
import re
import socket
from urllib.parse import urlsplit

from resonate_scaffold import systems
from resonate_scaffold.errors import ScaffoldError


async def http_status(base: str, path: str) -> int | None:
    """The status of one GET (no proxy, no redirect), None when nothing answers HTTP there within 2 s."""
    parts = urlsplit(base)
    secure = parts.scheme == "https"
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=secure or None,
            )
            try:
                writer.write(request.encode())
                first = await reader.readline()
            finally:
                writer.close()
    except (OSError, ValueError):  # refused, timed out, not TLS; a first line without an end
        return None
    match = re.match(rb"HTTP/1\.[01] (\d{3})", first)
    return int(match[1]) if match else None


def free_port(preferred: int = 0) -> int:
    """A loopback port that nothing listens on: the preferred one if possible."""
    try:
        return _bind(preferred)
    except OSError:
        return _bind(0)


def usable_port(text: str) -> int:
    try:
        return _bind(int(text))
    except (ValueError, OverflowError):
        reason = "is not a port"
    except OSError as error:
        reason = f"cannot be used: {error.strerror}"
    raise ScaffoldError(f"Port {text} {reason}.", hint="Choose another one with --port N.")


def _bind(port: int) -> int:
    with socket.socket() as probe:
        systems.take_closed_port(probe)
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])
