"""Processes kept running: each in a group of its own, its output prefixed, restarted when it ends.

Whatever ends the caller's task (a cancellation, an error) first ends the whole group of every process:
SIGTERM, at most `grace` seconds, SIGKILL. On Linux a process also gets SIGTERM when the supervisor is killed
outright; there is no such help on other systems, nor for what a process starts itself.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

from resonate_scaffold import systems

GRACE = 7.5  # seconds: with the engine's second and the last kills, a stop stays below ten
STEADY = 60.0  # seconds of life after which an end counts as the first one again

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_POLL = 0.05  # seconds between two looks at a group whose leader has gone


def backoff(failures: int) -> int:
    """Seconds to wait after the nth end in a row (n from 1): 1, 2, 4, 8, 16, then 30."""
    return min(1 << min(failures - 1, 5), 30)


def describe_end(status: int) -> str:
    """An exit status as `subprocess` reports it, in words."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-status}"


@dataclass(frozen=True)
class Launch:
    """How to start a process; `env` is its whole environment."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]


class Console:
    """Lines of several sources on one stream, each under its aligned prefix."""

    def __init__(self, stream: TextIO, names: Iterable[str], colour: bool) -> None:
        names = list(names)
        width = max(map(len, names))
        self._stream = stream
        self._prefixes = {name: f"{name:<{width}} | " for name in names}
        if colour:
            for index, name in enumerate(names):
                code = _COLOURS[index % len(_COLOURS)]
                self._prefixes[name] = f"\x1b[{code}m{self._prefixes[name]}\x1b[0m"

    def write(self, name: str, *lines: str) -> None:
        prefix = self._prefixes[name]
        try:
            self._stream.write("".join(f"{prefix}{line}\n" for line in lines))
            self._stream.flush()
        except OSError:  # the terminal, or what we were piped into, has gone: end as if asked to
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            signal.raise_signal(signal.SIGTERM)


class _Child(asyncio.SubprocessProtocol):
    """One started process.

    A protocol, not streams: no limit on a line's length, and `exited` does not wait for the end of the
    output, which a grandchild can hold open.
    """

    def __init__(self, emit: Callable[[list[str]], None]) -> None:
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._emit = emit
        self._partial = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            whole = bytes(self._partial) + head
            self._partial.clear()
            self._emit([line.removesuffix(b"\r").decode(errors="replace") for line in whole.split(b"\n")])
        self._partial += rest

    def process_exited(self) -> None:
        self.exited.set_result(cast(int, self._transport.get_returncode()))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set_result(None)

    async def stop(self, grace: float) -> None:
        """End the whole group; harmless when it has ended. A cancellation on the way skips the grace."""
        try:
            systems.end_group(self._transport)
            async with asyncio.timeout(grace):
                await asyncio.wait([self.exited])
                while systems.group_lives(self._transport):  # noqa: ASYNC110  (nothing tells when a group has gone)
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            pass  # the kill below is for those that did not listen
        finally:
            self.kill()
            await asyncio.wait([self._closed], timeout=0.5)  # not for ever: see the class
            self._transport.close()
            if self._partial:
                self.pipe_data_received(1, b"\n")

    def kill(self) -> None:
        """Kill the group at once."""
        systems.kill_group(self._transport)


class Service:
    """A process by name; `launch` is asked at every start, so that it can follow a changed environment."""

    def __init__(self, name: str, launch: Callable[[], Launch], console: Console, grace: float = GRACE) -> None:
        self.name = name
        self.failures = 0
        self.last_line = ""
        self.last_error = ""  # the last line that says that it is an error: a hint may follow
        self._launch = launch
        self._console = console
        self._grace = grace
        self._changed = asyncio.Event()
        self._child: _Child | None = None

    def restart(self) -> None:
        """Stop it, if it runs, and start it anew without a delay."""
        self.failures = 0
        self._changed.set()

    def kill(self) -> None:
        """Kill its group at once, whatever it is doing."""
        if self._child:
            self._child.kill()

    async def once(self) -> int:
        """Run it until it ends or `restart` is called, and leave nothing of it; its exit status."""
        launch = self._launch()
        try:
            self._child = child = await _spawn(launch, self._show)
        except OSError as error:
            self._show([f"cannot start {launch.argv[0]}: {error.strerror}"])
            return 127  # as a shell says it
        changed = asyncio.create_task(self._changed.wait())
        either: list[asyncio.Future[Any]] = [child.exited, changed]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            await child.stop(self._grace)
        return child.exited.result() if child.exited.done() else -signal.SIGTERM

    async def keep(self) -> None:
        """Run it for ever, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            self._changed.clear()
            started = clock()
            status = await self.once()
            if self._changed.is_set():
                continue
            self.failures = 1 if clock() - started >= STEADY else self.failures + 1
            delay = backoff(self.failures)
            self._console.write("dev", f"{self.name} {describe_end(status)}; restarting in {delay}s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._changed.wait()

    def _show(self, lines: list[str]) -> None:
        self.last_line = lines[-1]
        errors = (line for line in reversed(lines) if line.lower().startswith("error"))
        self.last_error = next(errors, self.last_error)
        self._console.write(self.name, *lines)


async def _spawn(launch: Launch, emit: Callable[[list[str]], None]) -> _Child:
    _, child = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Child(emit),
        *launch.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=launch.cwd,
        env=launch.env,
        **systems.own_group(),
    )
    return child
