"""`telemetry.logs`: one event is one line, with fields, and holds no secret."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.database import Database
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.errors import Failure
from shop.runtime.http.signatures import new_secret
from shop.runtime.telemetry import logs
from shop.runtime.testing.running import StartService, problem
from sqlalchemy import text

from . import notes as note_routes
from .hooks import add_secret
from .outcomes import Number
from .telemetry import Log, all_of

FORGED = 'first\n{"level": "INFO"}\r\x1b[2J\u2028last'


def test_one_event_is_one_line_whatever_it_holds(log: Log) -> None:
    try:
        raise RuntimeError(FORGED)
    except RuntimeError:
        logging.getLogger("tests").exception("caught %s", FORGED, extra={"field": FORGED, "spaced": "a b=c"})
    (line,) = log.lines()
    assert (line["message"], line["field"], line["logger"]) == (f"caught {FORGED}", FORGED, "tests")
    assert "RuntimeError" in line["exc_info"] and line["level"] == "ERROR" and line["time"].endswith("+00:00")
    first, *traceback = log.text.removesuffix("\n").split("\n")
    assert first.endswith(r'spaced="a b=c"') and r"caught first\x0a{" in first
    # The lines of an exception stay below its own line.
    assert len(traceback) > 3 and all(below.startswith("    ") for below in traceback)
    assert not any(sign in log.text for sign in "\r\x1b\u2028")


def test_what_did_not_fit_is_not_shown(log: Log) -> None:
    """pydantic's errors quote it, and it may be of a request."""
    request = {"value": "-".join(["not", "for", "logs, input_type=\n"])}
    try:
        Number.model_validate(request)
    except ValueError:
        logging.getLogger("tests").exception("caught")
    (line,) = log.lines()
    assert "Input should be a valid integer" in line["exc_info"] and "Input should be a valid integer" in log.text
    assert "not-for-logs" not in line["exc_info"] + log.text


def test_the_context_is_in_every_line_inside(log: Log) -> None:
    logger = logging.getLogger("tests")
    assert not logs.add_to_log_context(job="nobody's")
    with logs.log_context(a=1):
        assert logs.add_to_log_context(job="first")
        assert not logs.add_to_log_context(job="second")  # Fields that are there stay.
        assert logs.add_to_log_context(job="third", step=1)
        with logs.log_context(b=2):
            logger.info("inner", extra={"a": "its own"})
        logger.info("outer")
    logger.info("outside")
    inner, outer, outside = log.lines()
    assert (inner["a"], inner["b"], inner["job"], inner["step"]) == ("its own", 2, "first", 1)
    assert (outer["a"], outer["job"], "b" in outer) == (1, "first", False)
    assert not {"a", "b", "job"} & outside.keys()


def test_a_field_that_the_message_names_is_not_repeated(log: Log) -> None:
    named = {"function": "charge", "outcome": "succeeded"}
    logging.getLogger("tests").info("%(function)s %(outcome)s", named, extra={**named, "duration_ms": 1.5})
    assert log.text.endswith("tests: charge succeeded duration_ms=1.5\n")
    (line,) = log.lines()
    assert line.items() >= {**named, "duration_ms": 1.5}.items()


@pytest.fixture
def levels() -> Iterator[None]:
    """Bring the libraries' levels back."""
    names = {*logs.VERBOSE_LIBRARIES, *logs.LIBRARIES_THAT_LOG_VALUES}
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize(
    ("level", "verbose", "values"),
    [("DEBUG", logging.NOTSET, logging.INFO), ("INFO", logging.WARNING, logging.NOTSET), ("ERROR", 40, logging.NOTSET)],
)
def test_libraries_log_little(level: str, verbose: int, values: int) -> None:
    for name in (*logs.VERBOSE_LIBRARIES, *logs.LIBRARIES_THAT_LOG_VALUES):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logs.set_library_levels(level)
    assert {logging.getLogger(name).level for name in logs.VERBOSE_LIBRARIES} == {verbose}
    assert {logging.getLogger(name).level for name in logs.LIBRARIES_THAT_LOG_VALUES} == {values}


# Secrets

MARK = "leaked4711"


class Spill(BaseModel):
    value: str


spill = Rpc(name="spill", group="tests", request=Spill, result=Spill)
refuse = Rpc(name="refuse", group="tests", request=Spill, result=Spill)


@serve(spill)
async def spill_value(ctx: Context, request: Spill) -> Spill:
    """Fails in the database, with a value of the request in the statement."""
    async with ctx.get_dependency(Database).read() as session:
        await session.execute(text("SELECT * FROM nowhere WHERE value = :value"), {"value": request.value})
    return request


@serve(refuse)
async def refuse_value(_: Context, __: Spill) -> Spill:
    """Fails in words for the client, which are logged."""
    raise Failure("it does not exist")


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged but by the tests' own HTTP client."""
    # The last of them is the handler's level as well.
    caplog.set_level(logging.WARNING, "httpx")
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "shop")
    caplog.handler.addFilter(logs.add_context)
    yield caplog
    caplog.handler.removeFilter(logs.add_context)


async def test_logs_hold_ids_and_no_secrets(start_service: StartService, records: pytest.LogCaptureFixture) -> None:
    secret, key = new_secret(), f"api-key-{MARK}"
    served = [*note_routes.SERVED, spill_value, refuse_value]
    async with start_service(served, api_keys=f"alice:{key}", sync_wait=10) as service:
        note_routes.include(service.app)
        add_secret(service.app, "notes", secret)
        http, alice = service.http, {"Authorization": f"Bearer {key}"}
        responses = [
            await http.post("/notes", json={"text": MARK}, headers=alice),
            await http.post("/notes", json={"text": MARK}, headers={"Authorization": f"Bearer {MARK}"}),
            await service.send_signed("/webhooks/notes", {"text": MARK}, secret=secret),
            await service.send_signed("/webhooks/notes", {"text": MARK}, secret=new_secret()),
            await http.get(f"/notes/{MARK}?token={MARK}", headers=alice),
            await http.get(f"/nowhere/{MARK}?token={MARK}", headers={"X-Token": MARK}),
        ]
        assert [response.status_code for response in responses] == [202, 401, 200, 401, 200, 404]
        bodies: list[dict[str, Any]] = [{"text": MARK, MARK: 1}, {"text": [MARK]}, {"number": MARK}]
        for body in bodies:
            assert problem(await http.post("/notes", json=body, headers=alice)) == (422, "invalid-request")
        await spill.start(service.client, "spill/1", Spill(value=MARK))
        await refuse.start(service.client, "refuse/1", Spill(value=MARK))

        async def all_are_logged() -> bool:
            logged = all_of(records.records)
            return (
                "nowhere" in logged
                and "refuse refused: work-failed: it does not exist" in logged
                and responses[0].json()["id"] in logged
            )

        await service.poll_until(all_are_logged, "everything is logged")
    assert MARK not in all_of(records.records)


async def test_logs_hold_no_password_of_the_database(
    start_service: StartService, records: pytest.LogCaptureFixture
) -> None:
    async with Database(f"postgresql://user:{MARK}@127.0.0.1:9/none") as database:

        @serve(spill)
        async def connect(ctx: Context, request: Spill) -> Spill:
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
            return request

        async with start_service([connect], shutdown_grace=0.1) as service:
            await spill.start(service.client, "spill/1", Spill(value=MARK))

            async def is_logged() -> bool:
                return "the database is away" in all_of(records.records)

            await service.poll_until(is_logged, "the outage is logged")
    assert MARK not in all_of(records.records)
