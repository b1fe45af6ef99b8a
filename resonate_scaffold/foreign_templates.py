"""Templates of somebody else, rendered by Copier: the only module that knows it.

They may be in git or in a directory, and anything may be wrong with them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import stat
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from resonate_scaffold.errors import ScaffoldError, TemplateError, UsageError
from resonate_scaffold.templates import (
    ANSWERS_FILE,
    REQUIRED_QUESTIONS,
    RenderedFile,
    Rendering,
    builtin_directory,
    check_known,
    feed,
    read_plain,
    walk,
)

_DIRECTORY = "directory"  # what a manifest calls a template that is no URL

# In a service whose template is in no git: what Copier is shown in its place, and says in a line that it cannot use.
_NO_TEMPLATE = PurePosixPath(".copier/copier.yml")


def render_foreign(source: str, data: Mapping[str, str | bool], *, ask: bool) -> Rendering:
    """Render another template through Copier, in a temporary directory.

    Args:
        source: a directory, or a git URL as Copier understands it.
        data: answers; ``project_name`` must be among them.
        ask: let Copier ask, on the terminal, what *data* does not answer; otherwise its defaults hold.

    Raises:
        TemplateError: not a template, or not one for services, or it wants to run code, or it fails.
        UsageError: *data* answers no question of the template, or is refused by one.
    """
    url, display = _locate(source)
    with tempfile.TemporaryDirectory(prefix="resonate-scaffold-") as scratch:
        # Templates may use the directory's name, so it has the one that the service will have.
        target = Path(scratch, str(data["project_name"]))
        answers_file = Path(ANSWERS_FILE)
        with _copier_errors(display), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            from copier import Worker  # most of a second

            with Worker(src_path=url, dst_path=target, data=dict(data), defaults=not ask, quiet=True) as worker:
                _check_files(worker.template.local_abspath)
                questions = worker.template.questions_data
                missing = [name for name in REQUIRED_QUESTIONS if name not in questions]
                if missing:
                    raise TemplateError(
                        f"{display} does not ask for {', '.join(missing)}: it is not a template for services",
                        "Start from the shipped one, and keep its questions.",
                    )
                check_known(data, questions)
                worker.run_copy()
                answers = {name: worker.answers.combined.get(name) for name in questions}
                for secret in worker.template.secret_questions:
                    answers.pop(secret, None)
                answers_file = worker.answers_relpath
                digest = _tree_digest(worker.template.local_abspath)
                commit = worker.template.commit_hash
        files = {
            PurePosixPath(path.relative_to(target).as_posix()): read_plain(path, target)
            for path in walk(target, junk=frozenset())
        }
    origin = {"name": display, "digest": digest}
    if commit is not None:
        origin["version"] = commit
    recorded = PurePosixPath(answers_file.as_posix())
    if recorded in files:
        files[recorded] = RenderedFile(_without_machine_path(files[recorded].content, display))
        if display == _DIRECTORY:
            stand_in = builtin_directory().parent / "no_template" / _NO_TEMPLATE.name
            files.setdefault(_NO_TEMPLATE, RenderedFile(stand_in.read_bytes()))
    notes = tuple(
        f"Template: {warning.message}" for warning in caught if not issubclass(warning.category, DeprecationWarning)
    )
    return Rendering(files, answers, origin, notes)


def _check_files(root: Path) -> None:
    """See that a template has plain files and directories only, and that its links lead to some of them.

    A pipe would be waited for, a device read without end, and what is elsewhere is none of a template's.

    Raises:
        TemplateError: there is something else.
    """
    top = root.resolve()
    for path in walk(root):
        try:
            there = path.resolve()
            mode = there.lstat().st_mode
        except FileNotFoundError:
            continue  # a link to nothing: Copier says so
        name = path.relative_to(root).as_posix()
        if not there.is_relative_to(top):
            raise TemplateError(f"The template has a symbolic link out of it: {name}", "Make it a file.")
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise TemplateError(f"The template has something that is no file: {name}", "Take it out.")


def _tree_digest(root: Path) -> str:
    """SHA-256 over the paths and contents of a template, the same on every platform."""
    digest = hashlib.sha256()
    for path in walk(root):
        feed(digest, path.relative_to(root), path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def _locate(source: str) -> tuple[str, str]:
    """Split a ``--template`` into what Copier is given and what the manifest says."""
    if source.startswith("git+file://"):
        return source, _DIRECTORY
    if re.match(r"(git\+|https?://|ssh://|git://|git@|gh:|gl:)", source):
        # Credentials in a URL work for this run and are recorded nowhere.
        return source, re.sub(r"(?<=//)[^/@]*@", "", source)
    try:
        path = Path(source.removeprefix("file://")).expanduser()
        found = path.is_dir()
    except RuntimeError:  # ~somebody, whom this system does not know
        found = False
    if not found:
        raise TemplateError(f"There is no template at {source}", "Give a directory, or a git URL.")
    return str(path.resolve()), _DIRECTORY


def _without_machine_path(content: bytes, display: str) -> bytes:
    """Replace Copier's record of where the template was; a long value goes on over indented lines.

    A directory of this machine is nothing to update from, and its commit is none of a template in git.
    """
    text = content.decode()
    shown = str(_NO_TEMPLATE.parent) if display == _DIRECTORY else display
    text = re.sub(r"(?m)^_src_path:.*\n(?:[ \t]+.*\n)*", lambda _: f"_src_path: {shown}\n", text)
    if display == _DIRECTORY:
        text = re.sub(r"(?m)^_commit:.*\n(?:[ \t]+.*\n)*", "", text)
    return text.encode()


@contextlib.contextmanager
def _copier_errors(display: str) -> Iterator[None]:
    """Turn whatever a foreign template makes Copier raise into one line; a template can raise anything."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            yield
    except (KeyboardInterrupt, ScaffoldError):
        raise
    except Exception as error:
        raise _translated(error, display) from error


def _translated(error: Exception, display: str) -> ScaffoldError:
    from copier.errors import ConfigFileError, UnsafeTemplateError

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1].removeprefix("| ") if lines else type(error).__name__
    if isinstance(error, UnsafeTemplateError):
        return TemplateError(
            f"{display} wants to run code of its own ({said})",
            "Take _tasks, _migrations and _jinja_extensions out of its copier.yml.",
        )
    if isinstance(error, ConfigFileError):
        return TemplateError(f"{display} has a copier.yml that cannot be read: {said}", "Correct its YAML.")
    if match := re.search(r'Question "(\w+)" is required', str(error)):
        return UsageError(f"The template asks for {match[1]}", f"Give it: --data {match[1]}=VALUE")
    if re.match(r"(Validation error|Invalid choice) for", lines[0] if lines else ""):
        return UsageError(lines[0], "Correct that answer.")
    line = getattr(error, "lineno", None)
    where = f" ({getattr(error, 'name', None) or 'template'}, line {line})" if line else ""
    return TemplateError(f"Cannot render the template {display}: {said}{where}", "Correct the template.")
