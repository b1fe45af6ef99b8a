"""`add` on services whose files people have rewritten: whatever they hold stays, and what is new is wired in.

A case here is one file as somebody left it. That the services then still run is held by ``test_wiring_runs``, in an
environment that has their dependencies.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from resonate_scaffold.errors import BrokenSource, CannotEdit, StillUsed
from resonate_scaffold.inventory import inventory
from resonate_scaffold.plan import Create, Edit, Plan
from resonate_scaffold.project import MANIFEST, Project, after
from resonate_scaffold.survey import Survey
from tests.conftest import Tool, tree
from tests.grown import fresh, grown, planned, rewritten

Rewrite = Callable[[str], str]

WORKFLOW = "add workflow ship-order --takes order_id:str --returns order_id:str"
DB_FUNCTION = "add db-function count-stock --takes sku:str --returns count:int"
RPC = "add rpc payments.charge --takes amount:Decimal --returns receipt:str"
ROUTE = "add route POST /summaries --workflow aggregate"
WEBHOOK = "add webhook audit --takes passed:bool"
SCHEDULE = "add schedule nightly --workflow tidy-up --cron '0 2 * * *'"
KEY = "add idempotency-key invoice --from customer_id --from day:date"
GROUP = "add group billing"
TIDY_UP = "add workflow tidy-up"

WORKER = "orders/workflows/worker.py"
DB_WORKER = "orders/db/worker.py"
FAKES = "orders/fakes/worker.py"
APP = "orders/api/app.py"
CONTRACTS = "orders/contracts/workflows.py"
DEV = "orders/dev.py"
IDS = "orders/ids.py"
SCHEDULES = "orders/workflows/schedules.py"


@dataclass(frozen=True)
class Case:
    """A file as somebody left it, and what is added then. ``lost`` are the lines of it that the edit may change."""

    path: str
    rewrite: tuple[Rewrite, ...]
    command: str
    lost: tuple[str, ...] = ()
    bare: bool = False
    given: tuple[str, ...] = ()


def swap(old: str, new: str) -> Rewrite:
    """Text in place of what must be there."""

    def rewrite(text: str) -> str:
        assert text.count(old) == 1, f"{text.count(old)} of {old!r}"
        return text.replace(old, new)

    return rewrite


def crlf(text: str) -> str:
    assert "\r" not in text
    return text.replace("\n", "\r\n")


def bom(text: str) -> str:
    return "\ufeff" + text


def no_last_newline(text: str) -> str:
    assert text.endswith("\n")
    return text.rstrip("\n")


def future(text: str) -> str:
    """`from __future__ import annotations` behind the docstring."""
    statement = ast.parse(text).body[0]
    lines = text.splitlines(keepends=True)
    return "".join(
        [*lines[: statement.end_lineno], "\nfrom __future__ import annotations\n", *lines[statement.end_lineno :]]
    )


def whole(new: str) -> Rewrite:
    """Another file altogether."""
    return lambda text: new


SERVED = """\
SERVED: list[Served] = [
    serve(contracts.process_job, process_job),
    serve(contracts.aggregate, aggregate),
]
"""
ROUTERS = """\
ROUTERS: list[APIRouter] = [
    jobs.router,
    accounts.router,
    approvals.router,
    health.router,
]
"""
DEV_SERVED = """\
SERVED = [
    *workers.SERVED,
    *db.SERVED,
    *fakes.SERVED,
]
"""
ROUTES = "from .routes import accounts, approvals, health, jobs"
RPC_IMPORT = "from ..rpc import Served, check_served"
EMPTY = "SERVED: list[Served] = []"


TYPES_ONLY = '''\
"""What group `workers` serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from pydantic import BaseModel

    from ..rpc import Rpc

    Known = timedelta | Rpc[BaseModel, BaseModel]
'''


def served(new: str, *lost: str) -> Case:
    """SERVED of the workflows, written in another way."""
    return Case(WORKER, (swap(SERVED, new),), WORKFLOW, lost)


def routers(new: str, *lost: str) -> Case:
    """ROUTERS, written in another way."""
    return Case(APP, (swap(ROUTERS, new),), ROUTE, (ROUTES, *lost))


def empty(new: str, *lost: str) -> Case:
    """SERVED of a service without the example, written in another way."""
    return Case(WORKER, (swap(EMPTY + "\n", new),), WORKFLOW, (RPC_IMPORT, *lost), bare=True)


def contracts(*rewrite: Rewrite, lost: tuple[str, ...] = (), command: str = WORKFLOW) -> Case:
    """The contracts of the workflows, written in another way."""
    return Case(CONTRACTS, rewrite, command, lost)


CASES = {
    # Lists, reformatted
    "list-on-one-line": served(
        "SERVED: list[Served] = [serve(contracts.process_job, process_job), serve(contracts.aggregate, aggregate)]\n",
        "SERVED: list[Served] = [serve(contracts.process_job, process_job), serve(contracts.aggregate, aggregate)]",
    ),
    "short-list-on-one-line": routers(
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router, health.router]\n",
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router, health.router]",
    ),
    "one-line-and-a-comma": routers(
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router, health.router,]\n",
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router, health.router,]",
    ),
    "one-line-and-a-comment": routers(
        "ROUTERS = [jobs.router, accounts.router, approvals.router, health.router]  # in the order of the docs\n",
        "ROUTERS = [jobs.router, accounts.router, approvals.router, health.router]  # in the order of the docs",
    ),
    "no-comma-at-the-end": served(
        SERVED.replace("aggregate),\n]", "aggregate)\n]"), "    serve(contracts.aggregate, aggregate)"
    ),
    "bracket-on-the-last-line": served(
        SERVED.replace("aggregate),\n]", "aggregate)]"), "    serve(contracts.aggregate, aggregate)]"
    ),
    "first-on-the-line-of-the-bracket": served(
        "SERVED: list[Served] = [serve(contracts.process_job, process_job),\n"
        "                        serve(contracts.aggregate, aggregate)]\n",
        "                        serve(contracts.aggregate, aggregate)]",
    ),
    "two-on-a-line": routers(
        "ROUTERS: list[APIRouter] = [\n    jobs.router, accounts.router,\n    approvals.router, health.router\n]\n",
        "    approvals.router, health.router",
    ),
    "eight-blanks": served(SERVED.replace("    ", "        ")),
    "tabs": served(SERVED.replace("    ", "\t")),
    "calls-over-several-lines": served(
        "SERVED: list[Served] = [\n"
        "    serve(\n        contracts.process_job,\n        process_job,\n    ),\n"
        "    serve(\n        contracts.aggregate,\n        aggregate,\n    ),\n"
        "]\n"
    ),
    "elements-in-parentheses": served(
        SERVED.replace("    serve(contracts.aggregate, aggregate),", "    (serve(contracts.aggregate, aggregate)),")
    ),
    "list-over-a-continued-line": served(SERVED.replace("= [", "= \\\n    [")),
    "empty-list": empty(EMPTY + "\n", EMPTY),
    "empty-list-with-a-blank": empty("SERVED: list[Served] = [ ]\n", "SERVED: list[Served] = [ ]"),
    "empty-list-on-two-lines": empty("SERVED: list[Served] = [\n]\n"),
    "empty-list-and-a-comment": empty(EMPTY + "  # none yet\n", EMPTY + "  # none yet"),
    # Comments
    "comment-in-an-empty-list": empty("SERVED: list[Served] = [\n    # none yet\n]\n"),
    "comments-in-a-list": served(
        "SERVED: list[Served] = [  # in the order of their age\n"
        "    # the first\n"
        "    serve(contracts.process_job, process_job),  # 1\n"
        "\n"
        "    # the second, with a ] in it, and a [\n"
        "    serve(contracts.aggregate, aggregate),  # 2, that is\n"
        "    # serve(contracts.later, later),\n"
        "]  # SERVED\n"
        "# after SERVED\n"
    ),
    "comment-and-no-comma": served(
        SERVED.replace("aggregate),\n]", "aggregate)  # the last, no comma\n    # at all\n]"),
        "    serve(contracts.aggregate, aggregate)  # the last, no comma",
    ),
    "comment-before-the-comma": served(SERVED.replace("aggregate),\n]", "aggregate)  # what follows is\n    ,\n]")),
    "comments-among-routers": routers(
        "ROUTERS: list[APIRouter] = [\n"
        "    jobs.router,  # ours\n    # theirs\n    accounts.router,\n    approvals.router,\n"
        "    health.router,  # last\n"
        "    # nothing below this line\n"
        "]\n"
    ),
    "fmt-off": served(f"# fmt: off\n{SERVED}# fmt: on\n"),
    # Annotations
    "no-annotation": served(SERVED.replace(": list[Served]", "")),
    "final": Case(
        WORKER,
        (
            swap("from functools import partial\n", "from functools import partial\nfrom typing import Final\n"),
            swap("SERVED: list[Served]", "SERVED: Final[list[Served]]"),
        ),
        WORKFLOW,
    ),
    "bare-final": Case(
        WORKER,
        (
            swap("from functools import partial\n", "from functools import partial\nfrom typing import Final\n"),
            swap("SERVED: list[Served]", "SERVED: Final"),
            swap("import Served, check_served, serve", "import check_served, serve"),
        ),
        WORKFLOW,
    ),
    "annotation-in-quotes": served(SERVED.replace("list[Served]", '"list[Served]"')),
    "annotation-over-two-lines": served(SERVED.replace("list[Served]", "list[\n    Served\n]")),
    # Imports
    "aliased-serve": Case(
        WORKER,
        (
            swap("import Served, check_served, serve\n", "import Served, check_served\nfrom ..rpc import serve as s\n"),
            swap(SERVED, SERVED.replace("serve(", "s(")),
        ),
        WORKFLOW,
    ),
    "module-for-its-names": Case(
        WORKER,
        (
            swap(
                "from ..contracts import workflows as contracts\n",
                "from .. import rpc\nfrom ..contracts import workflows\n",
            ),
            swap("from ..rpc import Served, check_served, serve\n", ""),
            swap(SERVED, re.sub(r"contracts\.", "workflows.", SERVED).replace("serve(", "rpc.serve(")),
            swap("list[Served]", "list[rpc.Served]"),
            swap("check_served(GROUP, contracts,", "rpc.check_served(GROUP, workflows,"),
        ),
        WORKFLOW,
    ),
    "absolute-imports": Case(
        WORKER,
        (
            swap("from ..contracts import", "from orders.contracts import"),
            swap("from ..engine import", "from orders.engine import"),
            swap("from ..rpc import", "from orders.rpc import"),
            swap("from ..schedules import", "from orders.schedules import"),
            swap("from ..settings import", "from orders.settings import"),
            swap("from .aggregate import", "from orders.workflows.aggregate import"),
            swap("from .process_job import", "from orders.workflows.process_job import"),
            swap("from .schedules import", "from orders.workflows.schedules import"),
        ),
        WORKFLOW,
    ),
    "dotted-imports": Case(
        WORKER,
        (
            swap("from ..contracts import workflows as contracts\n", "import orders.contracts.workflows\n"),
            swap("from ..engine import run_worker\n", "import orders.rpc\nfrom orders.engine import run_worker\n"),
            swap("from ..rpc import Served, check_served, serve\n", ""),
            swap("from ..schedules", "from orders.schedules"),
            swap("from ..settings", "from orders.settings"),
            swap(
                SERVED,
                SERVED.replace("contracts.", "orders.contracts.workflows.").replace("serve(", "orders.rpc.serve("),
            ),
            swap("list[Served]", "list[orders.rpc.Served]"),
            swap("check_served(GROUP, contracts", "orders.rpc.check_served(GROUP, orders.contracts.workflows"),
        ),
        WORKFLOW,
    ),
    "imports-in-parentheses": Case(
        WORKER,
        (swap(f"{RPC_IMPORT}\n", "from ..rpc import (  # the types\n    Served,\n    check_served,  # holds it\n)\n"),),
        WORKFLOW,
        (EMPTY,),
        bare=True,
    ),
    "imports-over-continued-lines": Case(
        WORKER,
        (swap(f"{RPC_IMPORT}\n", "from ..rpc import Served, \\\n    check_served\n"),),
        WORKFLOW,
        (EMPTY, "    check_served"),
        bare=True,
    ),
    "imports-chained": Case(
        WORKER,
        (swap(f"{RPC_IMPORT}\n", f"{RPC_IMPORT}; from ..rpc import Rpc as Rpc\n"),),
        WORKFLOW,
        (EMPTY, f"{RPC_IMPORT}; from ..rpc import Rpc as Rpc"),
        bare=True,
    ),
    "imports-under-try": Case(
        WORKER,
        (
            swap(
                "from functools import partial\n",
                "try:\n    from functools import partial\nexcept ImportError:\n    raise\n",
            ),
        ),
        WORKFLOW,
    ),
    "router-by-name": Case(
        APP,
        (
            swap(
                f"{ROUTES}\n",
                "from .routes import accounts, approvals, health\nfrom .routes.jobs import router as of_jobs\n",
            ),
            swap("    jobs.router,\n", "    of_jobs,\n"),
        ),
        ROUTE,
        ("from .routes import accounts, approvals, health",),
    ),
    "routers-by-their-package": Case(
        APP,
        (
            swap("from . import openapi, problems\n", "from . import openapi, problems, routes\n"),
            swap(
                f"{ROUTES}\n",
                "from .routes import accounts as _a\nfrom .routes import approvals as _b\n"
                "from .routes import health as _c\nfrom .routes import jobs as _d\n",
            ),
            swap(ROUTERS, ROUTERS.replace("    ", "    routes.")),
            swap("def connect_api", "_LOADED = (_a, _b, _c, _d)\n\n\ndef connect_api"),
        ),
        ROUTE,
    ),
    "routes-imported-one-by-one": Case(
        APP,
        (
            swap(
                f"{ROUTES}\n",
                "".join(
                    f"from .routes import {name} as {name}_routes\n"
                    for name in ("accounts", "approvals", "health", "jobs")
                ),
            ),
            swap(ROUTERS, ROUTERS.replace(".router", "_routes.router")),
        ),
        ROUTE,
    ),
    "absolute-routes": Case(
        APP,
        (swap("from .routes import", "from orders.api.routes import"),),
        ROUTE,
    ),
    "names-that-are-taken": Case(
        WORKER,
        (swap("GROUP = ", "def ship_order() -> None: ...\n\n\ndef serve(port: int) -> None: ...\n\n\nGROUP = "),),
        WORKFLOW,
        (EMPTY,),
        bare=True,
    ),
    "type-checking": Case(
        WORKER,
        (
            future,
            swap(
                "from functools import partial\n", "from functools import partial\nfrom typing import TYPE_CHECKING\n"
            ),
            swap("import Served, check_served\n", "import check_served\n"),
            swap(
                'GROUP = "workers"\n',
                "if TYPE_CHECKING:\n    from collections.abc import Callable\n\n    from ..rpc import Served, serve\n\n"
                '    Wiring = Callable[..., serve]\n\nGROUP = "workers"\n',
            ),
        ),
        WORKFLOW,
        (EMPTY, "from ..rpc import check_served"),
        bare=True,
    ),
    "type-checking-router": Case(
        APP,
        (
            future,
            swap(
                "from contextlib import asynccontextmanager\n",
                "from contextlib import asynccontextmanager\nfrom typing import TYPE_CHECKING\n",
            ),
            swap("import APIRouter, FastAPI\n", "import FastAPI\n"),
            swap('GROUP = "api"\n', 'if TYPE_CHECKING:\n    from fastapi import APIRouter\n\nGROUP = "api"\n'),
        ),
        ROUTE,
        (ROUTES,),
    ),
    "future-first": Case(WORKER, (future,), WORKFLOW, (RPC_IMPORT, EMPTY), bare=True),
    # Bytes
    "crlf": Case(WORKER, (crlf,), WORKFLOW, (RPC_IMPORT, EMPTY), bare=True),
    "bom": Case(WORKER, (bom,), WORKFLOW, (RPC_IMPORT, EMPTY), bare=True),
    "crlf-and-bom": Case(APP, (crlf, bom), ROUTE, (ROUTES,)),
    "no-docstring-and-bom": Case(
        WORKER,
        (lambda text: text.partition("\n\n")[2], bom),
        WORKFLOW,
        (RPC_IMPORT, EMPTY),
        bare=True,
    ),
    "list-at-the-end-without-newline": Case(
        SCHEDULES, (no_last_newline,), SCHEDULE, ("SCHEDULES: list[Schedule] = []",), bare=True, given=(TIDY_UP,)
    ),
    "other-letters": Case(
        WORKER,
        (
            swap(
                "    serve(contracts.process_job, process_job),\n",
                "    serve(contracts.process_job, process_job),  # größer als 日本\n",
            ),
        ),
        WORKFLOW,
    ),
    # The contracts
    "contracts-with-a-docstring-only": Case(CONTRACTS, (), WORKFLOW, bare=True),
    "contracts-without-anything": Case(CONTRACTS, (whole(""),), WORKFLOW, bare=True),
    "contracts-with-a-comment-only": Case(CONTRACTS, (whole("# ours\n"),), WORKFLOW, bare=True),
    "contracts-with-a-docstring-without-newline": Case(CONTRACTS, (whole('"""Ours."""'),), WORKFLOW, bare=True),
    "contracts-with-a-docstring-crlf-bom": Case(CONTRACTS, (crlf, bom), WORKFLOW, bare=True),
    "contracts-with-future-only": Case(CONTRACTS, (future,), WORKFLOW, bare=True),
    "contracts-with-future": contracts(future),
    "contracts-pydantic-module": contracts(
        swap(
            "from pydantic import AwareDatetime, BaseModel, Field\n",
            "import pydantic\nfrom pydantic import AwareDatetime, Field\n",
        ),
        lambda text: text.replace("(BaseModel)", "(pydantic.BaseModel)"),
    ),
    "contracts-pydantic-alias": contracts(
        swap(
            "from pydantic import AwareDatetime, BaseModel, Field\n",
            "from pydantic import AwareDatetime, Field\nfrom pydantic import BaseModel as Base\n",
        ),
        lambda text: text.replace("(BaseModel)", "(Base)"),
    ),
    "contracts-datetime-module": contracts(
        swap("from datetime import timedelta\n", "import datetime as dt\n"), swap("=timedelta(", "=dt.timedelta(")
    ),
    "contracts-rpc-alias": contracts(
        swap("from ..rpc import Rpc\n", "from ..rpc import Rpc as Durable\n"),
        lambda text: text.replace("= Rpc(", "= Durable("),
    ),
    "contracts-rpc-module": contracts(
        swap("from ..gate import Gate\nfrom ..rpc import Rpc\n", "from .. import rpc\nfrom ..gate import Gate\n"),
        lambda text: text.replace("= Rpc(", "= rpc.Rpc("),
    ),
    "contracts-absolute": contracts(
        swap("from ..gate import Gate\nfrom ..rpc import Rpc\nfrom .db import", "from orders.contracts.db import"),
        swap("AccountView\n\n\n", "AccountView\nfrom orders.gate import Gate\nfrom orders.rpc import Rpc\n\n\n"),
    ),
    "contracts-type-checking": Case(CONTRACTS, (whole(TYPES_ONLY),), WORKFLOW, bare=True),
    "contracts-crlf": contracts(crlf),
    "contracts-without-newline": contracts(no_last_newline),
    "contracts-ending-in-a-comment": contracts(lambda text: f"{text}\n# more to come\n"),
    "contracts-blank-lines-at-the-end": contracts(lambda text: f"{text}\n\n\n"),
    "contracts-gate-alias": contracts(
        swap("from ..gate import Gate\n", "from ..gate import Gate as Wait\n"),
        swap('= Gate("', '= Wait("'),
        command=WEBHOOK,
    ),
    # The other lists
    "db-worker-on-one-line-crlf": Case(DB_WORKER, (crlf,), DB_FUNCTION, (RPC_IMPORT, EMPTY), bare=True),
    "fakes-annotated": Case(
        FAKES,
        (
            swap("from ..rpc import Served\n", "from .. import rpc\n"),
            swap(EMPTY, "SERVED: list[rpc.Served] = [\n    # none yet\n]"),
        ),
        RPC,
    ),
    "schedules-crlf": Case(
        SCHEDULES, (crlf,), SCHEDULE, ("SCHEDULES: list[Schedule] = []",), bare=True, given=(TIDY_UP,)
    ),
    "schedules-with-workflows-taken": Case(
        SCHEDULES,
        (swap("\nSCHEDULES", '\nworkflows = "see worker.py"\nSCHEDULES'),),
        SCHEDULE,
        ("SCHEDULES: list[Schedule] = []",),
        bare=True,
        given=(TIDY_UP,),
    ),
    "dev-on-one-line": Case(
        DEV,
        (swap(DEV_SERVED, "SERVED = [*workers.SERVED, *db.SERVED, *fakes.SERVED]\n"),),
        GROUP,
        ("SERVED = [*workers.SERVED, *db.SERVED, *fakes.SERVED]",),
    ),
    "dev-annotated-crlf-bom": Case(DEV, (swap("SERVED = [\n", "SERVED: list[Served] = [\n"), crlf, bom), GROUP),
    "dev-aliased": Case(
        DEV,
        (
            swap("from .db import worker as db\n", "from .db import worker as tables\n"),
            swap("*db.SERVED", "*tables.SERVED"),
        ),
        GROUP,
    ),
    "dev-absolute": Case(
        DEV,
        (
            swap("from .fakes import worker as fakes\n", ""),
            swap("from . import logs\n", "import orders.fakes.worker\n\nfrom . import logs\n"),
            swap("*fakes.SERVED", "*orders.fakes.worker.SERVED"),
        ),
        GROUP,
    ),
    "dev-billing-taken": Case(DEV, (swap("logger = ", 'billing = "soon"\nlogger = '),), GROUP),
    # Ids
    "ids-datetime-module": Case(
        IDS,
        (
            swap(
                "from datetime import UTC, date, datetime, timedelta\n",
                "import datetime as dt\nfrom datetime import UTC, datetime, timedelta\n",
            ),
            lambda text: text.replace("| date |", "| dt.date |").replace("case date()", "case dt.date()"),
        ),
        KEY,
    ),
    "ids-crlf-bom": Case(IDS, (crlf, bom), KEY),
    "ids-future": Case(IDS, (future,), KEY),
    "ids-without-newline": Case(IDS, (no_last_newline,), KEY),
    "ids-ending-in-a-comment": Case(IDS, (lambda text: f"{text}\n\n# Ours:\n",), KEY),
}


def before(case: Case) -> Project:
    """The service as somebody left it."""
    project = grown(fresh(bare=case.bare), *case.given)
    text = project.files[PurePosixPath(case.path)].decode()
    for rewrite in case.rewrite:
        text = rewrite(text)
    return rewritten(project, {case.path: text.encode()})


@functools.cache
def planned_case(name: str) -> tuple[Project, Plan]:
    """A service as somebody left it, and what the `add` would do."""
    project = before(CASES[name])
    return project, planned(project, CASES[name].command)


@functools.cache
def reference(command: str, bare: bool, given: tuple[str, ...]) -> Project:
    """The service that nobody has rewritten, after the same command."""
    return grown(fresh(bare=bare), *given, command)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Counter[str]]:
    """What ruff says about the edited file of each case, by ``<case>/was`` and ``<case>/now``."""
    root = tmp_path_factory.mktemp("wiring")
    found: dict[str, Counter[str]] = {}
    for name in CASES:
        _, plan = planned_case(name)
        for change in plan.changes:
            if isinstance(change, Edit) and change.path.suffix == ".py":
                for state, content in (("was", change.before), ("now", change.after)):
                    path = root / name / state / change.path
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                    found[f"{name}/{state}/{change.path}"] = Counter()
    ours = 'lint.isort.known-first-party=["orders","tests"]'
    options = ["--isolated", "--line-length=120", "--target-version=py312", "--no-cache"]
    ruff = [sys.executable, "-m", "ruff"]
    checked = subprocess.run(
        [*ruff, "check", *options, "--select=I,F", f"--config={ours}", "--output-format=json", "."],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    for item in json.loads(checked.stdout):
        found[Path(item["filename"]).relative_to(root).as_posix()][str(item["code"])] += 1
    formatted = subprocess.run(
        [*ruff, "format", "--check", *options, "."], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    for line in formatted.stdout.splitlines():
        if line.startswith("Would reformat: "):
            found[line.removeprefix("Would reformat: ")]["format"] += 1
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_was_there_stays(name: str) -> None:
    """Every line, in its order, but for those that the case says; line ends and byte order mark, too."""
    case = CASES[name]
    project, plan = planned_case(name)
    edits = {str(change.path): change for change in plan.changes if isinstance(change, Edit)}
    assert case.path in edits
    edit = edits[case.path]
    was, now = edit.before.decode(), edit.after.decode()
    assert edit.before == project.files[edit.path]
    assert sorted(lost(was.splitlines(), now.splitlines())) == sorted(case.lost)
    assert now.startswith("\ufeff") == was.startswith("\ufeff")
    if "\r\n" in was:
        assert not re.search(r"(?<!\r)\n", now)
    else:
        assert "\r" not in now
    ast.parse(edit.after)


def lost(was: list[str], now: list[str]) -> list[str]:
    """The lines that are no longer there, or no longer in this order."""
    gone: list[str] = []
    at = 0
    for line in was:
        if line in now[at:]:
            at = now.index(line, at) + 1
        else:
            gone.append(line)
    return gone


@pytest.mark.parametrize("name", CASES)
def test_what_is_new_is_wired_in(name: str) -> None:
    """The service has then what one has that nobody has rewritten."""
    case = CASES[name]
    project, plan = planned_case(name)
    assert contents(after(project, plan)) == reference_contents(case.command, case.bare, case.given)


def contents(project: Project) -> Any:
    """What `list` says, without the lines."""
    return without_lines(inventory(Survey(project)))


@functools.cache
def reference_contents(command: str, bare: bool, given: tuple[str, ...]) -> Any:
    return contents(reference(command, bare, given))


def without_lines(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_lines(item) for key, item in value.items() if key != "line"}
        case list():
            return [without_lines(item) for item in value]
        case _:
            return value


@pytest.mark.parametrize("name", CASES)
def test_sorted_and_formatted_if_it_was(name: str, complaints: Mapping[str, Counter[str]]) -> None:
    _, plan = planned_case(name)
    for change in plan.changes:
        if isinstance(change, Edit) and change.path.suffix == ".py":
            was, now = complaints[f"{name}/was/{change.path}"], complaints[f"{name}/now/{change.path}"]
            assert now <= was, change.after.decode()


@pytest.mark.parametrize("name", CASES)
def test_remove_gives_every_byte_back(name: str) -> None:
    project, plan = planned_case(name)
    there = after(project, plan)
    record = there.manifest.adds[-1]
    back = after(there, planned(there, f"remove {record.kind} '{record.name}'"))
    assert {**back.files, MANIFEST: b""} == {**project.files, MANIFEST: b""}


@dataclass(frozen=True)
class Refused:
    """A list that nobody can append to safely: refused, until what the hint says stands there.

    ``hint`` are the lines of the hint; ``paste`` does with them by hand what it asks for.
    """

    case: Case
    hint: tuple[str, ...]
    paste: tuple[Rewrite, ...]


SHIP = ("from .ship_order import ship_order", "serve(contracts.ship_order, ship_order),")
SUMMARIES = ("from .routes import summaries", "summaries.router,")
BILLING = ("from .billing import worker as billing", "*billing.SERVED,")


def pasted(before_line: str, line: str, old: str, new: str) -> tuple[Rewrite, ...]:
    """An import pasted above a line, and an element pasted somewhere."""
    return (swap(before_line, f"{line}\n{before_line}"), swap(old, new))


def refused(new: str, old: str, pasted_in: str) -> Refused:
    """SERVED of the workflows, written as no list; then with the element in it."""
    paste = pasted("\nGROUP = ", SHIP[0], old, pasted_in)
    return Refused(Case(WORKER, (swap(SERVED, new),), WORKFLOW), SHIP, paste)


REFUSED = {
    "two-lists": refused(
        "SERVED: list[Served] = [serve(contracts.process_job, process_job)] + [\n"
        "    serve(contracts.aggregate, aggregate),\n]\n",
        "aggregate),\n]",
        f"aggregate),\n    {SHIP[1]}\n]",
    ),
    "comprehension": refused(
        "_PAIRS = [(contracts.process_job, process_job), (contracts.aggregate, aggregate)]\n"
        "SERVED: list[Served] = [serve(contract, function) for contract, function in _PAIRS]\n",
        "in _PAIRS]",
        f"in _PAIRS] + [\n    {SHIP[1]}\n]",
    ),
    "call": refused(
        SERVED.replace("= [", "= list([").replace("\n]", "\n])"), "aggregate),\n]", f"aggregate),\n    {SHIP[1]}\n]"
    ),
    "tuple": refused(
        SERVED.replace("list[Served] = [", "tuple[Served, ...] = (").replace("\n]", "\n)"),
        "aggregate),\n)",
        f"aggregate),\n    {SHIP[1]}\n)",
    ),
    "two-targets": refused(
        SERVED.replace("SERVED: list[Served]", "EVERYTHING = SERVED"),
        "aggregate),\n]",
        f"aggregate),\n    {SHIP[1]}\n]",
    ),
    "bound-twice": refused(
        f"{SERVED}if not SERVED:\n    SERVED = []\n", "aggregate),\n]", f"aggregate),\n    {SHIP[1]}\n]"
    ),
    "grown-afterwards": refused(
        SERVED.replace("    serve(contracts.aggregate, aggregate),\n", "")
        + "SERVED += [serve(contracts.aggregate, aggregate)]\n",
        "SERVED += [serve(contracts.aggregate, aggregate)]",
        f"SERVED += [serve(contracts.aggregate, aggregate), {SHIP[1]}]",
    ),
    "under-if": refused(
        "if GROUP:\n" + "".join(f"    {line}\n" for line in SERVED.splitlines()),
        "aggregate),\n    ]",
        f"aggregate),\n        {SHIP[1]}\n    ]",
    ),
    "unpacked": refused(
        "SERVED, _MORE = [serve(contracts.process_job, process_job), serve(contracts.aggregate, aggregate)], 1\n",
        "aggregate)], 1",
        f"aggregate), {SHIP[1]}], 1",
    ),
    "imports-in-parentheses": Refused(
        Case(
            WORKER,
            (
                swap(f"{RPC_IMPORT}\n", "from ..rpc import (\n    Served,\n    check_served,\n)\n"),
                swap(EMPTY, "SERVED: list[Served] = list()"),
            ),
            WORKFLOW,
            bare=True,
        ),
        ("from ..rpc import serve", *SHIP),
        (
            swap("\nGROUP = ", f"from ..rpc import serve\n{SHIP[0]}\n\nGROUP = "),
            swap("= list()", f"= list([{SHIP[1]}])"),
        ),
    ),
    "crlf": Refused(
        Case(WORKER, (swap(EMPTY, "SERVED: list[Served] = list()"), crlf), WORKFLOW, bare=True),
        ("from ..rpc import serve", *SHIP),
        (
            swap(f"{RPC_IMPORT}\r\n", f"{RPC_IMPORT}, serve\r\n"),
            swap("\r\nGROUP = ", f"{SHIP[0]}\r\n\r\nGROUP = "),
            swap("= list()", f"= list([{SHIP[1]}])"),
        ),
    ),
    "routers": Refused(
        Case(
            APP,
            (swap(ROUTERS, "ROUTERS = [jobs.router, accounts.router] + [approvals.router, health.router]\n"),),
            ROUTE,
        ),
        SUMMARIES,
        (swap(ROUTES, f"{ROUTES}\n{SUMMARIES[0]}"), swap("health.router]", f"health.router, {SUMMARIES[1]}]")),
    ),
    "dev": Refused(
        Case(DEV, (swap(DEV_SERVED, "SERVED = workers.SERVED + db.SERVED + fakes.SERVED\n"),), GROUP),
        BILLING,
        (
            swap("from .db import worker", f"{BILLING[0]}\nfrom .db import worker"),
            swap("+ fakes.SERVED", "+ fakes.SERVED + [*billing.SERVED]"),
        ),
    ),
    "schedules": Refused(
        Case(
            SCHEDULES,
            (swap("SCHEDULES: list[Schedule] = []", "SCHEDULES: list[Schedule] = list()"),),
            SCHEDULE,
            bare=True,
            given=(TIDY_UP,),
        ),
        (
            "from ..contracts import workflows",
            'Schedule("nightly", "0 2 * * *", workflows.tidy_up, workflows.TidyUp()),',
        ),
        (
            swap("from ..schedules", "from ..contracts import workflows\nfrom ..schedules"),
            swap("list()", 'list([Schedule("nightly", "0 2 * * *", workflows.tidy_up, workflows.TidyUp()),])'),
        ),
    ),
}


def by_hand(name: str) -> Project:
    """The service after somebody has done what the hint says."""
    case = REFUSED[name].case
    project = before(case)
    text = project.files[PurePosixPath(case.path)].decode()
    for rewrite in REFUSED[name].paste:
        text = rewrite(text)
    return rewritten(project, {case.path: text.encode()})


@pytest.mark.parametrize("name", REFUSED)
def test_an_honest_refusal(name: str) -> None:
    case = REFUSED[name].case
    with pytest.raises(CannotEdit) as caught:
        planned(before(case), case.command)
    assert case.path in caught.value.message
    what, *lines = caught.value.hint.splitlines()
    assert case.path in what
    assert [line.removeprefix("    ") for line in lines] == list(REFUSED[name].hint)


@pytest.mark.parametrize("name", REFUSED)
def test_with_the_lines_pasted_in_it_goes_through(name: str) -> None:
    """And makes what it makes elsewhere. What was pasted in is theirs: `remove` names it, and leaves it."""
    case = REFUSED[name].case
    project = by_hand(name)
    plan = planned(project, case.command)
    assert case.path not in {str(change.path) for change in plan.changes}
    plain = grown(fresh(bare=case.bare), *case.given)
    assert created(plan) == created(planned(plain, case.command))
    there = after(project, plan)
    record = there.manifest.adds[-1]
    if record.kind != "schedule":  # which has no files of its own in the package
        with pytest.raises(StillUsed, match=re.escape(case.path)):
            planned(there, f"remove {record.kind} '{record.name}'")


def created(plan: Plan) -> Mapping[PurePosixPath, bytes]:
    return {change.path: change.content for change in plan.changes if isinstance(change, Create)}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (CONTRACTS, WORKFLOW),
        (WORKER, WORKFLOW),
        ("orders/contracts/db.py", DB_FUNCTION),
        (DB_WORKER, DB_FUNCTION),
        (FAKES, RPC),
        (APP, ROUTE),
        ("orders/api/routes/jobs.py", ROUTE),  # which is not edited, but might have the route
        (CONTRACTS, WEBHOOK),
        (APP, WEBHOOK),
        (SCHEDULES, SCHEDULE),
        (IDS, KEY),
        (DEV, GROUP),
    ],
)
def test_a_syntax_error_is_named_with_its_line(path: str, command: str) -> None:
    project = grown(fresh(bare=False), TIDY_UP)
    text = project.files[PurePosixPath(path)].decode()
    broken = rewritten(project, {path: f"{text}\nreturn return\n".encode()})
    with pytest.raises(BrokenSource, match=rf"^{re.escape(path)}, line {text.count(chr(10)) + 2}: "):
        planned(broken, command)


def test_bytes_that_are_not_utf_8() -> None:
    text = fresh(bare=True).files[PurePosixPath(CONTRACTS)]
    with pytest.raises(BrokenSource, match=rf"^{CONTRACTS}, line 2: not UTF-8"):
        planned(rewritten(fresh(bare=True), {CONTRACTS: text + b"# gr\xf6\xdfer\n"}), WORKFLOW)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_the_processes_of_a_group(end: str, last: bool) -> None:
    """Procfile and compose file, which are not Python, with their own line ends and with none at the end."""
    texts = {path: fresh(bare=True).files[PurePosixPath(path)].decode() for path in ("Procfile", "compose.yaml")}
    for path, text in texts.items():
        texts[path] = text.replace("\n", end) if last else text.replace("\n", end).removesuffix(end)
    project = rewritten(fresh(bare=True), {path: text.encode() for path, text in texts.items()})
    there = after(project, planned(project, GROUP))
    for path, text in texts.items():
        now = there.files[PurePosixPath(path)].decode()
        assert lost(text.splitlines(), now.splitlines()) == []
        assert now.count("\n") == now.count(end)
    assert there.files[PurePosixPath("Procfile")].decode().splitlines()[-1] == "billing: python -m orders group billing"
    assert "billing" in yaml.safe_load(there.files[PurePosixPath("compose.yaml")])["services"]
    back = after(there, planned(there, "remove group billing"))
    assert {**back.files, MANIFEST: b""} == {**project.files, MANIFEST: b""}


def test_a_line_is_not_added_to_a_file_that_has_it() -> None:
    project = fresh(bare=True)
    text = project.files[PurePosixPath("Procfile")].decode() + "billing: python -m orders group billing --verbose\n"
    there = rewritten(project, {"Procfile": text.encode()})
    assert "Procfile" not in {str(change.path) for change in planned(there, GROUP).changes}


RENAMED = [WORKFLOW, DB_FUNCTION, RPC, ROUTE, WEBHOOK, KEY, GROUP]


def renamed(project: Project) -> Project:
    """The package renamed by hand: its directory, the imports, the commands. The manifest has the old name."""
    files = {}
    for path, content in project.files.items():
        renamed = PurePosixPath("shop", *path.parts[1:]) if path.parts[0] == "orders" else path
        new = re.sub(rb"(?<=import )orders\b|(?<=from )orders\b|(?<=python -m )orders\b", b"shop", content)
        files[renamed] = content if path == MANIFEST else new
    return Project("shop", project.manifest, files)


def test_a_renamed_package(tool: Tool, tmp_path: Path) -> None:
    """Found on the disk by what it holds; everything new is written for its new name."""
    root = tmp_path / "service"
    for path, content in renamed(fresh(bare=False)).files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    were = tree(root)
    for command in RENAMED:
        ran = tool(*shlex.split(command), "--project", str(root))
        assert (ran.status, ran.err) == (0, "")
    made = {name: text.decode() for name, text in tree(root).items() if name not in were and name != str(MANIFEST)}
    assert len(made) > 10
    assert not any(name.startswith("orders/") for name in made)
    for name, text in made.items():
        assert not re.search(r"\b(import|from|-m) orders\b", text), name
    assert "billing: python -m shop group billing" in (root / "Procfile").read_text()


def outcomes() -> Mapping[str, tuple[Project, Project]]:
    """Every service after its `add`, and the one that nobody has rewritten after the same, by the case's name."""
    made = {}
    for name, case in CASES.items():
        made[name] = after(*planned_case(name)), reference(case.command, case.bare, case.given)
    for name, refusal in REFUSED.items():
        there = by_hand(name)
        case = refusal.case
        made[f"pasted-{name}"] = grown(there, case.command), reference(case.command, case.bare, case.given)
    plain = fresh(bare=False)
    return {**made, "renamed": (grown(renamed(plain), *RENAMED), grown(plain, *RENAMED))}
