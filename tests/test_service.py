"""The service package: what it reads from a generated service, and from code that people have written their own way."""

from __future__ import annotations

import ast
import functools
import json
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from textwrap import dedent
from types import FrameType

import pytest

from resonate_scaffold import templates
from resonate_scaffold.code.facts import Place
from resonate_scaffold.errors import BrokenSource
from resonate_scaffold.project import FilesInMemory, Manifest, Project
from resonate_scaffold.service.listing import KINDS, inventory, table
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.things import Contract, Gate
from resonate_scaffold.service.types import Alias, ModelType

from .grown import runtime

type TraceFunction = Callable[[FrameType, str, object], TraceFunction]

CONTRACT = """
    from pydantic import BaseModel
    from ...runtime.durable.rpc import Rpc

    class PlaceOrder(BaseModel):
        order_id: str

    class PlaceOrderResult(BaseModel):
        total: int

    place_order = Rpc(name="place-order", group="workers", request=PlaceOrder, result=PlaceOrderResult)
"""
WORKER = """
    from ..runtime.durable.rpc import Registration
    from .place_order import place_order

    GROUP = "workers"

    SERVED: list[Registration] = [
        place_order,
    ]
"""
PLACE_ORDER = """
    from ..contracts.workflows import place_order as contract
    from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult
    from ..runtime.durable.rpc import serve

    @serve(contract.place_order)
    async def place_order(ctx, request: PlaceOrder) -> PlaceOrderResult:
        return PlaceOrderResult(total=1)
"""
ORDERS = {
    "contracts/workflows/place_order.py": CONTRACT,
    "workflows/worker.py": WORKER,
    "workflows/place_order.py": PLACE_ORDER,
}

# The same as version 0.1.0 had it: one module of contracts a group, `serve` in the worker, the machinery on top.
OLDER = {
    "rpc.py": """
    from dataclasses import dataclass

    @dataclass
    class Rpc:
        name: str
        group: str
        request: type
        result: type
        timeout: object = None
        version: int = 1

        async def __call__(self, ctx, request): ...

    class Served: ...

    def serve(contract, function): ...
""",
    "schedules.py": "class Schedule: ...",
    "contracts/workflows.py": CONTRACT.replace("...runtime.durable.rpc", "..rpc"),
    "workflows/worker.py": """
    from ..contracts import workflows as contracts
    from ..rpc import Served, serve
    from .place_order import place_order

    GROUP = "workers"

    SERVED: list[Served] = [
        serve(contracts.place_order, place_order),
    ]
""",
    "workflows/place_order.py": """
    from ..contracts.workflows import PlaceOrder, PlaceOrderResult

    async def place_order(ctx, request: PlaceOrder) -> PlaceOrderResult:
        return PlaceOrderResult(total=1)
""",
}


def project(files: Mapping[str, bytes], package: str) -> Project:
    manifest = Manifest("1", {}, {"project_name": package, "package_name": package}, {})
    return Project(package, manifest, FilesInMemory({PurePosixPath(path): it for path, it in files.items()}))


def service(files: Mapping[str, str], package: str = "orders", tests: Mapping[str, str] | None = None) -> Service:
    """A service of these files: paths below the package, or for *tests* below tests/."""
    contents = {f"{package}/{path}": dedent(text).encode() for path, text in files.items()}
    contents |= {f"tests/{path}": dedent(text).encode() for path, text in (tests or {}).items()}
    if "rpc.py" not in files:  # of version 0.1.0, which had it there
        machinery = {str(path).removeprefix("orders/"): content for path, content in runtime().items()}
        contents = {f"{package}/{path}": content for path, content in machinery.items()} | contents
    return Service(project(contents, package))


@functools.cache
def generated(*, bare: bool = False) -> Service:
    rendering = templates.render_builtin(templates.complete_answers({"project_name": "my-api", "bare": bare}))
    files = {str(path): file.content for path, file in rendering.files.items() if path.suffix == ".py"}
    return Service(project(files, "my_api"))


def models(found: Service) -> list[ModelType]:
    return [it for it in found.types if isinstance(it, ModelType)]


def aliases(found: Service) -> list[Alias]:
    return [it for it in found.types if isinstance(it, Alias)]


def text_at(found: Service, place: Place | None) -> str:
    """The line at a place."""
    assert place is not None
    return found.project.files[PurePosixPath(place.path)].decode().splitlines()[place.line - 1].strip()


def texts_at(found: Service, places: tuple[Place, ...]) -> list[str]:
    return [text_at(found, place) for place in places]


def contract(found: Service, durable: str) -> Contract:
    [only] = [item for item in found.contracts if item.durable == durable]
    return only


def gate(found: Service, name: str) -> Gate:
    [only] = [item for item in found.gates if item.name == name]
    return only


def test_the_contracts_of_a_generated_service() -> None:
    found = generated()
    names = [item.durable for item in found.contracts]
    assert names == ["aggregate", "db.get_account", "db.save_result", "process-job"]

    job = contract(found, "process-job")
    assert (job.variable, job.module) == ("process_job", "contracts.workflows.process_job")
    assert (job.group, job.version, job.target) == ("workers", 1, "workers.process-job")
    assert (job.request, job.result) == (f"{job.module}.ProcessJob", f"{job.module}.JobResult")
    assert text_at(found, job.place) == "process_job = Rpc("
    assert text_at(found, job.served) == "process_job,"
    assert text_at(found, job.function) == "async def process_job(ctx: Context, job: ProcessJob) -> JobResult:"
    assert job.faked is None
    assert job.called == ()
    [started] = texts_at(found, job.started)
    assert "await start(submission, process_job, " in started

    account = contract(found, "db.get_account")
    assert text_at(found, account.function) == (
        "async def get_account(ctx: Context, request: GetAccount) -> FoundAccount:"
    )
    assert [place.path for place in account.called] == [
        "my_api/workflows/aggregate.py",
        "my_api/workflows/process_job.py",
    ]
    calls = ("get_account(ctx, ", "fan_out(ctx, get_account, ")
    assert all(any(call in text for call in calls) for text in texts_at(found, account.called))
    assert account.started == ()


def test_the_rest_of_a_generated_service() -> None:
    found = generated()
    routes = {f"{route.method} {route.path}": route for route in found.routes}
    assert list(routes) == [
        "POST /accounts/summary",
        "GET /accounts/summary/{id}",
        "GET /jobs",
        "POST /jobs",
        "DELETE /jobs/{id}",
        "GET /jobs/{id}",
        "POST /webhooks/approvals",
    ]
    assert all(route.included for route in found.routes)
    assert routes["POST /jobs"].contracts == ("process-job",)
    assert routes["POST /jobs"].gates == ()  # its local variable `approval` is no gate
    assert text_at(found, routes["POST /jobs"].place).startswith("async def submit_job(")

    approval = gate(found, "approve")
    assert (approval.variable, approval.payload) == ("approval", "contracts.workflows.approval.Decision")
    assert texts_at(found, approval.waited) == ["decision = await approval.wait(ctx, patience)"]
    assert approval.routes == ("POST /webhooks/approvals",)
    assert routes["POST /webhooks/approvals"].gates == ("approve",)

    groups = {group.name: (group.module, group.serves) for group in found.groups}
    assert groups == {
        "api": ("api", ()),
        "db": ("db", ("db.get_account", "db.save_result")),
        "workers": ("workflows", ("aggregate", "process-job")),
    }
    assert found.foreign_groups == ()
    assert (found.schedules, found.keys) == ((), ())
    assert [(alias.name, alias.module) for alias in aliases(found)] == [("AccountId", "contracts.db.get_account")]
    assert "contracts.workflows.process_job.JobResult" in {model.qualified for model in models(found)}


def test_a_bare_service_has_its_groups() -> None:
    found = generated(bare=True)
    groups = {group.name: text_at(found, group.place) for group in found.groups}
    assert groups == {"api": "ROUTERS: list[APIRouter] = []", "db": 'GROUP = "db"', "workers": 'GROUP = "workers"'}
    nothing = (found.routes, found.contracts, found.types, found.gates, found.keys, found.schedules)
    assert nothing == ((), (), (), (), (), ())


@pytest.mark.parametrize(
    "code",
    [
        'from ..RT import Rpc\ncharge = Rpc(name="charge", group="payments", request=Charge, result=Charged)',
        'from ..RT import Rpc as R\ncharge: R[Charge, Charged] = R("charge", "payments", Charge, Charged)',
        'import orders.RT as r\ncharge = r.Rpc[Charge, Charged]("charge", "payments", request=Charge, result=Charged)',
        'import orders.RT\ncharge = orders.RT.Rpc(result=Charged, request=Charge, group="payments", name="charge")',
        'from orders import RT as r\nN = "char" "ge"\ncharge = r.Rpc(N, f"{PAY}ments", Charge, Charged)',
        'from ..RT import Rpc\nfrom ..naming import GROUP\ncharge = Rpc("ch" + END, GROUP, Charge, Charged)',
    ],
)
@pytest.mark.parametrize("machinery", ["runtime.durable.rpc", "rpc"])
def test_a_contract_however_it_is_written(code: str, machinery: str) -> None:
    """The machinery has moved since version 0.1.0."""
    parent, _, name = machinery.rpartition(".")
    code = code.replace("from orders import RT", f"from {f'orders.{parent}'.strip('.')} import {name}")
    code = code.replace("RT", machinery)
    models = 'from .payment_models import Charge, Charged\nPAY = "pay"\nEND = "arge"\n'
    found = service(
        {
            "contracts/payments.py": models + code,
            "contracts/payment_models.py": "class Charge: ...\nclass Charged: ...",
            "naming.py": 'OTHER = "payments"\nGROUP: str = OTHER',
            **({"rpc.py": OLDER["rpc.py"]} if machinery == "rpc" else {}),
        }
    )
    charge = contract(found, "charge")
    assert (charge.variable, charge.module, charge.group, charge.version) == (
        "charge",
        "contracts.payments",
        "payments",
        1,
    )
    assert (charge.request, charge.result) == ("contracts.payment_models.Charge", "contracts.payment_models.Charged")
    assert text_at(found, charge.place).startswith("charge")
    assert found.foreign_groups == ("payments",)


def test_what_cannot_be_read_is_left_out() -> None:
    found = service(
        {
            "contracts/workflows.py": """
                import os
                from ..rpc import Rpc
                from somewhere import Rpc as Other

                computed = Rpc(name=os.environ["NAME"], group="workers", request=int, result=int)
                elsewhere = Rpc(name="a", group=os.environ["GROUP"], request=int, result=int)
                versioned = Rpc(name="b", group="workers", request=int, result=int, version=len("ab"))
                another = Other(name="c", group="workers", request=int, result=int)
                odd = Rpc(name="d", group="workers", request=make(), result=make(), version=2)
                endless: str = endless
                looped = Rpc(name=endless, group="workers", request=int, result=int)
                spread = Rpc(*ARGUMENTS)
            """,
            "rpc.py": OLDER["rpc.py"],
            "gates.py": "from .gate import Gate\nimport os\ncomputed = Gate(os.name, int)\n",
            "workflows/schedules.py": "SCHEDULES = [make() for _ in range(3)]",
            "workflows/worker.py": "SERVED = load()",
        }
    )
    assert [(item.durable, item.version, item.request) for item in found.contracts] == [("d", 2, None)]
    assert contract(found, "d").served is None
    assert (found.gates, found.schedules, found.groups) == ((), (), ())


def test_a_renamed_package_and_tests_that_import_it() -> None:
    found = service(
        ORDERS,
        package="shop",
        tests={"test_it.py": "from shop.contracts.workflows.place_order import PlaceOrder as P\nP()"},
    )
    order = contract(found, "place-order")
    assert text_at(found, order.function).startswith("async def place_order(")
    model = "contracts.workflows.place_order.PlaceOrder"
    assert (model, Place("tests/test_it.py", 2)) in found.references([model])


LISTED = [
    "SERVED = [@]",
    "SERVED: list = [\n    # first\n    @,  # last\n]",
    "SERVED = (@,)",
    "SERVED = [*OLD]\nOLD = [@]",
    "SERVED = OLD + []\nOLD = [@]",
    "SERVED = []\nSERVED += [@]",
    "SERVED = []\nSERVED.append(@)",
    "ENTRY = @\nSERVED = [ENTRY]",
]


@pytest.mark.parametrize("served", LISTED)
@pytest.mark.parametrize("element", ["place_order", "orders.workflows.place_order.place_order"])
def test_an_element_of_served_however_it_is_written(served: str, element: str) -> None:
    head = 'import orders.workflows.place_order\nfrom .place_order import place_order\nGROUP = "workers"\n'
    found = service({**ORDERS, "workflows/worker.py": head + served.replace("@", element)})
    order = contract(found, "place-order")
    assert order.served is not None
    assert text_at(found, order.function).startswith("async def place_order(")


@pytest.mark.parametrize("served", LISTED)
@pytest.mark.parametrize(
    "element",
    [
        "serve(contracts.place_order, place_order)",
        "serve(function=place_order, contract=contracts.place_order)",
        "r.serve(contracts.place_order, orders.workflows.place_order.place_order, retries=6)",
    ],
)
def test_an_element_of_served_in_version_0_1_0(served: str, element: str) -> None:
    head = (
        "import orders.workflows.place_order\nimport orders.rpc as r\nfrom ..contracts import workflows as contracts\n"
        "from ..rpc import serve\nfrom .place_order import place_order\nGROUP = 'workers'\n"
    )
    found = service({**OLDER, "workflows/worker.py": head + served.replace("@", element)})
    order = contract(found, "place-order")
    assert order.served is not None
    assert text_at(found, order.function).startswith("async def place_order(")


@pytest.mark.parametrize(
    "decorator",
    [
        "@serve(contract.place_order)",
        "@serve(contract.place_order, retries=6)",
        "@serve(retries=6, contract=contract.place_order)",
        "@serve(contract.place_order)\n@logged",
        "@rpc.serve(place_order_contract)",
        "@orders.runtime.durable.rpc.serve(orders.contracts.workflows.place_order.place_order)",
    ],
)
def test_what_a_function_fulfils_however_it_is_written(decorator: str) -> None:
    imports = (
        "import orders.contracts.workflows.place_order\nimport orders.runtime.durable.rpc\n"
        "from ..contracts.workflows import place_order as contract\n"
        "from ..contracts.workflows.place_order import place_order as place_order_contract\n"
        "from ..runtime.durable import rpc\nfrom ..runtime.durable.rpc import serve\n"
    )
    function = f"{imports}{decorator}\nasync def place_order(ctx, request): ...\n"
    found = service({**ORDERS, "workflows/place_order.py": function})
    order = contract(found, "place-order")
    assert text_at(found, order.served) == "place_order,"
    assert text_at(found, order.function) == "async def place_order(ctx, request): ..."
    assert (order.called, order.started) == ((), ())


def test_a_function_that_fulfils_nothing_is_not_served() -> None:
    function = "from ..contracts.workflows import place_order as contract\nasync def place_order(ctx, request): ...\n"
    found = service({**ORDERS, "workflows/place_order.py": function})
    assert contract(found, "place-order").served is None


def test_stand_ins_are_not_served() -> None:
    found = service(
        {
            "contracts/payments/charge.py": """
                from ...runtime.durable.rpc import Rpc
                charge = Rpc(name="payments.charge", group="payments", request=int, result=int)
            """,
            "fakes/worker.py": """
                from .payments_charge import charge

                SERVED = [
                    charge,
                ]
            """,
            "fakes/payments_charge.py": """
                from ..contracts.payments import charge as contract
                from ..runtime.durable.rpc import serve

                @serve(contract.charge)
                async def charge(ctx, request): ...
            """,
        }
    )
    charge = contract(found, "payments.charge")
    assert (charge.served, charge.function) == (None, None)
    assert charge.faked == Place("orders/fakes/worker.py", 5)
    assert (found.groups, found.foreign_groups) == ((), ("payments",))
    assert charge.target == "payments.charge"


@pytest.mark.parametrize(
    ("group", "durable", "target"),
    [
        ("payments", "payments.charge", "payments.charge"),
        ("payments.workers", "charge", "payments.workers.charge"),
        ("payments.db", "db.get_balance", "payments.db.get_balance"),
        ("db", "db.get_balance", "db.get_balance"),
        ("workers", "charge", "workers.charge"),
    ],
)
def test_the_target_of_a_contract_is_what_add_rpc_takes(group: str, durable: str, target: str) -> None:
    code = f'from ...runtime.durable.rpc import Rpc\nit = Rpc("{durable}", "{group}", int, int)\n'
    found = service({"contracts/some/it.py": code})
    assert contract(found, durable).target == target
    assert found.group_of("some") == group
    assert found.group_of("none") is None


def test_a_group_of_its_own() -> None:
    found = service(
        {
            "contracts/billing/bill.py": """
                from ...runtime.durable.rpc import Rpc
                bill = Rpc(name="billing.bill", group="billing", request=int, result=int)
            """,
            "billing/worker.py": """
                from .bill import bill
                GROUP = "billing"
                SERVED = [bill]
            """,
            "billing/bill.py": """
                from ..contracts.billing import bill as contract
                from ..runtime.durable.rpc import serve
                @serve(contract.bill)
                async def bill(ctx, request): ...
            """,
            "api/app.py": "ROUTERS = []",
        }
    )
    assert [(group.name, group.module, group.serves) for group in found.groups] == [
        ("api", "api", ()),
        ("billing", "billing", ("billing.bill",)),
    ]
    assert found.foreign_groups == ()
    [entry] = inventory(found)["rpc"]
    assert entry["served"] == {"file": "orders/billing/worker.py", "line": 4}
    assert entry["function"] == {"file": "orders/billing/bill.py", "line": 5}


def test_calls_through_every_kind_of_name() -> None:
    found = service(
        {
            **ORDERS,
            "contracts/__init__.py": "from .workflows.place_order import place_order",
            "workflows/a.py": """
                from ..contracts import place_order, workflows
                import orders.contracts.workflows.place_order as w
                import orders
                from resonate.context import Context

                async def a(ctx: Context):
                    one = place_order(ctx, 1)
                    two = [workflows.place_order.place_order(ctx, n) for n in range(3)]
                    three = await w.place_order(
                        ctx, 1
                    )
                    four = await orders.contracts.workflows.place_order.place_order(ctx, place_order(ctx, 5))
            """,
            "workflows/b.py": """
                from resonate import context
                async def b(ctx: "context.Context"):
                    from ..contracts.workflows.place_order import place_order as order
                    return await order(ctx, 1)
            """,
            "workflows/not_it.py": """
                from ..contracts.workflows.place_order import place_order

                async def a(ctx, place_order):
                    place_order(ctx)

                def b():
                    for place_order in range(3):
                        place_order(1)

                c = lambda place_order: place_order(1)
                d = [place_order(1) for place_order in range(3)]

                class E:
                    def place_order(self): ...
                    def f(self):
                        self.place_order(1)
            """,
            "api/orders.py": """
                from ..contracts.workflows.place_order import place_order
                from ..runtime.http.work import start
                async def route(submission):
                    start(submission, place_order, place_order.timeout)
                    start(submission, contract=place_order)
                    place_order(1)
            """,
        },
        tests={"test_a.py": "from orders.contracts import place_order\nplace_order(1)"},
    )
    order = contract(found, "place-order")
    called = [(place.path, place.line) for place in order.called]
    a = "orders/workflows/a.py"
    assert called == [(a, 8), (a, 9), (a, 10), (a, 13), ("orders/workflows/b.py", 5)]
    assert order.started == (Place("orders/api/orders.py", 5), Place("orders/api/orders.py", 6))


def test_a_contract_that_is_fanned_out_is_called() -> None:
    found = service(
        {
            **ORDERS,
            "workflows/a.py": """
                from ..contracts.workflows.place_order import place_order
                from ..runtime.durable import fan_out as module
                from ..runtime.durable.fan_out import fan_out as many
                from resonate.context import Context

                async def a(ctx: Context, fan_out):
                    await many(ctx, place_order, [1, 2])
                    await module.fan_out(ctx, contract=place_order, requests=[])
                    await fan_out(ctx, place_order, [])
            """,
        }
    )
    called = [(place.path, place.line) for place in contract(found, "place-order").called]
    assert called == [("orders/workflows/a.py", 8), ("orders/workflows/a.py", 9)]


def test_models_with_what_they_inherit() -> None:
    found = service(
        {
            "base.py": """
                import pydantic as p
                class Strict(p.BaseModel):
                    model_config = p.ConfigDict(strict=True)
                    trace: str = ""
            """,
            "contracts/common.py": """
                from ..base import Strict
                class Named(Strict):
                    name: str
                    size: int
            """,
            "contracts/orders.py": """
                from __future__ import annotations
                from typing import ClassVar, Generic, TypeVar
                from pydantic import BaseModel as ModelType, Field
                from .common import Named as Base

                class Order[T](Base):
                    '''An order.'''
                    LIMIT: ClassVar[int] = 3
                    model_config: dict[str, str] = {}
                    _hidden: int = 1
                    plain = 5
                    size: float
                    items: list[T] = Field(default_factory=list)

                class Big(Order[int], Generic[T]):
                    more: int

                class Alone(ModelType): ...
                class NotOne: ...
                class Ring(Ring): ...
                class NotOneEither(Exception):
                    name: str
            """,
        }
    )
    named = {model.name: model for model in models(found)}
    assert list(named) == ["Alone", "Big", "Named", "Order"]
    fields = [(item.name, ast.unparse(item.annotation), item.module) for item in named["Big"].fields]
    assert fields == [
        ("trace", "str", "base"),
        ("name", "str", "contracts.common"),
        ("size", "float", "contracts.orders"),
        ("items", "list[T]", "contracts.orders"),
        ("more", "int", "contracts.orders"),
    ]
    assert named["Order"].fields[0].default is not None
    assert named["Order"].fields[2].default is None
    assert text_at(found, named["Big"].place) == "class Big(Order[int], Generic[T]):"


def test_other_named_types() -> None:
    found = service(
        {
            "contracts/types.py": """
                import typing as t
                from enum import Enum, StrEnum
                from typing import Annotated, Literal, TypeAlias

                Id = Annotated[str, 5]
                Risk = t.Literal["low", "high"]
                Old: TypeAlias = "list[Id]"
                type Page[T] = list[T]
                class Colour(StrEnum):
                    RED = "red"
                class Base(Enum): ...
                class Sub(Base): ...
                number = 5
                other: int = 5
                chosen = registry[Id]
            """
        }
    )
    named = {alias.name: alias for alias in aliases(found)}
    assert list(named) == ["Base", "Colour", "Id", "Old", "Page", "Risk", "Sub"]
    assert isinstance(named["Colour"].node, ast.ClassDef)
    page = named["Page"].node
    assert isinstance(page, ast.expr)
    assert ast.unparse(page) == "list[T]"
    assert text_at(found, named["Risk"].place).startswith("Risk =")


def test_routes_of_several_routers() -> None:
    found = service(
        {
            **ORDERS,
            "api/app.py": """
                from fastapi import FastAPI
                from . import shared
                from .orders import public as shown
                ROUTERS = [*MORE, shown]
                MORE = [shared.shared]
                def create_app():
                    app = FastAPI()
                    @app.get("/of-the-app")
                    def nothing(): ...
            """,
            "api/paths.py": 'BASE = "/v1"',
            "api/shared.py": "from fastapi import APIRouter\nshared = APIRouter()",
            "api/orders.py": """
                import fastapi
                from fastapi.routing import APIRouter as Router
                from ..contracts import workflows
                from .paths import BASE
                from .shared import shared

                PREFIX = f"{BASE}/orders"
                public: Router = Router(prefix=PREFIX, tags=["a"])
                hidden = fastapi.APIRouter(prefix="/hidden")
                computed = Router(prefix=prefix())

                class Own(Router): ...
                own = Own()

                @public.post("", status_code=202)
                @shared.put(path=BASE + "/order")
                async def submit():
                    return helper()

                def helper():
                    def inner():
                        return further(inner)
                    return inner()

                def further(again):
                    helper()
                    return begin(workflows.place_order.place_order)

                def begin(contract):
                    contract.start(1)

                @public.api_route("/both", methods=["get", "HEAD"])
                def both(): ...

                if BASE:
                    @hidden.delete("/{id}")
                    def remove(id):
                        return workflows.place_order.place_order.timeout  # it starts nothing

                @own.get("/own")
                def mine(): ...

                @computed.get("/lost")
                def lost(): ...

                @public.get(computed)
                def lost_too(): ...

                @public.websocket("/ws")
                def socket(): ...
            """,
        }
    )
    routes = [(route.method, route.path, route.function, route.included) for route in found.routes]
    assert routes == [
        ("DELETE", "/hidden/{id}", "remove", False),
        ("GET", "/of-the-app", "nothing", True),
        ("GET", "/own", "mine", False),
        ("PUT", "/v1/order", "submit", True),
        ("POST", "/v1/orders", "submit", True),
        ("GET", "/v1/orders/both", "both", True),
        ("HEAD", "/v1/orders/both", "both", True),
        ("GET", "/v1/orders…", "lost_too", True),
        ("GET", "…/lost", "lost", False),
    ]
    assert {route.function: route.contracts for route in found.routes if route.contracts} == {
        "submit": ("place-order",)
    }


def test_gates() -> None:
    found = service(
        {
            "contracts/workflows/approval.py": """
                from pydantic import BaseModel
                from ...runtime.durable import gate as g
                class Approval(BaseModel):
                    approved: bool
                NAME = "approval"
                approval: g.Gate[Approval] = g.Gate(name=NAME, payload=Approval)
            """,
            "contracts/special.py": (
                'from ..runtime.durable.gate import Gate\nunused = Gate("unused", dict[str, int])'
            ),
            "workflows/a.py": """
                from ..contracts import workflows
                from resonate.context import Context
                async def a(ctx: Context, event):
                    await event.wait()
                    await workflows.approval.approval.wait(ctx, "a", 1)
            """,
            "api/app.py": "from .hooks import router\nROUTERS = [router]",
            "api/hooks.py": """
                from fastapi import APIRouter
                from ..contracts.workflows.approval import approval
                router = APIRouter()

                @router.post("/webhooks/approval/{id:path}")
                async def decide(id):
                    return await deliver(approval, id)

                async def deliver(gate, id):
                    return await gate.deliver(client, id, answer)

                @router.get("/webhooks/approval")
                async def name():
                    return approval.name
            """,
        }
    )
    approval = gate(found, "approval")
    assert approval.module == "contracts.workflows.approval"
    assert approval.payload == "contracts.workflows.approval.Approval"
    assert approval.waited == (Place("orders/workflows/a.py", 6),)
    assert approval.routes == ("POST /webhooks/approval/{id:path}",)
    unused = gate(found, "unused")
    assert (unused.payload, unused.waited, unused.routes) == (None, (), ())


@pytest.mark.parametrize("older", [False, True])
def test_schedules(older: bool) -> None:
    """Version 0.1.0 had them in a module of their own, and named the contract; now a function may be named, too."""
    contract_of = "contracts.workflows" if older else "contracts.workflows.place_order"
    machinery = "schedules" if older else "runtime.durable.schedules"
    text = f"""
        import os
        import orders.{machinery} as s
        import orders.{contract_of} as contracts
        from orders.{contract_of} import PlaceOrder
        from orders.{machinery} import Schedule
        from .place_order import place_order as function

        NIGHTLY = "0 2 * * *"
        weekly = Schedule("weekly", "0 3 * * MON", {"contracts.place_order" if older else "function"}, PlaceOrder())

        SCHEDULES: list[Schedule] = [
            weekly,
            Schedule(name="nightly", cron=NIGHTLY, workflow=contracts.place_order, request=PlaceOrder()),
            s.Schedule(name="from-settings", cron=os.environ["CRON"], workflow=find(), request=None),
            Schedule(name=os.name, cron="* * * * *", workflow=function, request=None),
        ]
    """
    now = {**ORDERS, "workflows/worker.py": dedent(WORKER) + dedent(text)}
    found = service({**OLDER, "workflows/schedules.py": text} if older else now)
    schedules = [(item.name, item.cron, item.workflow) for item in found.schedules]
    assert schedules == [
        ("from-settings", "os.environ['CRON']", None),
        ("nightly", "0 2 * * *", "place-order"),
        ("weekly", "0 3 * * MON", "place-order"),
    ]
    assert text_at(found, found.schedules[1].place).startswith('Schedule(name="nightly"')
    assert contract(found, "place-order").scheduled == ("nightly", "weekly")


def test_keys() -> None:
    found = service(
        {
            "ids.py": """
                from .runtime.durable.ids import keyed

                def root(kind, public):
                    return f"{kind}/{public}"

                def invoice(customer_id: str, /, number: int, *, year: int) -> str:
                    '''An invoice.'''
                    return keyed("invoice", customer_id, str(number), str(year))

                def refund(id: str) -> str:
                    return keyed(KIND, id)

                KIND = "refund"

                def both(id: str) -> str:
                    return invoice(id, 1, year=2) + refund(id)
            """,
            "api/a.py": """
                from .. import ids
                def a():
                    return ids.invoice("c", 1, year=2)
            """,
            "api/b.py": """
                from ..ids import invoice as named
                def b(f=named):
                    return named("c", 1, year=2), named("c", 2, year=2)
            """,
        },
        tests={"test_keys.py": "from orders import ids\nids.refund('1')"},
    )
    keys = {key.name: key for key in found.keys}
    assert list(keys) == ["invoice", "refund"]
    assert (keys["invoice"].kind, keys["invoice"].fields) == ("invoice", ("customer_id", "number", "year"))
    a, b = "orders/api/a.py", "orders/api/b.py"
    assert keys["invoice"].used == (Place(a, 4), Place(b, 3), Place(b, 4))
    assert (keys["refund"].kind, keys["refund"].used) == ("refund", ())
    assert text_at(found, keys["refund"].place) == "def refund(id: str) -> str:"


def test_references() -> None:
    found = service(
        {
            **ORDERS,
            "contracts/more.py": """
                from .workflows.place_order import PlaceOrder

                class Wider(PlaceOrder):
                    other: "list[PlaceOrder]"
            """,
            "a.py": "from .contracts.workflows.place_order import PlaceOrder, PlaceOrderResult",
            "b.py": """
                from typing import TYPE_CHECKING, Literal
                if TYPE_CHECKING:
                    from .contracts.workflows.place_order import PlaceOrder

                def b(PlaceOrderResult: Literal["PlaceOrder"]) -> None:
                    PlaceOrderResult()

                def c() -> "PlaceOrder | None": ...
            """,
            "c.py": '''
                """PlaceOrder in words is no use."""
                PlaceOrder = 1
                print(PlaceOrder)
            ''',
        },
        tests={
            "test_it.py": "from orders.contracts.workflows import place_order\nprint(place_order.PlaceOrder.fields)",
            "contracts/workflows/place_order.py": "print(PlaceOrder)",
        },
    )
    module = "contracts.workflows.place_order"
    model, declared = f"{module}.PlaceOrder", f"{module}.place_order"
    places = [(place.path, place.line) for _, place in found.references([model])]
    assert places == [
        ("orders/a.py", 1),
        ("orders/b.py", 4),
        ("orders/contracts/more.py", 4),
        ("orders/contracts/workflows/place_order.py", 11),
        ("orders/workflows/place_order.py", 7),
        ("tests/test_it.py", 2),
    ]
    # The contract is one of the names, so what stands in its definition is no use of the model.
    both = found.references([model, declared], [PurePosixPath("tests/test_it.py")])
    assert (declared, Place("orders/workflows/place_order.py", 6)) in both
    assert not {place.path for _, place in both} & {"orders/contracts/workflows/place_order.py", "tests/test_it.py"}


def test_references_to_a_module() -> None:
    found = service(
        {
            "api/app.py": "from . import orders as o\n\nROUTERS = [o.router]",
            "api/other.py": "from .orders import Body\n\ndef f(body: Body): ...",
            "api/third.py": "import orders.api.orders",
            "api/orders.py": "router = 1  # orders\nclass Body: ...\nprint(router, Body)",
            "api/orders_too.py": "router = 1\norders = router",
        }
    )
    uses = found.references(["api.orders"])
    assert uses == tuple(
        ("api.orders", Place(path, line))
        for path, line in [("orders/api/app.py", 3), ("orders/api/other.py", 3), ("orders/api/third.py", 1)]
    )


def test_references_to_what_is_no_longer_defined_and_through_a_re_export() -> None:
    found = service(
        {
            "contracts/workflows.py": "class Wider(PlaceOrder): ...\nprint(len([PlaceOrder for _ in range(3)]))",
            "contracts/__init__.py": "from .workflows import Wider as Public",
            "a.py": "from .contracts import Public as Wider\nWider()",
            "same.py": "from .contracts.workflows import Wider",
            "b.py": "from .same import Wider\n\nWider()",
        }
    )
    gone = found.references(["contracts.workflows.PlaceOrder"])
    assert [place.line for _, place in gone] == [1, 2]
    used = found.references(["contracts.workflows.Wider"])
    paths = [(place.path, place.line) for _, place in used]
    assert paths == [("orders/a.py", 2), ("orders/b.py", 3), ("orders/contracts/__init__.py", 1), ("orders/same.py", 1)]
    public = found.references(["contracts.Public"])
    assert [place for _, place in public] == [Place("orders/a.py", 2)]


def test_a_broken_file_is_in_the_way_of_what_needs_it_only() -> None:
    broken = "def f(:\n"
    others = {"api/app.py": "ROUTERS = []", "ids.py": "", "settings.py": broken}
    found = service({**ORDERS, **others, "workflows/broken.py": broken})
    assert [model.name for model in models(found)] == ["PlaceOrder", "PlaceOrderResult"]
    assert [it.durable for it in found.contracts_spelling("place-order")] == ["place-order"]
    assert (found.routes, found.keys) == ((), ())
    order = "contracts.workflows.place_order.PlaceOrder"
    assert found.references([order])
    assert inventory(found, ["route", "idempotency-key"]).keys() == {"routes", "idempotency_keys"}
    with pytest.raises(BrokenSource, match=r"workflows/broken\.py, line 1: "):
        inventory(service({**ORDERS, "workflows/broken.py": broken}))
    with pytest.raises(BrokenSource, match=r"contracts/broken\.py"):
        service({**ORDERS, "contracts/broken.py": broken}).gates  # noqa: B018
    with pytest.raises(BrokenSource, match=r"workflows/broken\.py"):
        service({**ORDERS, "workflows/broken.py": "PlaceOrder " + broken}).references([order])


def parsed(found: Service) -> list[str]:
    """The files that were parsed."""
    return [str(path) for path in found.program.modules if path in found.program.modules.parsed]


def test_questions_about_one_name_parse_the_files_that_spell_it() -> None:
    """So they cost about the same whatever the service has."""
    more = {f"contracts/workflows/more_{n}.py": CONTRACT.replace("lace", f"lace{n}") for n in range(3)}
    gates = 'from ...runtime.durable.gate import Gate\nconsent = Gate("consent", bool)\nasked = Gate("asked", bool)\n'
    found = service({**ORDERS, **more, "contracts/workflows/consent.py": gates})
    assert [it.durable for it in found.contracts_spelling("place-order")] == ["place-order"]
    assert [it.name for it in found.types_spelling("PlaceOrder")] == ["PlaceOrder", "PlaceOrderResult"]
    assert parsed(found) == ["orders/contracts/workflows/place_order.py"]
    assert [it.name for it in found.gates_spelling("consent")] == ["asked", "consent"]  # all of its file
    assert len(parsed(found)) == 2
    assert [*found.contracts_spelling("nothing"), *found.types_spelling("No"), *found.gates_spelling("no-gate")] == []
    model = found.named_type("contracts.workflows.more_1.Place1Order")
    assert isinstance(model, ModelType)
    assert [field.name for field in model.fields] == ["order_id"]
    assert found.named_type("contracts.workflows.more_1.Nothing") is None
    assert found.named_type("workflows.place_order.PlaceOrder") is None
    assert len(parsed(found)) == 3


def test_where_a_module_is() -> None:
    found = service({**ORDERS, "contracts/__init__.py": "", "__init__.py": ""})
    assert found.path_of("contracts.workflows.place_order") == PurePosixPath(
        "orders/contracts/workflows/place_order.py"
    )
    assert found.path_of("contracts") == PurePosixPath("orders/contracts/__init__.py")
    assert found.path_of("") == PurePosixPath("orders/__init__.py")
    assert found.path_of("contracts.nothing") is None


def test_the_machinery_is_no_part_of_what_a_service_has() -> None:
    """What it does with contracts is not listed."""
    machinery = {
        "runtime/http/health.py": "from ...contracts.workflows.place_order import place_order\nplace_order(1)\n",
    }
    assert inventory(service({**ORDERS, **machinery})) == inventory(service(ORDERS))


def test_the_inventory_is_plain_and_says_the_same_in_any_order() -> None:
    def made(order: list[str], seed: int) -> str:
        worker = ""
        files: dict[str, str] = {}
        for name in order:
            files[f"contracts/workflows/{name}.py"] = (
                "from pydantic import BaseModel\nfrom ...runtime.durable.gate import Gate\n"
                "from ...runtime.durable.rpc import Rpc\n"
                f"class {name.title()}(BaseModel):\n    {name}_id: str\n"
                f'{name} = Rpc("{name}", "workers", {name.title()}, {name.title()})\n'
                f'{name}_gate = Gate("{name}", {name.title()})\n'
            )
            worker += f"from .{name} import {name}\n"
            imports = "".join(f"from ..contracts.workflows import {other} as w_{other}\n" for other in order)
            calls = "".join(f"    w_{other}.{other}(ctx)\n" for other in order)
            files[f"workflows/{name}.py"] = (
                f"{imports}from ..contracts.workflows.{name} import {name} as me\n"
                "from ..runtime.durable.rpc import serve\n"
                f"@serve(me)\nasync def {name}(ctx):\n    await me(ctx)\n{calls}"
            )
            files[f"api/{name}.py"] = (
                "from fastapi import APIRouter\nfrom ..runtime.http.work import start\n"
                f"from ..contracts.workflows.{name} import {name}\n"
                "router = APIRouter()\n"
                f'@router.post("/{name}")\ndef submit():\n    start(1, {name})\n'
            )
        files["workflows/worker.py"] = f'{worker}GROUP = "workers"\nSERVED = [{", ".join(order)}]\n'
        shuffled = list(files.items())
        random.Random(seed).shuffle(shuffled)
        text = json.dumps(inventory(service(dict(shuffled))), sort_keys=True)
        return json.dumps(json.loads(text, object_hook=lambda entry: {k: v for k, v in entry.items() if k != "line"}))

    first = json.loads(made(["alpha", "beta"], 0))
    assert [len(entry["called"]) for entry in first["workflows"]] == [3, 3]
    assert [entry["function"] for entry in first["workflows"]] == [
        {"file": "orders/workflows/alpha.py"},
        {"file": "orders/workflows/beta.py"},
    ]
    names = ["alpha", "beta", "gamma", "delta"]
    assert len({made(random.Random(seed).sample(names, 4), seed) for seed in range(6)}) == 1


def test_the_inventory_of_a_generated_service() -> None:
    listed = inventory(generated())
    assert list(listed) == list(KINDS.values())
    job = next(entry for entry in listed["workflows"] if entry["name"] == "process-job")
    assert job["takes"] == ["account_id: AccountId", "requires_approval: bool = False"]
    assert job["served"]["file"] == "my_api/workflows/worker.py"
    assert [entry["name"] for entry in listed["db_functions"]] == ["db.get_account", "db.save_result"]
    assert [entry["file"] for entry in listed["db_functions"][0]["called"]] == [
        "my_api/workflows/aggregate.py",
        "my_api/workflows/process_job.py",
    ]
    assert listed["rpc"] == []
    assert inventory(generated(), ["schedule"]) == {"schedules": []}


def test_the_table_is_aligned_and_says_what_is_wrong_in_words() -> None:
    found = service(
        {
            "contracts/workflows/lonely.py": """
                from ...runtime.durable.gate import Gate
                from ...runtime.durable.rpc import Rpc
                lonely = Rpc("lonely", "workers", int, int, version=2)
                approval = Gate("approval", int)
            """,
            "contracts/payments/charge.py": """
                from ...runtime.durable.rpc import Rpc
                charge = Rpc("payments.charge", "payments", int, int)
            """,
            "contracts/billing_workers/bill.py": """
                from ...runtime.durable.rpc import Rpc
                bill = Rpc("bill", "billing.workers", int, int)
            """,
            "workflows/worker.py": """
                from ..runtime.durable.schedules import Schedule
                GROUP = "workers"
                SERVED = []
                SCHEDULES = [Schedule("nightly", "0 2 * * *", find(), None)]
            """,
            "ids.py": ('from .runtime.durable.ids import keyed\ndef invoice(id): return keyed("invoice", id)\n'),
            "api/orders.py": """
                from fastapi import APIRouter
                router = APIRouter(prefix="/orders")
                @router.post("")
                def submit(): ...
                @router.get("/{id}")
                def poll(): ...
            """,
        }
    )
    shown = dict(table(inventory(found)))
    assert shown == {
        "Routes": [
            "POST /orders      orders/api/orders.py:5  not in ROUTERS: nobody reaches it",
            "GET /orders/{id}  orders/api/orders.py:7  not in ROUTERS: nobody reaches it",
        ],
        "Workflows": ["lonely (version 2)  orders/contracts/workflows/lonely.py:4  nobody serves it; nothing calls it"],
        "RPC": [
            "bill             group billing.workers  orders/contracts/billing_workers/bill.py:3"
            "  served elsewhere; nothing calls it",
            "payments.charge  group payments         orders/contracts/payments/charge.py:3"
            "       served elsewhere; nothing calls it",
        ],
        "Webhooks": [
            "approval  no route delivers it  orders/contracts/workflows/lonely.py:5  no workflow waits for it"
        ],
        "Schedules": ["nightly  0 2 * * *  a workflow that cannot be read  orders/workflows/worker.py:5"],
        "Idempotency keys": ["invoice(id)  invoice/…  orders/ids.py:2  nothing uses it"],
        "Groups": [
            "billing.workers  orders/contracts/billing_workers/bill.py:3  served elsewhere: bill",
            "payments         orders/contracts/payments/charge.py:3       served elsewhere: payments.charge",
            "workers          orders/workflows/worker.py:3                serves nothing",
        ],
    }
    jobs = dict(table(inventory(generated())))["Routes"][3]
    assert jobs.startswith("POST /jobs  ")
    assert "process-job  my_api/api/jobs.py:" in jobs
    assert table(inventory(service({}))) == []


def service_of(number: int) -> Service:
    """A service with this many workflows, each of which calls the next."""
    files: dict[str, str] = {}
    worker = ""
    routes = "from fastapi import APIRouter\nfrom ..runtime.http.work import start\nrouter = APIRouter()\n"
    for n in range(number):
        following = f"call_{(n + 1) % number}"
        files[f"contracts/workflows/call_{n}.py"] = (
            "from pydantic import BaseModel\nfrom ...runtime.durable.rpc import Rpc\n"
            f"class Request{n}(BaseModel):\n    order_id: str\n"
            f'call_{n} = Rpc(name="call-{n}", group="workers", request=Request{n}, result=Request{n})\n'
        )
        files[f"workflows/call_{n}.py"] = (
            f"from ..contracts.workflows import call_{n} as contract\n"
            f"from ..contracts.workflows.{following} import {following}\n"
            "from ..runtime.durable.rpc import serve\n\n"
            f"@serve(contract.call_{n})\n"
            f"async def call_{n}(ctx, request):\n    return await {following}(ctx, request)\n"
        )
        worker += f"from .call_{n} import call_{n}\n"
        routes += f"from ..contracts.workflows import call_{n}\n"
        routes += f'@router.post("/{n}")\ndef submit_{n}():\n    start(1, call_{n}.call_{n})\n'
    served = "".join(f"    call_{n},\n" for n in range(number))
    files["api/routes.py"] = routes
    files["workflows/worker.py"] = f'{worker}GROUP = "workers"\nSERVED = [\n{served}]\n'
    return service(files)


def test_the_work_grows_with_the_service_and_no_faster() -> None:
    def lines_run(number: int) -> int:
        found, count = service_of(number), 0

        def trace(frame: FrameType, event: str, argument: object) -> TraceFunction:
            nonlocal count
            count += 1
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            listed = inventory(found)
        finally:
            sys.settrace(before)
        assert len(listed["workflows"]) == len(listed["routes"]) == number
        assert all(len(entry["called"]) == len(entry["started"]) == 1 for entry in listed["workflows"])
        return count

    assert lines_run(100) < 12 * lines_run(10)
