"""The runs of this service, the newest first, on every engine.

A Resonate server, and the engine of `resonate-scaffold dev`, search by whole tags, and page by id. So first all runs are
asked for, and if they are more than fit the newest day, and of a day that has more than fit its hours and minutes (see
`run_tags`). What the engine itself starts by the clock has no such tags: its id ends with its time. On resonate-pg it is
one statement, by the indexes of `upkeep.prepare`; an engine in this process is looked through.
"""

from collections.abc import AsyncGenerator, Awaitable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import msgspec
from resonate.connections import LocalConnection
from resonate.error import ServerError
from resonate.types import PromiseRecord

from ..errors import EngineRefused, OperatorError
from . import run_tags
from .client import EngineClient, answer
from .postgres import ResilientPostgres
from .run_status import STATES
from .runs import Position, Run, RunPage, RunQuery, moment

DEFAULT_AGE = timedelta(days=30)
"""How far back a list goes where nothing is said."""

PAGE_TIMEOUT = 30.0
"""Seconds that the engine has for one search: without an index it looks through all that it keeps."""

MOST_LOOKED_AT = 2000
"""Runs that one page looks at and leaves out, after which it ends and has a cursor."""

FIT = 60
"""Runs of all times, or of a day, that are got at once, or as many as a page has; where there are more, they are asked
for in parts.
"""

FIT_IN_AN_HOUR = 500
"""The same for an hour. Its parts are sixty requests, where there is little in each."""

_MOST_AT_ONCE = 1000  # What a Resonate server answers with at most.
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_FIRST_WINDOW = _HOUR
_PARTS = {run_tags.DAY: _DAY, run_tags.HOUR: _HOUR, run_tags.MINUTE: _MINUTE}
_BELOW = {None: run_tags.DAY, run_tags.DAY: run_tags.HOUR, run_tags.HOUR: run_tags.MINUTE}

type _Found = tuple[Position, PromiseRecord]


async def list_runs(client: EngineClient, query: RunQuery) -> RunPage:
    """The runs of this service that match, the newest first.

    Raises:
        InvalidCursor: the query's cursor is none.
        OperatorError: this engine tells nobody, or not this process; the remedy says what it takes.
        EngineUnavailable: the engine does not answer.
    """
    wanted = _Wanted.of(client, query)
    listing = _listing(client, wanted)
    runs: list[Run] = []
    last: Position | None = None
    left_out = 0
    try:
        async for position, record in listing:
            if len(runs) == query.limit or left_out == MOST_LOOKED_AT:
                assert last is not None
                return RunPage(runs=runs, next_cursor=last.cursor())
            last = position
            run = Run.of(client, record)
            if _matches(run, query):
                runs.append(run)
            else:
                left_out += 1
    finally:
        await listing.aclose()
    return RunPage(runs=runs, next_cursor=None)


def _matches(run: Run, query: RunQuery) -> bool:
    """Whether a run is what was asked for, as far as the engine does not tell by itself."""
    return (
        (query.status is None or run.status is query.status)
        and (query.kind is None or run.kind == query.kind)
        and (query.caller is None or run.caller == query.caller)
        and (query.text is None or query.text in run.id)
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked of the engine: runs that began from ``since`` on (Unix ms), and stand behind ``before``."""

    since: int
    before: Position
    tags: dict[str, str]
    states: tuple[str | None, ...]
    at_once: int

    @classmethod
    def of(cls, client: EngineClient, query: RunQuery) -> "_Wanted":
        now = client.clock.now_ms()
        # An upper bound leaves room for clocks that are a little ahead.
        until = now + _MINUTE if query.until is None else int(query.until.timestamp() * 1000)
        since = now - int(DEFAULT_AGE.total_seconds() * 1000)
        if query.since is not None:
            since = int(query.since.timestamp() * 1000)
        before = Position(until + 1, "")
        if query.cursor is not None:
            before = min(before, Position.parse(query.cursor))
        tags = {run_tags.SERVICE: client.namespace.name}
        if query.kind is not None:
            tags[run_tags.KIND] = query.kind
        if query.caller is not None:
            tags[run_tags.CALLER] = query.caller
        states: tuple[str | None, ...] = (None,) if query.status is None else STATES[query.status]
        at_once = _MOST_AT_ONCE if query.text is not None else query.limit + 1
        return cls(max(since, 0), before, tags, states, at_once)

    def has(self, found: _Found) -> bool:
        return found[0] < self.before and found[0].at >= self.since


def _listing(client: EngineClient, wanted: _Wanted) -> AsyncGenerator[_Found, None]:
    if isinstance(client.network, LocalConnection):
        return _in_process(client, client.network, wanted)
    if isinstance(client.network, ResilientPostgres):
        return _in_postgres(client, client.network, wanted)
    return _searched(client, wanted)


def _newest_first(found: list[_Found]) -> list[_Found]:
    return sorted(found, key=lambda item: item[0], reverse=True)


# In this process


async def _in_process(client: EngineClient, network: LocalConnection, wanted: _Wanted) -> AsyncGenerator[_Found, None]:
    there = []
    for promise in network.state.promises.values():
        if wanted.tags.items() <= promise.tags.items() and (at := promise.tags.get(run_tags.AT)):
            there.append((Position(int(at), promise.id), promise))
    for position, promise in sorted(there, key=lambda item: item[0], reverse=True):
        is_in_state = wanted.states == (None,) or promise.state in wanted.states
        if is_in_state and position < wanted.before and position.at >= wanted.since:
            told = {name: value for name, value in promise.to_record().items() if value is not None}
            record = msgspec.convert(told, PromiseRecord)
            yield position, client.resonate.promises.codec.decode_promise(record)


# In Postgres


async def _in_postgres(
    client: EngineClient, network: ResilientPostgres, wanted: _Wanted
) -> AsyncGenerator[_Found, None]:
    before = wanted.before
    while True:
        rows = await answer(
            network.run_records(wanted.tags, wanted.states, wanted.since, (before.at, before.id), wanted.at_once),
            PAGE_TIMEOUT,
        )
        if rows is None:
            raise OperatorError(
                "this role may not read the runs in the engine's database",
                "As the role that applied resonate.sql: GRANT SELECT ON resonate.promises TO the role of RESONATE_URL.",
            )
        for row in rows:
            record = msgspec.json.decode(row, type=PromiseRecord)
            before = Position(record.created_at, record.id)
            yield before, client.resonate.promises.codec.decode_promise(record)
        if len(rows) < wanted.at_once:
            return


# By searches


async def _searched(client: EngineClient, wanted: _Wanted) -> AsyncGenerator[_Found, None]:
    found, has_all = await _search(client, wanted, wanted.tags, max(FIT, wanted.at_once))
    if has_all:
        for item in _newest_first(found):
            if wanted.has(item):
                yield _decoded(client, item)
        return
    sources = [_in_parts(client, wanted, None, wanted.since, wanted.before.at)]
    if wanted.tags.get(run_tags.KIND, run_tags.SCHEDULED) == run_tags.SCHEDULED and run_tags.CALLER not in wanted.tags:
        sources += [_of_schedule(client, wanted, prefix) for prefix in await _schedules(client)]
    try:
        heads = [(await anext(source, None), source) for source in sources]
        while left := [(head, source) for head, source in heads if head is not None]:
            newest, source = max(left, key=lambda item: item[0][0])
            yield _decoded(client, newest)
            heads = [(await anext(one, None) if one is source else head, one) for head, one in left]
    finally:
        for source in sources:
            await source.aclose()


async def _in_parts(
    client: EngineClient, wanted: _Wanted, level: str | None, first: int, last: int
) -> AsyncGenerator[_Found, None]:
    """Runs that began from ``first`` to ``last`` (Unix ms), which are more than fit, by the next smaller parts of time."""
    part = _BELOW[level]
    for begin, tag in _parts(part, first, last):
        fit = FIT_IN_AN_HOUR if part == run_tags.HOUR else FIT
        found, has_all = await _search(client, wanted, {**wanted.tags, part: tag}, max(fit, wanted.at_once))
        if has_all or part == run_tags.MINUTE:
            if not has_all:
                found, _ = await _search(client, wanted, {**wanted.tags, part: tag}, None)
            for item in _newest_first(found):
                if wanted.has(item):
                    yield item
        else:
            end = begin + _PARTS[part] - 1
            async for item in _in_parts(client, wanted, part, max(begin, first), min(end, last)):
                yield item


def _parts(level: str, first: int, last: int) -> Iterator[tuple[int, str]]:
    """The days, hours or minutes from ``first`` to ``last``, the latest first: when each begins, and its tag."""
    length = _PARTS[level]
    for begin in range(last // length * length, first // length * length - 1, -length):
        yield begin, run_tags.bucket(level, moment(begin))


async def _of_schedule(client: EngineClient, wanted: _Wanted, prefix: str) -> AsyncGenerator[_Found, None]:
    """What the engine started at the times of one schedule. Its ids, ``<prefix><Unix ms>``, are in the order of these."""
    schedule = client.namespace.local_id(prefix).partition("/")[2].removesuffix("-")
    tags = {**wanted.tags, run_tags.SCHEDULE: schedule}
    end, window = wanted.before.at, _FIRST_WINDOW
    while end > wanted.since:
        begin = max(end - window, wanted.since)
        # Both have as many digits since 2001; the engine answers with what comes behind the cursor.
        found, has_all = await _search(client, wanted, tags, _MOST_AT_ONCE, f"{prefix}{begin - 1:013d}")
        if not has_all and window > _MINUTE:
            window = max(window // 8, _MINUTE)
            continue
        for item in _newest_first(found):
            if item[0].at <= end and wanted.has(item):
                yield item
        end, window = begin - 1, window * 4


async def _schedules(client: EngineClient) -> list[str]:
    """What the ids of the runs begin with that the engine starts by the clock, one for each schedule of this service."""
    ours = client.namespace.engine_id(f"{run_tags.SCHEDULED}/")
    prefixes: set[str] = set()
    cursor: str | None = None
    while True:
        page = await _asked(client.resonate.schedules.search(None, _MOST_AT_ONCE, cursor))
        ids = [record.promise_id.partition("{{")[0] for record in page.schedules]
        prefixes |= {promise for promise in ids if promise.startswith(ours)}
        cursor = page.cursor
        if cursor is None:
            return sorted(prefixes)


async def _asked[T](search: Awaitable[T]) -> T:
    """What the engine answers to a search.

    Raises:
        OperatorError: it answers nobody, or not with this token.
    """
    try:
        return await answer(search, PAGE_TIMEOUT)
    except EngineRefused as error:
        if error.code != HTTPStatus.FORBIDDEN:
            raise
        raise OperatorError(
            "the engine lists nothing for RESONATE_TOKEN: searches are refused to a token with the claim `prefix`",
            "Use a token with the claim `role: admin` for this; one run can be shown by its id without it.",
        ) from None
    except ServerError as error:
        raise OperatorError(f"the engine does not list what it keeps: {error}", "Name a run by its id.") from None


async def _search(
    client: EngineClient, wanted: _Wanted, tags: dict[str, str], most: int | None, after: str | None = None
) -> tuple[list[_Found], bool]:
    """Runs with these tags, by id from ``after`` on, and whether that are all; without ``most``: all of them.

    Their values are still encoded: most of what is found is not on the page.
    """
    found: list[_Found] = []
    has_all = True
    for state in wanted.states:
        cursor = after
        while True:
            at_once = min(most or _MOST_AT_ONCE, _MOST_AT_ONCE)
            page = await _asked(client.resonate.promises.sender.promise_search(state, tags, at_once, cursor))
            found += [(position, record) for record in page.promises if (position := _position(record))]
            cursor = page.cursor
            if cursor is None:
                break
            if most is not None:
                has_all = False
                break
    return found, has_all


def _decoded(client: EngineClient, found: _Found) -> _Found:
    position, record = found
    return position, client.resonate.promises.codec.decode_promise(record)


def _position(record: PromiseRecord) -> Position | None:
    """Where a run stands in the list; None for what is none, such as a call of a run."""
    at = record.tags.get(run_tags.AT) or record.id.rpartition("-")[2]
    return Position(int(at), record.id) if at.isdecimal() and ":" not in record.id else None
