"""Templates: the shipped one gives the same bytes as Copier, and another one goes through Copier."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest
import yaml

from resonate_scaffold import __version__, foreign_templates, templates
from resonate_scaffold.errors import TemplateError, UsageError
from resonate_scaffold.templates import Rendering
from tests.conftest import git

ANSWERS_FILE = PurePosixPath(".copier-answers.yml")


def builtin(**given: str | bool) -> Rendering:
    return templates.render_builtin(templates.complete_answers({"project_name": "my-api", **given}))


def foreign(source: Path | str, **given: str | bool) -> Rendering:
    return foreign_templates.render_foreign(str(source), {"project_name": "my-api", **given}, ask=False)


def texts(rendering: Rendering) -> dict[str, str]:
    return {str(path): file.content.decode() for path, file in rendering.files.items()}


@contextlib.contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """End a test that waits for ever."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def copier_copy(source: Path, target: Path, data: Mapping[str, str | bool]) -> None:
    options = [part for key, value in data.items() for part in ("-d", f"{key}={value}")]
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "copier",
        "copy",
        "--quiet",
        "--defaults",
        *options,
        source,
        target,
    ]
    subprocess.run(command, check=True, timeout=60)


def without_origin(content: bytes) -> list[bytes]:
    return [line for line in content.splitlines() if not line.startswith((b"_src_path:", b"_commit:", b"#"))]


@pytest.mark.parametrize(
    "data",
    [
        {"database": "sqlite", "bare": False},
        {"database": "sqlite", "bare": True},
        {"database": "postgres", "bare": False},
        {"database": "postgres", "bare": True},
        {"author": "Ada Löve <ada@example.org>", "description": "It's 'so': 100% {{ sure }} & <safe>"},
    ],
)
def test_the_shipped_template_is_what_copier_makes_of_it(tmp_path: Path, data: dict[str, str | bool]) -> None:
    rendering = builtin(**data)
    made = tmp_path / "my-api"
    copier_copy(templates.builtin_directory(), made, {"project_name": "my-api", **data})
    assert {str(path) for path in rendering.files} == {
        path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()
    }
    for path, file in rendering.files.items():
        if path == ANSWERS_FILE:
            assert without_origin(file.content) == without_origin((made / path).read_bytes())
        else:
            assert file.content == (made / path).read_bytes(), path
        assert file.executable == bool((made / path).stat().st_mode & stat.S_IXUSR), path


def test_the_fixture_template_too(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules that the shipped template may not use today: exclusions, an executable, a part that is
    empty.
    """
    config = template / "copier.yml"
    config.write_text(
        config.read_text() + '_exclude: [copier.yml, "*.tmp", "{% if bare %}docs/{{ package_name }}.md{% endif %}"]\n'
    )
    for name in (
        "x.tmp",
        "a/y.tmp",
        "docs/{{package_name}}.md.jinja",
        "{% if not bare %}only{% endif %}/f",
        "run.sh",
    ):
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text("{{ project_name }}\n")
    (template / "run.sh").chmod(0o755)
    monkeypatch.setattr(templates, "builtin_directory", lambda: template)
    for bare in (True, False):
        rendering = builtin(bare=bare)
        made = tmp_path / f"made-{bare}"
        copier_copy(template, made, {"project_name": "my-api", "bare": bare})
        assert {str(path): file.executable for path, file in rendering.files.items()} == {
            path.relative_to(made).as_posix(): os.access(path, os.X_OK) for path in made.rglob("*") if path.is_file()
        }
        assert (PurePosixPath("docs/my_api.md") in rendering.files) is not bare
        assert (PurePosixPath("only/f") in rendering.files) is not bare


def test_the_origin_names_no_path_of_this_machine() -> None:
    rendering = builtin()
    assert rendering.origin["name"] == "builtin"
    assert rendering.origin["version"] == __version__
    assert len(rendering.origin["digest"]) == 64
    answers = yaml.safe_load(rendering.files[ANSWERS_FILE].content)
    assert (answers["_src_path"], answers["_commit"]) == (templates.BUNDLE, __version__)
    root = str(templates.builtin_directory().parent)
    assert not any(root in text for text in texts(rendering).values())


def test_the_digest_follows_the_content_alone(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "builtin_directory", lambda: template)
    first = builtin().origin["digest"]
    shutil.copytree(template, template.with_name("copy"))
    (template.with_name("copy") / "__pycache__").mkdir()
    (template.with_name("copy") / "__pycache__/x.pyc").touch()
    monkeypatch.setattr(templates, "builtin_directory", lambda: template.with_name("copy"))
    assert builtin().origin["digest"] == first
    (template.with_name("copy") / ".env.example").write_text("WEBHOOK_SECRETS=\n")
    assert builtin().origin["digest"] != first


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"},
        {"database": "mysql"},
        {"bare": "perhaps"},
        {"description": 'a """ b'},
        {"description": "a \\ b"},
        {"description": "two\nlines"},
        {"description": ""},
        {"author": "x" * 91},
    ],
)
def test_refuses_answers(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        builtin(**given)


def test_answers_are_cast() -> None:
    assert templates.complete_answers({"project_name": "a", "bare": "Yes"})["bare"] is True
    assert templates.complete_answers({"project_name": "a", "bare": "off"})["bare"] is False


def test_a_damaged_installation_says_so(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "builtin_directory", lambda: template)
    (template / "pyproject.toml.jinja").write_text("ok\n{% if %}\n")
    with pytest.raises(TemplateError, match=r"pyproject\.toml\.jinja:2"):
        builtin()
    (template / "copier.yml").unlink()
    monkeypatch.setattr(templates, "builtin_directory", lambda: template / "gone")
    with pytest.raises(TemplateError, match="shipped template"):
        builtin()


# Templates of somebody else's


def test_a_directory(template: Path) -> None:
    rendering = foreign(template, database="postgres", bare=True)
    assert texts(rendering)["my_api/__init__.py"] == '"""Something on postgres"""\n'
    assert rendering.answers["bare"] is True
    assert rendering.answers["package_name"] == "my_api"
    assert rendering.origin == {"name": "directory", "digest": rendering.origin["digest"]}
    answers = texts(rendering)[str(ANSWERS_FILE)]
    assert str(template) not in answers
    recorded = yaml.safe_load(answers)
    assert (recorded["_src_path"], recorded.get("_commit")) == (".copier", None)


def test_a_path_so_long_that_yaml_folds_it(template: Path) -> None:
    deep = template.parent / "a directory with blanks in its name" / "and another one"
    shutil.copytree(template, deep)
    answers = yaml.safe_load(texts(foreign(deep))[str(ANSWERS_FILE)])
    assert answers["_src_path"] == ".copier"
    assert answers["project_name"] == "my-api"


def test_a_git_repository(template: Path, clean_git: None) -> None:
    git(template, "init", "--quiet")
    git(template, "add", "--all")
    git(template, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "x")
    bare = template.with_name("template.git")
    git(template.parent, "clone", "--quiet", "--bare", str(template), str(bare))
    rendering = foreign(f"git+file://{bare}")
    assert texts(rendering)["pyproject.toml"] == '[project]\nname = "my-api"\n'
    assert rendering.origin["name"] == "directory"
    assert rendering.origin["version"] == git(template, "rev-parse", "HEAD")
    everything = str(dict(rendering.origin)) + "".join(texts(rendering).values())
    assert str(template.parent) not in everything


def test_copier_says_in_a_line_that_there_is_nothing_to_update_from(
    template: Path, tmp_path: Path, clean_git: None
) -> None:
    rendering = foreign(template)
    made = tmp_path / "made"
    for path, file in rendering.files.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_bytes(file.content)
    git(made, "init", "--quiet")
    git(made, "add", "--all")
    git(made, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "x")

    def copier(command: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "copier", command, "--defaults"]
        return subprocess.run(line, cwd=made, capture_output=True, text=True, timeout=60, check=False)

    updated = copier("update")
    assert updated.returncode != 0
    message = "Cannot update because cannot obtain old template references from `.copier-answers.yml`."
    assert updated.stderr.splitlines() == [message]
    copied = copier("recopy")
    assert "Nothing to copy: " in copied.stderr and "Traceback" not in copied.stderr
    assert git(made, "status", "--porcelain") == ""


def test_copier_updates_what_was_made_from_its_git_repository(tmp_path: Path, clean_git: None) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    shutil.copytree(templates.builtin_directory(), source)

    def commit(where: Path, *tag: str) -> None:
        git(where, "init", "--quiet")
        git(where, "add", "--all")
        git(where, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "x")
        for name in tag:
            git(where, "tag", name)

    commit(source, "v1.0.0")
    copier_copy(source, made, {"project_name": "my-api"})
    (made / "my_api/ids.py").write_text("MINE = True\n")
    commit(made)
    with (source / "service/{{package_name}}/runtime/errors.py").open("a") as file:
        file.write("NEW = True\n")
    commit(source, "v2.0.0")
    copier = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", str(made)]
    subprocess.run(copier, check=True, timeout=60)
    changed = git(made, "status", "--porcelain").split()
    assert changed == ["M", ".copier-answers.yml", "M", "my_api/runtime/errors.py"]
    assert (made / "my_api/runtime/errors.py").read_text().endswith("NEW = True\n")


def test_credentials_in_a_url_are_not_recorded() -> None:
    url = "https://user:secret@example.org/t.git"
    assert foreign_templates._locate(url) == (url, "https://example.org/t.git")


def edit(template: Path, old: str, new: str) -> None:
    path = template / "copier.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_wants_the_questions_that_the_tool_builds_on(template: Path) -> None:
    edit(template, "bare:", "naked:")
    with pytest.raises(TemplateError, match="does not ask for bare"):
        foreign(template)


def test_runs_no_code_of_a_template(template: Path, tmp_path: Path) -> None:
    edit(template, "project_name:", f"_tasks: ['touch {tmp_path}/ran']\nproject_name:")
    with pytest.raises(TemplateError, match="run code of its own") as caught:
        foreign(template)
    assert "_tasks" in caught.value.hint
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pyproject.toml.jinja", "x\n{% if %}\n", "line 2"),
        ("pyproject.toml.jinja", "{{ 1 / 0 }}", "division"),
        ("pyproject.toml.jinja", b"\xff\xfe", "decode"),
        ("copier.yml", "a: [", "cannot be read"),
        ("copier.yml", "just text", "Cannot render"),
        ("{{ 'x' | nofilter }}.jinja", "x", "nofilter"),
    ],
)
def test_a_broken_template_is_one_line(
    template: Path, name: str, content: str | bytes, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (template / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TemplateError, match=message) as caught:
        foreign(template)
    assert "\n" not in caught.value.message
    assert capfd.readouterr() == ("", "")


def test_a_question_without_a_default_says_how_to_answer_it(template: Path) -> None:
    edit(template, "author:", "team:\n  type: str\nauthor:")
    with pytest.raises(UsageError, match="team") as caught:
        foreign(template)
    assert "--data team=" in caught.value.hint
    assert foreign(template, team="red").answers["team"] == "red"


@pytest.mark.parametrize("given", [{"colour": "red"}, {"database": "mysql"}])
def test_refuses_answers_to_another_template(template: Path, given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        foreign(template, **given)


@pytest.mark.parametrize("name", ["link", "deeper/link", "linked"])
def test_a_link_out_of_a_template_is_not_followed(template: Path, tmp_path: Path, name: str) -> None:
    """Copier refuses it, from the version that is required on."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("mine\n")
    (template / name).parent.mkdir(exist_ok=True)
    (template / name).symlink_to(tmp_path / ("outside" if name == "linked" else "outside/secret"))
    with pytest.raises(TemplateError):
        foreign(template)
    required = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]["dependencies"]
    (bound,) = (line.removeprefix("copier>=") for line in required if line.startswith("copier"))
    assert tuple(map(int, bound.split("."))) >= (9, 14, 1)


@pytest.mark.parametrize("name", ["pipe", "copier.yaml", "service/{{ project_name }}.txt"])
@pytest.mark.parametrize("kind", ["a pipe", "an endless device"])
def test_what_is_no_file_is_refused_before_it_is_read(template: Path, name: str, kind: str) -> None:
    if name == "copier.yaml":
        (template / "copier.yml").unlink()
    path = template / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path) if kind == "a pipe" else path.symlink_to("/dev/zero")
    with alarm(30), pytest.raises(TemplateError, match=r"no file|symbolic link"):
        foreign(template)


def test_a_symbolic_link_is_refused(template: Path) -> None:
    (template / "link").symlink_to("/etc/hosts")
    edit(template, "project_name:", "_preserve_symlinks: true\nproject_name:")
    with pytest.raises(TemplateError, match="symbolic link"):
        foreign(template)


def test_a_secret_answer_is_not_recorded(template: Path) -> None:
    edit(template, "author:", "token:\n  type: str\n  secret: true\n  default: none\nauthor:")
    assert "token" not in foreign(template, token="s3cret").answers


@pytest.mark.parametrize("source", ["/no/such/place", "nothing-here"])
def test_a_template_that_is_not_there(source: str) -> None:
    with pytest.raises(TemplateError, match="no template"):
        foreign(source)


def test_a_repository_that_is_not_there(tmp_path: Path, clean_git: None) -> None:
    with pytest.raises(TemplateError, match="Cannot render the template"):
        foreign(f"git+file://{tmp_path}/missing.git")
