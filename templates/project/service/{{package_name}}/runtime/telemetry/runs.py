"""The log line, metrics and span of one run of a durable function."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from time import perf_counter
from typing import Any

from resonate.context import Context
from resonate.error import PlatformError, ServerError, Suspended

from ..errors import EngineUnavailable, Failure, StepFailed
from ..outages import Lost
from . import logs, metrics, outstanding, tracing

logger = logging.getLogger(__name__)

_REMEMBERED = 1024

# By promise id: how many of its runs have raised in this process, and what the last of them raised.
_raised: OrderedDict[str, tuple[int, str]] = OrderedDict()

# By promise id: how many of its runs have lost their lease in this process.
_lost: OrderedDict[str, int] = OrderedDict()


SUCCEEDED = "succeeded"
REFUSED = "refused"
FAILED = "failed"
TIMED_OUT = "timed-out"
CANCELED = "canceled"

# Of the ways to end that are no success.
_LEVELS = {REFUSED: logging.INFO, FAILED: logging.ERROR, TIMED_OUT: logging.WARNING, CANCELED: logging.WARNING}


def outcome_of(failure: Failure) -> str:
    """How a call ended that failed: ``refused`` (as its function means it to), ``failed`` (by a bug, or what it depends
    on), ``timed-out`` or ``canceled``.
    """
    if failure.code in (TIMED_OUT, CANCELED):
        return failure.code
    return FAILED if isinstance(failure, StepFailed) or failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR else REFUSED


def count_job(function: str, failure: Failure | None) -> None:
    """Count a job that has ended, by the function that it was."""
    metrics.JOBS_ENDED.labels(function, SUCCEEDED if failure is None else outcome_of(failure)).inc()


@asynccontextmanager
async def observe_run(ctx: Context, function: str, version: int) -> AsyncIterator[None]:
    """Log, measure and trace a run of a durable function.

    Lines that are logged inside carry ``job`` (the root's id on the engine), ``promise``, ``function``, ``version`` and
    ``attempt``. ``attempt`` is 1, and one more for each run that raised in this process; another process that takes
    the call over begins at 1. ``duration_ms`` is of this run, which ends where a workflow waits.

    ``outcome`` is how the call ended (see :func:`outcome_of`), or ``raised`` (an exception: the call is tried again, or
    fails), ``suspended`` (it waits) or ``interrupted`` (the process stops, or lost the call).
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
        outcome, level, reason = SUCCEEDED, logging.INFO, ""
        try:
            yield
            _raised.pop(promise, None)
            _lost.pop(promise, None)
        except Failure as error:
            outcome, reason = outcome_of(error), f"{error.code}: {' '.join(str(error).split())}"
            level = _LEVELS[outcome]
            _remember(promise, error)
            raise
        except (Lost, EngineUnavailable) as lost:  # The outage is logged where it is noticed, once.
            outcome, level, reason = "lost", logging.DEBUG, str(lost)
            raise
        except Exception as error:
            outcome, level, reason = "raised", logging.ERROR, type(error).__name__
            _remember(promise, error)
            raise
        except Suspended:
            outcome, level = "suspended", logging.DEBUG
            raise
        except PlatformError as error:
            outcome, reason = "interrupted", f"{type(error.cause).__name__}: {error.cause}"
            if isinstance(error.cause, ServerError) and error.cause.code == HTTPStatus.CONFLICT:
                level, reason = logging.WARNING, "its lease was lost while it ran, so it runs again"
                _lost[promise] = _lost.pop(promise, 0) + 1
                _shorten(_lost)
            raise
        except BaseException as error:  # The process stops.
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
            set_outcome(outcome, outcome in (*_LEVELS, "raised"))
            named = {"function": function, "outcome": outcome, "reason": reason}
            message = "%(function)s %(outcome)s: %(reason)s" if reason else "%(function)s %(outcome)s"
            extra = {"outcome": outcome, "duration_ms": round(duration * 1000, 1)}
            logger.log(level, message, named, extra=extra, exc_info=outcome == "raised")


@asynccontextmanager
async def count_end(ctx: Context, function: str) -> AsyncIterator[None]:
    """Count the end of a job: around all tries of a call, where the call is the job itself."""
    try:
        yield
    except Failure as error:
        if ctx.info.id == ctx.info.origin_id:
            count_job(function, error)
        raise
    if ctx.info.id == ctx.info.origin_id:
        count_job(function, None)


def last_error(promise: str) -> str | None:
    """What the last run of a promise raised in this process, as ``Type: text``; the id is the engine's."""
    return _raised[promise][1] if promise in _raised else None


def lost_leases(promise: str) -> int:
    """How often this process has lost the lease of a promise while it ran; the id is the engine's."""
    return _lost.get(promise, 0)


def forget() -> None:
    """Forget what became of runs: on another engine the same ids are other runs."""
    _raised.clear()
    _lost.clear()


def _remember(promise: str, error: Exception) -> None:
    count, _ = _raised.pop(promise, (0, ""))
    _raised[promise] = count + 1, f"{type(error).__name__}: {error}"
    _shorten(_raised)


def _shorten(remembered: OrderedDict[str, Any]) -> None:
    if len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
