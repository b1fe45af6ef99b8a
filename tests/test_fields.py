"""Fields as they are typed: every type, and every refusal with something that works."""

from __future__ import annotations

import ast
import re

import pytest
from pydantic import BaseModel

from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import SCALARS, Field, Shape, check_field_name, closest, parse_fields


def resolve(name: str) -> Shape:
    """The contracts of these tests have one model."""
    if name != "AccountView":
        raise UsageError(f"There is no type {name}", closest(name, ["AccountView"]))
    return Shape("model", "contracts.db.AccountView")


def parse(*specs: str) -> tuple[Field, ...]:
    return parse_fields(list(specs), "--takes", resolve)


@pytest.mark.parametrize("name", SCALARS)
def test_scalars(name: str) -> None:
    (field,) = parse(f"a:{name}")
    assert field == Field("a", Shape("scalar", name))
    assert field.shape.is_scalar
    assert field.shape.is_json_native == (name in ("str", "int", "float", "bool"))


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("list[str]", "list[str]"),
        ("dict[str,int]", "dict[str, int]"),
        ("  dict [ str , int ] ", "dict[str, int]"),
        ("str?", "str?"),
        ("list[str?]?", "list[str?]?"),
        ("list[dict[str, list[datetime?]]]?", "list[dict[str, list[datetime?]]]?"),
        ("dict[str, dict[str, Decimal?]]", "dict[str, dict[str, Decimal?]]"),
        ("AccountView", "AccountView"),
        ("list[AccountView?]", "list[AccountView?]"),
    ],
)
def test_what_they_are_made_of(typed: str, spelled: str) -> None:
    (field,) = parse(f"a:{typed}")
    assert field.spelled == f"a:{spelled}"
    assert parse(field.spelled) == (field,)
    assert field.optional == spelled.endswith("?")
    assert field.shape.is_scalar == (spelled in SCALARS)


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
        ("a:?", "near '?'", "Types:"),
        ("a:str??", "near '??'", "Types:"),
        ("a:list", "no type that can be read", "Types:"),
        ("a:list[]", "near ']'", "Types:"),
        ("a:list[str", "no type that can be read", "Types:"),
        ("a:list[str]]", "near ']'", "Types:"),
        ("a:dict[int, str]", "near 'int'", "Types:"),
        ("a:dict[str]", "near ']'", "Types:"),
        ("a:str int", "near 'int'", "Types:"),
        ("a:str | None", "near '| None'", "Types:"),
        ("a:" + "list[" * 21 + "str" + "]" * 21, "too deep", "Make a model"),
        ("a:string", "there is no type string", "Write str."),
        ("a:list[uuid]", "there is no type uuid", "Write UUID."),
        ("a:Date", "there is no type Date", "Write date."),
        ("a:AccountVeiw", "There is no type AccountVeiw", "Did you mean AccountView?"),
        ("orderId:str", "not a name", "order_id:str"),
        ("Order Id:str", "not a name", "order_id:str"),
        ("1st:str", "not a name", "n1st:str"),
        ("class_:str", "not a name", "the_class:str"),
        ("_a:str", "not a name", "a:str"),
        ("ä:str", "not a name", "value:str"),
        ("a__b:str", "not a name", "a_b:str"),
        ("a" * 41 + ":str", "longer than 40", "a" * 40 + ":str"),
        ("class:str", "means something else", "the_class:str"),
        ("None:str", "not a name", "none:str"),
        ("str:str", "means something else", "the_str:str"),
        ("date:date", "means something else", "the_date:str"),
        ("copy:str", "means something else", "the_copy:str"),
        ("model_id:str", "means something else", "the_model_id:str"),
        ("l:str", "means something else", "the_l:str"),
        ("a\nb:str", r"a\nb", "a_b:str"),
    ],
)
def test_refusals(spec: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(spec)
    assert says in refused.value.message and "\n" not in refused.value.message
    assert hint in refused.value.hint
    for name in re.findall(r"Try: --takes (\S+):str", refused.value.hint):
        check_field_name(name, "--takes")


def test_the_same_twice() -> None:
    with pytest.raises(UsageError, match="--takes names a twice"):
        parse("a:str", "a:int")


def test_what_a_model_has_is_no_field() -> None:
    """A field of such a name would hide a method, or be refused when the service starts."""
    names = [name for name in dir(BaseModel) if not name.startswith("_")]
    assert len(names) > 20
    for name in names:
        with pytest.raises(UsageError):
            check_field_name(name, "--takes")


def test_what_was_probably_meant() -> None:
    assert closest("place-oder", ["place-order", "ship"]) == "Did you mean place-order?"
    assert closest("x", ["b", "a"]) == "There is: a, b"
    assert closest("x", []) == "There is none yet."
