"""`telemetry.repeats`: a warning that repeats is a line a minute, and nothing else is lost."""

import gc
import io
import json
import logging
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from shop.runtime.telemetry import logs, repeats
from shop.runtime.telemetry.repeats import FoldingHandler

from .waiting import until

LIBRARY = "resonate.connections.http"
RUNTIME = "shop.runtime.durable.steps"
OWN = "shop.api.jobs"


class Folded:
    """Loggers of a service whose lines are folded."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = FoldingHandler(self.stream)
        self.handler.setFormatter(logs.formatter("json"))
        self.handler.addFilter(logs.add_context)

    def lines(self) -> list[dict[str, Any]]:
        """What was written."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def messages(self) -> list[str]:
        """What the lines say."""
        return [line["message"] for line in self.lines()]


@pytest.fixture
def folded() -> Iterator[Folded]:
    """Everything is logged to it."""
    folded = Folded()
    logging.getLogger().addHandler(folded.handler)
    yield folded
    logging.getLogger().removeHandler(folded.handler)
    folded.handler.close()


def test_what_a_library_repeats_is_written_once_and_counted(folded: Folded) -> None:
    for number in range(500):
        logging.getLogger(LIBRARY).warning("no connection, again in %s s", number, extra={"job": f"shop/job/{number}"})
    assert folded.messages() == ["no connection, again in 0 s"]
    folded.handler.close()
    first, last = folded.lines()
    assert "repeated" not in first and last["repeated"] == 499
    assert last["message"] == "no connection, again in 499 s (the last of 499 more like it in 0 s)"
    assert (last["logger"], last["level"]) == (LIBRARY, "WARNING")


async def test_the_count_is_written_each_interval_as_long_as_it_goes_on(
    folded: Folded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "INTERVAL", 0.2)
    logger = logging.getLogger(LIBRARY)

    def counts() -> list[int]:
        logger.warning("no connection")
        return [line["repeated"] for line in folded.lines() if "repeated" in line]

    await until(lambda: len(counts()) >= 3)
    # Nobody needs to log for the last count to come.
    written = len(folded.lines())
    logger.warning("no connection")
    await until(lambda: len(folded.lines()) > written)
    await until(lambda: not folded.handler._kinds)
    assert all(count > 0 for count in (line["repeated"] for line in folded.lines()[1:] if "repeated" in line))
    # When it was over, it begins anew.
    logger.warning("no connection")
    assert folded.messages()[-1] == "no connection"


def test_lines_below_a_warning_are_all_written(folded: Folded) -> None:
    logger = logging.getLogger("shop.runtime.telemetry.runs")
    logger.setLevel(logging.INFO)
    for number in range(3):
        logger.info("%(function)s %(outcome)s", {"function": "process-job", "outcome": "done"}, extra={"job": number})
    assert len(folded.lines()) == 3
    logger.setLevel(logging.NOTSET)


def test_other_lines_are_no_repetitions(folded: Folded) -> None:
    """Of another logger, level, text before its values, exception, and in the runtime of another job."""
    logging.getLogger(LIBRARY).warning("away")
    logging.getLogger(LIBRARY).error("away")
    logging.getLogger("resonate.connections.sse").warning("away")
    logging.getLogger(LIBRARY).warning("still away")
    for error in (ValueError("a"), KeyError("b"), KeyError("c")):  # The last is of a kind that is there.
        logging.getLogger(LIBRARY).warning("away", exc_info=error)
    assert len(folded.lines()) == 6
    for job in ("shop/job/1", "shop/job/2", "shop/job/1"):
        with logs.log_context(job=job):
            logging.getLogger(RUNTIME).warning("step %s raised", "charge")
    assert [line["job"] for line in folded.lines()[6:]] == ["shop/job/1", "shop/job/2"]


def test_the_owner_s_own_lines_are_repetitions_only_with_the_same_text(folded: Folded) -> None:
    for name in ("ada", "bob", "ada"):
        logging.getLogger(OWN).warning("refused %s", name)
    assert folded.messages() == ["refused ada", "refused bob"]


def test_many_kinds_are_bounded_and_none_is_lost(folded: Folded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MOST_KINDS", 2)
    for name in ("a", "a", "b", "c"):
        logging.getLogger(OWN).warning(name)
    assert folded.messages() == ["a", "b", "a (the last of 1 more like it in 0 s)", "c"]


def test_nothing_is_kept_alive_by_a_line_that_may_repeat(folded: Folded) -> None:
    class Large:
        pass

    logger = logging.Logger("apart")  # What pytest captures keeps everything.
    logger.addHandler(folded.handler)

    def fail() -> weakref.ref[Large]:
        large = Large()
        try:
            raise ValueError(large)
        except ValueError:
            logger.exception("failed with %s", large)
            logger.exception("failed with %s", large)
        return weakref.ref(large)

    kept = fail()
    gc.collect()
    assert kept() is None
    folded.handler.close()
    assert "Traceback" in folded.lines()[0]["exc_info"] and folded.lines()[1]["repeated"] == 1


def test_a_process_writes_what_it_counted_at_its_end() -> None:
    code = (
        "import logging; from shop.runtime.telemetry import logs; logs.configure('INFO', 'text')\n"
        "for number in range(9): logging.getLogger('lib').error('away %s', number)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, last = ran.stderr.splitlines()
    assert first.endswith("lib: away 0") and last.endswith("repeated=8")


def test_what_says_that_something_changed_is_written_each_time(folded: Folded) -> None:
    for number in range(3):
        logging.getLogger(RUNTIME).warning("it is back after %d s", number, extra={"is_change": True})
    assert folded.messages() == [f"it is back after {number} s" for number in range(3)]
    assert "is_change" not in folded.lines()[0]
