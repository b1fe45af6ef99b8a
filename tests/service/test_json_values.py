"""`durable.json_values`: strict models take what JSON has, and no number changes, from the body to the result."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from fastapi import APIRouter, Body, Depends, Request, Response
from hypothesis import given, strategies as st
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from resonate.context import Context
from shop.runtime.durable.ids import root_id
from shop.runtime.durable.json_values import JsonAdapter, validate
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.http.auth import AuthenticatedRoute, get_caller
from shop.runtime.http.idempotency import get_submission
from shop.runtime.http.strict_json import JsonRoute, read_json
from shop.runtime.http.work import Accepted, Progress, accept, poll, start, wait
from shop.runtime.testing.running import RunningService, StartService, problem


class Kind(StrEnum):
    FOOD = "food"


class Size(Enum):
    SMALL = 1


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    price: Decimal
    count: int = 1


class Invoice(BaseModel):
    """A strict model with a member of each type that JSON has no value for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Decimal = Decimal(0)
    day: date | None = None
    at: AwareDatetime | None = None
    clock: time | None = None
    uuid: UUID | None = None
    kind: Kind | None = None
    size: Size | None = None
    mode: Literal["fast", "slow"] = "fast"
    took: timedelta | None = None
    tags: set[Kind] = set()
    codes: frozenset[int] = frozenset()
    pair: tuple[int, Decimal] | None = None
    many: tuple[Decimal, ...] = ()
    lines: list[Line] = []
    rates: dict[str, Decimal] = {}
    whole: int = 0
    ratio: float = 0
    data: bytes = b""


WIRE = {
    "amount": "12345678901234567.89",
    "day": "2026-01-31",
    "at": "2026-01-31T12:00:00Z",
    "clock": "12:00:00",
    "uuid": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
    "kind": "food",
    "size": 1,
    "mode": "slow",
    "took": "PT1H",
    "tags": ["food"],
    "codes": [3],
    "pair": [1, "1.10"],
    "many": ["1.10", "100.00"],
    "lines": [{"price": "9007199254740993.0", "count": 2}],
    "rates": {"a": "0.1000000000000000055511151231257827"},
    "whole": 3,
    "ratio": 1.5,
    "data": "abc",
}

bill = Rpc(name="bill", group="tests", request=Invoice, result=Invoice)


@serve(bill)
async def make_bill(ctx: Context, request: Invoice) -> Invoice:
    return request


router = APIRouter(prefix="/bills", route_class=AuthenticatedRoute)


@router.post("", status_code=202)
async def submit(body: Invoice, request: Request, response: Response) -> Accepted:
    submission = get_submission(request)
    started = await start(submission, bill, root_id("bill", submission.public_id), body, "/bills")
    return accept(started, response)


@router.post("/now", response_model=Invoice)
async def make(body: Invoice, request: Request, response: Response) -> Response | Invoice:
    submission = get_submission(request)
    started = await start(submission, bill, root_id("now", submission.public_id), body, "/bills")
    return await wait(started, Invoice, request, response)


@router.get("/{id}")
async def get_bill(id: str, request: Request, response: Response) -> Progress[Invoice]:
    caller = get_caller(request)
    return Progress[Invoice].of(await poll(caller, root_id("bill", caller.visible(id)), request, response))


@router.post("/embedded")
async def embedded(line: Annotated[Line, Body()], day: Annotated[date, Body()]) -> list[str]:
    return [str(line.price), day.isoformat()]


@router.post("/listed")
async def listed(body: list[Line]) -> list[str]:
    return [str(line.price) for line in body]


def first_line(body: Invoice) -> Line:
    return body.lines[0]


@router.post("/dependent")
async def dependent(line: Annotated[Line, Depends(first_line)]) -> str:
    return str(line.price)


@router.post("/default")
async def default(body: Line | None = None) -> str:
    return "none" if body is None else str(body.price)


public = APIRouter(route_class=JsonRoute)


@public.post("/public")
async def take_without_key(body: Line) -> str:
    return str(body.price)


@pytest.fixture
async def bills(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service([make_bill], sync_wait=10) as service:
        # Twice: an inclusion makes the routes again.
        outer = APIRouter(prefix="/v2")
        outer.include_router(router)
        service.app.include_router(router)
        service.app.include_router(outer)
        service.app.include_router(public)
        yield service


async def post(service: RunningService, path: str, body: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.http.post(path, content=body, headers={"Content-Type": "application/json", **named})


async def test_a_strict_model_takes_what_json_has(bills: RunningService) -> None:
    for prefix in ("", "/v2"):
        made = await bills.http.post(f"{prefix}/bills/now", json=WIRE)
        assert (made.status_code, made.json()) == (200, WIRE)
    accepted = await bills.http.post("/bills", json=WIRE, headers={"Idempotency-Key": "k"})
    assert accepted.status_code == 202, accepted.text
    polled = await bills.http.get("/bills/k", headers={"Prefer": "wait=10"})
    assert (polled.json()["status"], polled.json()["result"]) == ("succeeded", WIRE)


@pytest.mark.parametrize(
    "number",
    ["9007199254740993.0", "12345678901234567.89", "100.00", "0.1000000000000000055511151231257827", "-0.00", "7"],
)
async def test_a_decimal_is_exact(bills: RunningService, number: str) -> None:
    for spelled in (number, f'"{number}"'):
        body = (
            f'{{"amount": {spelled}, "many": [{spelled}], "pair": [1, {spelled}], "lines": [{{"price": {spelled}}}]}}'
        )
        made = (await post(bills, "/bills/now", body)).json()
        assert (made["amount"], made["many"]) == (number, [number])
        assert (made["pair"][1], made["lines"][0]["price"]) == (number, number)


async def test_what_is_no_value_of_its_type_is_refused(bills: RunningService) -> None:
    for name, value in (
        ("day", '"tomorrow"'),
        ("day", "20260131"),
        ("whole", '"3"'),
        ("whole", "3.5"),
        ("ratio", '"1.5"'),
        ("kind", '"drink"'),
        ("tags", '"food"'),
        ("amount", '"a lot"'),
        ("amount", "true"),
        ("mode", "1"),
    ):
        refused = await post(bills, "/bills/now", f'{{"{name}": {value}}}')
        assert problem(refused) == (422, "invalid-request"), (name, value, refused.text)
        assert refused.json()["errors"][0]["at"].startswith(f"body/{name}")


async def test_an_integer_may_be_written_with_a_point(bills: RunningService) -> None:
    made = (await post(bills, "/bills/now", '{"whole": 9007199254740993.0, "codes": [1e3], "ratio": 3}')).json()
    assert (made["whole"], made["codes"], made["ratio"]) == (9007199254740993, [1000], 3)


async def test_equal_requests_in_other_spellings_are_one(bills: RunningService) -> None:
    one = '{"amount": "1.10", "at": "2026-01-01T10:00:00Z", "tags": ["food"]}'
    other = '{"at": "2026-01-01T11:00:00+01:00", "tags": ["food", "food"], "amount": 1.1}'
    first = await post(bills, "/bills", one, Idempotency_Key="same")
    again = await post(bills, "/bills", other, Idempotency_Key="same")
    assert (first.status_code, again.status_code) == (202, 202), again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    third = await post(bills, "/bills", one.replace("1.10", "1.11"), Idempotency_Key="same")
    assert problem(third) == (422, "idempotency-key-reused")


async def test_bodies_of_other_forms(bills: RunningService) -> None:
    embedded = await post(bills, "/bills/embedded", '{"line": {"price": 1.10}, "day": "2026-01-31"}')
    assert embedded.json() == ["1.10", "2026-01-31"]
    missing = await post(bills, "/bills/embedded", '{"day": "2026-01-31"}')
    assert problem(missing) == (422, "invalid-request")
    assert (await post(bills, "/bills/listed", '[{"price": 100.00}]')).json() == ["100.00"]
    assert (await post(bills, "/bills/dependent", '{"lines": [{"price": 1.10}]}')).json() == "1.10"
    assert (await post(bills, "/bills/default", '{"price": 1.10}')).json() == "1.10"
    assert (await bills.http.post("/bills/default")).json() == "none"
    other = await bills.http.post("/bills/now", content=b'{"whole": 1}', headers={"Content-Type": "text/plain"})
    assert problem(other) == (415, "unsupported-media-type")


async def test_a_router_without_keys(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1") as service:
        service.app.include_router(public)
        assert (await post(service, "/public", '{"price": 100.00}')).json() == "100.00"
        assert problem(await post(service, "/public", '{"price": 1, "price": 1}')) == (422, "invalid-request")


async def test_openapi_says_how_a_decimal_is_written(bills: RunningService) -> None:
    schemas = (await bills.http.get("/openapi.json")).json()["components"]["schemas"]
    given = schemas["Invoice-Input"]["properties"]["amount"]["anyOf"]
    assert {part["type"] for part in given} == {"number", "string"}
    assert [part["format"] for part in given if part["type"] == "string"] == ["decimal"]
    result = schemas["Invoice-Output"]["properties"]["amount"]
    assert (result["type"], result["format"]) == ("string", "decimal")


# Where Decimals stand in a type


class Tree(BaseModel):
    price: Decimal
    below: list["Tree"] = []


class Priced(NamedTuple):
    price: Decimal


@dataclass
class Point:
    x: Decimal


class Cat(BaseModel):
    kind: Literal["cat"]
    weight: Decimal


class Dog(BaseModel):
    kind: Literal["dog"]
    age: int


type Animal = Annotated[Cat | Dog, Field(discriminator="kind")]


class Aliased(BaseModel):
    price: Annotated[Decimal, Field(alias="netPrice", max_digits=20)]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Decimal]


EXACT = "1.1000000000000000000000000001"


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (Tree, f'{{"price": 1, "below": [{{"price": {EXACT}}}]}}', lambda it: it.below[0].price),
        (Decimal | None, EXACT, lambda it: it),
        (Decimal | str, EXACT, lambda it: it),
        (list[Decimal], f"[{EXACT}]", lambda it: it[0]),
        (tuple[Decimal, ...], f"[1, {EXACT}]", lambda it: it[1]),
        (tuple[int, Decimal], f"[1, {EXACT}]", lambda it: it[1]),
        (dict[str, list[Decimal]], f'{{"a": [{EXACT}]}}', lambda it: it["a"][0]),
        (Point, f'{{"x": {EXACT}}}', lambda it: it.x),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            f'{{"kind": "cat", "weight": {EXACT}}}',
            lambda it: it.weight,
        ),
        (Cat | Dog, f'{{"kind": "cat", "weight": {EXACT}}}', lambda it: it.weight),
        (Annotated[Decimal, Field(ge=1, decimal_places=28)], EXACT, lambda it: it),
        (Open, f'{{"more": {EXACT}}}', lambda it: it.__pydantic_extra__["more"]),
    ],
)
def test_decimals_wherever_they_stand(kind: Any, text: str, found: Any) -> None:
    value = JsonAdapter(TypeAdapter(kind)).validate_python(read_json(text.encode()))
    assert str(found(value)) == EXACT


def test_a_decimal_under_another_name() -> None:
    assert validate(Aliased, read_json(b'{"netPrice": 100.00}')).price.as_tuple().exponent == -2


def test_a_value_without_a_type() -> None:
    value: Any = JsonAdapter(TypeAdapter(dict[str, Any])).validate_python(read_json(b'{"a": [1.50, 1e2, {"b": 2.0}]}'))
    assert value == {"a": [1.5, 100, {"b": 2}]}
    assert [type(item) for item in value["a"][:2]] == [float, int]


class Number(BaseModel):
    model_config = ConfigDict(strict=True)

    exact: Decimal
    rounded: float


@given(st.decimals(min_value=-(10**17), max_value=10**17, allow_nan=False))
def test_a_number_is_exact_as_a_decimal_and_the_nearest_as_a_float(number: Decimal) -> None:
    text = f"{number:f}" if "." in f"{number:f}" else f"{number:f}.0"
    read = validate(Number, read_json(f'{{"exact": {text}, "rounded": {text}}}'.encode()))
    assert str(read.exact) == str(Decimal(text))
    assert read.rounded == float(text)


def test_dates_of_a_plain_model() -> None:
    class Plain(BaseModel):
        at: datetime

    assert validate(Plain, {"at": "2026-01-31T12:00:00"}).at == datetime(2026, 1, 31, 12)


# One rule of strictness


class Part(BaseModel):
    """A model as a contract has it, which says nothing of how strictly it is read."""

    number: int
    at: date | None = None


class Lenient(BaseModel):
    parts: list[Part]
    by_name: dict[str, Part] = {}


class Strict(Lenient):
    model_config = ConfigDict(extra="forbid", strict=True)


class Ignoring(Lenient):
    model_config = ConfigDict(extra="ignore", strict=True)


class Nested(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    inner: "Nested | None" = None
    parts: list[Part] = []


WRONG: list[dict[str, Any]] = [{"number": "5"}, {"number": 5, "unknown": 1}]


@pytest.mark.parametrize("part", WRONG)
def test_the_model_of_the_whole_decides_for_all_in_it(part: dict[str, Any]) -> None:
    fine = {"number": 5, "at": "2026-01-31"}
    for model in (Strict, Lenient, Ignoring):
        assert validate(model, {"parts": [fine], "by_name": {"a": fine}}).parts[0].at == date(2026, 1, 31)
    for sent in ({"parts": [part]}, {"parts": [], "by_name": {"a": part}}):
        validate(Lenient, sent)
        with pytest.raises(ValidationError):
            validate(Strict, sent)
    # Of a model that is part of itself.
    of_itself: list[dict[str, Any]] = [{"parts": [part]}, {"inner": {"parts": [part]}}]
    for sent in of_itself:
        with pytest.raises(ValidationError):
            validate(Nested, sent)


def test_what_others_define_may_have_more_and_no_other_types() -> None:
    assert validate(Ignoring, {"parts": [{"number": 5, "unknown": 1}], "unknown": 1}).parts[0].number == 5
    with pytest.raises(ValidationError):
        validate(Ignoring, {"parts": [{"number": "5"}]})


async def test_a_body_says_so_in_the_document(service: RunningService) -> None:
    router = APIRouter(route_class=JsonRoute)

    @router.post("/strict")
    async def take(body: Strict) -> int:
        return len(body.parts)

    service.app.include_router(router)
    for part in WRONG:
        assert problem(await service.http.post("/strict", json={"parts": [part]})) == (422, "invalid-request")
    assert (await service.http.post("/strict", json={"parts": [{"number": 5}]})).json() == 1
    schemas = (await service.http.get("/openapi.json")).json()["components"]["schemas"]
    assert schemas["Strict"]["additionalProperties"] is schemas["Part"]["additionalProperties"] is False
