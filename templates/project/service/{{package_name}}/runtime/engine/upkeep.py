"""What an operator does to the database of resonate-pg: the indexes that keep it quick, and the removal of what has ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from psycopg import Connection

from ..errors import OperatorError
from .postgres import INDEXES, PREPARED, SCHEMA_IS_THERE, check_encoding, with_keep_alive

# resonate-pg looks for promises that are due by a function of its own, for which none of its indexes is good: it would
# read them all. One that repeats the function's name is.
_DUE = """
CREATE INDEX CONCURRENTLY service_due_promises ON resonate.promises (timeout_at, id)
WHERE resonate._promise_timed(promises)
"""

# For lists of runs, the newest first: of a service, of a status, and of a caller.
_RUNS = """
CREATE INDEX CONCURRENTLY service_runs ON resonate.promises
((tags->>'run:service'), state, created_at DESC, id DESC) WHERE tags ? 'run:service'
"""
_RUNS_OF_CALLERS = """
CREATE INDEX CONCURRENTLY service_runs_of_callers ON resonate.promises
((tags->>'run:service'), (tags->>'run:caller'), state, created_at DESC, id DESC) WHERE tags ? 'run:caller'
"""
_STATEMENTS = dict(zip(INDEXES, (_DUE, _RUNS, _RUNS_OF_CALLERS), strict=True))

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

# What a step, or a gate, of an ended job left open: resonate-pg times out neither, and `resonate.gc` leaves it.
_REMOVE_LEFT_OPEN = f"""
DELETE FROM resonate.promises WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM resonate.promises p
    WHERE p.state = 'pending' AND NOT p.external AND p.timeout_at <= {_NOW} - %s AND starts_with(p.id, %s)
      AND NOT EXISTS (
          SELECT FROM resonate.promises r WHERE r.id = p.origin_id AND r.id <> p.id AND r.state = 'pending')
    LIMIT %s))
"""

# What `resonate.gc` removes, of one service: its function knows none. %s: until when, since when (the batch before ended
# there), the beginning of the ids, how many. It returns how many these are, and when the last of them ended.
_ENDED = """
SELECT p.ctid, p.settled_at FROM resonate.promises p
WHERE p.state <> 'pending' AND p.settled_at <= %s AND p.settled_at >= %s AND starts_with(p.id, %s)
  AND NOT EXISTS (SELECT FROM resonate.promises r WHERE r.id = p.origin_id AND r.state = 'pending')
ORDER BY p.settled_at LIMIT %s
"""
_REMOVE_OF_SERVICE = f"""
WITH ended AS ({_ENDED}),
  gone AS (DELETE FROM resonate.promises WHERE ctid = ANY (ARRAY(SELECT ctid FROM ended)) RETURNING id, settled_at),
  messages AS (DELETE FROM resonate.outbox WHERE kind = 'unblock' AND promise->>'id' IN (SELECT id FROM gone)),
  resumes AS (DELETE FROM resonate.task_resumes WHERE awaited_id IN (SELECT id FROM gone))
SELECT count(*), max(settled_at) FROM gone
"""
_COUNT_OF_SERVICE = f"SELECT count(*) FROM ({_ENDED}) ended"

BATCH = 10_000
"""Promises that are removed in one transaction at most."""


def prepare(url: str) -> bool:
    """Add the indexes to the engine's database, beside those who use it. Returns whether one was missing. Blocking.

    Raises:
        OperatorError: it cannot be reached, or resonate-pg is not in it, or this role may not.
    """
    with _connection(url) as connection:
        row = connection.execute(PREPARED, (list(INDEXES),)).fetchone()
        missing = [name for name in INDEXES if row is None or name not in row[0]]
        if not missing:
            return False
        for name in missing:
            # One that was broken off is there, and of no use.
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS resonate.{name}".encode())
            connection.execute(_STATEMENTS[name].encode())
        connection.execute("ANALYZE resonate.promises")
        return True


def remove_ended(url: str, older_than: timedelta) -> int:
    """Remove what ended longer ago than that, of every service on the engine; returns how many promises. Blocking.

    A job's promises are kept while it runs.

    Raises:
        OperatorError: as :func:`prepare`.
    """
    age, removed = int(older_than.total_seconds() * 1000), 0
    with _connection(url) as connection:
        while count := _value(connection, f"SELECT resonate.gc({_NOW} - %s, %s)", age, BATCH):
            removed += count
        while count := connection.execute(_REMOVE_LEFT_OPEN, (age, "", BATCH)).rowcount:
            removed += count
    return removed


def remove_ended_of(
    service: str, url: str, older_than: timedelta, *, is_dry_run: bool, tell: Callable[[str, int], None]
) -> int:
    """The same for the promises whose ids begin with ``service``, or count those that have ended. Blocking.

    ``tell`` hears after each batch how many are removed so far.

    Raises:
        OperatorError: as :func:`prepare`.
    """
    age, removed, since = int(older_than.total_seconds() * 1000), 0, 0
    with _connection(url) as connection:
        until = _value(connection, f"SELECT {_NOW} - %s", age)
        if is_dry_run:
            return _value(connection, _COUNT_OF_SERVICE, until, since, service, None)
        while True:
            row = connection.execute(_REMOVE_OF_SERVICE.encode(), (until, since, service, BATCH)).fetchone()
            count, last = row if row else (0, None)
            if not count:
                break
            removed, since = removed + count, last
            tell("promises", removed)
        while count := connection.execute(_REMOVE_LEFT_OPEN, (age, service, BATCH)).rowcount:
            removed += count
            tell("promises", removed)
    return removed


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    if not url.startswith("postgres"):
        raise OperatorError(
            "RESONATE_URL names no Postgres: this is for resonate-pg alone",
            "A Resonate server looks after its own database.",
        )
    try:
        with psycopg.connect(with_keep_alive(url), autocommit=True) as connection:
            check_encoding(connection.info)
            if not _value(connection, SCHEMA_IS_THERE):
                raise OperatorError(
                    "RESONATE_URL: resonate-pg is not in this database",
                    'Apply its resonate.sql: psql "$RESONATE_URL" -f resonate.sql',
                )
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise OperatorError(
            f"this role may not look after the engine's database: {error}", "Use the role that applied resonate.sql."
        ) from None
    except psycopg.OperationalError as error:
        raise OperatorError(f"the engine's database cannot be reached: {error}", "Is RESONATE_URL right?") from None


def _value(connection: Connection, statement: str, *arguments: object) -> int:
    row = connection.execute(statement.encode(), arguments).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
