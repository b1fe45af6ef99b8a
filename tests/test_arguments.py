"""Where the arguments of a workflow's calls come from: what is wired, what is asked, what stays open."""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest

from resonate_scaffold.errors import UsageError
from resonate_scaffold.generators.again import files_made_by
from resonate_scaffold.generators.workflow import WorkflowRequest, add_workflow
from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import Project, after
from tests.grown import fresh, grown, planned

PRICE_OF = "add rpc pricing.price-of --takes sku:str --returns price:Decimal"
CHARGE = "add rpc payments.charge --takes price:Decimal --returns receipt:str"
SELL = "add workflow sell --takes sku:str --takes price:Decimal --returns receipt:str"
CALLS = "--calls pricing.price_of --calls payments.charge"


@functools.cache
def shop() -> Project:
    return grown(fresh(bare=True), PRICE_OF, CHARGE)


def body_of(plan: Plan, name: str = "sell") -> str:
    """The function of a workflow, as it is when nothing is said of its layout."""
    (made,) = (it for it in plan.changes if it.path == PurePosixPath(f"orders/workflows/{name}.py"))
    assert isinstance(made, Create)
    return made.content.decode()


def argument(text: str, call: str, name: str) -> str:
    """An argument of the call of a model."""
    calls = [it for it in ast.walk(ast.parse(text)) if isinstance(it, ast.Call) and ast.unparse(it.func) == call]
    (found,) = (ast.unparse(it.value) for call_ in calls for it in call_.keywords if it.arg == name)
    return found


def contract_of(plan: Plan, name: str) -> str:
    (made,) = (it for it in plan.changes if it.path == PurePosixPath(f"orders/contracts/workflows/{name}.py"))
    assert isinstance(made, Create)
    return made.content.decode()


def test_a_request_field_that_has_the_name_of_a_result_stays_open() -> None:
    plan = planned(shop(), f"{SELL} {CALLS}")
    text = body_of(plan)
    assert argument(text, "Charge", "price") == "Decimal('1.50')"
    assert "# To fill in: price_of_result.price or request.price?" in text
    assert any("payments.charge's price could be price_of_result.price or request.price" in it for it in plan.notes)
    assert any("--map charge.price=price_of.price" in it for it in plan.notes)


def test_what_is_mapped() -> None:
    for source, code in (("price_of.price", "price_of_result.price"), ("request.price", "request.price")):
        plan = planned(shop(), f"{SELL} {CALLS} --map charge.price={source}")
        assert argument(body_of(plan), "Charge", "price") == code
        assert not any("could be" in it for it in plan.notes)
        there = after(shop(), plan)
        (record,) = there.adds("workflow")
        assert record.options["map"] == [f"charge.price={source}"]
        assert planned(there, f"{SELL} {CALLS} --map charge.price={source}").changes == ()
        made = files_made_by(shop(), record)
        assert made is not None and made[PurePosixPath("orders/workflows/sell.py")].decode() == body_of(plan)


def test_names_may_differ_where_it_is_mapped() -> None:
    given = grown(fresh(bare=True), PRICE_OF, "add rpc payments.charge --takes amount:Decimal --returns receipt:str")
    text = body_of(planned(given, f"{SELL} {CALLS} --map payments.charge.amount=pricing.price-of.price"))
    assert argument(text, "Charge", "amount") == "price_of_result.price"


def test_somebody_is_asked() -> None:
    asked: list[tuple[str, list[str]]] = []

    def choose(question: str, choices: Sequence[str]) -> str | None:
        asked.append((question, list(choices)))
        return answer

    calls = ("pricing.price_of", "payments.charge")
    request = WorkflowRequest("sell", ("sku:str", "price:Decimal"), ("receipt:str",), calls, choose=choose)
    answer: str | None = "price_of.price"
    plan = add_workflow(shop(), request)
    assert asked == [("payments.charge: which price (Decimal)?", ["price_of.price", "request.price"])]
    assert argument(body_of(plan), "Charge", "price") == "price_of_result.price"
    there = after(shop(), plan)
    assert there.adds("workflow")[0].options["map"] == ["charge.price=price_of.price"]
    assert planned(there, f"{SELL} {CALLS}").changes == ()  # and what was answered holds

    answer = None
    assert "# To fill in:" in body_of(add_workflow(shop(), request))


def test_the_nearest_of_two_results_is_the_first_that_is_offered() -> None:
    given = grown(shop(), "add rpc tax.with-tax --takes sku:str --returns price:Decimal")
    plan = planned(
        given, f"add workflow sell --takes sku:str --calls pricing.price_of --calls tax.with-tax {CALLS[-24:]}"
    )
    assert "# To fill in: with_tax_result.price or price_of_result.price?" in body_of(plan)


def test_a_value_that_is_only_handed_on_is_one_value() -> None:
    given = grown(shop(), "add db-function check-price --takes price:Decimal --returns price:Decimal")
    plan = planned(given, "add workflow sell --takes price:Decimal --calls db.check-price --calls payments.charge")
    assert argument(body_of(plan), "Charge", "price") == "check_price_result.price"


def test_what_may_be_left_out_is() -> None:
    given = grown(fresh(bare=True), PRICE_OF, "add rpc payments.charge --takes sku:str --takes price:Decimal?")
    plan = planned(given, f"add workflow sell --takes sku:str --takes price:Decimal? {CALLS}")
    assert "price=" not in body_of(plan)
    assert any("charge's price could be" in it for it in plan.notes)


@pytest.mark.parametrize(
    ("mapped", "says", "hint"),
    [
        ("charge", "is not CALL.FIELD=CALL.FIELD", "--map charge.amount=price_of.price"),
        ("pay.price=request.price", "there is no call pay", "There is: charge, price_of, result"),
        ("charge.amount=request.price", "charge takes no amount", "Leave it out."),
        ("charge.price=pay.price", "there is no pay before charge", "price_of, request"),
        ("price_of.sku=charge.receipt", "there is no charge before price_of", "request"),
        ("charge.price=request.amount", "request has no amount", "price"),
        ("charge.price=request.sku", "request.sku is str, and charge.price is Decimal", "of that type"),
    ],
)
def test_what_cannot_be_mapped(mapped: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        planned(shop(), f"{SELL} {CALLS} --map {mapped}")
    assert says in refused.value.message
    assert hint in refused.value.hint


def test_a_field_takes_the_narrower_type_of_the_call() -> None:
    plan = planned(fresh(bare=False), "add workflow look --takes account_id:str --calls db.get_account")
    assert "account_id: AccountId" in contract_of(plan, "look")
    assert argument(body_of(plan, "look"), "GetAccount", "account_id") == "request.account_id"
    assert (
        "account_id is of type AccountId, as db.get_account takes it: with any other value that would fail"
        in plan.notes
    )
    there = after(fresh(bare=False), plan)
    assert planned(there, "add workflow look --takes account_id:str --calls db.get_account").changes == ()


def test_bounds_are_narrowed_too() -> None:
    given = grown(fresh(bare=True), "add db-function reserve --takes sku:str:1..20 --takes quantity:int:gt0,le10")
    plan = planned(given, "add workflow order --takes sku:str --takes quantity:int:1..5 --calls db.reserve")
    text = contract_of(plan, "order")
    assert "sku: Annotated[str, Field(min_length=1, max_length=20)]" in text
    assert "quantity: Annotated[int, Field(ge=1, le=5)]" in text  # which is narrower already
    assert argument(body_of(plan, "order"), "Reserve", "sku") == "request.sku"


def test_what_cannot_be_narrowed_is_an_example() -> None:
    given = grown(fresh(bare=True), "add db-function reserve --takes sku:str:5..9")
    plan = planned(given, "add workflow order --takes sku:str:1..7 --calls db.reserve")
    assert "# An example: request.sku may break a constraint." in body_of(plan, "order")


@pytest.mark.parametrize("spelled", ["db.get_account", "db.get-account"])
def test_a_call_in_either_spelling(spelled: str) -> None:
    plan = planned(fresh(bare=False), f"add workflow look --takes account_id:AccountId --calls {spelled}")
    assert "get_account(ctx, GetAccount(account_id=request.account_id))" in body_of(plan, "look")


@functools.cache
def practice() -> Project:
    doctor = "add entity doctor --field name:str:1..80"
    return grown(fresh(bare=True), doctor, "add entity visit --field day:date --ref doctor")


def test_an_id_is_of_its_entity() -> None:
    takes = "--takes name:str --takes day:date --returns visit_id:UUID"
    text = body_of(
        planned(practice(), f"add workflow book {takes} --calls db.create_doctor --calls db.create_visit"), "book"
    )
    assert argument(text, "NewVisit", "doctor_id") == "create_doctor_result.id"
    assert argument(text, "BookResult", "visit_id") == "create_visit_result.id"

    # Another entity's id and version are other values, whatever their names and types.
    calls = "--calls db.create_doctor --calls db.update_visit --calls db.delete_visit"
    text = body_of(planned(practice(), f"add workflow move --takes visit_id:UUID {calls}"), "move")
    assert argument(text, "UpdateVisit", "id") == "request.visit_id"
    assert argument(text, "DeleteVisit", "id") == "update_visit_result.id"
    assert argument(text, "DeleteVisit", "version") == "update_visit_result.version"
    assert "version=create_doctor_result" not in text
    text = body_of(planned(practice(), "add workflow end --takes id:UUID --calls db.delete_visit"), "end")
    assert argument(text, "DeleteVisit", "id") == "request.id"


def test_mapped_by_the_names_that_another_team_has_given() -> None:
    charge = "add rpc payments.createCharge --takes customerId:str --returns chargeId:str"
    sell = "add workflow sell --takes sku:str --returns receipt:str --calls payments.createCharge"
    for call in ("createCharge.customerId", "create_charge.customer_id", "payments.createCharge.customerId"):
        maps = f"--map {call}=request.sku --map result.receipt=createCharge.chargeId"
        text = body_of(planned(grown(shop(), charge), f"{sell} {maps}"))
        assert argument(text, "CreateCharge", "customer_id") == "request.sku"
        assert argument(text, "SellResult", "receipt") == "create_charge_result.charge_id"
