"""The types of a service's contracts: from an annotation to a shape, to an example that obeys its constraints."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from resonate_scaffold import layout
from resonate_scaffold.errors import Unknown, UsageError
from resonate_scaffold.fields import Field, parse_fields
from resonate_scaffold.service.service import Service
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import Types, annotation, declaration, implies, same_values
from resonate_scaffold.values import Example
from tests.grown import fresh, rewritten

HEAD = '''"""Contracts of these tests."""

import datetime as clock
import enum
import typing as t
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Optional
from uuid import UUID

import pydantic
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from pydantic import Field as Rule

Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Count = Annotated[int, Field(ge=10, le=20)]
type Loop = list["Loop"]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mood(enum.StrEnum):
    """Of those who wait."""

    CALM = enum.auto()
    CROSS = enum.auto()


class Computed(enum.Enum):
    ONE = len("a")


class Line(BaseModel):
    sku: Sku
    count: Count = 10


class Tree(BaseModel):
    parts: "list[Tree]"


class Own(Line):
    note: str


class Thing(BaseModel):
'''


def types_of(body: str) -> tuple[Types, tuple[Field, ...]]:
    """The types of a service whose contracts have a `Thing` with these fields, and the fields."""
    content = HEAD + "".join(f"    {line}\n" for line in body.splitlines())
    types = Types(Service(rewritten(fresh(bare=True), {"orders/contracts/shop.py": content.encode()})))
    return types, types.fields("contracts.shop.Thing")


def shape_of(text: str) -> Shape:
    (field,) = types_of(f"a: {text}")[1]
    return field.shape


def checked(body: str, example: Example) -> dict[str, Any]:
    """Hold that the example is one, as code and as JSON, by pydantic itself; returns the JSON."""
    module = ModuleType("shop")
    exec(HEAD + "".join(f"    {line}\n" for line in body.splitlines()), module.__dict__)
    for model in vars(module).values():
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == "shop":
            model.model_rebuild(_types_namespace=vars(module))
    made = eval(layout.render(example.code), module.__dict__)
    assert isinstance(made, module.Thing)
    assert json.loads(made.model_dump_json(exclude_unset=True)) == example.json
    assert module.Thing.model_validate_json(json.dumps(example.json)) == made
    for where, name in example.imports:
        assert where.startswith("!") or hasattr(module, str(name))
    data = example.json
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        *((name, name) for name in ("str", "int", "float", "bool", "date", "Decimal", "UUID", "Line", "Sku")),
        ("datetime", "datetime"),
        ("AwareDatetime", "datetime"),
        ("pydantic.AwareDatetime", "datetime"),
        ("clock.date", "date"),
        ("str | None", "str?"),
        ("None | str", "str?"),
        ("Optional[str]", "str?"),
        ("t.Optional[list[Line]]", "list[Line]?"),
        ("t.List[str]", "list[str]"),
        ("dict[str, list[Line | None]]", "dict[str, list[Line?]]"),
        ('"Line"', "Line"),
        ('"list[Line] | None"', "list[Line]?"),
        ("Literal['a', 'b']", "Literal['a', 'b']"),
        ("set[str]", "set[str]"),
        ("str | int", "str | int"),
        ("dict[int, str]", "dict[int, str]"),
        ('"not python ["', "'not python ['"),
    ],
)
def test_annotations(text: str, spelled: str) -> None:
    assert shape_of(text).spelled == spelled


def test_kinds() -> None:
    kinds = {
        "Line": "model",
        "Sku": "alias",
        "Colour": "enum",
        "Computed": "alias",
        "set[str]": "set",
        "str | int": "opaque",
        "Literal['a']": "literal",
    }
    assert {text: shape_of(text).kind for text in kinds} == kinds
    named = shape_of("Sku")
    assert (named.name, named.inner.rules) == ("contracts.shop.Sku", {"pattern": "^[A-Z]{3}$"})
    assert named.inner.inner == Shape("scalar", "str")
    assert shape_of("Loop").kind == "alias"  # and it ends


def test_constraints_are_collected() -> None:
    _, fields = types_of(
        "a: int = Field(ge=1)\nb: int = Field(default=3, ge=1)\nc: int = Field(3)\nd: int = Rule(...)\n"
        "e: list[str] = Field(default_factory=list)\nf: int = pydantic.Field(gt=x)\ng: int = 4"
    )
    assert [field.optional for field in fields] == [False, True, True, False, True, False, True]
    unknown = {"?": "pydantic.Field(gt=x)"}  # it is there, and nobody knows what it is
    assert [dict(field.shape.rules) for field in fields] == [{"ge": 1}, {"ge": 1}, {}, {}, {}, unknown, {}]


def test_inherited_fields_come_first() -> None:
    types, _ = types_of("a: str")
    assert [field.name for field in types.fields("contracts.shop.Own")] == ["sku", "count", "note"]


@pytest.mark.parametrize(
    "body",
    [
        "a: str\nb: int\nc: float\nd: bool\ne: date\nf: AwareDatetime\ng: Decimal\nh: UUID",
        "a: list[list[UUID]]\nb: dict[str, dict[str, Decimal | None]]\nc: str | None",
        "a: Line\nb: list[Line]\nc: Own\nd: Line | None = None",
        "a: Sku\nb: Count\nc: dict[str, Sku]",
        "a: Literal['x', 'y']\nb: Literal[2, 3]",
        "a: Annotated[str, Field(min_length=3, max_length=4)]\nb: str = Field(min_length=12)",
        "a: str = Field(max_length=1)",
        "a: Annotated[str, StringConstraints(pattern=r'^[0-9]+$')]\nb: Annotated[str, Field(pattern='^[a-z]+-[0-9]$')]",
        "a: Annotated[int, Field(gt=41, lt=43)]\nb: int = Field(multiple_of=7)\nc: int = Field(le=-5)",
        "a: Annotated[float, Field(ge=0, le=1)]\nb: Annotated[Decimal, Field(gt=0)]\nc: float = Field(ge=100)",
        "a: Annotated[list[str], Field(min_length=2, max_length=3)]\nb: list[int] = Field(max_length=0)",
        "a: str = Field(examples=['acc-1', 'acc-2'])\nb: Annotated[int, Field(examples=[7])]",
        "a: set[str]\nb: Annotated[set[int], Field(min_length=2)]\nc: Annotated[set[Colour], Field(max_length=0)]",
        "a: Colour\nb: Level\nc: Mood\nd: list[Colour]",
        "a: time\nb: timedelta\nc: Annotated[str | None, Field(min_length=9)]",
        'a: Annotated[Decimal, Field(ge=Decimal("0.5"), lt=Decimal("1.5"))]',
        "a: str = 'left out'\nb: list[str] = Field(default_factory=list)",
        "a: Annotated[Sku, Field(max_length=3)]",
    ],
)
def test_examples(body: str) -> None:
    types, fields = types_of(body)
    example = types.example_of("contracts.shop.Thing", fields)
    assert example is not None
    data = checked(body, example)
    assert data.keys() == {field.name for field in fields if not field.optional}


@pytest.mark.parametrize(
    "text",
    [
        *("Tree", "Loop", "Computed", "str | int", "dict[int, str]", "set[Line]"),
        *("Annotated[set[bool], Field(min_length=3)]", "Annotated[dict[str, int], Field(min_length=2)]"),
        "Annotated[str, StringConstraints(pattern='^[0-9]{17}x$')]",
        "Annotated[int, Field(gt=1, lt=2)]",
        "Literal[b'x']",
    ],
)
def test_no_example_is_invented(text: str) -> None:
    types, (field,) = types_of(f"a: {text}")
    assert types.example(field.shape) is None
    assert types.example_of("contracts.shop.Thing", (field,)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("str", "int", "float", "bool", "date", "AwareDatetime", "Decimal", "UUID", "Sku", "Count", "Line"),
        *(
            "list[str]",
            "dict[str, date]",
            "UUID | None",
            "Literal['a', 'b']",
            "set[str]",
            "Colour",
            "time",
            "timedelta",
        ),
    ],
)
def test_another_example_is_another(text: str) -> None:
    types, (field,) = types_of(f"a: {text}")
    one, other = types.example(field.shape), types.example(field.shape, other=True)
    assert one is not None and other is not None
    assert one.json != other.json and layout.render(one.code) != layout.render(other.code)
    required = (Field("a", field.shape),)
    for value in (one, other):
        call = layout.call("Thing", [layout.Item(value.code, "a=")])
        checked(f"a: {text}", Example(call, value.imports, {"a": value.json}))
    assert types.example_of("contracts.shop.Thing", required) is not None


def test_there_may_be_no_other() -> None:
    types, (field,) = types_of("a: Literal['only']")
    assert types.example(field.shape) is not None
    assert types.example(field.shape, other=True) is None


def test_what_fits_where() -> None:
    types, fields = types_of(
        "text: str\nsku: Sku\nmaybe: str | None\nnumber: int\ncount: Count\nany_: str | int\nline: Line\n"
        "lines: list[Line]\n"
        "x: Literal['x']\ny: Literal['y']\nmany: Annotated[list[str], Field(min_length=2)]\nfew: list[str]"
    )
    of = {field.name: field.shape for field in fields}
    fits = {(one, other) for one in of for other in of if one != other and types.fits(of[one], of[other])}
    # "example" is no Sku, 1 is no Count and one text is no list of two: what an example shows not to fit does not.
    assert fits == {("text", "maybe"), ("sku", "text"), ("sku", "maybe"), ("count", "number"), ("many", "few")}
    assert all(types.fits(shape, shape) == (name != "any_") for name, shape in of.items())
    assert same_values(of["text"], of["sku"]) and not same_values(of["text"], of["number"])
    assert not same_values(of["x"], of["y"])


NARROWER = """\
any: str
long: Annotated[str, Field(min_length=3, max_length=5)]
longer: Annotated[str, Field(min_length=4, max_length=4)]
short: str = Field(max_length=2)
sku: Sku
named: Annotated[str, Field(pattern=PATTERN)]
same: Annotated[str, Field(pattern=PATTERN)]
other: Annotated[str, Field(pattern=OTHER)]
maybe: Annotated[str, Field(max_length=5)] | None
more: Annotated[Sku, Field(max_length=5)]
"""


def test_what_surely_fits() -> None:
    """Whatever a client sends, and not as an example has it."""
    types, fields = types_of(NARROWER)
    of = {field.name: field.shape for field in fields}
    sure = {(one, other) for one in of for other in of if one != other and types.fits(of[one], of[other], surely=True)}
    to_any = {(name, "any") for name in of if name not in ("any", "maybe")}
    assert sure == to_any | {
        *(("longer", "long"), ("long", "maybe"), ("longer", "maybe"), ("short", "maybe"), ("more", "maybe")),
        *(("more", "sku"), ("named", "same"), ("same", "named")),
    }
    count, number = shape_of("Count"), shape_of("int")
    assert implies(count, number) and not implies(number, count)
    assert implies(shape_of("Annotated[int, Field(gt=0)]"), shape_of("Annotated[int, Field(ge=0)]"))
    assert not implies(shape_of("Annotated[int, Field(ge=0)]"), shape_of("Annotated[int, Field(gt=0)]"))
    assert implies(shape_of("list[Sku]"), shape_of("list[str]")) and not implies(
        shape_of("list[str]"), shape_of("list[Sku]")
    )


def test_names_on_the_wire() -> None:
    _, fields = types_of(
        'a: Annotated[str, Field(alias="customerId")]\nb: str = Field(alias="from")\n'
        'c: Annotated[int, Field(ge=1, validation_alias="n", alias="m")]\nd: Annotated[str, Field(title="d")]'
    )
    assert [field.wire for field in fields] == ["customerId", "from", "n", "d"]


def test_names() -> None:
    types, _ = types_of("a: str")
    assert types.resolve("Line") == Shape("model", "contracts.shop.Line")
    assert types.resolve("shop.Line") == types.resolve("contracts.shop.Line") == types.resolve("Line")
    assert types.resolve("Sku").kind == "alias"
    with pytest.raises(UsageError, match="There is no type Lnie") as refused:
        types.resolve("Lnie")
    assert "Did you mean Line?" in refused.value.hint
    with pytest.raises(UsageError):
        types.resolve("ine")
    with pytest.raises(Unknown, match="Nothing cannot be read"):
        types.fields("contracts.shop.Nothing")


def test_a_name_that_several_have() -> None:
    model = b'"""One."""\n\nfrom pydantic import BaseModel\n\n\nclass Line(BaseModel):\n    a: str\n'
    project = rewritten(fresh(bare=True), {"orders/contracts/one.py": model, "orders/contracts/two.py": model})
    types = Types(Service(project))
    with pytest.raises(UsageError, match="Several contracts have a type Line") as refused:
        types.resolve("Line")
    assert refused.value.hint == "Say which: one.Line, two.Line"
    assert types.resolve("two.Line").name == "contracts.two.Line"


def test_as_an_annotation_again() -> None:
    asked: list[tuple[str, str | None]] = []

    def bind(module: str, name: str | None) -> str:
        asked.append((module, name))
        return f"<{name}>"

    types, _ = types_of("a: str")
    shape = Shape("list", of=Shape("dict", of=Shape("optional", of=types.resolve("Line"))))
    assert annotation(shape, bind) == "list[dict[str, <Line> | None]]"
    assert annotation(Shape("scalar", "datetime"), bind) == "<AwareDatetime>"
    assert annotation(Shape("scalar", "int"), bind) == "int"
    assert annotation(Shape("set", of=Shape("scalar", "str")), bind) == "set[str]"
    assert asked == [("contracts.shop", "Line"), ("!pydantic", "AwareDatetime")]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("name:str:1..80", "name: Annotated[str, Field(min_length=1, max_length=80)]"),
        ("quantity:int:gt0", "quantity: Annotated[int, Field(gt=0)]"),
        ("price:Decimal:0.01..", 'price: Annotated[Decimal, Field(ge=Decimal("0.01"))]'),
        ("limit:int:1..100=20", "limit: Annotated[int, Field(ge=1, le=100)] = 20"),
        ("phone:str?:..20", "phone: Annotated[str, Field(max_length=20)] | None = None"),
        ("status:Literal[open,done]=open", 'status: Literal["open", "done"] = "open"'),
        ("colour:Colour=RED", "colour: Colour = Colour.RED"),
        ("customerId:str", 'customer_id: Annotated[str, Field(alias="customerId")]'),
        ("from:date", 'from_: Annotated[datetime_date, Field(alias="from")]'),
        ("date:date=2026-01-31", "date: datetime_date = datetime_date(2026, 1, 31)"),
        ("note:str=date", 'note: str = "date"'),
        (
            "orderId:str?:..9",
            'order_id: Annotated[Annotated[str, Field(max_length=9)] | None, Field(alias="orderId")] = None',
        ),
        ("tags:list[str]:..10=[]", "tags: Annotated[list[str], Field(max_length=10)] = []"),
        ("wait:timedelta=PT1H", "wait: timedelta = timedelta(hours=1)"),
    ],
)
def test_as_a_line_of_a_model(typed: str, line: str) -> None:
    types, _ = types_of("a: str")
    (field,) = parse_fields([typed], "--takes", types.resolve)
    written = declaration(field, lambda module, name: "datetime_date" if name == "date" else str(name))
    assert written == line
    there = types_of(line.replace("datetime_date", "date").replace("date: date", "on: date"))[1]
    assert there[0].wire == field.wire or field.name == "date"
    assert there[0].optional == field.optional and same_values(there[0].shape, field.shape)
    assert implies(there[0].shape, field.shape) and implies(field.shape, there[0].shape)
