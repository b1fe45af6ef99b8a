"""The tool under attack: 10,000 random command lines, manifests, records and journals, and services made to trap it.

Whatever comes in, a command ends with status 0, 1 or 2 and no traceback. A refusal is an error and a hint, in which
nothing steers a terminal, and leaves every byte as it was; what is planned stays in the service, and is Python.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import io
import itertools
import json
import operator
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings, strategies as st

from resonate_scaffold import cli, disk, install, templates, trust
from resonate_scaffold.devserver import EngineError
from resonate_scaffold.devserver.engine import Engine
from resonate_scaffold.disk.journals import sealed_part
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, MANIFEST, FilesInMemory, Manifest, Project, fingerprint
from resonate_scaffold.templates import RenderedFile, Rendering
from tests.grown import NAME, fresh, grown, made_by_new, rewritten
from tests.test_apply import SERVICE, service as small, whole
from tests.test_devserver_journal import ask
from tests.test_new import on_terminal

# How many of each: 10,000 in all.
COMMANDS, NEWS, SERVICES, MANIFESTS, RECORDS, JOURNALS = 3_000, 3_250, 20, 1_750, 1_500, 480


def attack(examples: int) -> settings:
    """So many examples, however long one takes: a sixth of them, but in the session `attack_tool`."""
    if not os.environ.get("WHOLE_ATTACK"):
        examples //= 6
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)


# What is typed

SEPARATORS = [
    "..",
    "../",
    "/",
    "\\",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\x",
    "//host/share",
    "~root",
    "~nobody-here/x",
]
CONTROLS = [
    "\n",
    "\r\n",
    "\t",
    "\v",
    "\x7f",
    "\x1b[31m",
    "\x1b]0;owned\x07",
    "\x1bc",
    "\x9b2J",
    "\x08",
    "\u2028",
    "\u0085",
]
UNICODE = [
    "\u202e",
    "\u2066",
    "\u200d",
    "e\u0301",
    "\ufeff",
    "\ud800",
    "\udcff",
    "\ufb01",
    "\u212a",
    "\u0130",
    "\u0663",
    "\U0001d400",
]
SYNTAX = [
    "{{ 7*7 }}",
    "{% raw %}",
    "{#",
    "}}",
    "{x}",
    "{",
    "}",
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "\\N{DIGIT ONE}",
    "`id`",
    "$(id)",
    "%s",
    "#",
]
OPTIONS = ["--json", "--yes", "--", "-h", "--help", "--project", "-", "--takes=", "@file", "="]
WORDS = [
    *(
        "con",
        "nul.txt",
        "aux",
        "lpt1",
        "class",
        "None",
        "match",
        "__init__",
        "__class__",
        "json",
        "self",
        "ctx",
        "orders",
    ),
    *(
        "api",
        "db",
        "workers",
        "workflows",
        "tests",
        "True",
        "eval",
        "model_config",
        "x" * 41,
        "x" * 300,
        "0",
        "",
        " ",
        "*",
    ),
]
NASTY = [*SEPARATORS, *CONTROLS, *UNICODE, *SYNTAX, *OPTIONS, *WORDS]
ANYTHING = st.text(st.characters(codec=None, exclude_characters="\0"), max_size=12)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """*text* with something put into it, taken out of it, or in its place."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    put = draw(st.one_of(st.sampled_from(NASTY), ANYTHING, st.just(text[start:end] * 2), st.just("")))
    return draw(st.sampled_from([text[:start] + put + text[end:], put, text.upper()]))


def one_of(*values: str) -> st.SearchStrategy[list[str]]:
    return st.sampled_from([value.split("|") if value else [] for value in values])


def some(option: str, *values: str, most: int = 2) -> st.SearchStrategy[list[str]]:
    """An option, some times."""
    chosen = st.lists(st.sampled_from(values), max_size=most, unique=True)
    return chosen.map(lambda given: [part for one in given for part in (option, one)])


def line(*parts: str | st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """A command line of these parts; a text may be several words."""
    strategies = [st.just(part.split()) if isinstance(part, str) else part for part in parts]
    return st.tuples(*strategies).map(lambda drawn: [word for part in drawn for word in part])


FIELDS = [
    *("order_id:str", "quantity:int", "paid:bool?", "due:date", "lines:list[str]", "by:dict[str, list[UUID?]]?"),
    *("price:Decimal", "account:AccountView", "account:db.AccountView", "at:datetime"),
]
CRONS = ["0 2 * * *", "*/5 * * * MON-FRI", "0 0 29 2 *", "15,45 1-5/2 1 JAN,JUL *", "0 2 * * SUN", "59 23 31 12 *"]
PATHS = ["/orders", "/accounts/{account_id}/orders", "/stock/{account_id}", "/a/b.c", "/customers/{customer_id}"]
SHAPES = line(some("--takes", *FIELDS), some("--returns", *FIELDS))
NEW_NAME = one_of("place-order", "ship", "reserve_stock", "a1", "clean-up", "x")
VALID = st.one_of(
    line("add workflow", NEW_NAME, SHAPES, some("--calls", "process-job", "db.get_account"), one_of("", "--route")),
    line("add db-function", NEW_NAME, SHAPES, one_of("", "--read-only")),
    line("add rpc", one_of("payments.refund", "mail.send", "mail.workers.send", "mail.db.drop", "billing.sum"), SHAPES),
    line("add route", one_of("POST", "PUT", "delete"), one_of(*PATHS), "--workflow", one_of("clean-up", "process-job")),
    line("add route GET", one_of(*PATHS), "--rpc db.get_account --wait", one_of("5", "25")),
    line("add route POST /bills --rpc billing.total", some("--key", "invoice"), some("--idempotency", "none")),
    line("add webhook", NEW_NAME, some("--takes", *FIELDS), "--workflow process-job"),
    line("add schedule", NEW_NAME, "--workflow clean-up --cron", one_of(*CRONS)),
    line("add idempotency-key", NEW_NAME, "--from", one_of("number", "customer_id:str", "due:date")),
    line("add group", NEW_NAME),
    line("remove", one_of("schedule|nightly", "db-function|tally", "route|POST /clean-ups", "workflow|clean-up")),
    line("list", one_of("", "route", "workflow", "group")),
)


@st.composite
def attacked(draw: st.DrawFn, valid: st.SearchStrategy[list[str]]) -> list[str]:
    """A command line with up to two of its words mutated."""
    words = draw(valid)
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
        at = draw(st.integers(0, len(words) - 1))
        changed = [draw(mutated(words[at]))]
        words[at : at + 1] = draw(st.sampled_from([changed, changed, changed, changed, [words[at]] * 2, []]))
        if not words:
            break
    options = st.lists(st.sampled_from(["--json", "--dry-run", "--yes"]), max_size=2, unique=True)
    return words + draw(options)


# What comes of it


@dataclass(frozen=True)
class Told:
    """What one command line ended with, and what it would have changed."""

    status: int
    out: str
    err: str
    plans: tuple[Plan, ...]


class Strict(io.TextIOWrapper):
    """Standard output as most terminals have it: text that is no text cannot be written to it."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="utf-8", errors="strict", write_through=True)

    def text(self) -> str:
        return self.bytes.getvalue().decode()


def told(arguments: Sequence[str], plans: Sequence[Plan] = ()) -> Told:
    """Run a command line in this process. An exception that leaves it is a traceback."""
    out, err = Strict(), io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.run(list(arguments))
    finally:
        signal.signal(signal.SIGTERM, handler)
    err.seek(0)
    return Told(status, out.text(), err.read(), tuple(plans))


def check(arguments: Sequence[str], told: Told) -> None:
    """What holds for every command line."""
    assert told.status in {0, 1, 2}, told
    assert "Traceback" not in told.err + told.out
    steering = {char for char in told.out + told.err if not char.isprintable()} - {"\n"}
    assert not steering - {"\t"}, (steering, told)
    is_help = told.status == 0 and told.out.lstrip().startswith("Usage:")
    if "--json" in arguments and not is_help:
        shown = json.loads(told.out)
        assert isinstance(shown, dict) and not told.err
        assert (shown["error"] is None) == (told.status == 0)
    elif told.status:
        first, second, *more = told.err.removesuffix("\n").split("\n")
        assert (first.split()[0], second.split()[0]) == ("error", "hint"), told
        assert all(not text.split() or text.startswith(" " * 4) for text in more), told
    if told.status:
        assert not told.plans
    for plan in told.plans:
        for change in plan.changes:
            check_change(change)


def check_change(change: Change) -> None:
    """What is written lies in the service, and is Python where it should be."""
    assert not change.path.is_absolute() and ".." not in change.path.parts and ".git" not in change.path.parts
    assert all(part.isprintable() and part.isascii() for part in change.path.parts)
    match change:
        case Delete():
            return
        case Create(content=content) | Edit(after=content):
            pass
    if change.path.suffix == ".py":
        text = content.decode()
        ast.parse(text)
        before = change.before.decode() if isinstance(change, Edit) else ""
        assert not {mark for mark in ("{%", "{{ ") if text.count(mark) > before.count(mark)}, text


@functools.cache
def service() -> Project:
    """A service with something of each kind."""
    return grown(
        fresh(bare=False),
        *(
            "add workflow clean-up",
            "add db-function tally --takes a:int",
            "add rpc payments.charge --takes amount:Decimal",
        ),
        *("add group billing", "add rpc billing.total --takes a:str", "add idempotency-key invoice --from number:int"),
        *(
            "add route POST /clean-ups --workflow clean-up",
            "add webhook paid --takes amount:int --workflow process-job",
        ),
        *("add schedule nightly --workflow clean-up --cron '0 2 * * *'",),
    )


# A pure function, and most of what planning costs: the files of a service are read once, and not ten thousand times.
PARSED = functools.lru_cache(maxsize=500)(Source.parse)


@contextlib.contextmanager
def in_memory(read: Callable[[], Project] = service) -> Iterator[list[Plan]]:
    """The tool's disk, without a disk: a service to read, and the plans that it is given."""
    plans: list[Plan] = []

    with (
        mock.patch.object(Source, "parse", PARSED),
        mock.patch.object(disk, "discover", lambda start, settle=False: (Path("/service"), read())),
        mock.patch.object(disk, "apply", lambda root, plan, project: plans.append(plan)),
    ):
        yield plans


@attack(COMMANDS)
@given(attacked(VALID))
def test_commands(arguments: list[str]) -> None:
    with in_memory() as plans:
        check(arguments, told(arguments, plans))


# A new service


NEW = line(
    *("new", one_of("svc", "my-api", "orders_2"), some("--into", "there", "a/b", ".", most=1)),
    *(some("--data", "author=Ada", "description=Orders", "database=postgres", "bare=true"), one_of("", "--bare")),
    *(some("--database", "sqlite", "postgres", most=1), some("--template", "gone", "~nobody-here/x", most=1)),
    *(one_of("", "--no-git|--no-install", "--dry-run"),),
)


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which, and beside which, nothing must appear."""
    return tmp_path_factory.mktemp("attacked")


@contextlib.contextmanager
def made_in_memory(where: Path) -> Iterator[list[Plan]]:
    """`new` in a directory, without its rendering (which is quicker to hold by itself) and without the writing."""
    plans: list[Plan] = []

    def render(answers: dict[str, Any]) -> Rendering:
        files = {PurePosixPath(f"{answers['package_name']}/__init__.py"): RenderedFile(b"")}
        return Rendering(files, answers, {"name": "builtin"})

    def create_tree(target: Path, plan: Plan, before_rename: object) -> None:
        plans.append(plan)

    with (
        contextlib.chdir(where),
        mock.patch.object(templates, "render_builtin", render),
        mock.patch.object(disk, "create_tree", create_tree),
        mock.patch.object(install, "install", lambda *_: None),
        mock.patch.dict("os.environ"),
    ):
        yield plans


ELSEWHERE = re.compile(r"(git\+|https?://|ssh://|git://|git@|gh:|gl:)")  # a template there would be fetched


def can_be_typed(word: str) -> bool:
    """Whether a system can hand it to a program: any bytes but NUL."""
    try:
        return b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        return False


@attack(NEWS)
@given(arguments=attacked(NEW))
def test_new(nowhere: Path, arguments: list[str]) -> None:
    assume(all(can_be_typed(word) and not ELSEWHERE.match(word) for word in arguments))
    with made_in_memory(nowhere) as plans:
        check(arguments, told(arguments, plans))
    assert not list(nowhere.iterdir())


TEXTS = st.sampled_from(["A durable service", "Ada {{ 7*7 }}", "{% raw %}", "#", "it's", "x" * 90]) | st.text(
    max_size=90
)


@attack(SERVICES)
@given(st.from_regex(r"[a-z][a-z0-9]{0,5}([-_][a-z0-9]{1,5}){0,5}", fullmatch=True), TEXTS, TEXTS, st.booleans())
def test_whatever_answers_are_taken_make_a_whole_service(name: str, description: str, author: str, bare: bool) -> None:
    try:
        Name.parse(name)
        asked: dict[str, str | bool] = {"project_name": name, "description": description, "author": author}
        answers = templates.complete_answers({**asked, "bare": bare})
    except ScaffoldError:
        reject()
    for path, file in templates.render_builtin(answers).files.items():
        if path.suffix == ".py":
            ast.parse(file.content)
        if path.name == "pyproject.toml":
            assert tomllib.loads(file.content.decode())["project"]["name"] == name


# Manifests, and the records of what was added

JUNK = st.one_of(
    st.sampled_from([None, True, 0, -1, 10**400, 1e308, float("inf"), float("nan"), "", [], {}, [[]], "9" * 5000]),
    st.sampled_from(NASTY),
    st.sampled_from(
        ["orders", "orders/__main__.py", "./orders//ids.py", ".resonate-scaffold.json", "Procfile", "orders/.."]
    ),
    st.recursive(
        st.integers() | ANYTHING, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner)
    ),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def recorded() -> list[PurePosixPath]:
    """The records of the service."""
    return [path for path in service().files if path.parent == ADDS]


@st.composite
def mutated_json(draw: st.DrawFn, content: bytes) -> bytes:
    """JSON in which up to three things are something else, have another key, or are not there."""
    data = json.loads(content)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(data))))
        if not path:
            continue
        parent = functools.reduce(operator.getitem, path[:-1], data)
        match draw(st.sampled_from(["junk", "junk", "junk", "key", "gone", "text"])):
            case "key" if isinstance(parent, dict):
                parent[draw(st.sampled_from(NASTY) | ANYTHING)] = parent.pop(path[-1])
            case "gone":
                del parent[path[-1]]
            case "text" if isinstance(parent[path[-1]], str):
                parent[path[-1]] = draw(mutated(parent[path[-1]]))
            case _:
                # A copy: what is put into it later must not be in what is drawn for the next example.
                parent[path[-1]] = copy.deepcopy(draw(JUNK))
    return json.dumps(data).encode()


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file of which some bytes are others, or the rest is missing."""
    at, length = draw(st.integers(0, len(content))), draw(st.integers(0, 40))
    put = draw(
        st.sampled_from([b"", b"\0", b"\xff\xfe", b'"', b"[" * 100_000, b"{}", b"\\ud800", b"9" * 5000, b"-1e999"])
    )
    whole = draw(
        st.sampled_from(
            [b"", content[:at], content[:at] + put + content[at + length :], put, b"\xef\xbb\xbf" + content]
        )
    )
    return draw(st.sampled_from([whole, whole, content.decode().encode("utf-16")]))


ON_MANIFESTS = [
    *(
        "remove schedule nightly --yes",
        "remove webhook paid --yes",
        "remove route POST /clean-ups",
        "remove rpc billing.total",
    ),
    *(
        "remove idempotency-key invoice",
        "remove rpc payments.charge --yes",
        "remove db-function tally",
        "remove workflow ship",
    ),
    *("list", "list --json", "add workflow clean-up --takes a:str", "add workflow clean-up", "add group mail"),
    *(
        "add workflow ship --calls clean-up --calls db.tally",
        "add schedule hourly --workflow clean-up --cron '0 * * * *'",
    ),
    *("add route GET /tallies --rpc db.tally --wait 5", "add rpc payments.refund", "add webhook got"),
]


@st.composite
def forged(draw: st.DrawFn, path: PurePosixPath) -> bytes:
    """A file of the tool's own in the service, in which something is wrong."""
    content = service().files[path]
    return draw(mutated_json(content) | mutated_json(content) | damaged(content))


def attack_with(files: dict[PurePosixPath, bytes], command: str) -> None:
    """Run a command on the service with these files, in memory."""
    arguments = shlex.split(command)

    def read() -> Project:
        return Project(NAME, Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))

    with in_memory(read) as plans:
        check(arguments, told(arguments, plans))


@attack(MANIFESTS)
@given(st.data(), st.sampled_from(ON_MANIFESTS))
def test_manifests(data: st.DataObject, command: str) -> None:
    attack_with({**service().files, MANIFEST: data.draw(forged(MANIFEST))}, command)


@st.composite
def record_names(draw: st.DrawFn, name: str) -> str:
    """The name of a record: its own, that of another, or one that no record has; or empty, where it is gone."""
    number, _, rest = name.partition("-")
    others = [path.name for path in recorded()]
    strange = [rest, f"{number}-{rest}.bak", f"{number}-\x1b[31m.json", f"{number}-{{{{ x }}}}.json"]
    return draw(st.sampled_from([*[name] * 5, *others, *strange, f"0001-{rest}", f"{'9' * 60}-{rest}", ""]))


@attack(RECORDS)
@given(st.data(), st.sampled_from(ON_MANIFESTS))
def test_records(data: st.DataObject, command: str) -> None:
    path = data.draw(st.sampled_from(recorded()))
    files = {there: content for there, content in service().files.items() if there != path}
    if name := data.draw(record_names(path.name)):
        files[ADDS / name] = data.draw(forged(path) | st.just(service().files[path]))
    attack_with(files, command)


# Code that nobody would write

CONTRACT = """
from pydantic import Field
from typing import Literal


class Evil(BaseModel):
    a: {field}


class EvilResult(BaseModel):
    pass


evil = Rpc(name={name!r}, group="workers", request=Evil, result=EvilResult)
"""
HOSTILE_FIELDS = [
    *("str = Field(min_length=10000000000)", "list[str] = Field(min_length=10000000000)", "str = Field(max_length=-5)"),
    *(
        "str = Field(min_length='x')",
        "list[str] = Field(max_length=[])",
        "int = Field(ge=1e999)",
        "int = Field(multiple_of=0)",
    ),
    *("float = Field(ge=" + "9" * 400 + ")", "Decimal = Field(ge=1e999, multiple_of=0)", "str = Field(pattern='(((')"),
    *(
        "str = Field(examples=5)",
        "str = Field(examples=[{1, 2}])",
        "Literal['\\ud800']",
        "Literal[1e999, b'x', ...]",
        "A",
        "Evil",
    ),
    *(
        "|".join(["int"] * 3000),
        "'" + "|".join(["int"] * 3000) + "'",
        "list[" * 150 + "int" + "]" * 150,
        "str = '\\x1b'",
    ),
]
HOSTILE_NAMES = ['e"v\nil', "{{ x }}", "{% raw %}", "e" * 100_000, "\x1b[31m", "\u202e", ""]
HOSTILE_LINES = [
    "x = " + "+".join(["1"] * 4000),
    "x = a" + ".b" * 3000,
    "type A = B\ntype B = A",
    "A = A",
    "x = (" * 300,
]
HOSTILE_CONTRACT = "contracts/workflows/clean_up.py"
HOSTILE = [
    *((CONTRACT.format(field=field, name="evil"), HOSTILE_CONTRACT) for field in HOSTILE_FIELDS),
    *((CONTRACT.format(field="int = 1", name=name), HOSTILE_CONTRACT) for name in HOSTILE_NAMES),
    *(
        (line, path)
        for line in HOSTILE_LINES
        for path in (HOSTILE_CONTRACT, "api/app.py", "workflows/worker.py", "__main__.py")
    ),
]
ON_HOSTILE = [
    *("list", "add workflow ship --takes order_id:str --calls evil --route", "add route POST /evil --workflow evil"),
    *("add route GET /evil --rpc evil --wait 5", "add rpc mail.send --takes e:Evil", "remove workflow clean-up"),
]


@pytest.mark.parametrize(("code", "path"), HOSTILE, ids=range(len(HOSTILE)))
def test_code_that_nobody_would_write(code: str, path: str) -> None:
    whole = service()
    project = rewritten(whole, {f"{NAME}/{path}": whole.files[PurePosixPath(NAME, path)] + f"\n{code}\n".encode()})
    for command in ON_HOSTILE:
        arguments = shlex.split(command)
        with in_memory(lambda: project) as plans, in_time():
            check(arguments, told(arguments, plans))


# On a real disk


@contextlib.contextmanager
def in_time(seconds: int = 60) -> Iterator[None]:
    """Something that must not wait for ever, as who opens a pipe does."""

    def over(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


HASHES = [fingerprint(content) for content in (b"new\n", *SERVICE.values())]
TARGETS = [
    *(
        "orders/api/app.py",
        "orders/run.py",
        "orders/new/mod.py",
        "tests/test_more.py",
        "Procfile",
        "../outside/mine",
        ".git/config",
    ),
    *(
        "linked/mine",
        "orders/linked.py",
        "orders/run.py/x",
        "orders",
        ".resonate-scaffold.apply/new-0",
        "./README.md",
        ".",
    ),
    *(
        ".resonate-scaffold.kept/x",
        "/tmp/resonate-scaffold-attacked",
        "orders/../../outside/mine",
        "C:/x",
        *NASTY,
        "a\0b",
    ),
]
STAGED = st.sampled_from(["new", "new", "other", "none", "link", "broken link", "directory", "pipe"])


def put(path: Path, what: str, outside: Path) -> None:
    """Something at a path where the tool would look for a file."""
    match what:
        case "new" | "other":
            path.write_text(f"{what}\n")
        case "link":
            path.symlink_to(outside / "mine")
        case "link to a directory":
            path.symlink_to(outside)
        case "broken link":
            path.symlink_to(outside / "nothing")
        case "directory":
            path.mkdir()
            (path / "link").symlink_to(outside)
        case "pipe":
            os.mkfifo(path)


@st.composite
def journals(draw: st.DrawFn) -> bytes:
    """A journal, forged; most of them with the user's seal, or nothing of them would be looked at."""
    hashes = st.sampled_from([None, *HASHES]) | JUNK
    step = st.fixed_dictionaries({"path": st.sampled_from(TARGETS), "before": hashes, "after": hashes})
    honest = st.fixed_dictionaries(
        {
            "path": st.sampled_from(TARGETS[:6]),
            "before": st.sampled_from([None, *HASHES[1:]]),
            "after": st.sampled_from([None, HASHES[0]]),
        }
    )
    steps = draw(st.lists(honest | honest | step | JUNK, max_size=3))
    made = draw(st.just([]) | st.just(["orders/new"]) | JUNK)
    sealed = {"changes": steps, "made": made}
    code = trust.seal(sealed_part(sealed), Path("/nowhere"))
    content = json.dumps({**sealed, "seal": draw(st.sampled_from([code] * 5 + ["0" * 64, "", None]))}).encode()
    return draw(
        st.sampled_from([content] * 5 + [content[: len(content) // 2], b"[" * 100_000, b"\xff", b"\0", b"null"])
    )


@attack(JOURNALS)
@given(
    journal=journals(),
    name=st.sampled_from(["journal.json", "journal.json", "rollback.json", "journal.tmp"]),
    staged=st.lists(STAGED, min_size=6, max_size=6),
    lock=st.sampled_from(["none", "none", "none", "link", "broken link", "directory", "pipe"]),
    kept=st.sampled_from(["none", "none", "new", "link to a directory", "directory"]),
    itself=st.sampled_from(["bytes"] * 9 + ["link", "directory", "pipe"]),
)
def test_journals(
    tmp_path_factory: pytest.TempPathFactory,
    journal: bytes,
    name: str,
    staged: list[str],
    lock: str,
    kept: str,
    itself: str,
) -> None:
    directory = tmp_path_factory.mktemp("journal")
    root, outside = small(directory / "orders-service"), directory / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine\n")
    (root / "linked").symlink_to(outside)
    (root / "orders/linked.py").symlink_to(outside / "mine")
    staging = root / ".resonate-scaffold.apply"
    staging.mkdir(mode=0o700)
    for number, what in enumerate(staged):
        put(staging / f"{'new' if number < 3 else 'old'}-{number % 3}", what, outside)
    put(staging / ".resonate-scaffold.lock", lock, outside)
    put(root / ".resonate-scaffold.kept", kept, outside)
    put(staging / name, itself, outside)
    if itself == "bytes":
        (staging / name).write_bytes(journal)
    before = {path: entry for path, entry in whole(root).items() if not path.startswith(staging.name)}
    away = whole(outside)
    with in_time(), mock.patch.object(os, "fsync", lambda _: None):
        for _ in range(2):
            unread = whole(root)
            check(["list"], told(["list", "--project", str(root)]))
            assert whole(root) == unread
            command = ["remove", "schedule", "nightly", "--project", str(root)]
            ran = told(command)
            check(command, ran)
            if "is damaged" in ran.err or "was not left by" in ran.err or staged == ["none"] * 6:
                assert {
                    path: entry for path, entry in whole(root).items() if not path.startswith(staging.name)
                } == before
    assert whole(outside) == away
    for path, (mode, _) in whole(root).items():
        assert not stat.S_ISLNK(mode) or path in before or path.startswith(staging.name), path
    shutil.rmtree(directory)


def on_disk(root: Path) -> Path:
    """The whole service with something of each kind."""
    for path, content in {**made_by_new(bare=False), **service().files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


RECORD = f"{ADDS}/0009-schedule-nightly.json"
HOSTILE_FILE = f"{NAME}/{HOSTILE_CONTRACT}"


def test_the_files_that_are_attacked_are_there() -> None:
    assert PurePosixPath(RECORD) in service().files and PurePosixPath(HOSTILE_FILE) in service().files


Trap = Callable[[Path, Path], None]


def elsewhere(name: str) -> Trap:
    """A part of the service is outside, and a link leads there."""

    def trap(root: Path, outside: Path) -> None:
        (root / name).rename(outside / Path(name).name)
        (root / name).symlink_to(outside / Path(name).name)

    return trap


def instead(name: str, what: str) -> Trap:
    """There is something else at a path, which may be free otherwise."""

    def trap(root: Path, outside: Path) -> None:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        put(path, what, outside)

    return trap


def special(name: str, kind: int) -> Trap:
    """A device, or a socket."""

    def trap(root: Path, outside: Path) -> None:
        (root / name).unlink(missing_ok=True)
        try:
            os.mknod(root / name, kind | 0o666, os.makedev(1, 3))  # /dev/null's, if it is a device
        except PermissionError:
            pytest.skip("only root makes devices")

    return trap


def strange_names(root: Path, outside: Path) -> None:
    for directory in ("", "tests/", "orders/", "orders/workflows/", "orders/contracts/db/", f"{ADDS}/"):
        for name in (
            b"\xff\xfe.py",
            b"a\nb.py",
            b"\x1b[31m.py",
            b"\xe2\x80\xae.py",
            b"{{ x }}.py",
            b"\xff",
            b"-rf",
            b"a b",
        ):
            path = root / os.fsdecode(os.fsencode(directory) + name)
            path.write_bytes(b"from orders.runtime.durable.rpc import Rpc\n")


def names_that_differ_in_case_only(root: Path, outside: Path) -> None:
    for name in ("orders/workflows/Ship.py", "tests/TEST_WORKFLOW_SHIP.py", "orders/contracts/Mail", "PROCFILE"):
        (root / name).write_bytes(b"")
    (root / "orders/Workflows").mkdir()


def many_files(root: Path, outside: Path) -> None:
    for directory in ("node_modules/x", "orders/static/node_modules"):
        (root / directory).mkdir(parents=True)
        for number in range(10_000):
            os.mknod(root / directory / f"{number}.js")


def large_files(root: Path, outside: Path) -> None:
    for name in ("data.bin", "orders/data.bin", "orders/workflows/data.py", "tests/data.py"):
        with (root / name).open("wb") as file:
            file.truncate(200 << 20)


def seen(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """As `whole`, for many and large files: those are known by their size and their time."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = f"{directory}/{name}"
            status = os.lstat(path)
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.fsencode(Path(path).readlink())
            elif stat.S_ISREG(status.st_mode) and 0 < status.st_size < 1 << 20:
                content = Path(path).read_bytes()
            times = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns ^ status.st_size
            found[os.path.relpath(path, root)] = (status.st_mode, times, content)
    return found


TRAPS: dict[str, Trap] = {
    **{
        f"{name} is a link out": elsewhere(name)
        for name in (
            *(
                "orders",
                "tests",
                "orders/workflows",
                "orders/contracts",
                "orders/contracts/workflows",
                "orders/api",
                "orders/runtime",
                "orders/workflows/worker.py",
            ),
            *(HOSTILE_FILE, "orders/api/app.py", "orders/__main__.py", "Procfile", "compose.yaml"),
            *("pyproject.toml", str(MANIFEST), str(ADDS.parent), str(ADDS), RECORD),
        )
    },
    **{
        f"{name} is a {what}": instead(name, what)
        for name, what in (
            *(
                (name, "directory")
                for name in ("orders/workflows/ship.py", "tests/test_workflow_ship.py", "orders/__main__.py", RECORD)
            ),
            *((name, "directory") for name in ("orders/api/app.py", "Procfile", "compose.yaml", str(MANIFEST))),
            *((name, "new") for name in ("orders/workflows", "tests", "orders/contracts", "orders/mail", "orders/api")),
            *((name, "new") for name in (str(ADDS.parent), str(ADDS), RECORD, "orders/runtime")),
            *((name, "link") for name in ("orders/workflows/ship.py", "tests/test_workflow_ship.py", "orders/mail")),
            *((name, "broken link") for name in ("orders/workflows/ship.py", "orders/api/ship.py", RECORD)),
            *(
                (name, "pipe")
                for name in ("orders/workflows/ship.py", "orders/workflows/pipe.py", "tests/test_pipe.py")
            ),
            *(
                (name, "pipe")
                for name in ("Procfile", "Procfile.dev", str(MANIFEST), "orders/api/app.py", str(ADDS), RECORD)
            ),
            *(
                (f".resonate-scaffold.{name}", "pipe")
                for name in ("apply", "apply/journal.json", "apply/rollback.json")
            ),
            (".resonate-scaffold.apply/.resonate-scaffold.lock", "pipe"),
            (".resonate-scaffold.apply/.resonate-scaffold.lock", "link"),
            (".resonate-scaffold.apply", "link to a directory"),
            (".resonate-scaffold.apply", "broken link"),
            (".resonate-scaffold.kept", "link to a directory"),
        )
    },
    "a socket": special("orders/workflows/worker.py", stat.S_IFSOCK),
    "a device": special("orders/workflows/worker.py", stat.S_IFCHR),
    "a device for a manifest": special(str(MANIFEST), stat.S_IFCHR),
    "a device for a record": special(RECORD, stat.S_IFCHR),
    "strange names": strange_names,
    "names that differ in case only": names_that_differ_in_case_only,
    "many files": many_files,
    "large files": large_files,
}
ON_TRAPS = [
    *("list", "add workflow ship --takes order_id:str --route", "add group mail", "remove schedule nightly"),
    "dev --port 0 --engine http://127.0.0.1:9",
]


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_services_made_to_trap_it(trap: Trap, tmp_path: Path) -> None:
    root, outside = on_disk(tmp_path / "service"), tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine\n")
    trap(root, outside)
    away, before = seen(outside), seen(root)
    for command in ON_TRAPS:
        arguments = [*shlex.split(command), "--project", str(root)]
        with in_time(), mock.patch.object(os, "fsync", lambda _: None):
            ran = told(arguments)
        check(arguments, ran)
        assert seen(outside) == away
        after = seen(root)
        for state in (before, after):
            state.pop(
                ".resonate-scaffold.apply/.resonate-scaffold.lock", None
            )  # it stays as long as there is a journal
        assert after == before or (ran.status == 0 and command.startswith(("add", "remove"))), ran
        for path, (mode, _, content) in after.items():
            if path not in before and path.endswith(".py") and stat.S_ISREG(mode):
                ast.parse(content)
        before = after


@pytest.mark.parametrize("happens", ["moved", "deleted", "replaced"])
def test_a_service_that_goes_before_the_plan_is_carried_out(
    happens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = on_disk(tmp_path / "service")
    apply = disk.apply

    def late(root: Path, plan: Plan, project: Project) -> None:
        root.rename(tmp_path / "elsewhere")
        if happens == "deleted":
            shutil.rmtree(tmp_path / "elsewhere")
        elif happens == "replaced":
            root.write_text("mine\n")
        apply(root, plan, project)

    monkeypatch.setattr(disk, "apply", late)
    before = whole(root)
    arguments = ["add", "workflow", "ship", "--project", str(root)]
    ran = told(arguments)
    check(arguments, ran)
    assert ran.status == 1 and "is gone" in ran.err
    left = {"moved": ["elsewhere"], "deleted": [], "replaced": ["elsewhere", "service"]}[happens]
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    if happens != "deleted":
        assert whole(tmp_path / "elsewhere") == before


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a service and a half."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m,mode=755", "tmpfs", str(where)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root mounts; the faults of test_apply.py and test_disk.py hold the same")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(where: Path, free: int) -> Path:
    """Leave so many bytes of a disk."""
    ballast = where / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - free))
    return ballast


@pytest.mark.parametrize(
    "command",
    [
        "add workflow ship --takes order_id:str --route",
        "add group mail",
        "remove webhook paid",
        "remove route POST /clean-ups",
    ],
)
def test_a_full_disk_changes_all_or_nothing(command: str, small_disk: Path, tmp_path: Path) -> None:
    root = on_disk(small_disk / "service")
    arguments = [*shlex.split(command), "--project", str(root)]
    before, ended = whole(root), set()
    with mock.patch.object(os, "fsync", lambda _: None):
        for pages in itertools.chain(range(12), itertools.count(12, 4)):
            ballast = fill(small_disk, pages * 4096)
            ran = told(arguments)
            ballast.unlink()
            check(arguments, ran)
            ended.add(ran.status)
            if ran.status == 0:
                break
            assert "No space left" in ran.err, ran
            assert whole(root) == before
        done = whole(root)
        shutil.rmtree(root)
        assert told([*shlex.split(command), "--project", str(on_disk(root))]).status == 0
    assert ended == {0, 1}
    assert whole(root) == done


@pytest.mark.parametrize("options", [[], ["--no-git"]], ids=["git", "no git"])
def test_a_full_disk_makes_a_whole_service_or_none(options: list[str], small_disk: Path, clean_git: None) -> None:
    ended = set()
    arguments = ["new", "orders", "--no-install", "--into", str(small_disk / "deep/er"), *options]
    for kilobytes in range(0, 3072, 128):
        ballast = fill(small_disk, kilobytes << 10)
        ran = told(arguments)
        ballast.unlink()
        check(arguments, ran)
        ended.add(ran.status)
        if ran.status == 0:
            break
        assert not list(small_disk.iterdir())
    assert ended == {0, 1}
    made = small_disk / "deep/er/orders"
    assert told(["list", "--project", str(made)]).status == 0
    manifest = Manifest.from_bytes((made / MANIFEST).read_bytes())
    assert all(fingerprint((made / path).read_bytes()) == digest for path, digest in manifest.files.items())


def test_an_engine_on_a_full_disk_keeps_what_it_acknowledged_and_nothing_else(small_disk: Path) -> None:
    path = small_disk / "engine.journal"
    engine = Engine(path)
    ballast = fill(small_disk, 64 << 10)
    kept = []
    for number in range(2_000):
        status, answer = ask(engine, "promise.create", id=f"job/{number}", timeoutAt=1 << 50, param={"data": "x" * 100})
        if status == 200:
            kept.append(f"job/{number}")
        else:
            assert status == 500 and "journal cannot be written" in answer, answer
            assert ask(engine, "promise.get", id=f"job/{number}")[0] == 404
    assert 10 < len(kept) < 2_000
    engine.tick()
    assert ask(engine, "promise.get", id=kept[0])[0] == 200, "it can still be read"
    engine.close()

    # It cannot start without room for another journal, and says so; the one that is there stays.
    content = path.read_bytes()
    with pytest.raises(EngineError, match="No space left"):
        Engine(path)
    assert path.read_bytes() == content
    assert not path.with_name(f"{path.name}.new").exists(), "half a journal would take the room that is left"
    ballast.unlink()
    engine = Engine(path)
    assert list(engine.state.promises) == kept
    assert ask(engine, "promise.create", id="job/late", timeoutAt=1 << 50)[0] == 200
    engine.close()


# The terminal


def test_names_from_a_service_do_not_steer_the_terminal(tmp_path: Path, clean_git: None) -> None:
    root = on_disk(tmp_path / "service")
    for path, old, new in (
        (HOSTILE_FILE, '"clean-up"', '"clean-\\x1b[31mup\\u202e"'),
        ("orders/workflows/worker.py", "SCHEDULES:", "# \x1b]0;owned\x07\nSCHEDULES:"),
        (RECORD, '"nightly"', '"night\\u001b[31mly"'),
    ):
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))
    assert told(["add", "workflow", "tidy", "--project", str(root)]).status == 0
    for command, status in (
        ("list", 0),
        ("add schedule nightly --workflow clean- --cron '0 2 * * *'", 1),
        ("add schedule weekly --workflow tidy --cron '0 2 * * SUN' --dry-run", 0),
        ("remove schedule night", 1),
    ):
        ran = on_terminal([*shlex.split(command), "--yes"] if command != "list" else ["list"], b"", root)
        assert ran.status == status, ran
        assert "\\x1b" in ran.out, "it is shown, as text"
        for steering in ("\x1b[31mup", "\x1b[31mly", "\x1b]0;owned", "\u202e"):
            assert steering not in ran.out
