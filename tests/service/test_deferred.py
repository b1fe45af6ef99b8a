"""`telemetry.deferred`: plain lines are written a moment later, all others at once, in order, and none is lost."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from shop.runtime.telemetry import deferred, logs
from shop.runtime.telemetry.deferred import DeferringHandler
from shop.runtime.telemetry.repeats import FoldingHandler

from .waiting import until

logger = logging.getLogger("shop.api.jobs")


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the lines of :data:`logger` are written to; those that wait are written when a test says so."""
    monkeypatch.setattr(deferred, "DELAY", 3600)
    stream = io.StringIO()
    target = FoldingHandler(stream)
    target.setFormatter(logs.formatter("json"))
    handler = DeferringHandler(target)
    handler.addFilter(logs.add_context)
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    yield stream
    logger.removeHandler(handler)
    handler.flush()
    target.close()


def messages(stream: io.StringIO) -> list[str]:
    return [json.loads(line)["message"] for line in stream.getvalue().splitlines()]


def test_plain_lines_wait(stream: io.StringIO) -> None:
    with logs.log_context(job="shop/job/1"):
        logger.info("%(method)s %(status)s", {"method": "GET", "status": 200}, extra={"duration_ms": 1.5})
    logger.info("%s done", "it")
    assert stream.getvalue() == ""
    logger.handlers[-1].flush()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["message"], first["job"], first["duration_ms"]) == ("GET 200", "shop/job/1", 1.5)
    assert (second["message"], "job" in second) == ("it done", False)


class Text(str):
    """A text of a class of its own."""


def failed() -> None:
    try:
        raise ValueError
    except ValueError:
        logger.info("last", exc_info=True)


@pytest.mark.parametrize(
    "log",
    [
        lambda: logger.warning("last"),
        lambda: logger.info("last", extra={"found": ["a", "list"]}),
        lambda: logger.info("las%s", Text("t")),
        lambda: logger.info("las%(t)s", {"t": Text("t")}),
        failed,
    ],
    ids=["a warning", "a field that may change", "a value that may change", "a named one", "a traceback"],
)
def test_what_is_not_plain_is_written_at_once_behind_what_waits(stream: io.StringIO, log: Any) -> None:
    logger.info("first")
    log()
    assert messages(stream) == ["first", "last"]


def test_so_many_wait_at_most(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred, "MOST_WAITING", 3)
    for number in range(4):
        logger.info("%d", number)
    assert messages(stream) == ["0", "1", "2", "3"]


async def test_a_thread_writes_them_soon(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred, "DELAY", 0)
    for number in ("1", "2", "3"):
        logger.info(number)
        await until(partial(_last_is, stream, number))
    assert messages(stream) == ["1", "2", "3"]


def _last_is(stream: io.StringIO, message: str) -> bool:
    return messages(stream)[-1:] == [message]


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise ValueError", "logger.error('last')"])
def test_none_is_lost_at_the_end_of_the_process(end: str) -> None:
    program = f"""
import logging, sys
from shop.runtime.telemetry import logs
logs.configure("INFO", "json")
logs.defer()
logger = logging.getLogger("shop")
for number in range(2000):
    logger.info("%d", number)
{end}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    lines = [json.loads(line)["message"] for line in done.stderr.splitlines() if line.startswith("{")]
    assert lines[:2000] == [str(number) for number in range(2000)]
    assert len(lines) == 2000 + ("last" in end)
