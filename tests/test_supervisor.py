"""The supervisor on real processes: small programs that crash, hang, ignore signals and leave children."""

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from resonate_scaffold.dev import supervisor
from resonate_scaffold.dev.supervisor import Console, Launch, Service, backoff, describe_end

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")

# Appends its pid to `pids`, then does what the test wants
NOTE = "import os, signal, sys, time; open('pids', 'a').write(f'{os.getpid()}\\n')\n"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (5000, 30)]
)
def test_backoff_doubles_up_to_thirty_seconds(failures: int, seconds: int) -> None:
    assert backoff(failures) == seconds


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exited with status 0"), (3, "exited with status 3"), (-9, "was killed by SIGKILL")],
)
def test_an_end_is_described_in_words(status: int, words: str) -> None:
    assert describe_end(status) == words


def test_prefixes_are_aligned_and_coloured_only_when_wanted() -> None:
    plain, coloured = io.StringIO(), io.StringIO()
    for stream in (plain, coloured):
        console = Console(stream, ["dev", "worker"], colour=stream is coloured)
        console.write("dev", "one", "two")
        console.write("worker", "three")
    assert plain.getvalue() == "dev    | one\ndev    | two\nworker | three\n"
    first, _, last = coloured.getvalue().splitlines()
    assert first == "\x1b[36mdev    | \x1b[0mone"
    assert last == "\x1b[33mworker | \x1b[0mthree"


class Bench:
    """One service in `directory` and what it printed."""

    def __init__(self, directory: Path, grace: float) -> None:
        self.directory = directory
        self.stream = io.StringIO()
        self.console = Console(self.stream, ["dev", "it"], colour=False)
        self.grace = grace

    def service(self, program: str) -> Service:
        launch = Launch((sys.executable, "-u", "-c", NOTE + program), self.directory, os.environ)
        return Service("it", lambda: launch, self.console, self.grace)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def pids(self) -> list[int]:
        file = self.directory / "pids"
        return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, grace=5.0)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.02)


def while_kept(service: Service, scenario: Callable[[], Awaitable[None]]) -> float:
    """Keep the service during the scenario, then cancel; the seconds that the end took."""

    async def session() -> float:
        task = asyncio.create_task(service.keep())
        try:
            await scenario()
        finally:
            clock = asyncio.get_running_loop().time
            asked = clock()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return clock() - asked

    return asyncio.run(session())


def test_output_is_whole_lines_whatever_their_length_bytes_and_end(bench: Bench) -> None:
    program = (
        "sys.stdout.buffer.write(b'x' * 300_000 + b'\\r\\n')\n"
        "sys.stderr.buffer.write(b'\\xff \\xc3\\xa9\\n')\n"
        "sys.stdout.buffer.write(b'no newline')"
    )
    assert asyncio.run(bench.service(program).once()) == 0
    assert bench.lines == ["it  | " + "x" * 300_000, "it  | \N{REPLACEMENT CHARACTER} é", "it  | no newline"]


def test_many_lines_arrive_complete_and_in_order(bench: Bench) -> None:
    assert asyncio.run(bench.service("for i in range(20_000): print('line', i)").once()) == 0
    assert bench.lines == [f"it  | line {i}" for i in range(20_000)]


def test_a_command_that_is_not_there_is_reported_and_has_a_status(bench: Bench) -> None:
    service = Service("it", lambda: Launch(("no-such-program",), bench.directory, {}), bench.console)
    assert asyncio.run(service.once()) == 127
    assert bench.lines == ["it  | cannot start no-such-program: No such file or directory"]


def test_what_ends_is_reported_and_started_again(bench: Bench) -> None:
    service = bench.service("print('up'); sys.exit(7)")

    async def twice() -> None:
        await until(lambda: len(bench.pids) == 2)

    while_kept(service, twice)
    assert bench.lines[:2] == ["it  | up", "dev | it exited with status 7; restarting in 1s"]
    assert service.failures <= 2


def test_delays_grow_with_failures_and_start_anew_after_a_steady_life(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "backoff", lambda failures: 0)
    service = bench.service("sys.exit(1)")

    async def crash() -> None:
        await until(lambda: service.failures >= 3)
        monkeypatch.setattr(supervisor, "STEADY", 0.0)  # from here on every life is a steady one
        seen = len(bench.pids)
        await until(lambda: len(bench.pids) >= seen + 3)
        assert service.failures == 1

    while_kept(service, crash)


def test_restart_replaces_the_process_without_a_delay_and_without_a_report(bench: Bench) -> None:
    service = bench.service("print('up'); time.sleep(60)")

    async def restart() -> None:
        await until(lambda: len(bench.lines) == 1)
        service.restart()
        await until(lambda: len(bench.lines) == 2)

    while_kept(service, restart)
    assert bench.lines == ["it  | up", "it  | up"]
    first, second = bench.pids
    assert not lives(first)
    assert not lives(second)


def test_restart_cuts_the_delay_short(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "backoff", lambda failures: 3600)
    service = bench.service("sys.exit(1)")

    async def fix() -> None:
        await until(lambda: service.failures == 1)
        service.restart()
        await until(lambda: len(bench.pids) == 2)

    while_kept(service, fix)


def test_a_polite_process_gets_to_finish(bench: Bench) -> None:
    service = bench.service(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('saved')))\nprint('up')\ntime.sleep(60)"
    )

    async def start() -> None:
        await until(lambda: bench.lines == ["it  | up"])

    assert while_kept(service, start) < 4
    assert bench.lines == ["it  | up", "it  | saved"]


def test_a_deaf_process_and_its_deaf_child_are_killed_after_the_grace(bench: Bench) -> None:
    bench.grace = 0.5
    service = bench.service(DEAF + "os.fork(); open('pids', 'a').write(f'{os.getpid()}\\n'); time.sleep(60)")

    async def start() -> None:
        await until(lambda: len(bench.pids) == 3)

    seconds = while_kept(service, start)
    assert 0.5 <= seconds < 4
    asyncio.run(until(lambda: not any(map(lives, bench.pids)), seconds=2))  # the kernel takes a moment


def test_a_child_may_finish_after_its_parent(bench: Bench) -> None:
    service = bench.service(
        "if os.fork() == 0:\n"
        "    def finish(*_):\n"
        "        time.sleep(0.3); open('finished', 'w'); os._exit(0)\n"
        "    signal.signal(signal.SIGTERM, finish)\n"
        "    open('ready', 'w')\n"
        "time.sleep(60)"
    )

    async def start() -> None:
        await until((bench.directory / "ready").exists)

    while_kept(service, start)
    assert (bench.directory / "finished").exists()


def test_what_a_crashed_process_leaves_is_killed_before_the_next_start(bench: Bench) -> None:
    bench.grace = 0.2
    service = bench.service(DEAF + "if os.fork() == 0: time.sleep(60)\nos.kill(os.getpid(), signal.SIGKILL)")

    async def crash() -> None:
        await until(lambda: service.failures == 1)
        assert "dev | it was killed by SIGKILL; restarting in 1s" in bench.lines
        await until(lambda: not [p for p in psutil.process_iter() if _in_group(p.pid, bench.pids[0])])

    while_kept(service, crash)


def _in_group(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group and lives(pid)
    except ProcessLookupError:
        return False


def test_a_grandchild_that_left_the_group_and_holds_the_output_delays_nothing(bench: Bench) -> None:
    service = bench.service(
        "if os.fork() == 0:\n    os.setsid(); open('pids', 'a').write(f'{os.getpid()}\\n')\nprint('up'); time.sleep(60)"
    )

    async def start() -> None:
        await until(lambda: len(bench.pids) == 2 and len(bench.lines) == 2)

    try:
        assert while_kept(service, start) < 4
        assert not lives(bench.pids[0])
    finally:
        for pid in bench.pids[1:]:
            psutil.Process(pid).kill()


def test_kill_ends_a_deaf_process_at_once(bench: Bench) -> None:
    bench.grace = 3600.0
    service = bench.service(DEAF + "print('up'); time.sleep(60)")

    async def session() -> None:
        task = asyncio.create_task(service.keep())
        await until(lambda: bench.lines == ["it  | up"])
        task.cancel()
        await asyncio.sleep(0)  # the stop has begun, and now waits
        service.kill()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)

    asyncio.run(session())
    assert not lives(bench.pids[0])
