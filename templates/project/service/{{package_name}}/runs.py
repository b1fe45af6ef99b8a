"""One run of a durable function, as its log line, its metrics and its span."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from resonate.context import Context
from resonate.error import Suspended

from . import logs, metrics, tracing

logger = logging.getLogger(__name__)

_REMEMBERED = 1024

# Per promise, how many of its runs have raised here.
_raised: OrderedDict[str, int] = OrderedDict()


@asynccontextmanager
async def observed(ctx: Context, function: str, version: int, failure: type[Exception]) -> AsyncIterator[None]:
    """See a run of a durable function; ``failure`` is what it raises when it fails as foreseen.

    What is logged inside carries the job (its root's id), the promise, function, version and attempt. ``attempt`` is 1
    and one more for each run that raised in this process: another process, which takes a call over, begins at 1, and
    a workflow that wakes up goes on with the same. ``duration_ms`` is this run's: it ends where a workflow waits.
    """
    job, promise = ctx.info.origin_id, ctx.info.id
    attempt = 1 + _raised.get(promise, 0)
    fields = {"job": job, "promise": promise, "function": function, "version": version, "attempt": attempt}
    span = {f"resonate.{name}": value for name, value in fields.items()}
    parent = await ctx.get_dependency(tracing.Roots).parent_of(job) if tracing.is_on() else None
    active = metrics.ACTIVE_RUNS.labels(function)
    started = perf_counter()
    with logs.about(**fields), tracing.run(function, parent, span) as ended, active.track_inprogress():
        outcome, level, why = "done", logging.INFO, ""
        try:
            yield
            _raised.pop(promise, None)
        except failure:  # In words for whoever asked for the work, which may quote what was asked: not for the log.
            outcome = "failed"
            _count(promise)
            raise
        except Exception:
            outcome, level = "raised", logging.ERROR
            _count(promise)
            raise
        except Suspended:
            outcome, level = "suspended", logging.DEBUG
            raise
        except BaseException as error:  # The process stops, or the engine took the run away.
            outcome, why = "interrupted", type(error).__name__
            raise
        finally:
            duration = perf_counter() - started
            metrics.RUNS.labels(function, outcome).observe(duration)
            ended(outcome, outcome in ("failed", "raised"))
            said = {"function": function, "outcome": outcome, "why": why}
            message = "%(function)s %(outcome)s: %(why)s" if why else "%(function)s %(outcome)s"
            extra = {"outcome": outcome, "duration_ms": round(duration * 1000, 1)}
            logger.log(level, message, said, extra=extra, exc_info=outcome == "raised")


def _count(promise: str) -> None:
    _raised[promise] = _raised.pop(promise, 0) + 1
    if len(_raised) > _REMEMBERED:
        _raised.popitem(last=False)
