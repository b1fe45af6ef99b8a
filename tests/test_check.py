"""`check`: every rule against its corpus and its page; what it reads, says, and lets be."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.check import check, findings_of, program_of
from resonate_scaffold.check.checklist import checklist
from resonate_scaffold.check.findings import RULES, Finding, is_selected
from resonate_scaffold.check.settings import Settings, rules
from resonate_scaffold.code.files import read, settings_of
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.errors import UsageError
from resonate_scaffold.graph.reading import structure_of
from resonate_scaffold.project import MANIFEST, fingerprint

from . import corpus
from .conftest import Tool
from .grown import fresh, grown, made_by_new, python_of, runtime

PROGRAMS = corpus.programs()

SLEEPY = """\
import time

from resonate.context import Context


async def work(ctx: Context) -> float:
    await ctx.run(step)
    return time.time()


async def step(ctx: Context) -> None: ...
"""


@pytest.mark.parametrize("program", PROGRAMS, ids=[it.name for it in PROGRAMS])
def test_the_corpus(program: corpus.Program) -> None:
    assert program.is_wrong == bool(program.wanted)
    assert corpus.found(program.files, program.rule) == program.wanted
    if program.is_wrong:
        assert program.rule in {code for _, _, code in program.wanted}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_programs_and_a_page(rule: str) -> None:
    kinds = Counter(it.is_wrong for it in PROGRAMS if it.rule == rule)
    assert kinds[True] >= 4 and kinds[False] >= 4, kinds
    page = (corpus.PAGES / f"{rule}.md").read_text("utf-8")
    assert page.startswith(f"# {rule} {RULES[rule].name}\n")
    assert re.findall("^## (.*)$", page, re.MULTILINE)[:3] == ["What goes wrong", "Wrong", "Right"]


@pytest.mark.parametrize("rule", RULES)
def test_the_examples_of_a_page(rule: str) -> None:
    wrong, right = corpus.examples(rule, "Wrong"), corpus.examples(rule, "Right")
    assert wrong and right
    for files in wrong:
        assert {code for _, _, code in corpus.found(files, rule)} == {rule}
    for files in right:
        assert corpus.found(files, rule) == set()


def mutilated(text: str, dice: random.Random) -> str:
    """Python that nobody would write: parts are gone, doubled, or called as something else."""
    tree = ast.parse(text)
    for _ in range(dice.randint(1, 4)):
        lists = [it for node in ast.walk(tree) for _, it in ast.iter_fields(node) if isinstance(it, list) and it]
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        chosen = dice.choice(lists) if lists else [None]
        match dice.randrange(4):
            case 0 | 1:
                chosen.pop(dice.randrange(len(chosen)))
            case 2:
                chosen.append(dice.choice(chosen))
            case _ if names:
                dice.choice(names).id = dice.choice(names).id
    try:
        broken = ast.unparse(tree)
        ast.parse(broken)
    except (SyntaxError, AttributeError, ValueError, IndexError, TypeError):
        return text  # it cannot be written down
    return broken


@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_code_it_is_read_and_drawn(seed: int) -> None:
    dice = random.Random(seed)
    for program in PROGRAMS:
        if program.rule != "RS000":
            files = {
                PurePosixPath(name): (mutilated(text, dice) if name.endswith(".py") else text).encode()
                for name, text in program.files.items()
            }
            model = Model(program_of(files))
            assert all(it.code in RULES and it.path in files for it in findings_of(model, ("ALL",))), program.name
            assert all(it.line > 0 for it in checklist(model)), program.name
            drawn = structure_of(model, program.name)
            assert {it.source for it in drawn.edges} <= {it.id for it in drawn.nodes}, program.name


def test_no_rule_is_missing_from_the_corpus() -> None:
    assert {it.rule for it in PROGRAMS} == set(RULES)
    assert {path.stem for path in corpus.PAGES.glob("*.md")} == set(RULES)


@pytest.mark.parametrize("bare", [False, True])
def test_a_new_service_is_clean(bare: bool) -> None:
    assert check(python_of(fresh(bare=bare)), select=("ALL",)) == []


def test_a_service_of_many_adds_is_clean() -> None:
    project = grown(
        fresh(bare=True),
        "add db-function reserve-stock --takes sku:str --takes quantity:int --returns reservation_id:str",
        "add db-function find-customer --takes customer_id:str --returns name:str --read-only",
        "add rpc payments.charge --takes customer_id:str --takes amount_cents:int --returns receipt:str",
        "add group mail",
        "add rpc mail.send --takes to:str --returns message_id:str",
        "add workflow place-order --takes customer_id:str --takes number:str --takes sku:str --takes quantity:int"
        " --returns receipt:str --calls db.reserve_stock --calls payments.charge --calls mail.send",
        "add idempotency-key order --from customer_id --from number",
        "add route POST /orders --workflow place-order --key order",
        "add route GET '/customers/{customer_id}' --rpc db.find_customer --wait 5",
        "add webhook approval --takes approved:bool --workflow place-order",
        "add workflow close-day",
        "add schedule nightly --workflow close-day --cron '0 2 * * *'",
        "add workflow hello --route",
    )
    files = python_of(project)
    assert check(files, select=("ALL",)) == []
    items = {it.route: it for it in checklist(Model(Program(files)))}
    for route in ("POST /orders", "POST /hello", "GET /customers/{customer_id}"):
        assert [row.answer for row in items[route].rows] == ["yes"] * 6
        assert all(row.path is not None and row.line for row in items[route].rows)


def scopes(files: Mapping[PurePosixPath, bytes]) -> dict[str, tuple[str, str]]:
    """What the checklist says that the keys of routes are scoped to."""
    told = checklist(Model(Program(files)))
    rows = {it.route: row for it in told for row in it.rows if row.question == "what its key is scoped to"}
    return {route: (row.answer, row.why) for route, row in rows.items()}


def test_the_checklist_says_what_a_key_is_scoped_to() -> None:
    project = grown(
        fresh(bare=True),
        "add workflow place-order --takes number:str",
        "add idempotency-key order --from number",
        "add route POST /orders --workflow place-order",
        "add route POST /imports --workflow place-order --idempotency required",
        "add route POST /tries --workflow place-order --idempotency none",
        "add route PUT /orders/{number} --workflow place-order --key order",
        "add route PATCH /orders/{number} --workflow place-order --key order",
    )
    files = python_of(project)
    said = {
        "POST /orders": ("yes", "this route, and the caller: orders/…"),
        "POST /imports": ("yes", "this route, and the caller: imports/…"),
        "POST /tries": ("yes", "it takes no key: each request is new work"),
        "PUT /orders/{number}": ("yes", "ids.order names work of the whole service; so does PATCH /orders/{number}"),
        "PATCH /orders/{number}": ("yes", "ids.order names work of the whole service; so does PUT /orders/{number}"),
    }
    assert scopes(files) == said
    # As the release before made it: three routes of one workflow.
    imports = PurePosixPath("orders/api/imports.py")
    files[imports] = files[imports].replace(b'root_id("imports"', b'root_id("orders"')
    assert scopes(files) == said | {
        "POST /orders": ("no", "a key of POST /imports is one of it, too: orders/…"),
        "POST /imports": ("no", "a key of POST /orders is one of it, too: orders/…"),
    }


def mistaken(path: str, old: str, new: str) -> list[Finding]:
    """What is found in the example after an edit of one file."""
    files = python_of(fresh(bare=False))
    text = files[PurePosixPath(path)].decode()
    assert old in text
    return check({**files, PurePosixPath(path): text.replace(old, new).encode()})


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (
            "workflows/process_job.py",
            "SaveResult(job_id=job_id(ctx),",
            "SaveResult(job_id=job_id(ctx) + str(clock.new_uuid(ctx)),",
            "workflows/process_job.py RS203",
        ),
        ("db/worker.py", "    save_result,\n", "", "contracts/db/save_result.py RS103"),
        (
            "db/save_result.py",
            "@serve(contract.save_result, retries=6)\n",
            "",
            "contracts/db/save_result.py RS103",
        ),
        ("db/worker.py", "    save_result,\n", "    save_result,\n    save_result,\n", "db/worker.py RS104"),
        ("contracts/db/get_account.py", 'group="db"', 'group="workers"', "db/worker.py RS105"),
        ("db/get_account.py", "-> FoundAccount:", "-> AccountView:", "db/get_account.py RS109"),
        (
            "db/get_account.py",
            "        row = await",
            "        await session.commit()\n        row = await",
            "db/get_account.py RS303",
        ),
        ("workflows/process_job.py", "await save_result(", "save_result(", "workflows/process_job.py RS305"),
        # Its contract leaves the deadline to a setting, whose default is seven days.
        (
            "workflows/process_job.py",
            "patience = ctx.get_dependency(Settings).approval_timeout",
            "from datetime import timedelta\n        patience = timedelta(days=7)",
            "workflows/process_job.py RS311",
        ),
        ("__main__.py", '    "db",\n', "", "db/worker.py RS102"),
        ("api/jobs.py", "status_code=202, ", "", "api/jobs.py RS404"),
        (
            "db/save_result.py",
            'operation = operation_id("save-result", request.job_id)',
            "from ..runtime.durable import clock\n"
            '    operation = operation_id("save-result", str(clock.new_uuid(ctx)))',
            "db/save_result.py RS315",
        ),
        (
            "api/approvals.py",
            "signed: Annotated[Signed, Depends(webhook)]",
            "body: Approval",
            "api/approvals.py RS406",
        ),
    ],
)
def test_a_mistake_in_a_service_is_found(path: str, old: str, new: str, found: str) -> None:
    assert [f"{it.path} {it.code}" for it in mistaken(f"orders/{path}", old, new)] == [f"orders/{found}"]


def test_what_no_worker_opens_any_more() -> None:
    opened = '    OpenDatabase(migrations=Path(__file__).with_name("migrations")),\n'
    found = mistaken("orders/db/worker.py", opened, "")
    assert [f"{it.path} {it.code}" for it in found] == [
        "orders/db/get_account.py RS115",
        "orders/db/save_result.py RS115",
    ]
    assert {it.hint for it in found} == {"Add what opens a Database to DEPENDENCIES of its worker."}


def test_how_to_serve_a_contract() -> None:
    """The hint is for the way in which the program pairs contracts with functions."""
    (unlisted,) = mistaken("orders/db/worker.py", "    save_result,\n", "")
    assert re.fullmatch(r"Add save_result \(line \d+ of orders/db/save_result.py\) to that list.", unlisted.hint)
    (undecorated,) = mistaken("orders/db/save_result.py", "@serve(contract.save_result, retries=6)\n", "")
    assert undecorated.hint == "Decorate its function with @serve(save_result, …), and add the function to that list."
    program = next(it for it in PROGRAMS if it.name == "RS103-wrong_forgotten_in_served")
    (older,) = check({PurePosixPath(name): text.encode() for name, text in program.files.items()})
    assert older.hint == "Add serve(lend, …) to that worker."


def test_the_runtime_is_read_and_not_judged() -> None:
    files = python_of(fresh(bare=False))
    path = PurePosixPath("orders/runtime/durable/rpc.py")
    files[path] += b"\n\nasync def work(ctx: Context) -> None:\n    ctx.sleep(timedelta(seconds=1))\n"
    assert check(files, select=("ALL",)) == []
    elsewhere = PurePosixPath("orders/workflows/more.py")
    found = [it.code for it in check({**files, elsewhere: files[path]})]
    assert [code for code in found if code != "RS114"] == ["RS107", "RS305"]


# -- the runtime of a service ----------------------------------------------------------------------------------------


def edited(path: str, content: bytes | None) -> list[Finding]:
    """What RS601 finds in a new service of which one file is another, or is not there."""
    files = {**runtime(), **python_of(fresh(bare=True)), MANIFEST: fresh(bare=True).files[MANIFEST]}
    if content is None:
        del files[PurePosixPath(path)]
    else:
        files[PurePosixPath(path)] = content
    return check(files)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("http/auth.py", "orders/api/ (app.py)"),
        ("durable/gate.py", "orders/workflows/ or orders/db/"),
        ("engine/client.py", "orders/workflows/ or orders/db/"),
        ("telemetry/metrics.py", "the module that it is about"),
        ("testing/plugin.py", "tests/conftest.py"),
        ("settings.py", "orders/settings.py"),
        ("database.py", "orders/db/worker.py"),
        ("cli.py", "orders/__main__.py"),
        ("errors.py", "a module of your own, beside orders/runtime/"),
    ],
)
def test_an_edit_of_the_runtime_is_found(path: str, place: str) -> None:
    path = f"orders/runtime/{path}"
    (found,) = edited(path, runtime()[PurePosixPath(path)] + b"# more\n")
    assert (str(found.path), found.line, found.code) == (path, 1, "RS601")
    assert "was edited" in found.message and place in found.hint and f"git checkout -- {path}" in found.hint


def test_what_is_missing_from_the_runtime_and_what_was_added() -> None:
    (found,) = edited("orders/runtime/http/auth.py", None)
    assert str(found.path) == "orders/runtime/http/auth.py" and "is missing" in found.message
    (found,) = edited("orders/runtime/http/sessions.py", b"SESSIONS = {}\n")
    assert str(found.path) == "orders/runtime/http/sessions.py" and "was added" in found.message


def test_an_edit_of_the_runtime_that_is_none() -> None:
    path = "orders/runtime/http/auth.py"
    content = runtime()[PurePosixPath(path)]
    assert edited(path, content) == []
    assert edited(path, content.replace(b"\n", b"\r\n")) == []
    assert edited("orders/runtime/.cache/x.py", b"x = 1\n") == []
    assert edited("orders/runtime/http/__pycache__/x.py", b"x = 1\n") == []
    assert edited(path, b"# noqa: RS601\n" + content) == []


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"tool": "another"}',
        b'{"tool": "resonate-scaffold"}',
        b"[" * 100_000,
        b'{"tool": "resonate-scaffold", "files": {"../../runtime/x.py": "0"}}',
    ],
)
def test_a_manifest_that_says_nothing(manifest: bytes) -> None:
    files = python_of(fresh(bare=True))
    files[PurePosixPath("orders/runtime/http/auth.py")] += b"# more\n"
    assert check({**files, MANIFEST: manifest}) == []


def test_an_edit_of_the_runtime_of_a_renamed_package() -> None:
    files = {**runtime(), **python_of(fresh(bare=True))}
    files = {PurePosixPath("mystore", *it.parts[1:]) if it.parts[0] == "orders" else it: files[it] for it in files}
    manifest = {MANIFEST: fresh(bare=True).files[MANIFEST]}
    assert check({**files, **manifest}) == []
    path = PurePosixPath("mystore/runtime/durable/once.py")
    (found,) = check({**files, **manifest, path: files[path] + b"# more\n"})
    assert (found.path, found.code) == (path, "RS601") and "mystore/workflows/" in found.hint


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A new service on the disk, below a directory of other things."""
    root = tmp_path / "home" / "services" / "orders"
    for path, content in made_by_new(bare=True).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def test_the_runtime_on_the_disk(tool: Tool, service: Path) -> None:
    assert tool("check", "services").status == 0
    auth = service / "orders" / "runtime" / "http" / "auth.py"
    auth.write_bytes(auth.read_bytes() + b"# more\n")
    ran = tool("check", "services/orders")
    assert ran.out.startswith("services/orders/orders/runtime/http/auth.py:1:1: RS601 [edited-runtime] ")
    assert ran.status == 1 and ran.out.splitlines()[-2].endswith(": RS601 1")
    assert tool("check", "services/orders/orders/api").status == 0  # it was not asked about
    assert tool("check", "services/orders", "--ignore", "edited-runtime").status == 0
    assert tool("check", "services/orders", "--ignore", "ALL").status == 0
    settings = service / "pyproject.toml"
    settings.write_text('[tool.resonate-scaffold]\nexclude = ["orders/runtime"]\n')
    assert tool("check", "services/orders").status == 0
    settings.write_text('[tool.resonate-scaffold.per-file-ignores]\n"orders/runtime/*" = ["RS601"]\n')
    assert tool("check", "services/orders").status == 0
    settings.unlink()  # as part of a larger project
    (service.parent / "pyproject.toml").touch()
    assert tool("check", "services").out.count("`git checkout -- orders/orders/runtime/http/auth.py`") == 1


def test_a_released_name_that_is_gone(tool: Tool, tmp_path: Path) -> None:
    """The snapshot is read from the disk; it comes with the example."""
    assert tool("new", "shop", "--defaults", "--no-install", "--no-git", "--into", str(tmp_path)).status == 0
    assert tool("check", str(tmp_path / "shop")).status == 0
    contract = tmp_path / "shop/shop/contracts/db/save_result.py"
    contract.write_text(contract.read_text("utf-8").replace('"db.save_result"', '"db.keep_result"'), "utf-8")
    ran = tool("check", str(tmp_path / "shop"))
    assert ran.status == 1
    assert "shop/db/worker.py:" in ran.out and "RS113 [lost-name] db.save_result (version 1) was released" in ran.out
    assert "python -m shop contracts --accept db.save_result@1" in ran.out


def test_what_of_the_runtime_is_not_python(tool: Tool, service: Path) -> None:
    manifest = service / str(MANIFEST)
    readme = service / "orders" / "runtime" / "NOTES.md"
    readme.write_bytes(b"# Notes\n")
    listing = json.loads(manifest.read_bytes())
    listing["files"]["orders/runtime/NOTES.md"] = fingerprint(b"# Notes\n")
    manifest.write_text(json.dumps(listing))
    assert tool("check", "services").status == 0
    readme.write_bytes(b"# Notes of ours\n")
    assert "orders/runtime/NOTES.md:1:1: RS601" in tool("check", "services").out
    readme.unlink()
    readme.symlink_to(manifest)  # no link is followed
    assert "runtime/NOTES.md is missing" in tool("check", "services").out
    manifest.write_bytes(b" " * (5 << 20) + manifest.read_bytes())  # a manifest of that size is none
    assert tool("check", "services").status == 0


@pytest.mark.parametrize(
    ("code", "select", "ignore", "on"),
    [
        ("RS201", (), (), True),
        ("RS310", (), (), False),
        ("RS310", ("RS310",), (), True),
        ("RS310", ("ALL",), (), True),
        ("RS201", ("RS3",), (), False),
        ("RS201", ("RS2",), ("RS201",), False),
        ("RS201", ("RS201",), ("RS2",), True),
        ("RS201", (), ("ALL",), False),
        ("RS201", ("RS201",), ("ALL",), True),
        ("RS201", ("RS2",), ("ALL",), True),
        ("RS301", ("RS2",), ("ALL",), False),
        ("RS301", ("RS2", "ALL"), (), True),
        ("RS301", ("ALL", "RS2"), (), True),
        ("RS201", ("ALL",), ("ALL",), False),
        ("RS201", ("RS2", "ALL"), ("RS201",), False),
    ],
)
def test_selection(code: str, select: tuple[str, ...], ignore: tuple[str, ...], on: bool) -> None:
    assert is_selected(code, select, ignore) == on


def test_rules_are_named_by_code_by_beginning_and_by_name() -> None:
    assert rules(["rs201, RS3", "clock", "all"], "--select") == ("RS201", "RS3", "RS201", "ALL")
    with pytest.raises(UsageError, match="no rule 'cluck'") as caught:
        rules(["cluck"], "--select")
    assert caught.value.hint == "Did you mean clock?"


@pytest.mark.parametrize(
    "content",
    [b"def f(:\n", b"x = 1\x00\n", b"# coding: nonsense\n", b"\xff\xfe", b"(" * 3000, b"x = " + b"-" * 100_000 + b"1"],
    ids=["syntax", "nul", "encoding", "not-utf-8", "parentheses", "deep"],
)
def test_what_is_not_python_is_a_finding(content: bytes) -> None:
    found = check({PurePosixPath("broken.py"): content, PurePosixPath("work.py"): SLEEPY.encode()})
    assert [(str(it.path), it.code) for it in found] == [("broken.py", "RS000"), ("work.py", "RS201")]


def test_syntax_of_a_newer_python_is_read() -> None:
    """What else is in the file is checked, and stands where it stood."""
    text = SLEEPY.replace(
        "    return time.time()",
        "    try:\n        return t'{time.time()}'\n    except KeyError, (ValueError):\n        return time.time()",
    )
    found = check({PurePosixPath("a.py"): text.encode()})
    assert [(it.code, it.line, it.column) for it in found] == [("RS201", 9, 19), ("RS201", 11, 16)]


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="this Python has it")
def test_which_python_has_the_syntax() -> None:
    (found,) = check({PurePosixPath("a.py"): b"x = t''\ny = [*it for it in x]\n"})
    assert (found.code, found.line) == ("RS000", 2)
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found.message == f"the file cannot be parsed: it needs Python 3.15, and the tool runs on {this}"
    assert "run the tool on that" in found.hint


def test_odd_python_is_read() -> None:
    assert check({PurePosixPath("a.py"): "\ufeff".encode() + SLEEPY.replace("\n", "\r\n").encode()})[0].line == 8
    assert check({PurePosixPath("empty.py"): b""}) == []


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "home" / "there"
    (root / "app").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (root / "app" / "work.py").write_text(SLEEPY)
    (root / "app" / "fine.py").write_text("x = 1\n")
    return root


def test_it_says_where_what_and_what_to_do(tool: Tool, project: Path) -> None:
    ran = tool("check", "there")
    assert ran.status == 1
    first, source, mark, what_to_do, total, more = ran.out.splitlines()
    assert first.startswith("there/app/work.py:8:12: RS201 [clock] work reads the clock (time.time)")
    assert (source, mark) == ("    | return time.time()", "    |        ^^^^^^^^^^^")
    assert what_to_do.startswith("    Read it in a step")
    assert total == "1 mistake in 2 files (1 with Resonate): RS201 1"
    assert more.endswith("--explain RS201")
    nothing = "2 files (1 with Resonate) checked: nothing found\n"
    assert tool("check", "there", "--ignore", "clock").out == nothing
    assert tool("check", "there/app/fine.py").status == 0


def test_it_prints_one_object(tool: Tool, project: Path) -> None:
    ran = tool("check", "there", "--format", "json", "--checklist")
    assert ran.status == 1
    assert ran.json["command"] == "check" and ran.json["error"] is None and ran.json["checklist"] == []
    (found,) = ran.json["findings"]
    assert (found["path"], found["line"], found["column"], found["code"], found["name"]) == (
        "there/app/work.py",
        8,
        12,
        "RS201",
        "clock",
    )
    refused = tool("check", "nowhere", "--format", "json")
    assert refused.status == 2 and refused.json["error"]["message"] == "nowhere is not there"


def test_it_annotates_for_github(tool: Tool, project: Path) -> None:
    ran = tool("check", "there", "--format=github")
    (line,) = ran.out.splitlines()
    assert line.startswith("::error file=there/app/work.py,line=8,col=12,title=RS201 clock::work reads the clock")
    assert "%0ARead it in a step" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "nowhere is not there"),
        (["check", "--select", "RS9"], "there is no rule 'RS9'"),
        (["check", "--explain", "RS2"], "RS2 is not one rule"),
        (["check", "--explain", "nothing"], "there is no rule 'nothing'"),
        (["check", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage(tool: Tool, arguments: list[str], message: str) -> None:
    ran = tool(*arguments)
    assert ran.status == 2 and ran.out == ""
    assert message in ran.err and len(ran.err.splitlines()) == 2


def test_it_explains(tool: Tool) -> None:
    for rule in ("RS201", "rs201", "clock"):
        ran = tool("check", "--explain", rule)
        assert ran.status == 0 and ran.out == (corpus.PAGES / "RS201.md").read_text("utf-8")


def test_settings_of_the_project(tool: Tool, project: Path) -> None:
    settings = project / "pyproject.toml"
    settings.write_text('[tool.resonate-scaffold]\nignore = ["RS201"]\n')
    assert tool("check", "there").status == 0
    assert tool("check", "there", "--select", "RS201").status == 1
    settings.write_text('[tool.resonate-scaffold]\nselect = ["RS3"]\n')
    assert tool("check", "there").status == 0
    settings.write_text('[tool.resonate-scaffold]\nexclude = ["app/work*"]\n')
    assert "1 file (0 with Resonate) checked" in tool("check", "there").out
    settings.write_text('[tool.resonate-scaffold.per-file-ignores]\n"app/w*.py" = ["clock"]\n')
    assert tool("check", "there").status == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.resonate-scaffold]\nselekt = []\n", "has no setting 'selekt'"),
        ('[tool.resonate-scaffold]\nselect = "RS2"\n', "select of [tool.resonate-scaffold] is no list of texts"),
        ('[tool.resonate-scaffold]\nignore = ["RS9"]\n', "ignore: there is no rule 'RS9'"),
        ("[tool.resonate-scaffold]\nper-file-ignores = 3\n", "is no table"),
        ("[tool.\n", "cannot be read"),
        ("tool = 1\n", "tool is not a table"),
        ("[tool]\nresonate-scaffold = 1\n", "resonate-scaffold is not a table"),
    ],
)
def test_settings_that_are_wrong(project: Path, text: str, message: str) -> None:
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        Settings.of(settings_of(project))
    assert message in caught.value.message


def test_settings_after_a_byte_order_mark(project: Path) -> None:
    (project / "pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.resonate-scaffold]\nselect = ['RS2']\n")
    assert Settings.of(settings_of(project)).select == ("RS2",)


@pytest.mark.parametrize("pattern", ["app/", "./app", "**/app/**", "/app/", "app", "work.py", "**/work.py", "app/*.py"])
def test_patterns_are_those_of_gitignore(tool: Tool, project: Path, pattern: str) -> None:
    settings = project / "pyproject.toml"
    settings.write_text(f'[tool.resonate-scaffold]\nexclude = ["{pattern}"]\n')
    assert "app/work.py" not in {str(path) for path in read([project])[0].files}
    settings.write_text(f'[tool.resonate-scaffold.per-file-ignores]\n"{pattern}" = ["RS2"]\n')
    assert tool("check", "there").status == 0
    settings.write_text('[tool.resonate-scaffold]\nexclude = ["other/", "/work.py"]\n')
    assert tool("check", "there").status == 1


def test_the_whole_project_is_read_and_only_what_was_asked_about_is_told(tool: Tool, project: Path) -> None:
    worker = """\
    from resonate.resonate import Resonate
    from resonate.retry import Never

    from app.jobs import job


    async def main() -> None:
        client = Resonate(group="workers", retry_policy=Never())
        client.register(job)
    """
    (project / "app" / "worker.py").write_text(textwrap.dedent(worker))
    (project / "app" / "jobs.py").write_text(
        "from resonate.context import Context\n\n\nasync def job(ctx: Context) -> None: ...\n"
    )
    assert tool("check", "there/app/jobs.py").status == 0  # that it is registered stands in another file
    assert tool("check", "there").status == 1


def test_links_and_what_is_installed_are_not_read(project: Path) -> None:
    outside = project.parent / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text(SLEEPY)
    (project / "linked").symlink_to(outside)
    (project / "linked.py").symlink_to(outside / "secret.py")
    for directory in (".venv", "node_modules", "own"):
        (project / directory).mkdir()
        (project / directory / "installed.py").write_text(SLEEPY)
    (project / "own" / "pyvenv.cfg").write_text("")
    os.mkfifo(project / "pipe.py")
    (tree,) = read([project])
    assert [str(path) for path in tree.files] == ["app/fine.py", "app/work.py"]


def test_the_table_of_the_documents() -> None:
    """`python -m tests.corpus` writes it."""
    assert corpus.DOCUMENT.read_text("utf-8") == corpus.document()
