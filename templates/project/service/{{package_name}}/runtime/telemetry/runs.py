"""The log line, metrics and span of one run of a durable function."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from resonate.context import Context
from resonate.error import Suspended

from ..errors import Failure
from . import logs, metrics, outstanding, tracing

logger = logging.getLogger(__name__)

_REMEMBERED = 1024

# By promise id: how many of its runs have raised in this process, and what the last of them raised.
_raised: OrderedDict[str, tuple[int, str]] = OrderedDict()


@asynccontextmanager
async def observe_run(ctx: Context, function: str, version: int) -> AsyncIterator[None]:
    """Log, measure and trace a run of a durable function.

    Lines that are logged inside carry ``job`` (the root's id on the engine), ``promise``, ``function``, ``version`` and
    ``attempt``. ``attempt`` is 1, and one more for each run that raised in this process; another process that takes
    the call over begins at 1. ``duration_ms`` is of this run, which ends where a workflow waits.
    """
    job, promise = ctx.info.origin_id, ctx.info.id
    attempt = 1 + _raised[promise][0] if promise in _raised else 1
    fields = {"job": job, "promise": promise, "function": function, "version": version, "attempt": attempt}
    attributes = {f"resonate.{name}": value for name, value in fields.items()}
    parent = await ctx.get_dependency(tracing.RootTraces).parent_of(job) if tracing.is_enabled() else None
    active = metrics.ACTIVE_RUNS.labels(function)
    started = perf_counter()
    with (
        logs.log_context(**fields),
        tracing.run_span(function, parent, attributes) as set_outcome,
        active.track_inprogress(),
    ):
        outcome, level, reason = "done", logging.INFO, ""
        try:
            yield
            _raised.pop(promise, None)
        except Failure as error:
            outcome, reason = "failed", f"{error.code}: {' '.join(str(error).split())}"
            _remember(promise, error)
            raise
        except Exception as error:
            outcome, level = "raised", logging.ERROR
            _remember(promise, error)
            raise
        except Suspended:
            outcome, level = "suspended", logging.DEBUG
            raise
        except BaseException as error:  # The process stops, or the engine took the run away.
            outcome, reason = "interrupted", type(error).__name__
            raise
        finally:
            duration = perf_counter() - started
            if promise == job:
                if outcome == "suspended":
                    outstanding.note_deadline(promise, function, ctx.info.timeout_at)
                else:
                    outstanding.forget_deadline(promise)
            metrics.RUNS.labels(function, outcome).observe(duration)
            set_outcome(outcome, outcome in ("failed", "raised"))
            named = {"function": function, "outcome": outcome, "reason": reason}
            message = "%(function)s %(outcome)s: %(reason)s" if reason else "%(function)s %(outcome)s"
            extra = {"outcome": outcome, "duration_ms": round(duration * 1000, 1)}
            logger.log(level, message, named, extra=extra, exc_info=outcome == "raised")


def last_error(promise: str) -> str | None:
    """What the last run of a promise raised in this process, as ``Type: text``; the id is the engine's."""
    return _raised[promise][1] if promise in _raised else None


def forget() -> None:
    """Forget what runs have raised: on another engine the same ids are other runs."""
    _raised.clear()


def _remember(promise: str, error: Exception) -> None:
    count, _ = _raised.pop(promise, (0, ""))
    _raised[promise] = count + 1, f"{type(error).__name__}: {error}"
    if len(_raised) > _REMEMBERED:
        _raised.popitem(last=False)
