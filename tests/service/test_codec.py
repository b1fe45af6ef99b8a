"""`engine.codec`: values that can be kept, failures as JSON, and pickles that nobody opens."""

import base64
import dataclasses
import enum
import json
import math
import pickle
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from resonate.codec import decode_settled
from resonate.context import Context
from resonate.types import PromiseRecord, Value
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.client import error_of
from shop.runtime.engine.codec import MAX_MESSAGE, MAX_VALUE, ServiceCodec, encoded, failure_as_json, failure_from_json
from shop.runtime.errors import Failure, InvalidRequest, OperationConflict, StepFailed, ValueNotKept
from shop.runtime.testing.running import StartService

from .pickles import Bomb, plant


class Note(BaseModel):
    text: str = ""
    ratio: float = 0


class Price(BaseModel):
    notes: list[Note] = []


@dataclasses.dataclass
class Plain:
    inner: Any


class Colour(enum.Enum):
    RED = "red"


class CardDeclined(Failure):
    """A failure with attributes."""

    status = 402
    reason: str
    amount: Decimal
    at: datetime

    def __init__(self, reason: str, amount: Decimal, at: datetime) -> None:
        super().__init__(f"declined: {reason}")
        self.reason = reason
        self.amount = amount
        self.at = at


class Unkeepable(Failure):
    """A failure with an attribute that no JSON can hold."""

    what: object

    def __init__(self) -> None:
        super().__init__("it has a function")
        self.what = print


DECLINED = CardDeclined("expired", Decimal("12.50"), datetime(2026, 1, 2, tzinfo=UTC))


def generator() -> Iterator[int]:
    yield 1


# Values


@pytest.mark.parametrize(
    "value",
    [
        None,
        [None, 1.5, True],
        {"a": [1, "ü", "null"]},
        Note(text="null"),
        Plain(Note()),
        {UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC)},
        (Decimal("1.10"), Colour.RED, b"bytes", timedelta(1)),
        10**30,
    ],
)
def test_values_that_are_kept(value: Any) -> None:
    assert json.loads(encoded(value, "it")) == json.loads(encoded(json.loads(encoded(value, "it")), "it"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("hi \ud83d", "it has half a surrogate pair, which no UTF-8 can hold"),
        ({"a": [1, "\ud83d"]}, "at a[1]: it has half a surrogate pair, which no UTF-8 can hold"),
        ({"a\udc00": 1}, "it has half a surrogate pair, which no UTF-8 can hold"),
        (math.nan, "nan has no JSON form"),
        ({"x": [{"y": math.inf}]}, "at x[0].y: inf has no JSON form"),
        (Price(notes=[Note(), Note(ratio=-math.inf)]), "at notes[1].ratio: -inf has no JSON form"),
        (Price(notes=[Note(text="\ud83d")]), "at notes[0].text: it has half a surrogate pair, which no UTF-8 can hold"),
        (Plain({"a": math.nan}), "at inner.a: nan has no JSON form"),
        (generator(), "a value of class generator has no JSON form"),
        ({"rows": [generator()]}, "at rows[0]: a value of class generator has no JSON form"),
        (Plain(print), "at inner: a value of class builtin_function_or_method has no JSON form"),
        ([{"a": Plain(object())}], "at [0].a.inner: a value of class object has no JSON form"),
    ],
)
def test_values_that_are_not(value: Any, reason: str) -> None:
    with pytest.raises(ValueNotKept) as caught:
        encoded(value, "the result of f")
    assert str(caught.value) == f"the result of f cannot be kept: {reason}"


def test_a_value_of_itself() -> None:
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(ValueNotKept, match=r"the result of f cannot be kept: at .*: it is nested too deeply"):
        encoded(deep, "the result of f")


def test_the_limit_of_a_value() -> None:
    assert len(encoded("x" * (MAX_VALUE - 2), "it")) == MAX_VALUE
    with pytest.raises(ValueNotKept) as caught:
        encoded("x" * (MAX_VALUE - 1), "the result of f")
    assert str(caught.value) == (
        "the result of f cannot be kept: it has 1,048,577 bytes as JSON, and at most 1,048,576 may be"
    )


# Failures


@pytest.mark.parametrize(
    "error",
    [
        Failure("a"),
        Failure("b", code="own", status=409),
        DECLINED,
        OperationConflict("c"),
        StepFailed("step", "ValueError", "d"),
        ValueNotKept("e"),
        InvalidRequest("pay", [{"at": "amount", "detail": "Field required"}]),
    ],
)
def test_a_failure_arrives_as_it_was(error: Failure) -> None:
    arrived = failure_from_json(json.loads(json.dumps(failure_as_json(error))))
    assert type(arrived) is type(error)
    assert (str(arrived), arrived.code, arrived.status) == (str(error), error.code, error.status)
    assert vars(arrived) == vars(error)


def test_codes_follow_from_names() -> None:
    assert (CardDeclined.code, OperationConflict.code, Failure.code) == (
        "card-declined",
        "operation-conflict",
        "work-failed",
    )


def test_a_code_is_one_class() -> None:
    with pytest.raises(TypeError, match=r"code 'card-declined' of .*Other is that of CardDeclined already"):

        class Other(Failure):
            code = "card-declined"


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "no attributes"), ({"reason": "r", "amount": "many", "at": "2026-01-01T00:00:00Z"}, "of other types")],
)
def test_attributes_that_do_not_fit_make_it_a_plain_failure(fields: dict[str, Any], said: str) -> None:
    """Such as those of another version of its class."""
    arrived = failure_from_json({"message": said, "code": "card-declined", "status": 402, "fields": fields})
    assert (type(arrived), str(arrived), arrived.code, arrived.status) == (Failure, said, "card-declined", 402)


def test_an_attribute_that_is_left_out_has_its_default() -> None:
    """As another language's worker may send it."""

    class RateLimited(Failure):
        reason: str
        after: int | None = None

    arrived = failure_from_json({"message": "later", "code": "rate-limited", "fields": {"reason": "r"}})
    assert isinstance(arrived, RateLimited)
    assert (arrived.reason, arrived.after, arrived.status) == ("r", None, 422)


def test_an_attribute_that_cannot_be_kept() -> None:
    arrived = failure_from_json(failure_as_json(Unkeepable()))
    assert (type(arrived), str(arrived), arrived.code) == (Failure, "it has a function", "unkeepable")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"message": "the account is closed", "__py_pickle": "gASV"}, "the account is closed"),
        ({"message": ""}, "it failed without a message"),
        ({"message": 7, "code": 7, "status": "x", "fields": 7}, "it failed without a message"),
        ("text", "it failed without a message"),
        (None, "it failed without a message"),
    ],
)
def test_what_others_reject_with(data: Any, expected: str) -> None:
    """An SDK of another language, and version 0.1.0."""
    failure = error_of(PromiseRecord(id="job/1", state="rejected", timeout_at=0, value=Value(data=data)))
    assert (str(failure), failure.code, failure.status) == (expected, "work-failed", 422)


def test_a_text_is_cut_and_always_written() -> None:
    kept = failure_as_json(Failure("\ud83d" + "x" * MAX_MESSAGE))
    assert kept["message"] == "?" + "x" * (MAX_MESSAGE - 1)
    ServiceCodec().encode(Failure("\ud83d"))


# Pickles


wait = Rpc(name="wait", group="tests", request=Note, result=Note)


@serve(wait)
async def wait_for_promise(ctx: Context, _: Note) -> Note:
    """Report what came of a promise that somebody else settles."""
    try:
        await ctx.promise(timeout=timedelta(seconds=60))
    except Exception as error:  # noqa: BLE001
        return Note(text=f"{type(error).__name__}: {error}")
    return Note(text="resolved")


@pytest.mark.parametrize("name", ["__py_pickle", "__py_\\u0070ickle"])
async def test_a_worker_opens_no_planted_pickle(start_service: StartService, tmp_path: Path, name: str) -> None:
    real, planted = Bomb(tmp_path / "real"), Bomb(tmp_path / "planted")
    pickle.loads(base64.b64decode(real.pickled))
    assert real.path.exists()
    async with start_service([wait_for_promise]) as service:
        await wait.start(service.client, "job/w", Note())
        await service.poll_until(lambda: service.client.find("job/w:1"), "the workflow waits")
        await plant(service, "job/w:1", planted, name)
        assert (await service.run(wait, "job/w", Note())).text == "Failure: planted"
    assert not planted.path.exists()


def read(data: dict[str, Any]) -> PromiseRecord:
    """A rejected promise as this service reads it."""
    value = Value(data=base64.b64encode(json.dumps(data).encode()).decode())
    return ServiceCodec().decode_promise(PromiseRecord(id="a", state="rejected", timeout_at=0, value=value))


@pytest.mark.parametrize(
    "content", [pickle.dumps(ValueError("b")), b"cos\nsystem\n(S'true'\ntR.", b"not a pickle", b""]
)
def test_no_pickle_is_opened(content: bytes) -> None:
    record = read({"message": "m", "code": "own", "__py_pickle": base64.b64encode(content).decode()})
    with pytest.raises(Failure, match=r"^m$") as caught:
        decode_settled(record)
    assert caught.value.code == "own"


def test_a_pickle_that_would_expand_is_not_opened() -> None:
    """Of classes that any exception may hold: a check of their names would let it pass."""

    class Expanding:
        def __reduce__(self) -> tuple[Any, ...]:
            return bytearray, (2**28,)

    planted = pickle.dumps(ValueError(Expanding()))
    assert len(planted) < 211
    tracemalloc.start()
    assert len(pickle.loads(planted).args[0]) == 2**28 < tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    record = read({"__type": "error", "message": "planted", "__py_pickle": base64.b64encode(planted).decode()})
    with pytest.raises(Failure, match=r"^planted$"):
        decode_settled(record)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_no_pickle_is_written() -> None:
    codec = ServiceCodec()
    for value in (DECLINED, ValueError("a"), read({"message": "m"}).value.data):
        data = codec.encode(value).data
        assert data is not None and b"pickle" not in base64.b64decode(data)


def test_other_values_stay_as_they_are() -> None:
    """A result may have any members."""
    codec, value = ServiceCodec(), {"__type": "other", "__py_pickle": "x"}
    record = PromiseRecord(id="a", state="resolved", timeout_at=0, value=codec.encode(value))
    assert codec.decode_promise(record).value.data == value
