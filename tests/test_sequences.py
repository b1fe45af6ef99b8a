"""Random sequences of `add` and `remove`, with edits by hand between them: whatever the order, the service stays whole.

The seed of a sequence is its test's id. ``SEED=17 pytest tests/test_sequences.py`` runs one again, and
``SEQUENCES=200`` more of them.
"""

from __future__ import annotations

import ast
import codecs
import functools
import io
import json
import os
import random
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from resonate_scaffold.check import check
from resonate_scaffold.errors import CannotEdit, InvalidName, ScaffoldError, StillUsed, Taken, Unknown, UsageError
from resonate_scaffold.forms import is_same
from resonate_scaffold.project import Added, Project, after
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service
from tests.grown import NAME, fresh, made_by_new, planned, python_of, rewritten

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEQUENCES", "12")))
STEPS = 9

TYPES = [
    *("str", "int", "float", "bool", "date", "datetime", "Decimal", "UUID"),
    *("list[str]", "dict[str, int]", "str?", "date?", "list[Decimal]?", "dict[str, list[UUID]]", "list[datetime?]"),
]
FIELDS = ["order_id", "quantity", "sku", "amount", "due", "notes", "kind", "lines", "email", "a_longer_name_of_a_field"]
VERBS = ["place", "cancel", "count", "ship", "charge", "refund", "audit", "close", "open_again", "look_up"]
THINGS = ["order", "stock", "invoice", "parcel", "customer", "the-last-of-all-the-orders"]
CRONS = ["0 2 * * *", "*/5 * * * *", "30 4 1 * *", "0 6 * * MON-FRI"]
WIRED = [
    *("orders/workflows/worker.py", "orders/db/worker.py", "orders/fakes/worker.py", "orders/api/app.py"),
    *("orders/ids.py", "orders/__main__.py"),
]
"""The files that several `add`s edit. The others that people edit here are those that one `add` made."""
MADE = ("orders/contracts/", "orders/workflows/", "orders/db/", "orders/api/", "orders/fakes/")
BOM = codecs.BOM_UTF8
REFUSALS = (CannotEdit, InvalidName, Taken, Unknown, UsageError)
LISTS = {"SERVED", "ROUTERS", "SCHEDULES"}


# What is drawn


def ruff(text: bytes, path: str) -> bytes:
    """A file as its owner's editor leaves it: sorted and formatted."""
    for arguments in (["check", "--select", "I", "--fix-only"], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "-q", "--no-cache", "--stdin-filename", path, "-"]
        options = ["--isolated", "--config", "line-length = 120"]
        text = subprocess.run([*command, *options], input=text, capture_output=True, check=True).stdout
    return text


def some_fields(dice: random.Random, option: str, most: int, types: list[str] = TYPES) -> str:
    names = dice.sample(FIELDS, dice.randint(0, most))
    return "".join(f" {option} '{name}:{dice.choice(types)}'" for name in names)


def some_name(dice: random.Random) -> str:
    return f"{dice.choice(VERBS)}-{dice.choice(THINGS)}".replace("_", "-")


def durables(project: Project, *kinds: str) -> list[str]:
    found = [added.name for kind in kinds for added in project.adds(kind)]
    return [f"db.{name.replace('-', '_')}" if kinds == ("db-function",) else name for name in found]


def some_add(dice: random.Random, project: Project) -> str:
    """A command line that adds something; it may be refused."""
    name = some_name(dice)
    workflows = durables(project, "workflow") or ["tidy-up"]
    callable_ = [*workflows, *durables(project, "rpc"), *durables(project, "db-function")]
    match dice.choice(
        ["workflow", "workflow", "db-function", "rpc", "rpc", "route", "route", "webhook", "schedule", "key", "group"]
    ):
        case "workflow":
            calls = "".join(f" --calls {one}" for one in dice.choices(callable_, k=dice.randint(0, 3)))
            takes = some_fields(dice, "--takes", 5) if dice.random() < 0.8 else ""
            return f"add workflow {name}{takes}{some_fields(dice, '--returns', 4)}{calls}"
        case "db-function":
            rest = some_fields(dice, "--takes", 4) + some_fields(dice, "--returns", 3)
            return f"add db-function {name}{rest}{dice.choice(['', ' --read-only'])}"
        case "rpc":
            theirs = ["payments", "payments", "mail", "mail.workers", "mail.db"]
            group = dice.choice([*theirs, *durables(project, "group")])
            return f"add rpc {group}.{name}{some_fields(dice, '--takes', 4)}{some_fields(dice, '--returns', 3)}"
        case "route":
            method = dice.choice(["POST", "POST", "PUT", "PATCH", "DELETE", "GET"])
            target = dice.choice(callable_)
            parameter = f"/{{{dice.choice(FIELDS)}}}" if dice.random() < 0.4 else ""
            keys = durables(project, "idempotency-key")
            options = [f" --idempotency {dice.choice(['required', 'optional', 'none'])}", "", " --wait 3"]
            options += [f" --key {dice.choice(keys)}"] * 3 if keys else []
            option = " --wait 3" if method == "GET" else dice.choice(options)
            return f"add route {method} /{name}{parameter} {wanted(target)}{option}"
        case "webhook":
            scheme = dice.choice(["", "", " --scheme github", " --scheme stripe", " --scheme hmac"])
            if dice.random() < 0.3:
                return f"add webhook {name} --starts {dice.choice(workflows)}{scheme}"
            waits = f" --workflow {dice.choice(workflows)}" if dice.random() < 0.3 else ""
            waits += dice.choice(
                ["", "", " --id-from data.object.metadata.job_id", f" --id-from {dice.choice(FIELDS)}"]
            )
            return f"add webhook {name}{some_fields(dice, '--takes', 4)}{waits}{scheme}"
        case "schedule":
            return f"add schedule {name} --workflow {dice.choice(workflows)} --cron '{dice.choice(CRONS)}'"
        case "key":
            made_of = some_fields(dice, "--from", 3, ["str", "str", "int", "date", "UUID", "bool", "datetime"])
            return f"add idempotency-key {name}{made_of or ' --from order_id'}"
        case _:
            return f"add group {dice.choice(['billing', 'printing', 'night-shift'])}"


def wanted(durable: str) -> str:
    return f"--rpc {durable}" if "." in durable else f"--workflow {durable}"


# What somebody does between


def segments(text: str) -> tuple[ast.List, list[str]] | None:
    """The list of a module that the tool adds to, and its elements."""
    for node in ast.parse(text).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.List() as found) if name in LISTS:
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.List() as found) if name in LISTS:
                pass
            case _:
                continue
        return found, [ast.get_source_segment(text, item) or "" for item in found.elts]
    return None


def with_list(text: str, write: Callable[[list[str]], str]) -> str:
    """The text with its list written anew."""
    found = segments(text)
    if found is None or not found[1]:
        return text
    node, items = found
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
    return text[:begin] + write(items) + text[end:]


def on_one_line(text: str, dice: random.Random) -> str:
    return with_list(text, lambda items: f"[{', '.join(items)}]")


def over_lines(text: str, dice: random.Random) -> str:
    return with_list(text, lambda items: "[\n" + "".join(f"    {item},\n" for item in items) + "]")


def with_comments(text: str, dice: random.Random) -> str:
    def write(items: list[str]) -> str:
        lines = []
        for item in items:
            lines += ["    # What follows belongs together.\n"] if dice.random() < 0.4 else []
            lines.append(f"    {item},{dice.choice(['', '', '  # the oldest of all'])}\n")
        lines += ["    # Add yours above.\n"] if dice.random() < 0.5 else []
        return "[\n" + "".join(lines) + "]" + dice.choice(["", "  # that is all"])

    return with_list(text, write)


def in_another_order(text: str, dice: random.Random) -> str:
    return with_list(text, lambda items: "[\n" + "".join(f"    {i},\n" for i in dice.sample(items, len(items))) + "]")


def renamed_import(text: str, dice: random.Random) -> str:
    """An imported name goes by another here, wherever it is used."""
    tree = ast.parse(text)
    bound = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg | ast.keyword) and node.arg}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    names = [alias for node in imports for alias in node.names if (alias.asname or alias.name) not in bound]
    if not names:
        return text
    alias = dice.choice(names)
    old = alias.asname or alias.name
    new = f"our_{old}" if old.islower() else f"Our{old}"
    tokens: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        imported = alias.lineno <= token.start[0] <= (alias.end_lineno or 0)
        if token.type == tokenize.NAME and token.string == old and not imported and not _is_attribute(tokens):
            token = token._replace(string=new)
        tokens.append(token)
    changed = _spliced(text, [token for token in tokens if token.string == new], old)
    lines = changed.splitlines(keepends=True)
    line = lines[alias.lineno - 1]
    tail = line[alias.col_offset :].replace(
        f"{alias.name} as {old}" if alias.asname else alias.name, f"{alias.name} as {new}", 1
    )
    lines[alias.lineno - 1] = line[: alias.col_offset] + tail
    return "".join(lines)


def _is_attribute(tokens: list[tokenize.TokenInfo]) -> bool:
    return bool(tokens) and tokens[-1].string == "."


def _spliced(text: str, tokens: list[tokenize.TokenInfo], old: str) -> str:
    lines = text.splitlines(keepends=True)
    for token in reversed(tokens):
        row, column = token.start
        line = lines[row - 1]
        if line[column : column + len(old)] == old:
            lines[row - 1] = line[:column] + token.string + line[column + len(old) :]
    return "".join(lines)


def something_of_theirs(text: str, dice: random.Random) -> str:
    """A function or a model somewhere between."""
    tree = ast.parse(text)
    number = dice.randrange(10**6)
    own = f'def helper_{number}() -> int:\n    """Of their own."""\n    return {number}\n'
    if "BaseModel" in text:
        own = f'class Note{number}(BaseModel):\n    """Of their own."""\n\n    text: str\n'
    places = [
        node.lineno
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
    ]
    lines = text.splitlines(keepends=True)
    at = dice.choice([*places, len(lines) + 1]) - 1
    while 0 < at < len(lines) and lines[at - 1].startswith("#"):
        at -= 1
    return "".join([*lines[:at], "\n\n", own, "\n\n", *lines[at:]])


def parenthesised_import(text: str, dice: random.Random) -> str:
    nodes = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ImportFrom) and node.lineno == node.end_lineno and node.level
    ]
    if not nodes:
        return text
    node = dice.choice(nodes)
    lines = text.splitlines(keepends=True)
    head, _, names = lines[node.lineno - 1].rstrip("\n").partition(" import ")
    names, hash_, comment = names.partition("  #")
    names = names.strip("()")
    inner = "".join(f"    {name.strip()},\n" for name in names.split(","))
    lines[node.lineno - 1] = f"{head} import ({hash_ and '  #'}{comment}\n{inner})\n"
    return "".join(lines)


REWRITES: dict[str, Callable[[str, random.Random], str]] = {
    "its list on one line": on_one_line,
    "its list over lines": over_lines,
    "comments in its list": with_comments,
    "its list in another order": in_another_order,
    "an import by another name": renamed_import,
    "something of their own": something_of_theirs,
    "an import in brackets": parenthesised_import,
}


def some_edit(dice: random.Random, project: Project) -> tuple[str, Project]:
    """Somebody edits a file, and formats it; or saves it with other line ends, or with a byte order mark."""
    made = [path for added in project.adds() for path in added.files if path.startswith(MADE) and path.endswith(".py")]
    path = dice.choice(WIRED if dice.random() < 0.6 or not made else made)
    content = project.files[PurePosixPath(path)]
    name = dice.choice([*REWRITES, "with CRLF", "with a byte order mark"])
    mark = BOM if content.startswith(BOM) else b""
    ends = b"\r\n" if b"\r\n" in content else b"\n"
    if name == "with CRLF":
        ends = b"\r\n"
    elif name == "with a byte order mark":
        mark = BOM
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    if name in REWRITES:
        text = ruff(REWRITES[name](text, dice).encode(), path).decode()
    return f"edit {path}: {name}", rewritten(project, {path: mark + text.encode().replace(b"\n", ends)})


# The sequences


@dataclass
class Sequence:
    """What was done to a service, and what came of it."""

    project: Project
    history: list[str] = field(default_factory=list)
    commands: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, command: str) -> bool:
        """Add something, unless it is refused; whether it was added."""
        try:
            plan = planned(self.project, command)
        except REFUSALS as refusal:
            self.history.append(f"{command}: {refusal.message}")
            return False
        if not plan.changes:
            return False
        self.history.append(command)
        before, self.project = self.project, after(self.project, plan)
        added = self.project.adds()[-1]
        self.commands[added.kind, added.name] = command
        self.check_back(before, added)
        return True

    def check_back(self, before: Project, added: Added) -> None:
        """An `add` again changes nothing, and its `remove` gives all back but for layout, also of the other records."""
        assert planned(self.project, self.commands[added.kind, added.name]).changes == (), self.told()
        back = after(self.project, planned(self.project, f"remove {added.kind} '{added.name}'"))
        differing = [
            str(path)
            for path in sorted(before.files.keys() | back.files.keys())
            if path not in before.files
            or path not in back.files
            or not is_same(path, before.files[path], back.files[path])
        ]
        assert differing == [], self.told()

    def remove(self, dice: random.Random) -> None:
        """Remove something, unless it is in use; with what somebody wrote into the files that it made."""
        if not (adds := self.project.adds()):
            return
        added = dice.choice(adds)
        command = f"remove {added.kind} '{added.name}' --yes"
        try:
            plan = planned(self.project, command)
        except StillUsed as refusal:
            self.history.append(f"{command}: {refusal.message}")
            return
        self.history.append(command)
        self.project = after(self.project, plan)
        assert self.project.find_add(added.kind, added.name) is None, self.told()

    def step(self, dice: random.Random) -> None:
        """Do one thing."""
        kind = dice.random()
        if kind < 0.3:
            line, self.project = some_edit(dice, self.project)
            self.history.append(line)
        elif kind < 0.45:
            self.remove(dice)
        else:
            for _ in range(5):
                if self.add(some_add(dice, self.project)):
                    return

    def told(self) -> str:
        return "\n".join(["", *self.history])


@functools.cache
def grown_at_random(seed: int, steps: int = STEPS) -> tuple[Sequence, tuple[Project, ...]]:
    """A sequence, and the service after each of its steps."""
    dice = random.Random(seed)
    sequence = Sequence(fresh(bare=seed % 2 == 1))
    assert sequence.add("add workflow tidy-up")
    states = [sequence.project]
    for _ in range(steps):
        try:
            sequence.step(dice)
        except (ScaffoldError, SyntaxError) as error:
            raise AssertionError(f"{error}{sequence.told()}") from error
        states.append(sequence.project)
    return sequence, tuple(states)


def write(project: Project, directory: Path, known: Project | None = None) -> None:
    """Write a service for `ruff`. What a *known* one has is left empty, as is the runtime: ruff only asks whether it
    is there."""
    runtime = {path: b"" for path in made_by_new(bare=True) if path.parts[:2] == (NAME, "runtime")}
    for path, content in (runtime | dict(project.files)).items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        same = known is not None and known.files.get(path) == content and path.suffix == ".py"
        # The formatter takes a byte order mark away; keeping it is right nonetheless.
        (directory / path).write_bytes(b"" if same else content.removeprefix(BOM))


def unnumbered(entry: Any) -> Any:
    """Without line numbers."""
    match entry:
        case dict():
            return {key: unnumbered(value) for key, value in entry.items() if key != "line"}
        case list():
            return [unnumbered(item) for item in entry]
        case str():
            return re.sub(r"(\.py):[0-9]+", r"\1", entry)
    return entry


def listed(project: Project) -> str:
    return json.dumps(unnumbered(inventory(Service(project))), indent=1)


def in_any_order(project: Project, commands: list[str]) -> tuple[Project, list[str]]:
    """The service after these, each as soon as it is not refused; and those that always were."""
    waiting = list(commands)
    while waiting:
        left = []
        for command in waiting:
            try:
                project = after(project, planned(project, command))
            except REFUSALS:
                left.append(command)
        if len(left) == len(waiting):
            break
        waiting = left
    return project, waiting


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_is_python_as_ruff_wants_it(seed: int, tmp_path: Path) -> None:
    sequence, states = grown_at_random(seed)
    known: Project | None = None
    for number, state in enumerate(states):
        for path, content in state.files.items():
            if path.suffix == ".py" and (known is None or known.files.get(path) != content):
                ast.parse(content, str(path))
        write(state, tmp_path / f"{number}", known)
        known = state
    for arguments in (["check", "--no-cache", "."], ["format", "--no-cache", "--diff", "."]):
        command = [sys.executable, "-m", "ruff", *arguments]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr + sequence.told()


@pytest.mark.parametrize("seed", SEEDS)
def test_check_finds_nothing_in_them(seed: int) -> None:
    sequence, _ = grown_at_random(seed)
    assert check(python_of(sequence.project), select=("ALL",)) == [], sequence.told()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_there_can_be_added_again(seed: int) -> None:
    sequence, _ = grown_at_random(seed)
    for added in sequence.project.adds():
        plan = planned(sequence.project, sequence.commands[added.kind, added.name])
        assert plan.changes == (), sequence.told()


@pytest.mark.parametrize("seed", SEEDS)
def test_another_order_gives_the_same(seed: int) -> None:
    sequence, _ = grown_at_random(seed)
    adds = sequence.project.adds()
    commands = [sequence.commands[added.kind, added.name] for added in adds]
    bare = seed % 2 == 1
    one, refused = in_any_order(fresh(bare=bare), commands)
    dice = random.Random(seed)
    other, also_refused = in_any_order(fresh(bare=bare), dice.sample(commands, len(commands)))
    if not refused and not also_refused:
        assert listed(one) == listed(other), sequence.told()


def test_the_sequences_do_something() -> None:
    """Most of what is drawn is done, every kind is among it, and most orders are valid."""
    kinds: set[str] = set()
    steps = 0
    for seed in range(12):
        sequence, _ = grown_at_random(seed)
        kinds |= {kind for kind, _ in sequence.commands}
        steps += len(sequence.commands)
    assert len(kinds) == 8 and steps > 12 * STEPS / 3
