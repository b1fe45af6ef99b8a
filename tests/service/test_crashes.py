"""`testing.crashes`: the harness catches what does not survive a crash, and takes fair samples."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database, synchronous_url
from shop.runtime.durable import clock
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.ids import operation_id
from shop.runtime.durable.once import once
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.http.work import Status
from shop.runtime.service import Service
from shop.runtime.testing import lives
from shop.runtime.testing.crashes import Crashes, Sample
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.lives import Kill
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession


class Note(BaseModel):
    text: str = "-"


type Function = Callable[[Context, Note], Awaitable[Note]]

planted = Rpc(name="planted", group="workers", request=Note, result=Note, timeout=timedelta(days=365))
note = Rpc(name="db.note", group="db", request=Note, result=Note)


async def honest(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=await ctx.run(_stamp)))


async def _stamp(ctx: Context) -> str:
    return f"{clock.now(ctx).isoformat()} {clock.new_uuid(ctx)} {clock.new_uuid(ctx)}"


RUNS = itertools.count()


async def counts_its_runs(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=f"run {next(RUNS)}"))


async def answers_by_its_runs(ctx: Context, request: Note) -> Note:
    await note(ctx, request)
    return Note(text=f"run {next(RUNS)}")


async def reads_the_date(ctx: Context, request: Note) -> Note:
    """It shows in no run that is over by midnight."""
    return await note(ctx, Note(text=today()))


def today() -> str:
    return date.today().isoformat()


async def draws(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text="seldom" if random.random() < 0.0001 else "nearly always"))


async def reads_the_clock(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=datetime.now(UTC).isoformat()))


async def makes_an_id(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=uuid4().hex))


async def answers_by_the_clock(ctx: Context, request: Note) -> Note:
    await note(ctx, request)
    return Note(text=datetime.now(UTC).isoformat())


async def reads_what_is_pinned(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=clock.now(ctx).isoformat()))


async def waits_at_a_gate(ctx: Context, request: Note) -> Note:
    """Without an answer, nothing that comes after the gate would ever be crashed."""
    await Gate("gate", Note).wait(ctx, timedelta(hours=1))
    return await note(ctx, Note(text=uuid4().hex))


async def write_once(ctx: Context, request: Note) -> Note:
    async def effect(session: AsyncSession) -> Note:
        await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": request.text})
        return request

    return await once(ctx.get_dependency(Database), operation_id("note", "1"), request, Note, effect)


async def write_by_a_new_name(ctx: Context, request: Note) -> Note:
    async def effect(session: AsyncSession) -> Note:
        await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": request.text})
        return request

    operation = operation_id("note", str(clock.new_uuid(ctx)))
    return await once(ctx.get_dependency(Database), operation, request, Note, effect)


async def write_of_another_time(ctx: Context, request: Note) -> Note:
    return await write_once(ctx, Note(text=clock.now(ctx).isoformat()))


async def write_plainly(ctx: Context, request: Note) -> Note:
    async with ctx.get_dependency(Database).write() as session:
        await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": request.text})
    return request


class NotesDatabases(Databases):
    """Databases that have a table of notes besides."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def create(self) -> str:
        url = self._databases.create()
        self._add_notes(url)
        return url

    def create_empty(self) -> str:
        return self._databases.create_empty()

    def reset(self, url: str) -> None:
        self._databases.reset(url)
        self._add_notes(url)

    def drop(self, url: str) -> None:
        self._databases.drop(url)

    @staticmethod
    def _add_notes(url: str) -> None:
        engine = create_engine(synchronous_url(url))
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS notes"))
            connection.execute(text("CREATE TABLE notes (text TEXT)"))
        engine.dispose()


@pytest.fixture
def harness(crashes: Crashes) -> Crashes:
    """The harness, with a table of notes in its databases."""
    return Crashes(crashes.service, NotesDatabases(crashes.databases), crashes.sample, "planted")


def crash(harness: Crashes, workflow: Function, write: Function) -> None:
    harness(planted, Note(), served=[serve(planted)(workflow), serve(note)(write)])


def test_code_that_survives_passes(harness: Crashes) -> None:
    crash(harness, honest, write_once)


@pytest.mark.parametrize(
    ("workflow", "write", "caught"),
    [
        (counts_its_runs, write_once, "crash/test-1:1 was"),
        (answers_by_its_runs, write_once, "it ended as"),
        (reads_the_clock, write_once, r"planted calls datetime.now in the workflow itself \(test_crashes.py:"),
        (reads_the_date, write_once, "planted calls date.today in the workflow itself"),
        (makes_an_id, write_once, "planted calls uuid4 in the workflow itself"),
        (draws, write_once, "planted calls Random.random in the workflow itself"),
        (answers_by_the_clock, write_once, "planted calls datetime.now in the workflow itself"),
        (reads_what_is_pinned, write_once, "planted reads the time in the workflow itself"),
        (waits_at_a_gate, write_once, "planted waits for an answer to gate/crash/test-1\n"),
        (honest, write_plainly, "table notes has"),
        (honest, write_by_a_new_name, "rows in table notes: 2"),
        (honest, write_of_another_time, "it ended as failed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_code_that_does_not_survive_is_caught(
    harness: Crashes, workflow: Function, write: Function, caught: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match=caught):
        crash(harness, workflow, write)


def test_a_gate_is_answered_or_expires(crashes: Crashes) -> None:
    gate = Gate("gate", Note)

    @serve(planted)
    async def ask(ctx: Context, request: Note) -> Note:
        return await gate.wait(ctx, timedelta(hours=1)) or Note(text="nobody answered")

    few = Crashes(crashes.service, crashes.databases, Sample(3, 1), "planted")
    answered = few(planted, Note(), answers={gate: Note(text="yes")}, served=[ask])
    assert (answered.status, answered.result) == (Status.SUCCEEDED, {"text": "yes"})
    assert few(planted, Note(), answers={}, served=[ask]).result == {"text": "nobody answered"}


def test_a_gate_that_is_waited_at_again(crashes: Crashes) -> None:
    """At each of its waits a run may die, also between an answer and the next question."""
    gate = Gate("gate", Note)

    @serve(planted)
    async def ask(ctx: Context, request: Note) -> Note:
        answers = [await gate.wait(ctx, timedelta(hours=1)) for _ in range(3)]
        return Note(text=" ".join(answer.text if answer else "-" for answer in answers))

    every = Crashes(crashes.service, crashes.databases, Sample(None, 1), "planted")
    assert every(planted, Note(), answers={gate: Note(text="yes")}, served=[ask]).result == {"text": "yes yes yes"}
    assert every(planted, Note(), answers={}, served=[ask]).result == {"text": "- - -"}


def test_days_pass_at_once(crashes: Crashes) -> None:
    @serve(planted)
    async def sleep(ctx: Context, request: Note) -> Note:
        await ctx.sleep(timedelta(days=30))
        return request

    few = Crashes(crashes.service, crashes.databases, Sample(3, 1), "planted")
    assert few(planted, Note(text="a"), served=[sleep]).result == {"text": "a"}


def test_every_life_is_another_process(crashes: Crashes) -> None:
    """A run that is killed at its third exchange, after that was applied, goes on in a second life."""
    ran = crashes.run(
        planted, Note(), [Kill(3, applied=True), None], served=[serve(planted)(honest), serve(note)(echo)]
    )
    assert ran.outcome.status is Status.SUCCEEDED
    assert len(ran.exchanges) == 3
    made = [call.id for call in ran.calls]
    assert made.count("crash/test-1:1") >= 2  # The second life begins at the top.


async def echo(ctx: Context, request: Note) -> Note:
    return request


def test_dependencies_are_given(crashes: Crashes) -> None:
    class Printer:
        text = "printed"

    @serve(planted)
    async def look(ctx: Context, request: Note) -> Note:
        return Note(text=ctx.get_dependency(Printer).text)

    few = Crashes(crashes.service, crashes.databases, Sample(2, 1), "planted")
    assert few(planted, Note(), served=[look], dependencies=[Printer()]).result == {"text": "printed"}


def test_a_failure_names_the_seed_that_repeats_it(harness: Crashes) -> None:
    seeded = Crashes(harness.service, harness.databases, Sample(None, 4711), "planted")
    with pytest.raises(
        pytest.fail.Exception, match=r"planted, killed (before|after) exchange \d+, .*--crash-seed 4711"
    ):
        crash(seeded, honest, write_plainly)


async def hangs(ctx: Context, request: Note) -> Note:
    return await ctx.run(_hang)


async def _hang(ctx: Context) -> Note:
    await asyncio.sleep(3600)
    return Note()


def test_a_process_that_hangs_is_named_with_its_open_calls(harness: Crashes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "LIFE_TIMEOUT", 0.5)
    with pytest.raises(pytest.fail.Exception) as failed:
        harness(planted, Note(), served=[serve(planted)(hangs)])
    first, _, rest = str(failed.value).partition("\n")
    assert first == "planted: its process did not come to rest within 0.5 s"
    assert "crash/test-1: planted, of group workers" in rest


def test_databases_are_dropped(definition: Service, crashes: Crashes) -> None:
    made, dropped = list[str](), list[str]()

    class Noting(NotesDatabases):
        def create(self) -> str:
            made.append(super().create())
            return made[-1]

        def drop(self, url: str) -> None:
            dropped.append(url)
            super().drop(url)

    crash(Crashes(definition, Noting(crashes.databases), Sample(1, 1), "planted"), honest, write_once)
    assert len(made) == 1 and dropped == made


# Samples


def points(exchanges: int) -> list[Kill]:
    return [Kill(number, applied) for number in range(1, exchanges + 1) for applied in (False, True)]


@pytest.mark.parametrize("most", [None, 20, 21, 1000])
def test_a_short_run_is_crashed_at_every_point(most: int | None) -> None:
    assert Sample(most, 1).of(points(10)) == points(10)


@given(st.integers(1, 60), st.integers(1, 200), st.integers())
def test_a_sample_is_spread_evenly(most: int, exchanges: int, seed: int) -> None:
    all_of_them = points(exchanges)
    chosen = Sample(most, seed).of(all_of_them)
    assert len(chosen) == min(most, len(all_of_them))
    positions = [all_of_them.index(kill) for kill in chosen]
    assert positions == sorted(set(positions))
    if len(chosen) == most:  # One of each of equal parts of the run.
        parts = [position * most // len(all_of_them) for position in positions]
        assert all(abs(part - number) <= 1 for number, part in enumerate(parts))


def test_a_seed_repeats_a_sample() -> None:
    sample = Sample(10, 4711).of(points(200))
    assert Sample(10, 4711).of(points(200)) == sample
    assert any(Sample(10, seed).of(points(200)) != sample for seed in range(5))


def test_in_time_every_point_is_taken() -> None:
    taken = {kill for seed in range(300) for kill in Sample(10, seed).of(points(50))}
    assert taken == set(points(50))


@pytest.mark.parametrize(("option", "most"), [("all", None), ("7", 7)])
def test_the_option_says_how_many(
    option: str, most: int | None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request.config.option, "crashes", option)
    monkeypatch.setattr(request.config.option, "crash_seed", 11)
    crashes: Crashes = request.getfixturevalue("crashes")
    assert crashes.sample == Sample(most, 11)
