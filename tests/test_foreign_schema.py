"""`add rpc --from-schema`: another team's schema becomes a contract, or is refused in words that say where."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from resonate_scaffold.errors import ScaffoldError, Taken, UsageError
from resonate_scaffold.export.contracts import Contracts, Function
from resonate_scaffold.export.json_schema import render
from resonate_scaffold.generators.foreign_schema import read
from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import ADDS, Project, after

from .grown import fresh, grown, planned

CHARGE = Path(__file__).parent / "schemas" / "charge-card.json"
ADD = f"add rpc payments.charge-card --from-schema {CHARGE}"


def text_of(plan: Plan, path: str) -> str:
    """What a plan makes at a path."""
    found = next(item for item in plan.changes if isinstance(item, Create) and item.path == PurePosixPath(path))
    return found.content.decode()


def schema(request: Mapping[str, Any], **more: Any) -> str:
    """A schema whose request has one field, `value`."""
    document = {
        "properties": {
            "request": {"type": "object", "properties": {"value": request}, "required": ["value"]},
            "result": {"type": "object", "properties": {}},
            **more.pop("properties", {}),
        },
        **more,
    }
    return json.dumps(document)


def value_of(request: Mapping[str, Any], **more: Any) -> tuple[str, str]:
    """The type of the field `value` of a request, and the module of types."""
    found = read(schema(request, **more), "it.json", "payments", "payments.charge", "types", [])
    return found.takes[0].type.spelled, found.types


def test_a_contract_of_every_kind_of_field() -> None:
    plan = planned(fresh(bare=True), ADD)
    types = text_of(plan, "orders/contracts/payments/charge_card_types.py")
    assert (
        types
        == '''"""The types of `chargeCard`, which another team serves."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ...runtime.errors import Failure

CustomerId = Annotated[str, Field(min_length=1, max_length=36)]
Currency = Literal["EUR", "USD"]
LineQuantity = Annotated[int, Field(ge=1)]


class Line(BaseModel):
    """Part of a request."""

    sku: str
    quantity: LineQuantity
    prices: list[float | None]


Lines = Annotated[list[Line], Field(min_length=1)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["AT"])]


class Line2(BaseModel):
    """Part of a result."""

    sku: str
    quantity: LineQuantity
    prices: list[float | None] | None = None


class CardDeclined(Failure):
    """Failure `card-declined`."""

    status = 402
    reason: str
    until: date | None = None


class Closed9(Failure):
    """Failure `closed-9`."""

    code = "closed-9"
'''
    )
    contract = text_of(plan, "orders/contracts/payments/charge_card.py")
    assert (
        contract[contract.index("    customerId") :]
        == '''    customerId: CustomerId
    amount: Decimal
    currency: Currency
    lines: Lines
    due: date
    meta: dict[str, str]
    ref: UUID | None = None
    code: str
    country: Country
    memo: str
    urgent: bool


class ChargeCardResult(BaseModel):
    """Result of `chargeCard`."""

    receipt: str
    at: AwareDatetime
    left: float | None = None
    note: str | None = None
    charged: list[Line2]


charge_card = Rpc(
    name="chargeCard",
    group="payments",
    request=ChargeCard,
    result=ChargeCardResult,
    version=2,
    raises=(CardDeclined, Closed9, InvalidRequest),
)
'''
    )
    assert plan.notes[:3] == (
        "request.lines[].prices may be left out; here it is always sent",
        "request.code: its pattern is not checked here, since Python's models cannot",
        "request.memo may be left out; here it is always sent",
    )


def test_again_is_nothing_and_a_changed_file_is_something_else(tmp_path: Path) -> None:
    project = fresh(bare=True)
    added = after(project, planned(project, ADD))
    assert planned(added, ADD).changes == ()
    other = tmp_path / "charge-card.json"
    other.write_text(CHARGE.read_text().replace('"USD"', '"CHF"'))
    with pytest.raises(Taken, match="is there already, as something else"):
        planned(added, ADD.replace(str(CHARGE), str(other)))


def test_it_is_removed_whole() -> None:
    project = fresh(bare=True)
    added = after(project, planned(project, ADD))
    left = after(added, planned(added, "remove rpc payments.charge-card"))
    assert {path for path in left.files if path.parent != ADDS} == {path for path in project.files}


def test_a_workflow_calls_it() -> None:
    project = grown(fresh(bare=True), ADD, "add workflow pay --takes due:date --calls chargeCard")
    path = PurePosixPath("orders/workflows/pay.py")
    assert "due=request.due" in project.files[path].decode()
    ast.parse(project.files[path])


@pytest.mark.parametrize(
    ("request_", "spelled"),
    [
        ({"type": "string"}, "str"),
        ({"type": "string", "format": "email"}, "str"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "string", "format": "decimal"}, "Decimal"),
        ({"type": "string", "format": "uuid"}, "UUID"),
        ({"type": "integer", "minimum": None}, "int"),
        ({"type": "string", "minimum": 1, "minItems": 2}, "str"),
        ({"type": "string", "format": "date", "minLength": 10}, "date"),
        ({"type": "number"}, "float"),
        ({"type": "boolean"}, "bool"),
        ({"type": "array", "items": {"type": ["string", "null"]}}, "list[str?]"),
        (
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
            "dict[str, list[int]]",
        ),
        ({"oneOf": [{"type": "null"}, {"type": "string", "format": "date"}]}, "date"),
        ({"type": "integer", "exclusiveMinimum": 0, "multipleOf": 5}, "types.RequestValue"),
        ({"const": "EUR"}, "types.RequestValue"),
        ({"enum": [1, 2]}, "types.RequestValue"),
    ],
)
def test_types(request_: Mapping[str, Any], spelled: str) -> None:
    assert value_of(request_)[0].replace("types.Value", "types.RequestValue") == spelled


def test_names_that_are_there_twice_get_a_number() -> None:
    part = {"type": "object", "title": "Part", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    other = {**part, "properties": {"b": {"type": "string"}}, "required": ["b"]}
    both = {
        "type": "object",
        "properties": {"one": part, "two": other, "same": part},
        "required": ["one", "two", "same"],
    }
    spelled, types = value_of(both)
    assert spelled == "types.Value"
    assert "class Part(BaseModel)" in types and "class Part2(BaseModel)" in types and "Part3" not in types
    assert "one: Part\n    two: Part2\n    same: Part\n" in types


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "request.value may be anything, and a field here has one type"),
        (True, "request.value may be anything, and a field here has one type"),
        (5, "request.value has no schema"),
        ({"type": "null"}, "request.value is of type null, and a field here has one type"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "request.value may be one of several types"),
        ({"type": ["string", "integer"]}, "request.value may be one of several types"),
        ({"enum": [1.5]}, "request.value is one of values that are neither texts nor whole numbers"),
        ({"allOf": [{"type": "string"}]}, "request.value has allOf, which no model here checks"),
        ({"type": "array", "prefixItems": [{}]}, "request.value has prefixItems, which no model here checks"),
        ({"type": "array"}, "request.value[] may be anything"),
        ({"type": "object"}, "request.value is of type object"),
        ({"$ref": "#/$defs/Nobody"}, "request.value refers to #/$defs/Nobody, which is not in $defs of the file"),
        ({"$ref": "https://example.com/x"}, "request.value refers to https://example.com/x, which is not in $defs"),
        ({"type": "string", "minLength": "two"}, "request.value has minLength two, which is no bound"),
        ({"type": "string", "maxLength": -1}, "request.value has maxLength -1, which is no bound"),
        ({"type": "integer", "multipleOf": 0}, "request.value has multipleOf 0, which is no bound"),
        ({"type": "string", "pattern": 5}, "request.value has pattern 5, which is no bound"),
        ({"type": "object", "properties": {"customer-id": {"type": "string"}}}, "request.value.customer-id has a name"),
        ({"type": "object", "properties": {"class": {}}}, "request.value.class has a name that no field"),
        ({"type": "object", "properties": {"schema": {}}}, "request.value.schema has a name that means"),
        ({"type": "object", "properties": {"_a\x1b": {}}}, "request.value._a\\x1b has a name that no"),
    ],
)
def test_what_cannot_be_expressed(request_: Any, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        value_of(request_)
    assert refused.value.message.startswith(f"it.json: {said}"), refused.value.message
    assert refused.value.hint.startswith("Ask for another schema, or leave --from-schema out")


def test_a_model_that_holds_itself() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
    with pytest.raises(UsageError, match=r"request.value.children\[\] is part of itself \(Tree\)"):
        value_of({"$ref": "#/$defs/Tree"}, **{"$defs": {"Tree": tree}})


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ({"properties": {"message": {}}}, "failure has a kind without a code"),
        ({"properties": {"code": {"const": "NO"}}}, "failure has the code NO, and one here is like card-declined"),
        (
            {"properties": {"code": {"const": "base-model"}}},
            "failure has the code base-model, whose class BaseModel means",
        ),
    ],
)
def test_failures_that_cannot_be_expressed(failure: Any, said: str) -> None:
    text = schema({"type": "string"}, properties={"failure": failure})
    with pytest.raises(UsageError, match=said):
        read(text, "it.json", "payments", "payments.charge", "types", ["BaseModel"])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"properties": {"request": {}}}', "[" * 100_000])
def test_what_is_no_schema(text: str) -> None:
    with pytest.raises(UsageError, match=r"it.json is no schema of a durable function"):
        read(text, "it.json", "payments", "payments.charge", "types", [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"properties": {"request": 5, "result": {}}},
        {"properties": {"request": {"$ref": "#/$defs/A"}, "result": {}}, "$defs": 5},
        {"properties": {"request": {"type": "object", "properties": {"a": {"anyOf": 5}}}, "result": {}}},
        {"properties": {"request": {"type": "object", "properties": {}, "required": 5}, "result": {}}},
        {"properties": {"request": {"type": "object"}, "result": {"type": "object"}, "failure": 5}},
        {"properties": {"request": {"type": "object"}, "result": {"type": "object"}}, "x-resonate": {"version": "1"}},
        {
            "properties": {"request": {"type": "object"}, "result": {"type": "object"}},
            "x-resonate": {"name": "cha\nrge"},
        },
    ],
)
def test_a_schema_that_is_damaged(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"^it\.json") as refused:
        read(json.dumps(wrong), "it.json", "payments", "payments.charge", "types", [])
    assert "\n" not in refused.value.message


def test_infinity_is_no_bound() -> None:
    with pytest.raises(UsageError, match="is no schema of a durable function"):
        value_of({"type": "number", "maximum": float("inf")})


@pytest.mark.parametrize("command", ["add rpc billing.charge-card", "add rpc payments.refund"])
def test_a_schema_of_another_function(command: str) -> None:
    with pytest.raises(UsageError) as refused:
        planned(fresh(bare=True), f"{command} --from-schema {CHARGE}")
    assert refused.value.hint == f"Use resonate-scaffold {ADD}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (f"--from-schema {CHARGE} --takes a:str", "--from-schema says what it takes and returns"),
        ("--from-schema nowhere.json", "nowhere.json cannot be read"),
    ],
)
def test_wrong_usage(options: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        planned(fresh(bare=True), f"add rpc payments.charge-card {options}")


def test_a_code_has_one_class(tmp_path: Path) -> None:
    project = grown(fresh(bare=True), ADD)
    second = tmp_path / "refund.json"
    second.write_text(CHARGE.read_text().replace("chargeCard", "refund"))
    with pytest.raises(Taken, match=r"charge_card_types\.py has a CardDeclined already"):
        planned(project, f"add rpc payments.refund --from-schema {second}")


def test_a_group_of_the_service_has_no_schema_of_others() -> None:
    project = grown(fresh(bare=True), "add group payments")
    with pytest.raises(ScaffoldError, match="Group payments is this service's own"):
        planned(project, ADD)


def test_what_one_service_exports_another_one_reads(tmp_path: Path) -> None:
    definitions = {
        "PlaceOrder": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
        "PlaceOrderResult": {"type": "object", "properties": {"receipt": {"type": "string"}}, "required": ["receipt"]},
    }
    function = Function(
        name="place-order",
        version=1,
        group="till.workers",
        target="poll://any@till.workers",
        is_ours=True,
        timeout=60,
        request={"$ref": "#/$defs/PlaceOrder"},
        result={"$ref": "#/$defs/PlaceOrderResult"},
        failures=(),
    )
    ((path, text),) = render(Contracts("till", "till", (function,), definitions))
    (tmp_path / path).write_text(text)
    project: Project = fresh(bare=True)
    by_schema = planned(project, f"add rpc till.workers.place-order --from-schema {tmp_path / path}")
    typed = planned(project, "add rpc till.workers.place-order --takes sku:str --returns receipt:str")

    def files(plan: Plan) -> dict[PurePosixPath, bytes]:
        return {it.path: it.content for it in plan.changes if isinstance(it, Create) and it.path.parent != ADDS}

    assert files(by_schema) == files(typed)
