"""The pages of docs/guide are true: the code that each shows is generated into a service, checked and run.

A page `docs/guide/TOPIC.md` has its example in the directory `docs/guide/TOPIC/`:

    add.sh            the commands to type, each `resonate-scaffold add …`; a line may go on after a backslash
    orders/…  tests/…  files, at the paths where they land in the service `orders` (made by `new orders --bare`);
                      one that `add` has made is replaced
    PATH.diff         an edit of the file PATH: lines that begin with a space, - or +; the first two kinds together
                      stand in the file exactly once. A line `@@` stands between two edits of a file

The page shows all of them and no others: the commands in a block ``sh``, and each file in a block ``python`` (an edit
in a block ``diff``) below a line that is nothing but its path in backticks. Other blocks are free. All examples live in
one service, in the order of `README.md`: so names of contracts, gates and files are one page's own.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import cli
from tests.grown import fresh, grown, made_by_new

GUIDE = Path(__file__).parent.parent / "docs" / "guide"
INDEX = (GUIDE / "README.md").read_text("utf-8")
TOPICS = re.findall(r"\((\w[\w-]*)\.md\)", INDEX)
MOST_LINES = 60
"""Of text on a page, its examples left out."""

_BLOCK = re.compile(r"^(?:`(?P<path>[^`\n]+)`\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# What holds for every service, and depends on no example: `test_generated` runs it. It takes longer than all the rest.
_ELSEWHERE = "processes_start or responses_are or webhooks_are or hostile_bodies or depend_on_hashes or share_an_id"


def example(topic: str) -> dict[str, str]:
    """The files of a page's example, by their paths below its directory; the commands are `add.sh`."""
    root = GUIDE / topic
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}


def commands(topic: str) -> list[str]:
    """The command lines of a page, without the name of the tool."""
    lines = example(topic).get("add.sh", "").replace("\\\n", " ").splitlines()
    assert all(line.startswith("resonate-scaffold add ") for line in lines), f"{topic}/add.sh has other commands"
    return [line.removeprefix("resonate-scaffold ") for line in lines]


def edited(text: str, diff: str, what: str) -> str:
    """*text* after an edit."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = [(line[:1], line[1:] + "\n") for line in hunk.splitlines()]
        old, new = ("".join(line for kind, line in lines if kind in kinds) for kinds in (" -", " +"))
        assert text.count(old) == 1, f"{what}: what it edits is not there once:\n{old}"
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with all examples."""
    root = tmp_path_factory.mktemp("guide") / "orders"
    project = grown(fresh(bare=True), *(command for topic in TOPICS for command in commands(topic)))
    files = {str(path): content.decode() for path, content in {**made_by_new(bare=True), **project.files}.items()}
    for topic in TOPICS:
        for name, text in example(topic).items():
            if name.endswith(".diff"):
                path = name.removesuffix(".diff")
                files[path] = edited(files[path], text, f"{topic}/{name}")
            elif name != "add.sh":
                files[name] = text
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def run(service: Path, python: Path, *command: str) -> str:
    """Run a module of the service's environment that must succeed; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        [python, "-m", *command],
        cwd=service,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_shows_its_example_and_is_short(topic: str) -> None:
    page = (GUIDE / f"{topic}.md").read_text("utf-8")
    shown: dict[str, str] = {}
    for block in _BLOCK.finditer(page):
        path, kind, text = block["path"], block["kind"], block["text"]
        if kind == "sh" and "resonate-scaffold add " in text:
            shown["add.sh"] = text
        elif path is not None:
            shown[f"{path}.diff" if kind == "diff" else path] = text
    assert shown == example(topic)
    assert len(_BLOCK.sub("", page).splitlines()) <= MOST_LINES


def test_the_index_has_every_page_and_links_lead_somewhere() -> None:
    pages = {path.stem: path.read_text("utf-8") for path in GUIDE.glob("*.md")}
    assert sorted(TOPICS) == sorted(pages.keys() - {"README"})
    assert {path.name for path in GUIDE.iterdir() if path.is_dir()} <= set(TOPICS)
    for name, page in pages.items():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", _BLOCK.sub("", page)):
            assert (GUIDE / PurePosixPath(link)).exists(), f"{name}.md: {link}"


def test_the_examples_are_well_formed(service: Path, service_python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(service, service_python, "ruff", "check", ".")
    run(service, service_python, "ruff", "format", "--check", ".")
    run(service, service_python, "mypy")
    assert cli.run(["check", "--select", "ALL", "--no-cache", str(service)]) == 0, capsys.readouterr().out


def test_the_examples_do_what_their_tests_say(service: Path, service_python: Path) -> None:
    report = run(service, service_python, "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not ({_ELSEWHERE})")
    assert re.search(r"[1-9]\d* passed", report) or "100%]" in report, report
