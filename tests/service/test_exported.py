"""`exported`: the contracts as other teams need them, as schemas of what is on the wire."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, Field
from shop.runtime.cli import commands
from shop.runtime.durable.rpc import Rpc
from shop.runtime.errors import Failure
from shop.runtime.exported import export
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings

pytestmark = pytest.mark.usefixtures("no_settings")


class Line(BaseModel):
    """Something that is ordered."""

    sku: str
    quantity: int = 1


class Order(BaseModel):
    """A request."""

    lines: list[Line]
    price: Decimal
    note: str | None = Field(default=None, exclude_if=lambda note: note is None)


class Total(BaseModel):
    """A result."""

    price: Decimal
    lines: list[Line] = []


class PaymentRefused(Failure):
    """A failure with attributes, of which one has a default."""

    status = 402
    reason: str
    until: date | None = None


ours = Rpc(name="order", group="workers", request=Order, result=Total)
theirs = Rpc(name="pay", group="payments.workers", request=Order, result=Total, version=2, raises=(PaymentRefused,))


@pytest.fixture
def exported(definition: Service, settings: ServiceSettings) -> dict[str, Any]:
    """The contracts of a service that serves one function and calls another."""
    service: Any = SimpleNamespace(
        name="shop", groups=definition.groups, contracts=lambda: [ours, theirs], namespace=definition.namespace
    )
    return export(service, settings)


def schema_of(exported: dict[str, Any], function: str, side: str) -> dict[str, Any]:
    (found,) = [it for it in exported["functions"] if it["name"] == function]
    schema: dict[str, Any] = exported["$defs"][found[side]["$ref"].rpartition("/")[2]]
    return schema


def test_where_a_function_is_served(exported: dict[str, Any]) -> None:
    first, second = ({key: it[key] for key in ("name", "version", "target", "is_ours")} for it in exported["functions"])
    assert first == {"name": "pay", "version": 2, "target": "poll://any@payments.workers", "is_ours": False}
    assert second == {"name": "order", "version": 1, "target": "poll://any@shop.workers", "is_ours": True}


def test_what_is_sent_has_every_field_and_what_is_read_need_not_have(exported: dict[str, Any]) -> None:
    assert schema_of(exported, "order", "request")["required"] == ["lines", "price"]
    assert schema_of(exported, "order", "result")["required"] == ["price", "lines"]
    assert schema_of(exported, "pay", "result")["required"] == ["price"]
    # But for what is left out where it is sent.
    assert schema_of(exported, "pay", "request")["required"] == ["lines", "price"]


def test_decimals_are_texts(exported: dict[str, Any]) -> None:
    for side in ("request", "result"):
        assert schema_of(exported, "order", side)["properties"]["price"] == {"type": "string", "format": "decimal"}


def test_failures_have_their_codes_and_attributes(exported: dict[str, Any]) -> None:
    theirs, ours = (it["failures"] for it in exported["functions"])
    assert [(it["code"], it["status"]) for it in theirs] == [("payment-refused", 402)]
    fields = exported["$defs"][theirs[0]["fields"]["$ref"].rpartition("/")[2]]
    assert fields["properties"].keys() == {"reason", "until"} and fields["required"] == ["reason"]
    assert [it["code"] for it in ours] == ["invalid-request"]


def test_nothing_in_it_is_for_people_only(exported: dict[str, Any]) -> None:
    assert "title" not in exported["$defs"][schema_name(exported)]["properties"]["price"]


def schema_name(exported: dict[str, Any]) -> str:
    name: str = exported["functions"][1]["request"]["$ref"].rpartition("/")[2]
    return name


def test_the_command_prints_it_and_writes_nothing(
    definition: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAMESPACE", "other")
    done = CliRunner().invoke(commands(definition, "a shop"), ["contracts", "--json"])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert (printed["service"], printed["namespace"]) == ("shop", "other")
    served = {it["name"]: it["target"] for it in printed["functions"] if it["is_ours"]}
    assert served.keys() == {it.name for it in definition.contracts() if it.group in definition.groups}
    assert all(target.startswith("poll://any@other.") for target in served.values())
    assert list(tmp_path.iterdir()) == []
