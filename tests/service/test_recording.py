"""`testing.recording`: the calls of a workflow where it makes them, and the histories that are written of them."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel
from resonate.context import Context
from shop.__main__ import main
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.errors import CannotRecord
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing import recording
from shop.runtime.testing.history import Call, History
from shop.runtime.testing.recording import find_workflow, record, record_calls, record_to_file
from shop.runtime.testing.replay import replay
from shop.runtime.testing.running import StartService
from shop.settings import Settings

from .planting import planted_service


class Item(BaseModel):
    name: str


store = Rpc(name="tests.store", group="tests", request=Item, result=Item)
work = Rpc(name="work", group="tests", request=Item, result=Item)


@serve(store)
async def store_item(ctx: Context, item: Item) -> Item:
    return item


async def test_every_kind_of_call_is_recorded(start_service: StartService) -> None:
    class NotJson:
        pass

    async def step(ctx: Context, value: object, *, loud: bool) -> int:
        return 1

    stored = serve(replace(store, version=3))(store_item.function)

    @serve(work)
    async def make_all(ctx: Context, item: Item) -> Item:
        await ctx.run(step, NotJson(), loud=True)
        await ctx.options(version=1, target="nowhere").run(store.name, {"name": "x"})
        await ctx.options(target="tests").rpc(store.name, {"name": "y"})
        await ctx.rpc(stored.run, {"name": "o"})
        await ctx.sleep(timedelta(seconds=0))
        await ctx.options(target="tests", version=1).detached(store.name, {"name": "z"})
        return item

    original = Context.run
    async with start_service([store_item, stored, make_all], namespace="") as service:
        with record_calls() as outer:
            with record_calls() as inner, pytest.raises(RuntimeError), record_calls():
                raise RuntimeError
            await service.run(work, "work/1", Item(name="a"))
        assert Context.run is original
        await service.run(work, "work/2", Item(name="a"))
    assert inner == []
    made: dict[str, Call] = {}
    for call in outer:
        assert made.setdefault(call.id, call) == call, "a replay makes the same calls"
    assert all(call.parent == "work/1" for call in made.values())
    assert [id.removeprefix("work/1:")[:1] for id in made] == ["1", "2", "3", "4", "5", "d"]
    name = "test_every_kind_of_call_is_recorded.<locals>."
    assert [(call.kind, call.name, call.version, call.target, call.args) for call in made.values()] == [
        ("step", f"{name}step", 1, None, [f"<{name}NotJson>", {"loud": True}]),
        ("step", "tests.store", 1, None, [{"name": "x"}]),
        ("rpc", "tests.store", 1, "tests", [{"name": "y"}]),
        ("rpc", "tests.store", 3, None, [{"name": "o"}]),
        ("sleep", "", 1, None, []),
        ("detached", "tests.store", 1, "tests", [{"name": "z"}]),
    ]


async def test_a_workflow_that_calls_otherwise_each_time_has_no_history(start_service: StartService) -> None:
    numbers = count()

    @serve(work)
    async def change(ctx: Context, item: Item) -> Item:
        return await store(ctx, Item(name=f"{item.name}-{next(numbers)}"))

    async with start_service([store_item, change], namespace="") as service:
        with pytest.raises(CannotRecord) as caught:
            await record(service.client, {}, work, "work/1", Item(name="x"))
    assert str(caught.value).splitlines() == [
        'when it ran again, call 1 is `rpc tests.store`, but args[0].name was "x-0", is now "x-1"',
        "A workflow makes the same calls whenever it runs: leave clocks, random values and the like to steps",
    ]


async def test_a_run_that_nobody_ends_has_no_history(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    @serve(work)
    async def wait(ctx: Context, item: Item) -> Item:
        await ctx.promise()
        raise AssertionError

    monkeypatch.setattr(recording, "RUN_TIMEOUT", 0.2)
    async with start_service([wait], namespace="") as service:
        with pytest.raises(CannotRecord, match="it waits for `promise`"):
            await record(service.client, {}, work, "work/1", Item(name="x"))


async def test_a_call_that_nothing_serves_has_no_history(start_service: StartService) -> None:
    @serve(work)
    async def call_elsewhere(ctx: Context, item: Item) -> Item:
        return await store(ctx, item)

    async with start_service([call_elsewhere], namespace="", shutdown_grace=0) as service:
        with pytest.raises(CannotRecord, match=r"nothing here serves `rpc tests\.store version 1 of tests`"):
            await record(service.client, {}, work, "work/1", Item(name="x"))


async def test_a_history_is_recorded_without_a_namespace(start_service: StartService) -> None:
    async with start_service([store_item]) as service:
        with pytest.raises(TypeError, match="in the empty namespace"):
            await record(service.client, {}, store, "work/1", Item(name="x"))


ask = Gate("ask", Item)


@serve(work)
async def ask_twice(ctx: Context, item: Item) -> Item:
    names = [item.name]
    for _ in (1, 2):
        answer = await ask.wait(ctx, timedelta(hours=1))
        names.append(answer.name if answer else "-")
    await ctx.sleep(timedelta(days=30))
    return Item(name=" ".join(names))


async def test_answers_of_a_gate_are_given_in_turn(start_service: StartService) -> None:
    async with start_service([ask_twice], namespace="") as service:
        given = [("ask", '{"name": "one"}'), ("ask/work/1", '{"name": "two"}')]
        history = await record(service.client, {"ask": ask}, work, "work/1", Item(name="a"), given)
    assert history.outcome.value == {"name": "a one two"}
    assert [call.kind for call in history.calls] == ["rpc", "step", "step", "rpc", "step", "step", "sleep"]


async def test_the_path_where_nobody_answers_is_recorded(start_service: StartService) -> None:
    async with start_service([ask_twice], namespace="") as service:
        given = [("ask", "nobody"), ("ask", '{"name": "two"}')]
        history = await record(service.client, {"ask": ask}, work, "work/1", Item(name="a"), given)
    assert history.outcome.value == {"name": "a - two"}
    states = [call.outcome.state for call in history.calls]
    assert states == ["rejected_timedout", "resolved", "resolved", *["resolved"] * 4]
    await replay(history, [ask_twice])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            [("ask", '{"name": "one"}')],
            "it waits at gate ask/work/1 for an answer\nGive one: --answer ask='{\"name\": …}', or ask=nobody",
        ),
        ([("ask", '{"name": "n"}')] * 3, "it ended, and never waited for an answer to ask\nLeave that --answer out"),
        ([("no-such", "{}")], "there is no gate 'no-such'\nGates: ask"),
        ([("ask", '{"name": 1}')], "the answer to gate ask does not fit: name: Input should be a valid string"),
    ],
)
async def test_what_is_wrong_with_answers_is_said(
    start_service: StartService, answers: list[tuple[str, str]], message: str
) -> None:
    async with start_service([ask_twice], namespace="", shutdown_grace=0) as service:
        with pytest.raises(CannotRecord) as caught:
            await record(service.client, {"ask": ask}, work, "work/1", Item(name="a"), answers)
    assert str(caught.value).startswith(message)


def test_a_workflow_is_found_by_name_and_version() -> None:
    newer = replace(work, version=2)
    served = [ask_twice, serve(newer)(ask_twice.function), store_item]
    assert find_workflow("work", served, "tests") == newer
    assert find_workflow("work@1", served, "tests") == work
    with pytest.raises(CannotRecord, match=r"'work@3'\nWorkflows: work@1, work@2, tests\.store@1"):
        find_workflow("work@3", served, "tests")
    with pytest.raises(CannotRecord, match="there is no workflow 'work'\nWorkflows: none yet"):
        find_workflow("work", served, "workers")


# Settings of its own


@pytest.fixture
def quiet() -> Iterator[None]:
    """Bring back the level that the command sets."""
    before = logging.getLogger("resonate").level
    yield
    logging.getLogger("resonate").setLevel(before)


class Mailing(ServiceSettings):
    """Settings of an owner."""

    namespace: str = "planted"
    mail_host: str = "nowhere"
    mail_ports: tuple[int, ...] = ()
    mail_sender: str


MAILING = """
from pydantic import BaseModel
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.settings import ServiceSettings
from shop.runtime.telemetry.tracing import is_enabled
from tests.service.test_recording import Mailing


class Mail(BaseModel):
    text: str


class Sent(BaseModel):
    by: list[object]


mail = Rpc("mail", "workers", Mail, Sent)


@serve(mail)
async def send_mail(ctx, request):
    async def send(ctx):
        settings = ctx.get_dependency(Mailing)
        return [settings.mail_host, settings.mail_ports, settings.mail_sender, settings.api_keys == {}, is_enabled()]

    return Sent(by=await ctx.run(send))


SERVED = [send_mail]
SCHEDULES = []
"""


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (["MAIL_SENDER=me"], ["nowhere", [], "me", True, False]),
        (["mail_sender=me", "MAIL_HOST=here", "MAIL_PORTS=[25, 26]"], ["here", [25, 26], "me", True, False]),
        (
            [],
            "settings for the run: MAIL_SENDER: Field required\nNeither the environment nor .env is read. Give it for ",
        ),
        (["MAIL_SENDER=me", "MAIL_HOSTS=x"], "--set MAIL_HOSTS is no setting\nGive NAME=VALUE, as .env.example has "),
        (["MAIL_SENDER"], "--set MAIL_SENDER is no setting\nGive NAME=VALUE, "),
    ],
)
def test_a_run_that_is_recorded_has_settings_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], outcome: object
) -> None:
    """What the directory and the environment set is for real runs: they send real mail."""
    monkeypatch.setattr("shop.runtime.database.migrate", lambda url, migrations: None)
    monkeypatch.setenv("MAIL_HOST", "mail.example.com")
    monkeypatch.setenv("API_KEYS", "alice:secret1")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    (tmp_path / ".env").write_text("MAIL_HOST=mail.example.com\nMAIL_SENDER=boss\nMAIL_PORTS=[1]\n")
    mailing = MAILING.replace("tests.service.test_recording", __name__)
    output = tmp_path / "history.json"
    with planted_service(tmp_path, {"workflows/worker.py": mailing}) as planted:
        service = replace(planted, settings=Mailing)
        if isinstance(outcome, list):
            record_to_file(service, "mail", '{"text": "hi"}', [], None, output, given=given, force=False)
            assert History.model_validate_json(output.read_text()).outcome.value == {"by": outcome}
        else:
            with pytest.raises(CannotRecord) as refused:
                record_to_file(service, "mail", '{"text": "hi"}', [], None, output, given=given, force=False)
            assert str(refused.value).startswith(str(outcome))


# The command


def run_record(directory: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """Run it in a directory, with a database that must be left alone."""
    monkeypatch.chdir(directory)
    unset = dict.fromkeys(name.upper() for name in Settings.model_fields)
    done = CliRunner().invoke(main, ["record", *arguments], env={**unset, "DATABASE_URL": "nowhere://"})
    assert "Traceback" not in done.output, done.output
    return done


@pytest.mark.usefixtures("quiet")
def test_record_knows_its_workflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_record(tmp_path, monkeypatch, "no-such", "{}")
    assert (done.exit_code, done.output.splitlines()[0]) == (1, "Error: there is no workflow 'no-such'")
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("run_id", ["x", "job/", "/x", "job/a:b"])
def test_record_knows_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_id: str) -> None:
    done = run_record(tmp_path, monkeypatch, "no-such", "{}", "--id", run_id)
    assert (done.exit_code, done.output.splitlines()[0]) == (1, f"Error: --id {run_id} is not KIND/NAME")
