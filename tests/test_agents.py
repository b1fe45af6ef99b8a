"""What a service tells coding agents, in AGENTS.md and its skill: what is named is there, what is denied is not."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from resonate.context import Context
from resonate.resonate import Resonate

from resonate_scaffold import cli
from resonate_scaffold.check.findings import RULES
from tests.conftest import Ran, Tool

SKILL = ".agents/skills/durable-service/SKILL.md"
DOCUMENTS = ("AGENTS.md", SKILL)
OLDER = "## An older SDK"  # the heading of what is not here
# Of Python and its libraries, or stands for what the reader has.
ELSEWHERE = {"TaskGroup", "yield", "await", "nox", "except", "def", "start", "Ordinary", "time", "uuid4"}
ELSEWHERE |= {"begin_rpc"}  # what the skill says not to write


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("made")
    assert not cli.run(["new", "orders", "--defaults", "--no-install", "--no-git", "--json", "--into", str(parent)])
    return parent / "orders"


def prose(text: str) -> str:
    """A document without its blocks of code, and without the rows on what an older SDK has."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    rows = re.compile(r"^\|.*?\| (.*) \|$", re.M)
    before, heading, after = text.partition(OLDER)
    older, _, rest = after.partition("\n## ")
    return before + rows.sub(r"\1", older) + rest if heading else text


def commands(text: str, program: str) -> Iterator[list[str]]:
    """The command lines of a program that a document gives, in blocks and in the text."""
    for line in re.findall(rf"(?:^ *|`){re.escape(program)} ([^`\n]+)", text, re.M):
        yield shlex.split(line.replace("…", ""))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_of_the_tool_is_there(tool: Tool, service: Path, name: str) -> None:
    found = list(commands((service / name).read_text("utf-8"), "resonate-scaffold"))
    assert len(found) > 3
    helps: dict[tuple[str, ...], Ran] = {}
    for line in found:
        command = tuple(line[: 2 if line[0] in ("add", "rename", "export") and line[1:2] != ["KIND"] else 1])
        if command not in helps:
            helps[command] = tool(*command, "--help")
        shown = helps[command]
        assert shown.status == 0, line
        known = shown.out if command != ("add",) else tool("add", "workflow", "--help").out  # of any kind
        for option in (it for it in line if it.startswith("--")):
            assert option == "--help" or re.search(rf"{option}\b", known), f"{option} of {line}"


def test_the_commands_of_the_skill_grow_a_service(tool: Tool, service: Path, tmp_path: Path) -> None:
    service = Path(shutil.copytree(service, tmp_path / "orders"))
    text = (service / SKILL).read_text("utf-8")
    (block,) = (it for it in re.findall(r"```sh\n(.*?)```", text, re.S) if " add " in it)
    lines = list(commands(block, "resonate-scaffold"))
    assert {line[1] for line in lines} == {"db-function", "workflow", "entity", "webhook", "schedule"}
    for line in lines:
        ran = tool(*line, "--project", str(service))
        assert ran.status == 0, ran.err
    assert tool("check", str(service)).status == 0


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_of_the_service_is_there(service: Path, name: str) -> None:
    known: dict[str, set[str]] = {}
    for path in ("runtime/cli.py", "runtime/cli_runs.py", "__main__.py"):
        for node in ast.walk(ast.parse((service / "orders" / path).read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if match := re.match(r"(\w+)\.(?:command|group)\((?:'([\w-]+)')?", ast.unparse(decorator)):
                    known.setdefault(match[1], set()).add(match[2] or node.name.replace("_", "-"))
    found = list(commands((service / name).read_text("utf-8"), "python -m orders"))
    found += [["runs", *line] for line in commands(prose((service / name).read_text("utf-8")), "runs")]
    assert len(found) > 3
    for line in found:
        assert line[0] in known["main"], line
        assert line[0] not in known or line[1] in known[line[0]], line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_name_of_code_is_there(service: Path, name: str) -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (service / "orders").rglob("*.py"))
    sources += "\n".join(path.read_text("utf-8") for path in (service / "tests").rglob("*.py"))
    words = set(re.findall(r"\w+", sources)) | {*ELSEWHERE, *cli._program().commands, *_nouns()}
    spans = re.findall(r"`([^`]+)`", prose((service / name).read_text("utf-8")))
    names = {re.split(r"[.(]", span)[0] for span in spans if re.fullmatch(r"[A-Za-z_][\w.]*(\(.*\))?", span)}
    assert len(names) > 5
    missing = {it for it in names - words if not (service / it).exists() and not list(service.glob(f"{it}.*"))}
    assert not missing - {"README", "AGENTS", "Procfile"}


def _nouns() -> set[str]:
    return set(cli._program("add").commands["add"].commands)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_rule_is_one_of_check(service: Path, name: str) -> None:
    text = (service / name).read_text("utf-8")
    assert set(re.findall(r"RS\d{3}", text)) <= RULES.keys()
    for first, last in re.findall(r"(RS\d{3}) to (RS\d{3})", text):
        assert first[:3] == last[:3] and first < last


def test_what_an_older_sdk_had_is_gone(service: Path) -> None:
    older = (service / "AGENTS.md").read_text("utf-8").partition(OLDER)[2].partition("\n## ")[0]
    for name in ("remote", "local", "begin_run", "begin_rpc", "set_dependency"):
        assert name in older and not hasattr(Resonate, name)
    for name in ("begin_run", "begin_rpc", "time", "random"):
        assert name in older and not hasattr(Context, name)
    for name in ("run", "rpc", "promise", "sleep", "options", "get_dependency"):
        assert hasattr(Context, name)
    assert importlib.util.find_spec("resonate.retry") and not importlib.util.find_spec("resonate.retry_policies")


def test_the_skill_has_the_common_format(service: Path) -> None:
    text = (service / SKILL).read_text("utf-8")
    _, front, body = text.split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter.keys() == {"name", "description"}
    assert matter["name"] == Path(SKILL).parent.name and re.fullmatch(r"[a-z][a-z0-9-]{0,63}", matter["name"])
    assert 0 < len(matter["description"]) <= 1024 and "orders" in matter["description"]
    assert body.startswith("\n# ") and len(body.splitlines()) < 90


def test_it_is_short(service: Path) -> None:
    assert len((service / "AGENTS.md").read_text("utf-8").splitlines()) <= 120
