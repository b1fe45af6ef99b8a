"""The shipped template, the only module that knows Jinja: from answers to files, in memory.

It is a plain Copier template, but Copier takes most of a second to import. So it is rendered here, by the same rules,
with Jinja alone; a test holds that ``copier copy`` makes the same bytes. Any other template goes through Copier itself:
see `foreign_templates`.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import runpy
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

import resonate_scaffold
from resonate_scaffold.errors import TemplateError, UsageError

if TYPE_CHECKING:
    import jinja2

Answer = str | bool | int | float | None

# The answers that the tool itself builds on: a template that does not ask for them is another kind of
# template.
REQUIRED_QUESTIONS = ("project_name", "package_name", "database", "bare")

ANSWERS_FILE = ".copier-answers.yml"
BUNDLE = "~/.local/share/resonate-scaffold/template.bundle"
"""Where services say that the shipped template is: `resonate-scaffold template` writes it. Copier knows what ~ is."""

_SUFFIX = ".jinja"  # Copier's default
_JUNK = frozenset({"__pycache__", ".git", ".DS_Store", ".svn", ".ruff_cache", ".mypy_cache"})  # as in copier.yml
_TRUE, _FALSE = {"y", "yes", "t", "true", "on", "1"}, {"n", "no", "f", "false", "off", "0"}


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the shipped template. ``asked`` is False for an answer that follows from the others."""

    name: str
    type: str
    default: Any
    choices: tuple[str, ...]
    help: str
    validator: str
    asked: bool


@dataclass(frozen=True, slots=True)
class RenderedFile:
    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a template made of the answers.

    ``files`` is keyed by path relative to the project. ``origin`` names the template for the manifest, never
    by a path of this machine.
    """

    files: Mapping[PurePosixPath, RenderedFile]
    answers: Mapping[str, Any]
    origin: Mapping[str, str]
    notes: tuple[str, ...] = ()


def find_cron_problem(expression: str) -> tuple[str, str] | None:
    """What keeps a cron expression from meaning the same on every engine, and what to write instead; or None.

    The judge is the shipped runtime's own module, which asks again when a service starts.
    """
    path = builtin_directory() / "service" / "{{package_name}}" / "runtime" / "durable" / "cron.py"
    judge = runpy.run_path(str(path))["find_problem"]
    found: tuple[str, str] | None = judge(expression)
    return found


def builtin_directory() -> Path:
    """The shipped template: inside the package in a wheel, beside it in a checkout."""
    package = Path(resonate_scaffold.__file__).parent
    shipped = package / "templates_data"
    return (shipped if shipped.is_dir() else package.parent / "templates") / "project"


def builtin_files() -> dict[PurePosixPath, RenderedFile]:
    """The files of the shipped template as they are, by their paths in it, in a fixed order."""
    root = builtin_directory()
    return {PurePosixPath(path.relative_to(root).as_posix()): read_plain(path, root) for path in walk(root)}


def builtin_questions() -> tuple[Question, ...]:
    """The questions of the shipped template, in the order in which its ``copier.yml`` has them."""
    return tuple(
        Question(
            name=name,
            type=details.get("type", "str"),
            default=details.get("default"),
            choices=tuple(details.get("choices", ())),
            help=details.get("help", name),
            validator=details.get("validator", ""),
            asked=details.get("when", True) is not False,
        )
        for name, details in _builtin_config().items()
        if not name.startswith("_")
    )


def complete_answers(given: Mapping[str, str | bool]) -> dict[str, Answer]:
    """Check answers to the shipped template's questions, and add the defaults of those that are not given.

    Raises:
        UsageError: an answer to no question, of the wrong type, not among the choices, or refused by a
            validator.
    """
    questions = {question.name: question for question in builtin_questions()}
    check_known(given, questions)
    environment = _environment()
    answers: dict[str, Answer] = {}
    for name, question in questions.items():
        if name in given:
            answers[name] = _cast(question, given[name])
            objection = environment.from_string(question.validator).render(answers).strip()
            if objection:
                raise UsageError(f"{name} cannot be {given[name]!r}", f"{objection}.")
        elif isinstance(question.default, str) and "{" in question.default:
            answers[name] = environment.from_string(question.default).render(answers)
        elif question.default is None:
            raise UsageError(f"{name} has no default", f"Give it: --data {name}=VALUE")
        else:
            answers[name] = question.default
    return answers


def render_builtin(answers: Mapping[str, Answer]) -> Rendering:
    """Render the shipped template.

    Args:
        answers: one for every question, as :func:`complete_answers` returns them.

    Raises:
        TemplateError: the template cannot be read or rendered.
    """
    import jinja2

    config = _builtin_config()
    source = PurePosixPath(config.get("_subdirectory", ""))
    version = resonate_scaffold.__version__
    hidden = {question.name for question in builtin_questions() if not question.asked}
    remembered = {name: value for name, value in answers.items() if name not in hidden}
    context = {
        **answers,
        "_copier_answers": {"_src_path": BUNDLE, "_commit": version, **remembered},
        "_copier_conf": {"answers_file": config.get("_answers_file", ANSWERS_FILE)},
    }
    environment = _environment()
    excluded = _exclusion(environment, config.get("_exclude", ()), context)

    @functools.cache  # most files share most of their path
    def part(text: str) -> str:
        return environment.from_string(text).render(context) if "{" in text else text

    files: dict[PurePosixPath, RenderedFile] = {}
    digest = hashlib.sha256()
    try:
        for relative, file in builtin_files().items():
            feed(digest, relative, file.content)
            if not relative.is_relative_to(source):
                continue
            target = _target_path(part, relative.relative_to(source))
            if target is None or excluded(target):
                continue
            if relative.name.endswith(_SUFFIX):
                text = environment.from_string(file.content.decode()).render(context)
                file = RenderedFile(text.encode(), file.executable)
            files[target] = file
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{relative}:{line}" if line else f"{relative}"
        raise TemplateError(f"{where}: {error}", "The installation is damaged: install it again.") from error
    except OSError as error:
        raise TemplateError(
            f"Cannot read the shipped template: {error.strerror or error}",
            "The installation is damaged: install it again.",
        ) from error
    origin = {"name": "builtin", "version": version, "digest": digest.hexdigest()}
    return Rendering(files, dict(answers), origin)


def render_add(name: str, context: Mapping[str, object]) -> str:
    """Render a template of ``templates/add``: ``workflow/function.py``.

    Raises:
        TemplateError: it cannot be read or rendered.
    """
    return _render(f"add/{name}", context)


def render_export(name: str, context: Mapping[str, object]) -> str:
    """Render a template of ``templates/export``: ``worker.ts``.

    Raises:
        TemplateError: it cannot be read or rendered.
    """
    return _render(f"export/{name}", context)


def _render(name: str, context: Mapping[str, object]) -> str:
    import jinja2

    path = builtin_directory().parent / f"{name}{_SUFFIX}"
    try:
        return _compiled(path.read_text(encoding="utf-8")).render(context)
    except (OSError, jinja2.TemplateError) as error:
        raise TemplateError(f"{name}: {error}", "The installation is damaged: install it again.") from error


@functools.cache  # an upgrade renders some of them hundreds of times
def _compiled(text: str) -> jinja2.Template:
    return _environment().from_string(text)


def _builtin_config() -> dict[str, Any]:
    return _read_config(builtin_directory() / "copier.yml")


@functools.cache
def _read_config(path: Path) -> dict[str, Any]:
    import yaml

    try:
        config: dict[str, Any] = yaml.load(path.read_bytes(), Loader=_yaml_loader())
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(
            f"Cannot read the shipped template: {error}", "The installation is damaged: install it again."
        ) from error
    return config


def _yaml_loader() -> Any:
    """The safe loader, in C where PyYAML was built with it."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _environment() -> jinja2.Environment:
    """Jinja with what Copier sets by default, and those of its filters that the shipped template uses."""
    import jinja2

    # It renders source code and never HTML, so nothing is escaped.
    environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False)
    environment.filters["to_nice_yaml"] = _to_nice_yaml
    environment.filters["regex_search"] = _regex_search
    return environment


def _regex_search(value: str, pattern: str) -> str | None:
    match = re.search(pattern, value)
    return match.group() if match else None


def _to_nice_yaml(value: Any) -> str:
    import yaml

    return yaml.dump(value, indent=4, allow_unicode=True, default_flow_style=False)


def _target_path(render: Callable[[str], str], path: PurePosixPath) -> PurePosixPath | None:
    """Where a template file lands: every part is a template, and an empty one leaves the file out."""
    parts = [render(part) for part in (*path.parts[:-1], path.name.removesuffix(_SUFFIX))]
    return PurePosixPath(*parts) if all(parts) else None


def _exclusion(
    environment: jinja2.Environment, patterns: Iterable[str], context: Mapping[str, Any]
) -> Callable[[PurePosixPath], bool]:
    """The template's ``_exclude``: the part of gitignore's rules that the shipped template uses.

    A pattern with a slash is a path in the service, one without matches a file or directory at any depth.
    """
    rendered = [environment.from_string(pattern).render(context) if "{" in pattern else pattern for pattern in patterns]
    paths = [pattern for pattern in rendered if "/" in pattern]
    names = [pattern for pattern in rendered if pattern and "/" not in pattern]

    def excluded(path: PurePosixPath) -> bool:
        candidates = [str(path), *(str(parent) for parent in path.parents)]
        return any(fnmatchcase(candidate, pattern) for candidate in candidates for pattern in paths) or any(
            fnmatchcase(part, pattern) for part in path.parts for pattern in names
        )

    return excluded


def walk(root: Path, junk: frozenset[str] = _JUNK) -> Iterator[Path]:
    """Every file and symbolic link below *root*, in a fixed order, but for *junk*."""
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in junk)
        links = [name for name in names if Path(directory, name).is_symlink()]
        yield from (Path(directory, name) for name in sorted([*files, *links]) if name not in junk)


def feed(digest: hashlib._Hash, path: PurePath, content: bytes) -> None:
    """Add a file to the digest of a template."""
    # The lengths keep apart trees whose concatenated paths and contents are equal.
    name = path.as_posix().encode()
    digest.update(b"%d %d " % (len(name), len(content)) + name + content)


def read_plain(path: Path, root: Path) -> RenderedFile:
    """A file of a template below *root*, which may be no symbolic link."""
    if path.is_symlink():
        raise TemplateError(
            f"The template makes a symbolic link: {path.relative_to(root).as_posix()}",
            "Services hold plain files only: make it a file.",
        )
    return RenderedFile(path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))


def check_known(given: Mapping[str, object], questions: Mapping[str, object]) -> None:
    """See that every answer is one to a question of the template."""
    for name in given:
        if name not in questions:
            raise UsageError(f"{name} is not a question of the template", f"It asks for: {', '.join(questions)}")


def _cast(question: Question, value: str | bool) -> Answer:
    """Turn an answer given as text into the question's type."""
    if question.choices and value not in question.choices:
        raise UsageError(f"{question.name} cannot be {value!r}", f"It is one of: {', '.join(question.choices)}")
    if question.type == "bool" and isinstance(value, str):
        if value.lower() not in _TRUE | _FALSE:
            raise UsageError(f"{question.name} cannot be {value!r}", "It is true or false.")
        return value.lower() in _TRUE
    if isinstance(value, str) and any(character in value for character in "\r\n\0"):
        raise UsageError(f"{question.name} must be one line", "Leave the line ends out.")
    return value
