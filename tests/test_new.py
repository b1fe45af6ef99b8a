"""`new`, end to end: what is made, committed, installed, printed; and what is left when something fails."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resonate_scaffold import __version__, install
from resonate_scaffold.dev import session
from tests.conftest import PROGRAM, Ran, Tool, git, tree

LAST = ("--no-install", "--no-git")


def on_path(directory: Path, name: str, script: str) -> None:
    """Put a stand-in program on PATH."""
    directory.mkdir(exist_ok=True)
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **programs: str) -> None:
    """Leave nothing on PATH but the stand-ins and, unless it is one, git."""
    directory = tmp_path / "bin"
    for name, script in programs.items():
        on_path(directory, name, script)
    directory.mkdir(exist_ok=True)
    if "git" not in programs:
        real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
        (directory / "git").symlink_to(real)
    monkeypatch.setenv("PATH", f"{directory}")


def test_makes_a_service(tool: Tool, tmp_path: Path) -> None:
    ran = tool("new", "my-api", "--no-install", "--into", str(tmp_path / "made/here"))
    assert (ran.status, ran.err) == (0, "")
    root = tmp_path / "made/here/my-api"
    assert (root / "my_api/__init__.py").is_file()
    assert list(root.parent.iterdir()) == [root]
    assert re.search(r"create +\S+/my_api/ +\d+ files", ran.out)
    for command in ("cd ", "resonate-scaffold dev", "curl ", "my_api approve JOB_ID", "-m pytest"):
        assert command in ran.out


@pytest.mark.parametrize(("database", "said"), [("postgres", True), ("sqlite", False)])
def test_a_database_server_is_said_to_be_wanted(tool: Tool, database: str, said: bool) -> None:
    ran = tool("new", "my-api", *LAST, "--database", database)
    assert ("Its database is a Postgres server: set DATABASE_URL in .env." in " ".join(ran.out.split())) == said
    assert (re.search(r"(?m)^DATABASE_URL=$", Path("my-api/.env").read_text()) is not None) == said


def test_the_manifest(tool: Tool) -> None:
    tool("new", "my-api", *LAST, "--database", "postgres", "--data", "author=Ada")
    root = Path("my-api")
    raw = (root / ".resonate-scaffold.json").read_text()
    manifest = json.loads(raw)
    assert raw == json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert (manifest["tool"], manifest["version"]) == ("resonate-scaffold", __version__)
    assert manifest["template"]["name"] == "builtin"
    answers = manifest["answers"]
    assert (answers["project_name"], answers["package_name"]) == ("my-api", "my_api")
    assert (answers["database"], answers["author"], answers["bare"]) == ("postgres", "Ada", False)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in tree(root).items()}
    assert manifest["files"] == {
        name: digest for name, digest in files.items() if name not in {".env", ".resonate-scaffold.json"}
    }
    runtime = "my_api/runtime/"
    lines = [f"{name.removeprefix(runtime)} {files[name]}\n" for name in sorted(files) if name.startswith(runtime)]
    assert manifest["runtime"] == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_two_runs_differ_in_the_secret_alone(tool: Tool, tmp_path: Path) -> None:
    for place in ("a", "b"):
        tool("new", "my-api", *LAST, "--into", str(tmp_path / place))
    first, second = tree(tmp_path / "a/my-api"), tree(tmp_path / "b/my-api")
    assert {name for name in first if first[name] != second[name]} == {".env"}
    assert first.keys() == second.keys()


def test_the_secret(tool: Tool) -> None:
    tool("new", "my-api", "--no-install")
    env = Path("my-api/.env")
    match = re.search(r"(?m)^WEBHOOK_SECRETS=(approvals:whsec_[A-Za-z0-9+/]{43}=)$", env.read_text())
    assert match
    assert env.read_text().replace(match[1], "") == Path("my-api/.env.example").read_text()
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert git(Path("my-api"), "check-ignore", ".env") == ".env"
    found = subprocess.run(["git", "-C", "my-api", "grep", match[1], "HEAD"], capture_output=True, check=False)
    assert (found.returncode, found.stdout) == (1, b"")


def test_bare(tool: Tool) -> None:
    ran = tool("new", "my-api", *LAST, "--bare")
    assert ran.status == 0
    assert "readyz" in ran.out
    assert "approve" not in ran.out
    # It takes no webhook, and no secret is made for any.
    assert Path("my-api/.env").read_text() == Path("my-api/.env.example").read_text()
    assert not Path("my-api/my_api/workflows/process_job.py").exists()


def test_json(tool: Tool) -> None:
    ran = tool("new", "my-api", "--no-install", "--json")
    assert (ran.status, ran.err) == (0, "")
    outcome = ran.json
    assert outcome.keys() == {"command", "project", "changes", "notes", "error"}
    assert (outcome["command"], outcome["notes"], outcome["error"]) == ("new", [], None)
    assert outcome["project"] == str(Path("my-api").absolute())
    assert {change["path"] for change in outcome["changes"]} == tree(Path("my-api")).keys()
    assert {change["action"] for change in outcome["changes"]} == {"create"}


def test_a_dry_run_shows_the_same_and_changes_nothing(tool: Tool) -> None:
    dry = tool("new", "my-api", "--dry-run", "--json", "--into", "there").json
    shown = tool("new", "my-api", "--dry-run", "--into", "there").out
    assert not list(Path().iterdir())
    assert "create  my_api/settings.py" in shown
    assert "Dry run: nothing was changed" in shown
    assert tool("new", "my-api", *LAST, "--json", "--into", "there").json["changes"] == dry["changes"]


@pytest.mark.parametrize("arguments", [("--data", "bare=true"), ("--data", "bare=true", "--bare"), ("--bare",)])
def test_an_option_and_its_data_are_one_answer(tool: Tool, arguments: tuple[str, ...]) -> None:
    assert tool("new", "my-api", *LAST, *arguments).status == 0
    assert json.loads(Path("my-api/.resonate-scaffold.json").read_text())["answers"]["bare"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        ("my-api", "--data", "colour=red"),
        ("my-api", "--data", "author"),
        ("my-api", "--data", "=x"),
        ("my-api", "--data", "author=a", "--data", "author=b"),
        ("my-api", "--database", "sqlite", "--data", "database=postgres"),
        ("my-api", "--bare", "--data", "bare=false"),
        ("my-api", "--data", "project_name=other"),
        ("my-api", "--data", "package_name=other"),
        ("my-api", "--database", "mysql"),
        ("my-api", "--colour"),
        ("my-api", "--run", "--no-install"),
        ("my-api", "--run", "--dry-run"),
        (),
    ],
)
def test_wrong_usage(tool: Tool, arguments: tuple[str, ...]) -> None:
    ran = tool("new", *arguments)
    assert ran.status == 2
    assert [line.split()[0] for line in ran.err.splitlines()] == ["error", "hint"]
    assert not list(Path().iterdir())


def test_refuses_a_name_and_says_which_one_works(tool: Tool) -> None:
    ran = tool("new", "fastapi", "--json", *LAST)
    assert ran.status == 1
    assert ran.json["error"]["hint"] == "Try: fastapi-service"
    assert tool("new", "fastapi-service", *LAST).status == 0


def test_refuses_a_full_directory_and_leaves_it(tool: Tool) -> None:
    Path("my-api").mkdir()
    Path("my-api/mine").write_text("mine")
    ran = tool("new", "my-api", "--no-install")
    assert ran.status == 1
    assert "not empty" in ran.err
    assert tree(Path()) == {"my-api/mine": b"mine"}


# Git


def test_the_commit(tool: Tool) -> None:
    tool("new", "my-api", "--no-install")
    root = Path("my-api")
    assert git(root, "log", "--format=%an <%ae>%n%s") == (
        f"resonate-scaffold <resonate-scaffold@localhost>\nCreate my-api with resonate-scaffold {__version__}"
    )
    assert git(root, "branch", "--show-current") == "main"
    assert git(root, "status", "--porcelain") == ""
    assert set(git(root, "ls-files").splitlines()) == tree(root).keys() - {".env"}


def test_the_commit_is_by_the_author_if_git_knows_nobody(tool: Tool) -> None:
    tool("new", "a", "--no-install", "--data", "author=Ada Lovelace")
    tool("new", "b", "--no-install", "--data", "author=<>")
    assert git(Path("a"), "log", "--format=%an") == "Ada Lovelace"
    assert git(Path("b"), "log", "--format=%an") == "resonate-scaffold"


def test_a_hostile_configuration_does_not_stop_the_commit(tool: Tool, tmp_path: Path) -> None:
    on_path(tmp_path / "hooks", "pre-commit", "exit 1")
    on_path(tmp_path / "hooks", "commit-msg", "exit 1")
    (tmp_path / "ignore").write_text("Procfile\n*.py\n")
    (tmp_path / "gitconfig").write_text(
        f"[user]\nname = Grace\nemail = g@example.org\n"
        f"[core]\nhooksPath = {tmp_path}/hooks\nexcludesFile = {tmp_path}/ignore\n"
        f"autocrlf = true\nsafecrlf = true\n[commit]\ngpgsign = true\n[init]\ndefaultBranch = trunk\n"
    )
    ran = tool("new", "my-api", "--no-install")
    assert (ran.status, ran.err) == (0, "")
    assert git(Path("my-api"), "log", "--format=%an %D") == "Grace HEAD -> main"
    assert "Procfile" in git(Path("my-api"), "ls-files")


def test_an_outer_git_is_not_touched(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    before = {path: path.read_bytes() for path in outer.rglob("*") if path.is_file()}
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(outer))
    monkeypatch.setenv("GIT_INDEX_FILE", str(outer / ".git/index"))
    assert tool("new", "my-api", "--no-install").status == 0
    assert {path: path.read_bytes() for path in outer.rglob("*") if path.is_file()} == before
    assert Path("my-api/.git").is_dir()


def test_no_repository_inside_a_repository(tool: Tool) -> None:
    git(Path(), "init", "--quiet")
    outcome = tool("new", "my-api", "--no-install", "--into", "services", "--json").json
    assert outcome["error"] is None
    assert "inside the repository" in outcome["notes"][0]
    assert not Path("services/my-api/.git").exists()


def test_a_place_beside_the_repository_is_not_in_it(tool: Tool) -> None:
    Path("repository/deep").mkdir(parents=True)
    git(Path("repository"), "init", "--quiet")
    os.chdir("repository/deep")
    assert tool("new", "my-api", "--no-install", "--into", "../../beside", "--json").json["notes"] == []
    assert Path("../../beside/my-api/.git").is_dir()


def cloned(name: str, branch: str = "trunk") -> Path:
    """A fresh clone of a repository without commits, as a forge gives it."""
    git(Path(), "init", "--quiet", "--bare", "origin.git")
    git(Path(), "--git-dir", "origin.git", "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    git(Path(), "clone", "--quiet", "origin.git", name)
    return Path(name)


def test_a_fresh_clone_is_filled_and_committed_on_its_branch(tool: Tool) -> None:
    root = cloned("my-api")
    git(root, "config", "user.name", "Grace")
    ran = tool("new", "my-api", "--no-install")
    assert (ran.status, ran.err) == (0, "")
    assert re.search(r"commit +[0-9a-f]{7} on trunk\n", ran.out)
    assert git(root, "log", "--format=%an %s") == f"Grace Create my-api with resonate-scaffold {__version__}"
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "remote") == "origin"
    assert set(git(root, "ls-files").splitlines()) == tree(root).keys() - {".env"}
    again = tool("new", "my-api", "--no-install")
    assert (again.status, "exists and is not empty" in again.err) == (1, True)


def test_a_fresh_clone_inside_of_a_repository_is_committed_to_itself(tool: Tool) -> None:
    git(Path(), "init", "--quiet")
    root = cloned("my-api")
    assert tool("new", "my-api", "--no-install", "--json").json["notes"] == []
    assert git(root, "rev-list", "--count", "HEAD") == "1"


def test_a_fresh_clone_is_left_uncommitted_where_that_is_wanted(tool: Tool) -> None:
    root = cloned("my-api")
    assert tool("new", "my-api", "--no-install", "--no-git").status == 0
    assert (root / "my_api/__init__.py").is_file()
    assert git(root, "status", "--porcelain", "--untracked-files=normal").startswith("?? ")


def test_a_dry_run_leaves_a_fresh_clone_as_it_is(tool: Tool) -> None:
    root = cloned("my-api")
    assert tool("new", "my-api", "--dry-run").status == 0
    assert [path.name for path in root.iterdir()] == [".git"]


def test_a_repository_whose_files_are_not_there_is_refused(tool: Tool) -> None:
    """A commit would delete them."""
    root = cloned("my-api")
    (root / "mine").write_text("mine")
    git(root, "add", "mine")
    for _ in ("staged", "committed"):
        (root / "mine").unlink(missing_ok=True)
        ran = tool("new", "my-api", "--no-install")
        assert (ran.status, "has files that are not there\n" in ran.err) == (1, True)
        assert [path.name for path in root.iterdir()] == [".git"]
        git(root, "-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "--allow-empty", "-m", "mine")


def test_a_commit_that_fails_in_a_fresh_clone_leaves_a_whole_service(tool: Tool) -> None:
    root = cloned("my-api")
    (root / ".git/index.lock").touch()
    ran = tool("new", "my-api", "--no-install")
    assert (ran.status, "my-api is complete, but not committed: git failed: " in ran.err) == (1, True)
    assert (root / "my_api/__init__.py").is_file()


@pytest.mark.parametrize(("outer", "message"), [(False, "git failed: "), (True, "my-api/.git is no repository\n")])
def test_a_folder_with_a_git_that_is_none_says_so_and_stays(tool: Tool, outer: bool, message: str) -> None:
    if outer:
        git(Path(), "init", "--quiet")
    Path("my-api/.git").mkdir(parents=True)
    ran = tool("new", "my-api", "--no-install")
    assert (ran.status, message in ran.err) == (1, True)
    assert [path.name for path in Path("my-api").iterdir()] == [".git"]


def test_without_git(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ran = tool("new", "my-api", "--no-install")
    assert ran.status == 0
    assert "git is not installed" in ran.out
    assert Path("my-api/Procfile").exists()
    assert not Path("my-api/.git").exists()


def test_a_git_that_fails_leaves_nothing(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, tmp_path, git='echo "fatal: no way" >&2; exit 128')
    ran = tool("new", "my-api", "--no-install", "--into", "there")
    assert ran.status == 1
    assert "git failed: fatal: no way" in ran.err
    assert "--no-git" in ran.err
    assert not list(Path().iterdir())


# Another template


def test_another_template(tool: Tool, template: Path) -> None:
    ran = tool("new", "my-api", "--no-install", "--template", str(template))
    assert (ran.status, ran.err) == (0, "")
    assert Path("my-api/my_api/__init__.py").read_text() == '"""Something on sqlite"""\n'
    assert json.loads(Path("my-api/.resonate-scaffold.json").read_text())["template"]["name"] == "directory"
    assert str(template) not in "".join(content.decode() for content in tree(Path("my-api")).values())


@pytest.mark.parametrize("gitignore", [None, "", "*.pyc"])
def test_a_template_that_does_not_ignore_the_secret(tool: Tool, template: Path, gitignore: str | None) -> None:
    (template / ".gitignore").unlink()
    if gitignore is not None:
        (template / ".gitignore").write_text(gitignore)
    outcome = tool("new", "my-api", "--no-install", "--json", "--template", str(template)).json
    assert "added it to .gitignore" in outcome["notes"][0]
    assert git(Path("my-api"), "check-ignore", ".env") == ".env"
    assert git(Path("my-api"), "status", "--porcelain") == ""


def test_a_template_that_insists_on_committing_the_secret(tool: Tool, template: Path) -> None:
    (template / ".gitignore").write_text(".env\n!.env\n")
    ran = tool("new", "my-api", "--no-install", "--template", str(template))
    assert ran.status == 1
    assert ".env holds secrets" in ran.err
    assert not list(Path().iterdir())


def test_a_template_that_makes_what_is_the_tools(tool: Tool, template: Path) -> None:
    (template / ".env").write_text("WEBHOOK_SECRETS=known\n")
    ran = tool("new", "my-api", "--no-install", "--template", str(template))
    assert ran.status == 1
    assert ".env is written twice" in ran.err
    assert not list(Path().iterdir())


def test_a_template_without_an_example_of_the_environment(tool: Tool, template: Path) -> None:
    (template / ".env.example").unlink()
    tool("new", "my-api", *LAST, "--template", str(template))
    assert re.fullmatch(r"WEBHOOK_SECRETS=approvals:whsec_[A-Za-z0-9+/]{43}=\n", Path("my-api/.env").read_text())


# Installing


def test_installs_with_uv_and_the_constraints(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, tmp_path, uv='echo "$PWD $VIRTUAL_ENV $*" >> "$0.log"; echo Resolved')
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")
    ran = tool("new", "my-api")
    assert (ran.status, ran.err) == (0, "")
    assert "my-api/.venv with uv" in ran.out
    root = Path("my-api").absolute()
    assert (tmp_path / "bin/uv.log").read_text().splitlines() == [
        f"{root}  venv --allow-existing --python {sys.executable} .venv",
        f"{root}  pip install --python .venv -c constraints.txt -e .[dev]",
    ]
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "rev-list", "--count", "HEAD") == "1"


def test_a_lock_file_of_the_template_says_the_versions(
    tool: Tool, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (template / "uv.lock").write_text("")
    (template / "constraints.txt").write_text("")
    only(monkeypatch, tmp_path, uv='echo "$*" >> "$0.log"')
    assert tool("new", "my-api", "--template", str(template)).status == 0
    called = (tmp_path / "bin/uv.log").read_text().splitlines()
    assert called == [f"sync --extra dev --python {sys.executable}"]


@pytest.mark.parametrize("constrained", [True, False])
def test_without_uv_it_is_venv_and_pip(constrained: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only(monkeypatch, tmp_path)
    if constrained:
        (tmp_path / "constraints.txt").write_text("")
    versions = ("-c", "constraints.txt") if constrained else ()
    assert install.commands(tmp_path) == (
        (sys.executable, "-m", "venv", ".venv"),
        (".venv/bin/python", "-m", "pip", "install", *versions, "-e", ".[dev]"),
    )


def test_pip_installs_a_service(tool: Tool, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real commands, stopped from using a network by a build backend of the service's own."""
    only(monkeypatch, tmp_path)
    (template / "pyproject.toml.jinja").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "{{ project_name }}"\nversion = "0"\n'
    )
    (template / "backend.py").write_text(
        "import zipfile\n"
        "def build_editable(directory, config=None, metadata=None):\n"
        "    name = 'my_api-0-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(f'{directory}/{name}', 'w') as wheel:\n"
        "        info = 'my_api-0.dist-info/'\n"
        "        wheel.writestr('installed_service.py', '')\n"
        "        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: my-api\\nVersion: 0\\n')\n"
        "        about = 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'\n"
        "        wheel.writestr(info + 'WHEEL', about)\n"
        "        wheel.writestr(info + 'RECORD', '')\n"
        "    return name\n"
    )
    (template / ".gitignore").write_text(".env\n.venv/\n__pycache__/\n")
    # What a shell, a container or another tool sets for installations of its own.
    for name in ("TARGET", "PREFIX", "ROOT"):
        monkeypatch.setenv(f"PIP_{name}", str(tmp_path / "elsewhere"))
    for name in ("USER", "DRY_RUN", "NO_DEPS"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    (tmp_path / "installed/my_api-0.dist-info").mkdir(parents=True)
    (tmp_path / "installed/my_api-0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: my-api\nVersion: 0\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    (tmp_path / "pip.conf").write_text("[install]\nuser = true\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    ran = tool("new", "my-api", "--template", str(template))
    assert (ran.status, ran.err) == (0, "")
    assert list(Path("my-api/.venv").rglob("installed_service.py"))
    assert not (tmp_path / "elsewhere").exists()
    again = "unset PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_DRY_RUN PIP_NO_DEPS && "
    assert install.repeat_command("my-api").startswith(f"cd my-api && {again}")
    assert git(Path("my-api"), "status", "--porcelain") == ""


FAILING_UV = "for i in $(seq 1 40); do echo line $i; done; echo 'error: no network' >&2; exit 2"


def test_an_installation_that_fails_leaves_a_whole_service(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    on_path(tmp_path / "bin", "uv", FAILING_UV)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    ran = tool("new", "my-api")
    assert ran.status == 1
    assert git(Path("my-api"), "status", "--porcelain") == ""
    assert "my-api is complete" in ran.err
    again = f"uv venv --allow-existing --python {sys.executable} .venv && uv pip install --python .venv"
    assert f"cd my-api && {again}" in ran.err
    assert "no network" in ran.err
    assert "line 40" in ran.err
    assert "line 20" not in ran.err
    outcome = tool("new", "other", "--json").json
    assert f"cd other && {again}" in outcome["error"]["hint"]
    assert outcome["changes"]


def test_run_goes_on_into_dev(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def run(project: Path) -> int:
        calls.append(project)
        return 7

    monkeypatch.setattr(session, "run", run)
    only(monkeypatch, tmp_path, uv="exit 0")
    ran = tool("new", "my-api", "--run")
    assert ran.status == 7
    assert calls == [Path("my-api").absolute()]
    assert re.search(r"cd my-api +# in another terminal", ran.out)


def test_what_to_type_next_works_where_the_tool_is_not_on_path(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, tmp_path)
    monkeypatch.setattr(sys, "argv", ["../clone/.venv/bin/resonate-scaffold", "new"])
    whole = tmp_path / "clone/.venv/bin/resonate-scaffold"
    assert f"{whole} dev " in tool("new", "my-api", *LAST).out
    on_path(tmp_path / "bin", "resonate-scaffold", "exit 0")
    assert re.search(r"(?m)^ +resonate-scaffold dev ", tool("new", "other", *LAST).out)


# Interruptions


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_it_commits_leaves_nothing(tmp_path: Path, clean_git: None, number: signal.Signals) -> None:
    on_path(
        tmp_path / "bin",
        "git",
        f'[ "$*" = "${{*#*add --all}}" ] || {{ touch {tmp_path}/there; exec sleep 30; }}',
    )
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    command: list[str | Path] = [PROGRAM, "new", "my-api", "--no-install"]
    with subprocess.Popen(
        command, cwd=work, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 20
        while not (tmp_path / "there").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        assert [path.name[:8] for path in work.iterdir()] == [".my-api."]
        os.killpg(process.pid, number)
        assert process.stderr is not None
        said = process.stderr.read()
    if number == signal.SIGKILL:
        assert process.returncode == -number
        assert [path.name[:8] for path in work.iterdir()] == [".my-api."]
    else:
        assert process.returncode == 130
        assert "Interrupted" in said
        assert "Traceback" not in said
        assert not list(work.iterdir())
    subprocess.run([*command, "--no-git", "--json"], cwd=work, check=True, stdout=subprocess.DEVNULL)
    assert list(work.iterdir()) == [work / "my-api"]


# On a terminal


def on_terminal(arguments: list[str], answers: bytes, cwd: Path) -> Ran:
    """Run the tool on a terminal of its own and type *answers*."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(cwd)
        os.execv(PROGRAM, [str(PROGRAM), *arguments])
    os.write(terminal, answers)
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                block = os.read(terminal, 4096)
            except OSError:  # Linux says so when the other end has gone
                break
            if not block:
                break
            shown += block
    os.close(terminal)
    return Ran(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode(), "")


def test_asks_on_a_terminal(tmp_path: Path, clean_git: None) -> None:
    (tmp_path / "gitconfig").write_text("[user]\nname = Grace Hopper\n")
    ran = on_terminal(["new", "my-api", *LAST], b'a "quote"\nOrders\noracle\npostgres\n\n', tmp_path)
    assert ran.status == 0, ran.out
    assert "without double quotes" in ran.out
    answers = json.loads((tmp_path / "my-api/.resonate-scaffold.json").read_text())["answers"]
    assert (answers["description"], answers["database"], answers["author"]) == (
        "Orders", "postgres", "Grace Hopper",
    )  # fmt: skip


def test_does_not_ask_what_is_given_nor_with_defaults(tmp_path: Path, clean_git: None) -> None:
    given = ["--data", "description=x", "--database", "sqlite", "--data", "author="]
    assert on_terminal(["new", "a", *LAST, *given], b"", tmp_path).status == 0
    assert on_terminal(["new", "b", *LAST, "--defaults"], b"", tmp_path).status == 0
