"""Many clients at once that send nothing, or a body byte by byte."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from .raw_http import POST


@contextmanager
def crowd(port: int, path: bytes) -> Iterator[None]:
    """1,000 connections that send nothing, and 50 that send a body for a path byte by byte."""
    resource = pytest.importorskip("resource", reason="no limits of open files to set")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip(f"{hard} open files are too few")
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(50)]
        for connection in slow:
            connection.sendall(POST % path + b"Content-Length: 1000\r\n\r\n{")
        done = threading.Event()

        def dribble() -> None:
            while not done.wait(0.05):
                for connection in slow:
                    with suppress(ConnectionError):
                        connection.sendall(b" ")

        dribbling = threading.Thread(target=dribble)
        dribbling.start()
        try:
            yield
        finally:
            done.set()
            dribbling.join()


def limit_open_files() -> None:
    """Give this process a limit of open files as low as some systems'; the service must raise it itself."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
