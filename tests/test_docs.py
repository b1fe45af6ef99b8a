"""The documentation: every block of commands is proven, no command, option, link or page is invented or forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from docs.site import runtime, settings, source
from docs.site.describe import Command, commands
from docs.site.links import broken
from docs.site.pages import SECTIONS
from docs.site.service import write_service
from resonate_scaffold.commands import program
from tests.documents import (
    ANY_BLOCK,
    PAGES,
    ROOT,
    TOOL,
    Block,
    blocks,
    command_faults,
    command_lines,
    faults,
    without_blocks,
)

RECORDERS = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("record_*.py")}
README = (ROOT / "README.md").read_text("utf-8")
MOST_LINES = 120
COMMANDS: dict[tuple[str, ...], Command] = {tuple(it["path"]): it for it in commands(typer.main.get_command(program()))}


def proof(block: Block) -> str | None:
    """What is wrong with how a block is proven; None if nothing is."""
    kind, _, rest = block.mark.partition(": ")
    name = block.page.name
    match kind:
        case "run":
            return None if rest else "it names no session"
        case "transcript":
            named = [text for text in RECORDERS.values() if f'with_name("{name}")' in text]
            return None if any(f'part = "{rest}"' in text for text in named) else f"no docs/record_*.py writes {rest}"
        case "recorded":
            text = RECORDERS.get(Path(rest).name, "")
            return None if f'with_name("{name}")' in text and block.mark in text else f"{rest} does not write it"
        case "not run":
            missing = [path for path in re.findall(r"tests/[\w/.]*\w", rest) if not (ROOT / path).exists()]
            return f"there is no {missing}" if missing else None if len(rest.split()) > 5 else "it gives no reason"
        case "the main job" | "all tests":
            return None if name == "README.md" else "that is a comment of README.md"
    if block.page.parent.name == "guide" and f"{TOOL} add " in block.text:
        return None
    return "nothing runs it: tests/documents.py says what comment it needs"


def github_anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", ANY_BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_commands_is_proven(page: Path) -> None:
    wrong = {block.where: fault for block in blocks(page) if (fault := proof(block)) is not None}
    assert not wrong


def test_a_block_without_a_proof_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = ("", "<!-- not run: no -->\n", "<!-- transcript: x -->\n", "<!-- recorded: docs/record_still.py -->\n")
    page.write_text("".join(f"{mark}```sh\nmyapi invent\n```\n\n" for mark in marks), "utf-8")
    assert len(blocks(page)) == len(marks)
    assert all(proof(block) is not None for block in blocks(page))


def test_no_command_or_option_of_the_tool_is_invented() -> None:
    assert command_faults((TOOL,), COMMANDS) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("x && resonate-scaffold ad workflow", "there is no command ad"),
        ("resonate-scaffold add workflow", "add workflow lacks an argument"),
        ("A=1; .venv/bin/resonate-scaffold add workflow x --fast", "add workflow has no option --fast"),
        ("resonate-scaffold new a b", "new takes no 'b'"),
        ("echo $(resonate-scaffold new a --database oracle)", "new --database takes no 'oracle'"),
        ("resonate-scaffold add", "add lacks a command"),
    ],
)
def test_an_invented_command_line_is_found(line: str, fault: str) -> None:
    (words,) = command_lines(line, (TOOL,))
    assert faults(words, COMMANDS, whole=True) == [fault]


def test_the_table_of_commands_has_each_command_and_no_option_that_is_not_there() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", page, re.MULTILINE)
    named: set[tuple[str, ...]] = set()
    for line, text in rows:
        path = tuple(word for word in line.split() if word.islower() and "|" not in word)
        path = path if path in COMMANDS else path[:1]
        named.add(path)
        known = {name for it in COMMANDS[path]["params"] for name in it["names"]}
        assert set(re.findall(r"`(--[\w-]+)", text)) <= known, line
    assert named == {path for path, it in COMMANDS.items() if not it["is_group"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_on_the_page_of_the_repository(page: Path) -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", without_blocks(page)):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in github_anchors(target.read_text("utf-8")), f"{path}#{anchor}"


def test_the_readme_is_short_and_its_first_command_is_the_beginning_of_the_tutorial() -> None:
    assert len(README.splitlines()) <= MOST_LINES
    job = next(block.text for block in blocks(ROOT / "README.md") if block.mark == "the main job")
    tutorial = [line for block in blocks(ROOT / "docs" / "tutorial.md") for line in block.text.splitlines()]
    venv, install, new = job.strip().split(" && ")
    assert venv in tutorial and install in tutorial
    assert new.removeprefix(".venv/bin/").removesuffix(" --run") in tutorial


def test_every_page_has_its_place_on_the_site() -> None:
    assert source.forgotten() == []
    named = [name for names in SECTIONS.values() for name in names]
    assert len(named) == len(set(named))


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x">1</a> <a href="b.html#y">2</a> <a href="#z">3</a>', "utf-8")
    (tmp_path / "b.html").write_text('<h1 id="x"></h1><img src="c.png"><a href="https://example.com">', "utf-8")
    assert broken(tmp_path) == ["a.html: #z", "a.html: b.html#y", "b.html: c.png"]


def test_the_reference_of_the_runtime_has_what_owners_import_and_says_what_it_is(tmp_path: Path) -> None:
    pages = runtime.pages(write_service(tmp_path))
    assert "### `once`" in pages["durable"] and "async def once[R: BaseModel](" in pages["durable"]
    assert "- `OperationConflict`: the id was used for another request" in pages["durable"]
    assert "### `RunningService`" in pages["testing"] and "#### `RunningService.send_signed`" in pages["testing"]
    assert "_claim" not in pages["durable"] and "OperationAsked" not in pages["durable"]


def test_settings_are_explained_by_who_reads_them(tmp_path: Path) -> None:
    service = write_service(tmp_path)
    schema = {"type": "string", "format": "duration"}
    page = settings.page(
        service,
        {
            "lease": {"default": "60", "schema": schema},
            "webhook_secret": {"default": "", "schema": {"anyOf": [{"type": "string", "format": "password"}]}},
        },
    )
    assert "## Workers" in page and "## API" not in page
    assert "| `LEASE` | duration | `60` | A worker that is silent for so long loses its tasks to another. |" in page
    assert page.index("## Old names") < page.index("`WEBHOOK_SECRET`")
