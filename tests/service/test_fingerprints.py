"""`durable.fingerprints`: which requests are equal, however they were spelt."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from pydantic import AwareDatetime, BaseModel, Field, PlainSerializer, RootModel, SecretStr
from shop.runtime.durable.fingerprints import fingerprint, former_fingerprint
from shop.runtime.durable.json_values import validate
from shop.runtime.http.strict_json import read_json


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    at: AwareDatetime | None = None


class Item(BaseModel, frozen=True):
    price: Decimal
    note: str = "-"


class Everything(BaseModel):
    text: str = ""
    count: int = 0
    ratio: float = 0.0
    flag: bool = False
    day: date = date(2026, 1, 1)
    at: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    local: datetime = datetime(2026, 1, 1)
    clock: time = time(10)
    amount: Decimal = Decimal(0)
    uuid: UUID = UUID(int=0)
    colour: Colour = Colour.RED
    took: timedelta = timedelta(0)
    tags: set[str] = set()
    codes: frozenset[Decimal] = frozenset()
    pair: tuple[Decimal, AwareDatetime] | None = None
    rates: dict[str, Decimal] = {}
    days: dict[date, int] = {}
    items: list[Item] = []
    chosen: set[Item] = set()
    point: Point | None = None
    secret: SecretStr = SecretStr("")
    any: Any = None


EQUAL = [
    ('{"at": "2026-01-01T10:00:00Z"}', '{"at": "2026-01-01T11:00:00+01:00"}'),
    ('{"amount": "1.10"}', '{"amount": "1.1"}'),
    ('{"amount": 1.10}', '{"amount": "1.1"}'),
    ('{"amount": 100.00}', '{"amount": "1e2"}'),
    ('{"amount": "0.00"}', '{"amount": "-0"}'),
    ('{"clock": "10:00:00Z"}', '{"clock": "11:00:00+01:00"}'),
    ('{"uuid": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}', '{"uuid": "6F0AD5B63F6C4F0E9D5A0C6A5D0C7A11"}'),
    ('{"took": "PT60M"}', '{"took": "PT1H"}'),
    ('{"took": 3600}', '{"took": "PT1H"}'),
    ('{"tags": ["a", "b", "c"]}', '{"tags": ["c", "b", "a", "a"]}'),
    ('{"codes": ["1.10", "2"]}', '{"codes": ["2.0", "1.1"]}'),
    ('{"pair": ["1.0", "2026-01-01T10:00:00Z"]}', '{"pair": [1, "2026-01-01T11:00:00+01:00"]}'),
    ('{"rates": {"a": "1.0", "b": "2"}}', '{"rates": {"b": "2.00", "a": "1"}}'),
    ('{"days": {"2026-01-01": 1, "2026-01-02": 2}}', '{"days": {"2026-01-02": 2, "2026-01-01": 1}}'),
    ('{"items": [{"price": "1.0"}]}', '{"items": [{"note": "-", "price": 1}]}'),
    ('{"chosen": [{"price": "1.0"}, {"price": "2"}]}', '{"chosen": [{"price": "2.0"}, {"price": "1"}]}'),
    ('{"point": {"x": 1, "at": "2026-01-01T10:00:00Z"}}', '{"point": {"x": 1, "at": "2026-01-01T11:00:00+01:00"}}'),
    ('{"any": {"a": 1, "b": 1.0}}', '{"any": {"b": 1, "a": 1.0}}'),
    ('{"ratio": 0.0}', '{"ratio": -0.0}'),
    ('{"ratio": 1}', '{"ratio": 1.0}'),
    ("{}", '{"text": "", "colour": "red"}'),
]
DIFFERENT = [
    ('{"amount": 9007199254740993.0}', '{"amount": 9007199254740992.0}'),
    ('{"any": 9007199254740993.0}', '{"any": 9007199254740992.0}'),
    ('{"amount": "12345678901234567890.1"}', '{"amount": "12345678901234567890.2"}'),
    ('{"amount": "1e70"}', '{"amount": "1e71"}'),
    ('{"at": "2026-01-01T10:00:00Z"}', '{"at": "2026-01-01T10:00:00+01:00"}'),
    ('{"at": "0001-01-01T00:00:00+01:00"}', '{"at": "0001-01-01T00:00:00+02:00"}'),
    ('{"local": "2026-01-01T10:00:00"}', '{"local": "2026-01-01T11:00:00"}'),
    ('{"tags": ["a"]}', '{"tags": ["b"]}'),
    ('{"text": "1"}', '{"count": 1}'),
    ('{"any": "1"}', '{"any": 1}'),
    ('{"any": true}', '{"any": 1}'),
    ('{"colour": "red"}', '{"colour": "blue"}'),
    ('{"items": [{"price": 1}, {"price": 2}]}', '{"items": [{"price": 2}, {"price": 1}]}'),
    ('{"secret": "a"}', '{"secret": "b"}'),
]


def read(text: str) -> Everything:
    return validate(Everything, read_json(text.encode()))


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_requests(one: str, other: str) -> None:
    assert fingerprint(read(one)) == fingerprint(read(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_requests(one: str, other: str) -> None:
    assert fingerprint(read(one)) != fingerprint(read(other))


class Amount(BaseModel):
    amount: Decimal


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_are_compared_as_numbers(one: Decimal, other: Decimal) -> None:
    same = fingerprint(Amount(amount=one)) == fingerprint(Amount(amount=other))
    assert same == (one == other)


ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


class Instant(BaseModel):
    at: AwareDatetime


@given(st.datetimes(timezones=ZONES), st.datetimes(timezones=ZONES), ZONES)
def test_datetimes_are_compared_as_instants(one: datetime, other: datetime, zone: timezone) -> None:
    assert (fingerprint(Instant(at=one)) == fingerprint(Instant(at=other))) == (one == other)
    try:
        moved = one.astimezone(zone)
    except OverflowError:
        return
    assert fingerprint(Instant(at=one)) == fingerprint(Instant(at=moved))


def test_an_exponent_costs_no_memory() -> None:
    assert fingerprint(Amount(amount=Decimal("1e999999999"))) != fingerprint(Amount(amount=Decimal("1e999999998")))


class Given(BaseModel):
    text: str = "-"
    below: Item | None = None


class Other(BaseModel):
    pass


def test_the_fingerprint_of_version_0_1_0() -> None:
    """As its own code computed it: values as they were spelt, and what was sent alone."""
    sent = validate(Given, {"text": "a", "below": {"price": "19.90"}})
    wanted = "9166da772a07e41c6ffaef1d842101620245e501d86710e39e5a4c5c63b0b632"
    assert former_fingerprint(sent) == wanted
    assert former_fingerprint(Given()) == former_fingerprint(Other())


class Version:
    def __init__(self, number: int) -> None:
        self.number = number


class Special(BaseModel, arbitrary_types_allowed=True):
    version: Annotated[Version, PlainSerializer(lambda version: version.number)]
    hidden: Annotated[int, Field(exclude=True)] = 0


def test_types_of_the_owners_own() -> None:
    one, same, other = (fingerprint(Special(version=Version(number))) for number in (1, 1, 2))
    assert one == same != other
    assert fingerprint(Special(version=Version(1), hidden=7)) == one
    listed = RootModel[list[Decimal]]
    assert fingerprint(listed([Decimal("1.0")])) == fingerprint(listed([Decimal(1)]))


def test_it_does_not_depend_on_hashes() -> None:
    program = (
        "from pydantic import BaseModel\n"
        "from shop.runtime.durable.fingerprints import fingerprint\n"
        "class Tags(BaseModel):\n    tags: set[str]\n"
        "print(fingerprint(Tags(tags={'a', 'b', 'c', 'd', 'e'})))\n"
    )

    def printed(seed: str) -> str:
        environment: Mapping[str, str] = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert len({printed(seed) for seed in ("1", "2", "3")}) == 1
