"""Fields as they are typed: every type, and every refusal with something that works."""

from __future__ import annotations

import ast
import keyword
import re
from decimal import Decimal

import pytest
from pydantic import BaseModel

from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import Field, check_field_name, closest, parse_fields, python_name
from resonate_scaffold.shape import SCALARS, Shape


def resolve(name: str) -> Shape:
    """The contracts of these tests have one model."""
    if name != "AccountView":
        raise UsageError(f"There is no type {name}", closest(name, ["AccountView"]))
    return Shape("model", "contracts.db.AccountView")


INSURER = Shape("enum", "contracts.kinds.Insurer", rules={"PUBLIC": "public", "PRIVATE": "private"})


def parse(*specs: str) -> tuple[Field, ...]:
    return parse_fields(list(specs), "--takes", resolve)


@pytest.mark.parametrize("name", SCALARS)
def test_scalars(name: str) -> None:
    (field,) = parse(f"a:{name}")
    assert field == Field("a", Shape("scalar", name))
    assert field.shape.is_scalar == (name != "timedelta")
    assert field.shape.is_json_native == (name in ("str", "int", "float", "bool"))


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("list[str]", "list[str]"),
        ("dict[str,int]", "dict[str, int]"),
        ("  dict [ str , int ] ", "dict[str, int]"),
        ("str?", "str?"),
        ("str | None", "str?"),
        ("None | str", "str?"),
        ("Optional[str]", "str?"),
        ("typing.Optional[list[str]]", "list[str]?"),
        ("List[Dict[str, int?]]", "list[dict[str, int?]]"),
        ("set[UUID]", "set[UUID]"),
        ("list[str?]?", "list[str?]?"),
        ("AccountView", "AccountView"),
        ("list[AccountView]", "list[AccountView]"),
        ('Literal["a", "b"]', "Literal['a', 'b']"),
        ("Literal[a,b]", "Literal['a', 'b']"),  # a shell has taken the quotes off
        ("Literal[in-progress, 2]", "Literal['in-progress', 2]"),
        ("Literal['a, b', what?]", "Literal['a, b', 'what?']"),
        ("list[Literal[a]]?", "list[Literal['a']]?"),
        *((name, name) for name in SCALARS),
    ],
)
def test_what_they_are_made_of(typed: str, spelled: str) -> None:
    (field,) = parse(f"a:{typed}")
    assert field.spelled == f"a:{spelled}"
    assert parse(field.spelled) == (field,)
    assert field.optional == spelled.endswith("?")
    assert field.shape.is_scalar == (spelled in SCALARS and spelled != "timedelta")


@pytest.mark.parametrize(
    ("typed", "rules"),
    [
        ("str:1..80", {"min_length": 1, "max_length": 80}),
        ("str:..80", {"max_length": 80}),
        ("str:2", {"min_length": 2, "max_length": 2}),
        ("int:gt0", {"gt": 0}),
        ("int:1..", {"ge": 1}),
        ("int:-5..5", {"ge": -5, "le": 5}),
        ("int:1..,lt100", {"ge": 1, "lt": 100}),
        ("float:0..1", {"ge": 0, "le": 1}),
        ("Decimal:0.01..", {"ge": Decimal("0.01")}),
        ("list[str]:..10", {"max_length": 10}),
        ("set[int]:1..", {"min_length": 1}),
        ("dict[str, int]:1..3", {"min_length": 1, "max_length": 3}),
    ],
)
def test_bounds(typed: str, rules: dict[str, object]) -> None:
    (field,) = parse(f"a:{typed}")
    assert (field.shape.kind, dict(field.shape.rules)) == ("alias", rules)
    assert field.spelled == f"a:{typed}" and parse(field.spelled) == (field,)
    kind, _, bounds = typed.partition(":")
    (optional,) = parse(f"a:{kind}?:{bounds}")
    assert optional.shape == Shape("optional", of=field.shape) and optional.optional


@pytest.mark.parametrize(
    ("typed", "code", "json"),
    [
        ("int=20", "20", 20),
        ("int:1..100=20", "20", 20),
        ("int?=20", "20", 20),
        ("float=1", "1.0", 1.0),
        ("bool=true", "True", True),
        ("str=", '""', ""),
        ("str=a=b:c", '"a=b:c"', "a=b:c"),
        ("str='a'", '"a"', "a"),
        ("str?=None", "None", None),
        ("Decimal=1.50", 'Decimal("1.50")', "1.50"),
        ("date=2026-01-31", "date(2026, 1, 31)", "2026-01-31"),
        ("time=12:30", "time(12, 30)", "12:30:00"),
        ("datetime=2026-01-31T12:00:00Z", "datetime(2026, 1, 31, 12, tzinfo=UTC)", "2026-01-31T12:00:00Z"),
        ("timedelta=PT1H30M", "timedelta(hours=1, minutes=30)", "PT1H30M"),
        ("list[str]=[]", "[]", []),
        ("Literal[open,done]=done", '"done"', "done"),
    ],
)
def test_defaults(typed: str, code: str, json: object) -> None:
    (field,) = parse(f"a:{typed}")
    assert field.optional and field.value is not None
    assert (field.value.code, field.value.json) == (code, json)
    assert parse(field.spelled) == (field,)


def test_an_enum_has_its_members_as_defaults() -> None:
    (field,) = parse_fields(["insurer:Insurer=PUBLIC"], "--takes", lambda name: INSURER)
    assert field.value is not None and (field.value.code, field.value.json) == ("Insurer.PUBLIC", "public")
    (by_value,) = parse_fields(["insurer:Insurer=private"], "--takes", lambda name: INSURER)
    assert by_value.value is not None and by_value.value.code == "Insurer.PRIVATE"
    with pytest.raises(UsageError) as refused:
        parse_fields(["insurer:Insurer=none"], "--takes", lambda name: INSURER)
    assert refused.value.hint == "One of: PUBLIC, PRIVATE"


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("customerId", "customer_id"),
        ("HTTPStatus", "http_status"),
        ("Order Id", "order_id"),
        ("order-id", "order_id"),
        ("@type", "type"),
        ("1st", "n1st"),
        ("_a", "a"),
        ("a__b", "a_b"),
        ("from", "from_"),
        ("class", "class_"),
        ("None", "none"),
        ("copy", "copy_"),
        ("str", "str_"),
        ("l", "l_"),
        ("model_dump", "model_dump_"),
        ("größe", "grosse"),
        ("naïve", "naive"),
        ("名前", "名前"),
        *((plain, plain) for plain in ("date", "schedule", "record", "service", "email", "model_id", "fields", "type")),
    ],
)
def test_what_python_calls_them(wire: str, name: str) -> None:
    (field,) = parse(f"{wire}:str")
    assert (field.name, field.wire, field.has_alias) == (name, wire, name != wire)
    assert name.isidentifier() and not keyword.iskeyword(name)
    assert field.spelled == f"{wire}:str"


def test_all_of_a_shape() -> None:
    (field,) = parse("a:list[dict[str, AccountView?]]")
    assert [shape.kind for shape in field.shape.walk()] == ["list", "dict", "optional", "model"]


def test_whether_json_has_it() -> None:
    native = {"list[str]": True, "list[date]": False, "date?": False, "dict[str, int?]": True, "AccountView": True}
    assert {typed: parse(f"a:{typed}")[0].shape.is_json_native for typed in native} == native
    alias = Shape("alias", "contracts.db.Day", of=Shape("scalar", "date"))
    assert alias.is_scalar and not alias.is_json_native
    assert not Shape("alias", "contracts.db.Unknown").is_scalar
    assert not Shape("alias", "contracts.db.Unknown").is_json_native
    node = ast.parse("set[str]", mode="eval").body
    assert not Shape("opaque", node=node).is_json_native
    assert Shape("opaque", node=node).spelled == "set[str]"


def test_several_in_their_order() -> None:
    assert [field.name for field in parse("b:str", "a:int", "c:str?")] == ["b", "a", "c"]
    assert parse() == ()


@pytest.mark.parametrize(
    ("spec", "says", "hint"),
    [
        ("order_id", "is not FIELD:TYPE", "order_id:str"),
        ("", "is not FIELD:TYPE", ""),
        ("a:", "no type that can be read", "Types:"),
        ("a:?", 'near "?"', "Types:"),
        ("a:str??", 'near "??"', "Types:"),
        ("a:list", "there is no type list", "Write list[T]."),
        ("a:list[]", "no type", "Types:"),
        ("a:list[str", "no type that can be read", "Types:"),
        ("a:list[str]]", "no type", "Types:"),
        ("a:dict[int, str]", "no type", "Types:"),
        ("a:dict[str]", "no type", "Types:"),
        ("a:str int", "near", "Types:"),
        ("a:str | int", "no type that can be read", "Types:"),
        ("a:int>0", "behind a colon", "Write --takes a:int:gt0"),
        ("a:int>=1=5", "behind a colon", "Write --takes a:int:ge1=5"),
        ("a:str{1,80}", "behind a colon", "Write --takes a:str:1..80"),
        ("a:str:1..80?", "behind the type", "Write --takes a:str?:1..80"),
        ("a:str1", "there is no type str1", "str:1..80"),
        ("a:str:gt3", "no bounds of str", "1..80"),
        ("a:int:5..1", "no bounds of int", "gt0,le100"),
        ("a:int:gt1,lt1", "no bounds of int", "gt0,le100"),
        ("a:int:0.5..", "no bounds of int", "gt0,le100"),
        ("a:int:", "no bounds of int", "gt0,le100"),
        ("a:date:1..2", "not for date", "Leave them out"),
        ("a:AccountView:1..2", "not for AccountView", "Leave them out"),
        ("a:int=x", "is no int", "For example: =20"),
        ("a:int:1..5=9", "is no int of 1..5", "For example: =20"),
        ("a:datetime=2026-01-31T12:00:00", "is no datetime", "Z"),
        ("a:Literal[b]=c", "is no Literal", "One of: b"),
        ("a:list[str]=[1]", "is no list[str]", "Only an empty one"),
        ("a:AccountView=x", "is no AccountView", "Leave the default out"),
        ("a:object", "there is no type object", "Name a model"),
        ("a:Größe", "There is no type Größe", "AccountView"),
        ("a:" + "list[" * 21 + "str" + "]" * 21, "too deep", "Make a model"),
        ("a:set[AccountView]", "a set holds no models", "Write list[T]."),
        ("a:string", "there is no type string", "Write str."),
        ("a:list[uuid]", "there is no type uuid", "Write UUID."),
        ("a:Date", "there is no type Date", "Write date."),
        ("a:AccountVeiw", "There is no type AccountVeiw", "Did you mean AccountView?"),
        ("a" * 41 + ":str", "longer than 40", "a" * 40 + ":str"),
        ("--:str", "is no name of a field", "order_id:str"),
        ("a\nb:str", "is no name of a field", "order_id:str"),
    ],
)
def test_refusals(spec: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(spec)
    assert says in refused.value.message and "\n" not in refused.value.message
    assert hint in refused.value.hint
    for name in re.findall(r"Try: --takes (\S+):str", refused.value.hint):
        check_field_name(name, "--takes")
    if written := re.fullmatch(r"Write --takes (\S+)", refused.value.hint):
        assert parse(written[1])


def test_the_same_twice() -> None:
    with pytest.raises(UsageError, match="--takes names a twice"):
        parse("a:str", "a:int")
    with pytest.raises(UsageError, match="orderId and order_id are both order_id in Python"):
        parse("orderId:str", "order_id:int")


def test_a_parameter_of_a_path() -> None:
    for typed in ("patient_id:uuid", "patientId"):
        with pytest.raises(UsageError) as refused:
            check_field_name(typed, "PATH")
        assert refused.value.hint == "Write {patient_id}"
    assert check_field_name("patient_id", "PATH") == "patient_id"


def test_what_a_model_has_is_no_field() -> None:
    """A field of such a name would hide a method, or be refused when the service starts."""
    names = [name for name in dir(BaseModel) if not name.startswith("_")]
    assert len(names) > 20
    for name in names:
        assert python_name(name) == f"{name}_"


def test_what_was_probably_meant() -> None:
    assert closest("place-oder", ["place-order", "ship"]) == "Did you mean place-order?"
    assert closest("x", ["b", "a"]) == "There is: a, b"
    assert closest("x", []) == "There is none yet."
