"""`add query` and `add route GET … --query`: what they make, what they refuse, and that the API gets its way to the
database with the first query and loses it with the last."""

from __future__ import annotations

import random
import re
from pathlib import Path, PurePosixPath

import pytest
import yaml

from resonate_scaffold.check import check
from resonate_scaffold.errors import ScaffoldError, StillUsed, Taken, Unknown, UsageError
from resonate_scaffold.project import Project
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service
from tests.grown import fresh, grown, planned, python_of, removing, rewritten, without
from tests.test_remove import check_style, differing

ONE = "add query account-by-id --table Account --takes account_id"
LIST = "add query accounts --table Account --list --order owner --takes 'owner?'"
OWN = "add query stock-of --takes sku:str --takes 'since:date?' --returns left:int --returns price:Decimal"
ENTITY = "add entity patient --field name:str"
ROUTES = (
    "add route GET /accounts/{account_id} --query account-by-id",
    "add route GET /accounts --query accounts --name list-accounts",
    "add route GET /stock/{sku} --query stock-of",
)
COMPOSE = PurePosixPath("compose.yaml")

ROW = """
class Visit(Base):
    __tablename__ = "visits"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime]
    fee: Mapped[Decimal | None]
    kind: Mapped[str] = mapped_column(String(20), default="first")
    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
"""


def with_visits() -> Project:
    models = fresh(bare=False).files[PurePosixPath("orders/db/models.py")].decode()
    models = models.replace("import MetaData, String", "import ForeignKey, MetaData, String") + "\n" + ROW
    return rewritten(fresh(bare=False), {"orders/db/models.py": models.encode()})


def text(project: Project, path: str) -> str:
    return project.files[PurePosixPath(path)].decode()


def test_a_row_of_an_entity_has_its_id_and_version() -> None:
    """They are columns of a class of the runtime; whoever makes a row gives it the id, and SQLAlchemy its version."""
    entity = "add entity patient --field name:str:1..80 --unique name"
    project = grown(fresh(bare=True), entity, "add query patient-of --table PatientRow --takes patient_id")
    made = text(project, "orders/db/queries/patient_of.py")
    assert "    id: UUID\n    version: int\n    name: " in made
    assert "row = await session.get(PatientRow, patient_id)" in made
    test = text(project, "tests/test_query_patient_of.py")
    assert re.search(r'PatientRow\(id=UUID\("[0-9a-f-]+"\), name="example"\)', test)
    listed = text(
        grown(project, "add query patients --table PatientRow --list --order name"), "orders/db/queries/patients.py"
    )
    assert '"name": (PatientRow.name, PatientRow.id)' in listed


def test_one_row_of_a_table() -> None:
    made = text(grown(fresh(bare=False), ONE), "orders/db/queries/account_by_id.py")
    assert (
        made
        == '''\
"""The query `account-by-id`: the API reads it, and no work is started."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from ..models import Account


class AccountByIdResult(BaseModel):
    """What `account-by-id` finds."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    owner: str
    balance: Decimal


async def account_by_id(session: AsyncSession, account_id: str) -> AccountByIdResult | None:
    """Read it; None where there is none."""
    row = await session.get(Account, account_id)
    return None if row is None else AccountByIdResult.model_validate(row)
'''
    )


def test_a_list_in_pages() -> None:
    made = text(grown(fresh(bare=False), LIST), "orders/db/queries/accounts.py")
    _, _, rest = made.partition("from ..models import Account\n\n")
    assert (
        rest
        == '''\
# By what clients may order the list; with a `-` from the last to the first. Each wants an index of its columns.
ORDERS: Orders = {"owner": (Account.owner, Account.id)}
Order = Literal["owner", "-owner"]


class AccountsItem(BaseModel):
    """A row of `accounts`."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    owner: str
    balance: Decimal


async def accounts(session: AsyncSession, page: PageRequest, owner: str | None = None) -> Page[AccountsItem]:
    """Read one page of it."""
    rows = select(Account)
    if owner is not None:
        rows = rows.where(Account.owner == owner)
    return await read_page(session, rows, page, ORDERS, AccountsItem.model_validate)
'''
    )


def test_columns_of_every_kind() -> None:
    command = "add query visit --table Visit --takes patient --takes at:datetime --returns fee --returns kind"
    made = text(grown(with_visits(), command), "orders/db/queries/visit.py")
    assert "    fee: Decimal | None\n    kind: str\n" in made
    assert "async def visit(session: AsyncSession, patient: str, at: datetime) -> VisitResult | None:" in made
    assert "rows = select(Visit).where(Visit.patient == patient, Visit.at == at)" in made
    assert "one_or_none()" in made


def test_the_route_of_a_query() -> None:
    made = text(grown(fresh(bare=False), ONE, ROUTES[0]), "orders/api/get_accounts_account_id.py")
    _, _, rest = made.partition("router = ")
    assert (
        rest
        == '''\
APIRouter(tags=["accounts"], route_class=AuthenticatedRoute)


@router.get("/accounts/{account_id}", openapi_extra=authenticated(), responses=FOUND)
async def read_accounts_account_id(account_id: str, request: Request) -> AccountByIdResult:
    """Read it."""
    async with reading(request) as session:
        found = await account_by_id(session, account_id)
    if found is None:
        raise not_found()
    return found
'''
    )
    made = text(grown(fresh(bare=False), LIST, ROUTES[1]), "orders/api/list_accounts.py")
    _, _, rest = made.partition("@router")
    assert (
        rest
        == '''\
.get("/accounts", openapi_extra=authenticated(), responses=LISTED)
async def read_list_accounts(
    request: Request,
    response: Response,
    owner: str | None = None,
    order: Order = "owner",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[AccountsItem]:
    """Read one page of them."""
    async with reading(request) as session:
        found = await accounts(session, PageRequest(limit, cursor, order), owner)
    return paged(found, request, response)
'''
    )


def test_all_of_it_is_as_ruff_wants_it_and_check_finds_nothing(tmp_path: Path) -> None:
    project = grown(with_visits(), ONE, LIST, OWN, *ROUTES, "add query visits --table Visit --list --takes account")
    check_style(project, tmp_path)
    assert check(python_of(project)) == []


def test_what_is_added_goes_again() -> None:
    project = fresh(bare=False)
    after = grown(project, ONE, LIST, OWN, *ROUTES)
    with pytest.raises(StillUsed, match=r"query accounts is still used: orders/api/list_accounts.py:\d+"):
        planned(after, "remove query accounts")
    names = ["route GET '/accounts/{account_id}'", "route GET /accounts", "route GET '/stock/{sku}'"]
    names += ["query account-by-id", "query accounts", "query stock-of"]
    for name in names:
        after = grown(after, f"remove {name}")
    assert differing(project.files, after.files) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_api_reads_the_database_from_the_first_query_to_the_last(seed: int) -> None:
    project = fresh(bare=False)
    dice = random.Random(seed)
    adds = dice.sample([ONE, LIST, OWN, ENTITY], 4)
    for number, command in enumerate(adds, 1):
        project = grown(project, command)
        assert reads(project), number
    for number, command in enumerate(dice.sample(adds, 4), 1):
        project = grown(project, removing(command))
        assert reads(project) == (number < 4)
    assert project.files[COMPOSE] == fresh(bare=False).files[COMPOSE]


def test_an_entity_without_routes_has_no_queries() -> None:
    assert not reads(grown(fresh(bare=False), f"{ENTITY} --routes none"))


def reads(project: Project) -> bool:
    """Whether the API of compose.yaml reaches the database; all of it, or nothing."""
    api = yaml.safe_load(project.files[COMPOSE])["services"]["api"]
    database = yaml.safe_load(project.files[COMPOSE])["services"]["db"]["environment"]["DATABASE_URL"]
    parts = {
        bool(api["environment"].get("READ_DATABASE_URL", "") == database),
        "data" in api["networks"],
        "migrate" in api["depends_on"],
    }
    assert len(parts) == 1
    return parts.pop()


def test_a_compose_file_that_is_written_otherwise_is_left_alone() -> None:
    project = rewritten(fresh(bare=False), {"compose.yaml": b"services:\n  web:\n    image: x\n"})
    plan = planned(project, ONE)
    assert COMPOSE not in {change.path for change in plan.changes}
    assert any("READ_DATABASE_URL" in note for note in plan.notes)
    assert planned(without(fresh(bare=False), "compose.yaml"), ONE).notes == ()


def test_a_service_without_the_package_gets_it_and_keeps_it_for_the_others() -> None:
    project = without(fresh(bare=False), "orders/db/queries/__init__.py")
    for first in (ONE, ENTITY):
        after = grown(project, first, LIST, removing(first))
        assert PurePosixPath("orders/db/queries/__init__.py") in after.files


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        ("add query accounts --list", UsageError, "--table CLASS"),
        ("add query a-b --table Accounts --takes id", Unknown, "Did you mean Account?"),
        ("add query a-b --table Account --takes ids", Unknown, "Did you mean id?"),
        ("add query a-b --table Account --takes balance:int", UsageError, "the column is Decimal"),
        ("add query a-b --table Account", UsageError, "--takes id"),
        ("add query a-b --table Account --takes id --order id", UsageError, "Give --list"),
        ("add query a-b --table Visit --list --order fee", UsageError, "it may be NULL"),
        ("add query a-b --table Visit --list --order fees", Unknown, "Did you mean fee?"),
        ("add query a-b --takes session:str", UsageError, "means something else in a query"),
        (f"{OWN} --takes more:int", Taken, "already, as something else"),
        ("add route POST /accounts --query stock-of", UsageError, "Use GET"),
        ("add route GET /stock --query stock-off", Unknown, "Did you mean stock-of?"),
        ("add route GET /stock/{product} --query stock-of", UsageError, "It takes: sku, since"),
        ("add route GET /stock/{sku} --query stock-of --wait 5", UsageError, "Leave --wait"),
        ("add route GET /stock/{sku} --query stock-of --workflow aggregate", UsageError, "one thing"),
    ],
)
def test_what_is_refused(command: str, error: type[ScaffoldError], words: str) -> None:
    with pytest.raises(error) as caught:
        planned(grown(with_visits(), OWN), command)
    assert words in f"{caught.value} {caught.value.hint}"


def test_the_same_again_is_nothing_to_do() -> None:
    project = grown(fresh(bare=False), ONE, LIST, OWN, *ROUTES)
    for command in (ONE, LIST, OWN, *ROUTES, ONE.replace("account_id", "account_id:str")):
        assert planned(project, command).changes == ()


def test_what_is_listed() -> None:
    found = inventory(Service(grown(fresh(bare=False), ONE, *ROUTES[:1])), ["query", "route"])
    (query,) = found["queries"]
    assert (query["name"], query["takes"]) == ("account_by_id", ["account_id"])
    assert query["returns"] == "AccountByIdResult | None"
    assert [place["file"] for place in query["used"]] == ["orders/api/get_accounts_account_id.py"]
    route = next(it for it in found["routes"] if it["path"] == "/accounts/{account_id}")
    assert route["queries"] == ["account_by_id"]


def test_queries_that_somebody_has_written() -> None:
    mine = """
from sqlalchemy.ext.asyncio import AsyncSession as Session

from ...contracts.db.get_account import AccountView


async def first_account(session: Session, *, owner: str) -> AccountView:
    return await _read(session)


async def _read(session: Session) -> AccountView: ...
def plain(session: Session) -> None: ...
async def other(page: int) -> None: ...
"""
    project = rewritten(fresh(bare=False), {"orders/db/queries/mine.py": mine.encode()})
    assert [query.name for query in Service(project).queries] == ["first_account"]
    made = text(grown(project, "add route GET /first --query first-account"), "orders/api/get_first.py")
    assert "async def read_first(owner: str, request: Request) -> AccountView:" in made
    assert "found = await first_account(session, owner=owner)\n    return found" in made


def test_rows_of_an_entity() -> None:
    """Its id and version are columns of the runtime's class."""
    doctor = "add entity doctor --field name:str:1..80"
    project = grown(fresh(bare=True), doctor, "add entity house-visit --field day:date --ref doctor")
    made = [
        text(
            grown(project, f"add query visits --table {table} --takes doctor_id --list --order day"),
            "orders/db/queries/visits.py",
        )
        for table in ("house-visit", "house_visit", "HouseVisit", "HouseVisitRow")
    ]
    assert len(set(made)) == 1
    assert 'ORDERS: Orders = {"day": (HouseVisitRow.day, HouseVisitRow.id)}' in made[0]
    assert "    id: UUID\n    version: int\n    day: date\n" in made[0]
    one = grown(project, "add query one-doctor --table doctor --takes doctor_id")
    assert "row = await session.get(DoctorRow, doctor_id)" in text(one, "orders/db/queries/one_doctor.py")
    # SQLAlchemy counts the version: the test's row has none.
    assert "version=" not in text(one, "tests/test_query_one_doctor.py")
    with pytest.raises(Unknown, match="--table nurse"):
        planned(project, "add query one-nurse --table nurse --takes id")


def test_a_workflow_calls_no_query() -> None:
    project = grown(fresh(bare=True), "add entity doctor --field name:str:1..80")
    for spelled in ("db.list_doctors", "list-doctors"):
        with pytest.raises(Unknown, match="list_doctors is a query, which only the API calls") as refused:
            planned(project, f"add workflow close-day --calls {spelled}")
        assert "add db-function NAME --read-only" in refused.value.hint
