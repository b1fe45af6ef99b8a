"""What a release is held to, without making one: `nox -s release` builds, installs and tries it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from email.message import Message
from pathlib import Path

import pytest
import yaml

from resonate_scaffold import __version__
from tests import release
from tests.past import pack_release

CHECKOUT = Path(__file__).parent.parent
ACTIONLINT = "v1.7.12"
CHANGELOG = "# Changelog\n\nWords.\n\n## 0.3.0\n\n### What to know\n\n- More.\n\n## 0.2.0\n\n## 0.1.0\n\nFirst.\n"
SOURCE = '"""A tool."""\n\n__version__ = "0.9.0"\n'


def test_a_version_goes_up() -> None:
    assert release.bumped(SOURCE, "0.10.0") == SOURCE.replace("0.9.0", "0.10.0")


@pytest.mark.parametrize(
    ("version", "why"),
    [("0.9.0", "not after 0.9.0"), ("0.8.9", "not after"), ("v1.0.0", "no version"), ("1.0", "no version")],
)
def test_a_version_that_is_none_or_not_newer(version: str, why: str) -> None:
    with pytest.raises(release.NotReady, match=why):
        release.bumped(SOURCE, version)


def test_the_changelog_begins_with_what_is_released() -> None:
    assert release.changelog_entry(CHANGELOG, "0.3.0") == "### What to know\n\n- More."
    for version, why in (("0.1.0", "begins with 0.3.0"), ("0.2.0", "says nothing"), ("0.4.0", "says nothing")):
        with pytest.raises(release.NotReady, match=why):
            release.changelog_entry(CHANGELOG, version)


def test_this_version_has_its_entry() -> None:
    assert release.changelog_entry((CHECKOUT / "CHANGELOG.md").read_text("utf-8"), __version__)


def test_what_is_not_committed() -> None:
    status = " M resonate_scaffold/cli.py\n?? new.py\n?? resonate_scaffold/past/0.2.0.tar.xz\n"
    assert release.unclean(status, ["resonate_scaffold/past/0.2.0.tar.xz"]) == ["resonate_scaffold/cli.py", "new.py"]


def test_builds_that_differ() -> None:
    first = {"a.whl": b"1", "b.tar.gz": b"2", "only.here": b""}
    assert release.differing(first, dict(first)) == []
    assert release.differing(first, {"a.whl": b"1", "b.tar.gz": b"3"}) == ["b.tar.gz", "only.here"]


def test_what_a_distribution_says_of_itself() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = Message()
    for name, value in (
        ("Name", project["name"]),
        ("Version", __version__),
        ("Summary", project["description"]),
        ("Requires-Python", project["requires-python"]),
        ("Keywords", ",".join(project["keywords"])),
        ("Description-Content-Type", "text/markdown"),
        *(("Classifier", it) for it in project["classifiers"]),
    ):
        metadata[name] = value
    metadata.set_payload((CHECKOUT / project["readme"]).read_text("utf-8"))
    assert release.missing_metadata(metadata, __version__) == []
    del metadata["Keywords"]
    metadata.set_payload("")
    assert release.missing_metadata(metadata, "9.9.9") == [f"Version: {__version__}", "Keywords", "Description"]


def test_a_release_is_packed_beside_those_before_it() -> None:
    code, engine = pack_release.archives_of("0.1.0")
    assert code.is_file() and engine.is_file()


def test_what_is_packed_imports_nothing_that_is_left_out() -> None:
    """Where a module is loaded: what a function imports when it is called is for commands."""
    package = CHECKOUT / "resonate_scaffold"
    left_out = {f"resonate_scaffold.{name.removesuffix('.py')}" for name in pack_release.NOT_KEPT}
    kept = [it for it in package.rglob("*.py") if it.relative_to(package).parts[0] not in pack_release.NOT_KEPT]
    assert len(kept) > 100
    for path in kept:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                named = {node.module, *(f"{node.module}.{it.name}" for it in node.names)}
                for other in left_out:
                    assert not any(it == other or it.startswith(f"{other}.") for it in named), (path, node.module)


# What the repository says to those who come to it


def test_the_workflow_is_checked() -> None:
    path = CHECKOUT / ".github/workflows/ci.yml"
    schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(schema, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    command = ["actionlint"]
    if not shutil.which("actionlint"):
        if not shutil.which("go"):
            pytest.skip("there is neither actionlint nor Go, which builds it")
        command = ["go", "run", f"github.com/rhysd/actionlint/cmd/actionlint@{ACTIONLINT}"]
    done = subprocess.run(
        [*command, ".github/workflows/ci.yml"], cwd=CHECKOUT, capture_output=True, text=True, timeout=300
    )
    if done.returncode and not done.stdout and done.stderr.startswith("go: "):
        pytest.skip(f"Go cannot fetch actionlint: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_runs_sessions_that_are_there() -> None:
    text = (CHECKOUT / ".github/workflows/ci.yml").read_text("utf-8")
    sessions = set(
        re.findall(r"^def (\w+)\(session: nox\.Session\)", (CHECKOUT / "noxfile.py").read_text("utf-8"), re.M)
    )
    named = set(" ".join(re.findall(r"nox -s ([\w ]+)", text)).split())
    assert named and named <= sessions
    matrix = yaml.safe_load(text)["jobs"]["checks"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.12", "3.13", "3.14"]


@pytest.mark.parametrize("path", sorted((CHECKOUT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda it: it.name)
def test_an_issue_template_asks_for_what_is_needed(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    if path.name == "config.yml":
        assert form["blank_issues_enabled"] is True
        return
    assert form["name"] and form["description"]
    ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
    assert len(ids) == len(set(ids)) and "version" in ids
    for item in form["body"]:
        assert item["type"] in ("markdown", "input", "textarea", "dropdown", "checkboxes")
        assert item["attributes"].get("label") or item["attributes"].get("value")


def test_contributing_names_what_is_there() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")
    session = re.compile(r"^def (\w+)\(session: nox\.Session\)|name=\"([\w-]+)\"", re.M)
    found = {a or b for a, b in session.findall((CHECKOUT / "noxfile.py").read_text("utf-8"))}
    assert {it for it in re.findall(r"nox -s ([\w-]+)", text)} <= found
    paths = [it for it in re.findall(r"`([\w./-]+/[\w./-]*|\w+\.(?:md|py|toml|txt))`", text) if "NAME" not in it]
    assert len(paths) > 15
    (runtime,) = (CHECKOUT / "templates/project/service").glob("*/runtime")
    for path in paths:
        places = (CHECKOUT, CHECKOUT / "resonate_scaffold", runtime, runtime.parent)
        assert any((place / path).exists() for place in places), path
