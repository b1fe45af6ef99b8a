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
from resonate_scaffold.forms import is_same
from resonate_scaffold.plan import Create, Edit, Plan
from resonate_scaffold.project import ADDS, MANIFEST, FilesInMemory, Project, after
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service
from tests.conftest import Tool, tree
from tests.grown import fresh, grown, planned, rewritten, runtime

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
REFUND = "add idempotency-key refund --from receipt"

WORKER = "orders/workflows/worker.py"
DB_WORKER = "orders/db/worker.py"
FAKES = "orders/fakes/worker.py"
APP = "orders/api/app.py"
MAIN = "orders/__main__.py"
IDS = "orders/ids.py"


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
SERVED: list[Registration] = [
    process_job,
    aggregate,
]
"""
ROUTERS = """\
ROUTERS: list[APIRouter] = [
    jobs.router,
    accounts.router,
    approvals.router,
]
"""
GROUPS = """\
GROUPS = [
    "workers",
    "db",
]
"""
ROUTES = "from . import accounts, approvals, jobs"
RPC_IMPORT = "from ..runtime.durable.rpc import Registration"
SCHEDULE_IMPORT = "from ..runtime.durable.schedules import Schedule"
EMPTY = "SERVED: list[Registration] = []"
NO_SCHEDULES = "SCHEDULES: list[Schedule] = []"


def served(new: str, *lost: str) -> Case:
    """SERVED of the workflows, written in another way."""
    return Case(WORKER, (swap(SERVED, new),), WORKFLOW, lost)


def routers(new: str, *lost: str) -> Case:
    """ROUTERS, written in another way."""
    return Case(APP, (swap(ROUTERS, new),), ROUTE, (ROUTES, *lost))


def groups(new: str, *lost: str) -> Case:
    """GROUPS, written in another way."""
    return Case(MAIN, (swap(GROUPS, new),), GROUP, lost)


def empty(new: str, *lost: str) -> Case:
    """SERVED of a service without the example, written in another way."""
    return Case(WORKER, (swap(EMPTY + "\n", new),), WORKFLOW, lost, bare=True)


def schedules(*rewrite: Rewrite, lost: tuple[str, ...] = (NO_SCHEDULES,)) -> Case:
    """The worker with its empty SCHEDULES, written in another way."""
    return Case(WORKER, rewrite, SCHEDULE, lost, bare=True, given=(TIDY_UP,))


def keys(*rewrite: Rewrite, lost: tuple[str, ...] = ()) -> Case:
    """The conventions of a service that has one, written in another way."""
    return Case(IDS, rewrite, KEY, lost, bare=True, given=(REFUND,))


CASES = {
    # Lists, reformatted
    "list-on-one-line": served(
        "SERVED: list[Registration] = [process_job, aggregate]\n",
        "SERVED: list[Registration] = [process_job, aggregate]",
    ),
    "long-list-on-one-line": Case(
        WORKER,
        (
            swap(
                "from .process_job import process_job\n",
                f"from .process_job import process_job\n\n{'x' * 30} = aggregate\n",
            ),
            swap(SERVED, f"SERVED: list[Registration] = [process_job, aggregate, {'x' * 30}, {'x' * 30}]\n"),
        ),
        WORKFLOW,
        (f"SERVED: list[Registration] = [process_job, aggregate, {'x' * 30}, {'x' * 30}]",),
    ),
    "short-list-on-one-line": routers(
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router]\n",
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router]",
    ),
    "one-line-and-a-comma": routers(
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router,]\n",
        "ROUTERS: list[APIRouter] = [jobs.router, accounts.router, approvals.router,]",
    ),
    "one-line-and-a-comment": routers(
        "ROUTERS = [jobs.router, accounts.router, approvals.router]  # in the order of the docs\n",
        "ROUTERS = [jobs.router, accounts.router, approvals.router]  # in the order of the docs",
    ),
    "no-comma-at-the-end": served(SERVED.replace("aggregate,\n]", "aggregate\n]"), "    aggregate"),
    "bracket-on-the-last-line": served(SERVED.replace("aggregate,\n]", "aggregate]"), "    aggregate]"),
    "first-on-the-line-of-the-bracket": served(
        "SERVED: list[Registration] = [process_job,\n                              aggregate]\n",
        "                              aggregate]",
    ),
    "two-on-a-line": routers(
        "ROUTERS: list[APIRouter] = [\n    jobs.router, accounts.router,\n    approvals.router\n]\n",
        "    approvals.router",
    ),
    "eight-blanks": served(SERVED.replace("    ", "        ")),
    "tabs": served(SERVED.replace("    ", "\t")),
    "calls-over-several-lines": Case(
        WORKER,
        (
            swap(
                '    Schedule("hourly", "0 * * * *", tidy_up, TidyUp()),\n',
                '    Schedule(\n        "hourly",\n        "0 * * * *",\n        tidy_up,\n        TidyUp(),\n    ),\n',
            ),
        ),
        SCHEDULE,
        bare=True,
        given=(TIDY_UP, "add schedule hourly --workflow tidy-up --cron '0 * * * *'"),
    ),
    "elements-in-parentheses": served(SERVED.replace("    aggregate,", "    (aggregate),")),
    "list-over-a-continued-line": served(SERVED.replace("= [", "= \\\n    [")),
    "empty-list": empty(EMPTY + "\n", EMPTY),
    "empty-list-with-a-blank": empty("SERVED: list[Registration] = [ ]\n", "SERVED: list[Registration] = [ ]"),
    "empty-list-on-two-lines": empty("SERVED: list[Registration] = [\n]\n"),
    "empty-list-and-a-comment": empty(EMPTY + "  # none yet\n", EMPTY + "  # none yet"),
    # Comments
    "comment-in-an-empty-list": empty("SERVED: list[Registration] = [\n    # none yet\n]\n"),
    "comments-in-a-list": served(
        "SERVED: list[Registration] = [  # in the order of their age\n"
        "    # the first\n"
        "    process_job,  # 1\n"
        "\n"
        "    # the second, with a ] in it, and a [\n"
        "    aggregate,  # 2, that is\n"
        "    # later,\n"
        "]  # SERVED\n"
        "# after SERVED\n"
    ),
    "comment-and-no-comma": served(
        SERVED.replace("aggregate,\n]", "aggregate  # the last, no comma\n    # at all\n]"),
        "    aggregate  # the last, no comma",
    ),
    "comment-before-the-comma": served(SERVED.replace("aggregate,\n]", "aggregate  # what follows is\n    ,\n]")),
    "comments-among-routers": routers(
        "ROUTERS: list[APIRouter] = [\n"
        "    jobs.router,  # ours\n    # theirs\n    accounts.router,\n"
        "    approvals.router,  # last\n"
        "    # nothing below this line\n"
        "]\n"
    ),
    "fmt-off": served(f"# fmt: off\n{SERVED}# fmt: on\n"),
    # Annotations
    "no-annotation": served(SERVED.replace(": list[Registration]", "")),
    "final": Case(
        WORKER,
        (
            swap(RPC_IMPORT, f"from typing import Final\n\n{RPC_IMPORT}"),
            swap("SERVED: list[Registration]", "SERVED: Final[list[Registration]]"),
        ),
        WORKFLOW,
    ),
    "bare-final": Case(
        WORKER,
        (swap(f"{RPC_IMPORT}\n", "from typing import Final\n\n"), swap("SERVED: list[Registration]", "SERVED: Final")),
        WORKFLOW,
    ),
    "annotation-in-quotes": served(SERVED.replace("list[Registration]", '"list[Registration]"')),
    "annotation-over-two-lines": served(SERVED.replace("list[Registration]", "list[\n    Registration\n]")),
    # Imports
    "functions-by-other-names": Case(
        WORKER,
        (
            swap("from .aggregate import aggregate\n", "from .aggregate import aggregate as summarise\n"),
            swap("    aggregate,\n", "    summarise,\n"),
        ),
        WORKFLOW,
    ),
    "functions-by-their-modules": Case(
        WORKER,
        (
            swap(
                "from .aggregate import aggregate\nfrom .process_job import process_job\n",
                "from . import aggregate, process_job\n",
            ),
            swap(
                SERVED,
                SERVED.replace("process_job,", "process_job.process_job,").replace(
                    "aggregate,", "aggregate.aggregate,"
                ),
            ),
        ),
        WORKFLOW,
    ),
    "absolute-imports": Case(
        WORKER,
        (
            swap("from ..runtime.durable.rpc import", "from orders.runtime.durable.rpc import"),
            swap("from ..runtime.durable.schedules import", "from orders.runtime.durable.schedules import"),
            swap("from .aggregate import", "from orders.workflows.aggregate import"),
            swap("from .process_job import", "from orders.workflows.process_job import"),
        ),
        WORKFLOW,
    ),
    "dotted-imports": Case(
        WORKER,
        (
            swap(f"{RPC_IMPORT}\n", "import orders.runtime.durable.rpc\nimport orders.workflows.aggregate\n"),
            swap("from ..runtime.durable.schedules", "from orders.runtime.durable.schedules"),
            swap("from .aggregate import aggregate\nfrom .process_job", "from orders.workflows.process_job"),
            swap(SERVED, SERVED.replace("aggregate,", "orders.workflows.aggregate.aggregate,")),
            swap("list[Registration]", "list[orders.runtime.durable.rpc.Registration]"),
        ),
        WORKFLOW,
    ),
    "imports-in-parentheses": Case(
        WORKER,
        (swap(f"{SCHEDULE_IMPORT}\n", "from ..runtime.durable.schedules import (  # the types\n    Schedule,\n)\n"),),
        SCHEDULE,
        (NO_SCHEDULES,),
        bare=True,
        given=(TIDY_UP,),
    ),
    "imports-over-continued-lines": Case(
        APP,
        (swap(f"{ROUTES}\n", "from . import accounts, \\\n    approvals, jobs\n"),),
        ROUTE,
        (),
    ),
    "imports-chained": Case(
        APP,
        (swap(f"{ROUTES}\n", f"{ROUTES}; from .. import ids as ids\n"),),
        ROUTE,
        (f"{ROUTES}; from .. import ids as ids",),
    ),
    "imports-under-try": Case(
        WORKER,
        (
            swap(
                RPC_IMPORT, f"try:\n    from contextlib import suppress\nexcept ImportError:\n    raise\n\n{RPC_IMPORT}"
            ),
        ),
        WORKFLOW,
    ),
    "router-by-name": Case(
        APP,
        (
            swap(f"{ROUTES}\n", "from . import accounts, approvals\nfrom .jobs import router as of_jobs\n"),
            swap("    jobs.router,\n", "    of_jobs,\n"),
        ),
        ROUTE,
        ("from . import accounts, approvals",),
    ),
    "routers-by-their-package": Case(
        APP,
        (
            swap(
                "from ..runtime.http.app import install\n",
                "from .. import api\nfrom ..runtime.http.app import install\n",
            ),
            swap(
                f"{ROUTES}\n",
                "from . import accounts as _a\nfrom . import approvals as _b\nfrom . import jobs as _d\n",
            ),
            swap(ROUTERS, ROUTERS.replace("    ", "    api.")),
            swap("def create_app", "_LOADED = (_a, _b, _d)\n\n\ndef create_app"),
        ),
        ROUTE,
    ),
    "routes-imported-one-by-one": Case(
        APP,
        (
            swap(
                f"{ROUTES}\n",
                "".join(f"from . import {name} as {name}_routes\n" for name in ("accounts", "approvals", "jobs")),
            ),
            swap(ROUTERS, ROUTERS.replace(".router", "_routes.router")),
        ),
        ROUTE,
    ),
    "absolute-routes": Case(
        APP,
        (swap("from . import accounts", "from orders.api import accounts"),),
        ROUTE,
    ),
    "names-that-are-taken": Case(
        WORKER,
        (swap("GROUP = ", "def ship_order() -> None: ...\n\n\nGROUP = "),),
        WORKFLOW,
        (EMPTY,),
        bare=True,
    ),
    "type-checking": schedules(
        future,
        swap(f"{RPC_IMPORT}\n{SCHEDULE_IMPORT}\n", f"from typing import TYPE_CHECKING\n\n{RPC_IMPORT}\n"),
        swap(
            'GROUP = "workers"\n',
            "if TYPE_CHECKING:\n    from collections.abc import Callable\n\n"
            f"    {SCHEDULE_IMPORT}\n\n"
            '    Wiring = Callable[..., Schedule]\n\nGROUP = "workers"\n',
        ),
    ),
    "type-checking-router": Case(
        APP,
        (
            future,
            swap(
                "from fastapi import APIRouter, FastAPI\n",
                "from typing import TYPE_CHECKING\n\nfrom fastapi import FastAPI\n",
            ),
            swap("ROUTERS: list", "if TYPE_CHECKING:\n    from fastapi import APIRouter\n\nROUTERS: list"),
        ),
        ROUTE,
        (ROUTES,),
    ),
    "future-first": Case(WORKER, (future,), WORKFLOW, (EMPTY,), bare=True),
    # Bytes
    "crlf": Case(WORKER, (crlf,), WORKFLOW, (EMPTY,), bare=True),
    "bom": Case(WORKER, (bom,), WORKFLOW, (EMPTY,), bare=True),
    "crlf-and-bom": Case(APP, (crlf, bom), ROUTE, (ROUTES,)),
    "no-docstring-and-bom": Case(WORKER, (lambda text: text.partition("\n\n")[2], bom), WORKFLOW, (EMPTY,), bare=True),
    "list-at-the-end-without-newline": schedules(no_last_newline),
    "other-letters": Case(WORKER, (swap("    process_job,\n", "    process_job,  # größer als 日本\n"),), WORKFLOW),
    # The other lists
    "db-worker-on-one-line-crlf": Case(DB_WORKER, (crlf,), DB_FUNCTION, (EMPTY,), bare=True),
    "db-worker-with-more-dependencies": Case(
        DB_WORKER,
        (swap("    OpenDatabase(", "    OpenDatabase(migrations=Path()),\n    OpenDatabase("),),
        DB_FUNCTION,
    ),
    "fakes-annotated": Case(
        FAKES,
        (
            swap(f"{RPC_IMPORT}\n", "from ..runtime.durable import rpc\n"),
            swap(EMPTY, "SERVED: list[rpc.Registration] = [\n    # none yet\n]"),
        ),
        RPC,
    ),
    "webhook-router": Case(
        APP,
        (swap(f"{ROUTES}\n", "from . import (\n    accounts,\n    approvals,  # by people\n    jobs,\n)\n"),),
        WEBHOOK,
    ),
    "schedules-crlf": schedules(crlf),
    "schedules-aliased": schedules(
        swap(f"{SCHEDULE_IMPORT}\n", f"{SCHEDULE_IMPORT} as Cron\n"),
        swap("list[Schedule]", "list[Cron]"),
        lost=("SCHEDULES: list[Cron] = []",),
    ),
    "schedules-by-their-module": schedules(
        swap(f"{RPC_IMPORT}\n{SCHEDULE_IMPORT}\n", f"from ..runtime.durable import schedules\n{RPC_IMPORT}\n"),
        swap("list[Schedule]", "list[schedules.Schedule]"),
        lost=("SCHEDULES: list[schedules.Schedule] = []",),
    ),
    "schedules-with-the-request-taken": schedules(swap("\nSCHEDULES", '\nTidyUp = "see the contract"\nSCHEDULES')),
    "schedules-with-the-name-elsewhere": schedules(swap("\nSCHEDULES", '\nNAMES = ["nightly"]\nSCHEDULES')),
    "groups-on-one-line": groups('GROUPS = ["workers", "db"]\n', 'GROUPS = ["workers", "db"]'),
    "groups-annotated-crlf-bom": Case(MAIN, (swap("GROUPS = [\n", "GROUPS: list[str] = [\n"), crlf, bom), GROUP),
    "groups-with-comments": groups('GROUPS = [\n    "workers",  # ours\n    "db",\n    # "billing", not yet\n]\n'),
    "groups-of-names": groups('DB = "db"\nGROUPS = [\n    "workers",\n    DB,\n]\n'),
    "groups-with-the-name-elsewhere": groups(f'SOON = ("billing",)\n{GROUPS}'),
    # Ids
    "ids-docstring-only": Case(IDS, (), KEY, bare=True),
    "ids-without-anything": Case(IDS, (whole(""),), KEY, bare=True),
    "ids-with-a-comment-only": Case(IDS, (whole("# ours\n"),), KEY, bare=True),
    "ids-with-a-docstring-without-newline": Case(IDS, (whole('"""Ours."""'),), KEY, bare=True),
    "ids-with-a-docstring-crlf-bom": Case(IDS, (crlf, bom), KEY, bare=True),
    "ids-with-future-only": Case(IDS, (future,), KEY, bare=True),
    "ids-datetime-module": keys(
        swap(
            "from .runtime.durable.ids import keyed\n",
            "import datetime as dt\n\nfrom .runtime.durable.ids import keyed\n",
        ),
        lambda text: f"{text}\n\ndef today() -> dt.date:\n    return dt.date.today()\n",
    ),
    "ids-keyed-by-another-name": keys(
        swap("import keyed\n", "import keyed as made_of\n"), swap("return keyed(", "return made_of(")
    ),
    "ids-keyed-by-its-module": keys(
        swap("from .runtime.durable.ids import keyed\n", "from .runtime.durable import ids\n"),
        swap("return keyed(", "return ids.keyed("),
    ),
    "ids-keyed-taken": Case(
        IDS, (lambda text: f"{text}\n\ndef keyed(text: str) -> str:\n    return text\n",), KEY, bare=True
    ),
    "ids-absolute": keys(swap("from .runtime.durable.ids", "from orders.runtime.durable.ids")),
    "ids-type-checking": keys(
        future,
        swap(
            "from .runtime.durable.ids import keyed\n",
            "from typing import TYPE_CHECKING\n\nfrom .runtime.durable.ids import keyed\n\nif TYPE_CHECKING:\n"
            "    from datetime import date\n\n    Known = date\n",
        ),
    ),
    "ids-crlf-bom": keys(crlf, bom),
    "ids-future": keys(future),
    "ids-without-newline": keys(no_last_newline),
    "ids-ending-in-a-comment": keys(lambda text: f"{text}\n\n# Ours:\n"),
    "ids-blank-lines-at-the-end": keys(lambda text: f"{text}\n\n\n"),
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
    return without_lines(inventory(Service(project)))


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


# Of these nobody can tell by the code how they were laid out before; what they say is the same.
LAID_OUT_ANEW = {
    *("long-list-on-one-line", "empty-list-with-a-blank", "empty-list-on-two-lines"),
    *("ids-with-a-docstring-without-newline", "ids-without-newline", "ids-blank-lines-at-the-end"),
}
# What is imported for types alone is imported for the code, too, while an annotation has the name.
KEEPS_AN_IMPORT = {"type-checking", "ids-type-checking"}


@pytest.mark.parametrize("name", CASES)
def test_remove_gives_every_byte_back(name: str) -> None:
    project, plan = planned_case(name)
    there = after(project, plan)
    record = there.adds()[-1]
    back = after(there, planned(there, f"remove {record.kind} '{record.name}'"))
    assert back.files.keys() == project.files.keys()
    differing = [path for path in project.files if back.files[path] != project.files[path]]
    assert bool(differing) == (name in LAID_OUT_ANEW | KEEPS_AN_IMPORT)
    for path in differing:
        old, new = project.files[path], back.files[path]
        more = [line for line in new.splitlines() if line not in old.splitlines()]
        assert is_same(path, old, new) or (name in KEEPS_AN_IMPORT and len(more) == 1 and b" import " in more[0])


@dataclass(frozen=True)
class Refused:
    """A list that nobody can append to safely: refused, until what the hint says stands there.

    ``hint`` are the lines of the hint; ``paste`` does with them by hand what it asks for.
    """

    case: Case
    hint: tuple[str, ...]
    paste: tuple[Rewrite, ...]


SHIP = ("from .ship_order import ship_order", "ship_order,")
SUMMARIES = ("from . import summaries", "summaries.router,")
BILLING = ('"billing",',)
NIGHTLY = ("from ..contracts.workflows.tidy_up import TidyUp", 'Schedule("nightly", "0 2 * * *", tidy_up, TidyUp()),')


def pasted(before_line: str, line: str, old: str, new: str) -> tuple[Rewrite, ...]:
    """An import pasted above a line, and an element pasted somewhere."""
    return (swap(before_line, f"{line}\n{before_line}"), swap(old, new))


def refused(new: str, old: str, pasted_in: str) -> Refused:
    """SERVED of the workflows, written as no list; then with the element in it."""
    paste = pasted("\nGROUP = ", SHIP[0], old, pasted_in)
    return Refused(Case(WORKER, (swap(SERVED, new),), WORKFLOW), SHIP, paste)


REFUSED = {
    "two-lists": refused(
        "SERVED: list[Registration] = [process_job] + [\n    aggregate,\n]\n",
        "aggregate,\n]",
        f"aggregate,\n    {SHIP[1]}\n]",
    ),
    "comprehension": refused(
        "_ALL = (process_job, aggregate)\nSERVED: list[Registration] = [function for function in _ALL]\n",
        "in _ALL]",
        f"in _ALL] + [\n    {SHIP[1]}\n]",
    ),
    "call": refused(
        SERVED.replace("= [", "= list([").replace("\n]", "\n])"), "aggregate,\n]", f"aggregate,\n    {SHIP[1]}\n]"
    ),
    "tuple": refused(
        SERVED.replace("list[Registration] = [", "tuple[Registration, ...] = (").replace("\n]", "\n)"),
        "aggregate,\n)",
        f"aggregate,\n    {SHIP[1]}\n)",
    ),
    "two-targets": refused(
        SERVED.replace("SERVED: list[Registration]", "EVERYTHING = SERVED"),
        "aggregate,\n]",
        f"aggregate,\n    {SHIP[1]}\n]",
    ),
    "bound-twice": refused(
        f"{SERVED}if not SERVED:\n    SERVED = []\n", "aggregate,\n]", f"aggregate,\n    {SHIP[1]}\n]"
    ),
    "grown-afterwards": refused(
        SERVED.replace("    aggregate,\n", "") + "SERVED += [aggregate]\n",
        "SERVED += [aggregate]",
        f"SERVED += [aggregate, {SHIP[1]}]",
    ),
    "under-if": refused(
        "if GROUP:\n" + "".join(f"    {line}\n" for line in SERVED.splitlines()),
        "aggregate,\n    ]",
        f"aggregate,\n        {SHIP[1]}\n    ]",
    ),
    "unpacked": refused("SERVED, _MORE = [process_job, aggregate], 1\n", "aggregate], 1", f"aggregate, {SHIP[1]}], 1"),
    "crlf": Refused(
        Case(WORKER, (swap(EMPTY, "SERVED: list[Registration] = list()"), crlf), WORKFLOW, bare=True),
        SHIP,
        (swap("\r\nGROUP = ", f"{SHIP[0]}\r\n\r\nGROUP = "), swap("= list()", f"= list([{SHIP[1]}])")),
    ),
    "routers": Refused(
        Case(APP, (swap(ROUTERS, "ROUTERS = [jobs.router, accounts.router] + [approvals.router]\n"),), ROUTE),
        SUMMARIES,
        (swap(ROUTES, f"{ROUTES}\n{SUMMARIES[0]}"), swap("approvals.router]", f"approvals.router, {SUMMARIES[1]}]")),
    ),
    "groups": Refused(
        Case(MAIN, (swap(GROUPS, 'GROUPS = ["workers"] + ["db"]\n'),), GROUP),
        BILLING,
        (swap('["db"]', f'["db", {BILLING[0]}]'),),
    ),
    "schedules": Refused(
        Case(
            WORKER,
            (swap(NO_SCHEDULES, "SCHEDULES: list[Schedule] = list()"),),
            SCHEDULE,
            bare=True,
            given=(TIDY_UP,),
        ),
        NIGHTLY,
        (swap(RPC_IMPORT, f"{NIGHTLY[0]}\n{RPC_IMPORT}"), swap("= list()", f"= list([{NIGHTLY[1]}])")),
    ),
    # What is missing, and everything that its import needs, is in the hint; what is there already is not.
    "schedules-without-their-class": Refused(
        Case(
            WORKER,
            (swap(NO_SCHEDULES, "SCHEDULES = list()"), swap(f"{SCHEDULE_IMPORT}\n", "")),
            SCHEDULE,
            bare=True,
            given=(TIDY_UP,),
        ),
        (SCHEDULE_IMPORT, *NIGHTLY),
        (
            swap(RPC_IMPORT, f"{NIGHTLY[0]}\n{RPC_IMPORT}\n{SCHEDULE_IMPORT}"),
            swap("= list()", f"= list([{NIGHTLY[1]}])"),
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
    record = there.adds()[-1]
    if record.kind not in ("schedule", "group"):  # of which the lists hold no name that would be gone
        with pytest.raises(StillUsed, match=re.escape(case.path)):
            planned(there, f"remove {record.kind} '{record.name}'")


def created(plan: Plan) -> Mapping[PurePosixPath, bytes]:
    """The files that are made, but for the record: that says what was edited, too."""
    made = {change.path: change.content for change in plan.changes if isinstance(change, Create)}
    return {path: content for path, content in made.items() if ADDS not in path.parents}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (WORKER, WORKFLOW),
        (DB_WORKER, DB_FUNCTION),
        (FAKES, RPC),
        (APP, ROUTE),
        ("orders/api/jobs.py", ROUTE),  # which is not edited, but might have the route
        ("orders/contracts/workflows/aggregate.py", ROUTE),  # and this is what the route is made of
        (APP, WEBHOOK),
        (WORKER, SCHEDULE),
        (IDS, KEY),
        (MAIN, GROUP),
    ],
)
def test_a_syntax_error_is_named_with_its_line(path: str, command: str) -> None:
    project = grown(fresh(bare=False), TIDY_UP)
    text = project.files[PurePosixPath(path)].decode()
    broken = rewritten(project, {path: f"{text}\nreturn return\n".encode()})
    with pytest.raises(BrokenSource, match=rf"^{re.escape(path)}, line {text.count(chr(10)) + 2}: "):
        planned(broken, command)


def test_bytes_that_are_not_utf_8() -> None:
    text = fresh(bare=True).files[PurePosixPath(WORKER)]
    line = text.count(b"\n") + 1
    with pytest.raises(BrokenSource, match=rf"^{WORKER}, line {line}: not UTF-8"):
        planned(rewritten(fresh(bare=True), {WORKER: text + b"# gr\xf6\xdfer\n"}), WORKFLOW)


@pytest.mark.parametrize("path", ["orders/contracts/db/mine.py", "orders/db/mine.py", "tests/test_mine.py"])
def test_what_is_broken_and_not_needed_is_in_nobodys_way(path: str) -> None:
    """Neither is a contract that has nothing to do with what is added: only files that spell its name are parsed."""
    project = rewritten(fresh(bare=False), {path: b"return return\n"})
    assert planned(project, WORKFLOW).changes == planned(fresh(bare=False), WORKFLOW).changes


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
    assert dict(back.files) == dict(project.files)


def test_a_line_is_not_added_to_a_file_that_has_it() -> None:
    project = fresh(bare=True)
    text = project.files[PurePosixPath("Procfile")].decode() + "billing: python -m orders group billing --verbose\n"
    there = rewritten(project, {"Procfile": text.encode()})
    assert "Procfile" not in {str(change.path) for change in planned(there, GROUP).changes}


RENAMED = [WORKFLOW, DB_FUNCTION, RPC, ROUTE, WEBHOOK, KEY, GROUP]


def renamed(project: Project) -> Project:
    """The package renamed by hand: its directory, the imports, the commands. The manifest has the old name."""
    files = {}
    for path, content in {**runtime(), **project.files}.items():
        renamed = PurePosixPath("shop", *path.parts[1:]) if path.parts[0] == "orders" else path
        new = re.sub(rb"(import |from |python -m |package=\")orders\b", rb"\1shop", content)
        files[renamed] = content if path == MANIFEST else new
    return Project("shop", project.manifest, FilesInMemory(files))


def test_a_renamed_package(tool: Tool, tmp_path: Path) -> None:
    """Found on the disk by what it holds; everything new is written for its new name."""
    root = tmp_path / "service"
    (root / "shop/runtime").mkdir(parents=True)
    machinery = {PurePosixPath("shop", *path.parts[1:]): content for path, content in runtime().items()}
    for path, content in {**machinery, **renamed(fresh(bare=False)).files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    were = tree(root)
    for command in RENAMED:
        ran = tool(*shlex.split(command), "--project", str(root))
        assert (ran.status, ran.err) == (0, "")
    made = {name: text.decode() for name, text in tree(root).items() if name not in were}
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
