"""The user's repository: the first commit of a new service, and what an upgrade asks and marks.

Every call is fenced off from what could change or stop it: the user's hooks, signing, global ignores, and
the variables by which an outer git (a hook, a rebase) points its children at its own repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from resonate_scaffold.errors import GitError, TargetExists, TemplateError

TOOL = "resonate-scaffold"

# The repository-local variables, as `git rev-parse --local-env-vars` lists them, and the namespace.
_LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)

_FENCES = (
    "core.hooksPath=/dev/null",
    "core.excludesFile=/dev/null",
    "core.safecrlf=false",
    "commit.gpgsign=false",
)


def available() -> bool:
    """Whether there is a git to call."""
    return shutil.which("git") is not None


def enclosing_repository(directory: Path) -> Path | None:
    """The root of the repository that *directory* (it need not exist) would be in."""
    return next((path for path in (directory, *directory.parents) if (path / ".git").exists()), None)


def leave_outer_repository(*, may_ask: bool) -> None:
    """Take an outer git's variables out of this process's environment, and so out of that of all its
    children.

    Args:
        may_ask: whether git may ask for credentials on the terminal; without one it would wait for ever.
    """
    for variable in _LOCAL_VARIABLES:
        os.environ.pop(variable, None)
    if not may_ask:
        os.environ["GIT_TERMINAL_PROMPT"] = "0"


def user_name() -> str:
    """The name that git is configured with, or nothing."""
    return _configured(Path.cwd(), "user.name") if available() else ""


def commit_new(tree: Path, message: str, *, fallback_author: str, private: Sequence[str]) -> str:
    """Make a repository of *tree* with one commit on ``main``, and return the commit's id.

    Args:
        tree: a directory that is no repository yet.
        message: the commit's message.
        fallback_author: who commits if git does not know its user.
        private: paths that must not be committed.

    Raises:
        TemplateError: a private path is not ignored.
        GitError: git failed.
    """
    _git(tree, "init", "--quiet")
    _git(tree, "symbolic-ref", "HEAD", "refs/heads/main")
    return commit_all(tree, message, fallback_author=fallback_author, private=private)


def check_clone(directory: Path) -> None:
    """See that the repository in *directory* has no files, in its last commit or its index: they would be deleted.

    Raises:
        TargetExists: it has some.
        GitError: it is no repository, or git failed.
    """
    if not Path(_git(directory, "rev-parse", "--show-toplevel")).samefile(directory):
        raise GitError(f"{directory / '.git'} is no repository", "Remove it, or choose another place.")
    unborn = subprocess.run(
        ["git", "-C", str(directory), "rev-parse", "--quiet", "--verify", "HEAD"], capture_output=True, check=False
    ).returncode
    if _git(directory, "ls-files") or (not unborn and _git(directory, "ls-tree", "HEAD")):
        raise TargetExists(
            f"the repository in {directory} has files that are not there", "Check them out, and choose another place."
        )


def tracks(directory: Path, path: str) -> bool:
    """Whether a file at or below *path* is in the index of the repository around *directory*.

    Without git, or outside of a repository, no. Nothing that the repository configures is run, not even to fetch what a
    partial clone lacks.
    """
    if not available():
        return False
    env = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    fences = [part for setting in (*_FENCES, "core.fsmonitor=false") for part in ("-c", setting)]
    listed = subprocess.run(
        ["git", "-C", str(directory), *fences, "ls-files", "--cached", "-z", "--", f":(literal,icase){path}"],
        env=env | {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        check=False,
    )
    return bool(listed.stdout)


def branch(directory: Path) -> str:
    """The branch that is checked out in a repository with a commit; `HEAD` where none is."""
    return _git(directory, "rev-parse", "--abbrev-ref", "HEAD")


def commit_all(tree: Path, message: str, *, fallback_author: str, private: Sequence[str]) -> str:
    """Commit everything in *tree*, a repository; arguments, result and errors are those of :func:`commit_new`."""
    _git(tree, "add", "--all")
    if leaked := _git(tree, "ls-files", "--cached", "--", *private):
        _git(tree, "rm", "-r", "--cached", "--quiet", ".")
        raise TemplateError(
            f"{leaked.splitlines()[0]} holds secrets and would be committed",
            "Add it to the template's .gitignore.",
        )
    _git(tree, *_identity(tree, fallback_author), "commit", "--quiet", "--message", message)
    return _git(tree, "rev-parse", "HEAD")


def head(directory: Path) -> str | None:
    """The id of the commit that is checked out in the repository around *directory*; None where there is none."""
    try:
        return _git(directory, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    except GitError:
        return None


def uncommitted(directory: Path) -> list[str]:
    """The paths in *directory* that are not as the last commit has them, untracked ones included."""
    listed = _git(directory, "status", "--porcelain", "-z", "--no-renames", "--", ".")
    return [line[3:] for line in listed.split("\0") if line]


def tracked_files(directory: Path) -> dict[PurePosixPath, bool]:
    """The plain files in *directory* that git tracks, by path below it; whether each can be executed."""
    found = {}
    for line in _git(directory, "ls-files", "--stage", "-z").split("\0"):
        about, _, path = line.partition("\t")
        if about.startswith("100"):
            found[PurePosixPath(path)] = about.startswith("100755")
    return found


def own_file(directory: Path, name: str) -> Path:
    """The path of a file of this tool in the repository's own directory, which no commit has."""
    return directory / _git(directory, "rev-parse", "--git-path", name)


def contents_at(directory: Path, commit: str, paths: Sequence[PurePosixPath]) -> dict[PurePosixPath, bytes]:
    """What a commit has at paths below *directory*, of those that it has."""
    asked = "".join(f"{commit}:./{path}\n" for path in paths if "\n" not in str(path)).encode()
    answer = _git_bytes(directory, "cat-file", "--batch", stdin=asked)
    found = {}
    position = 0
    for path in paths:
        end = answer.index(b"\n", position)
        about = answer[position:end]
        position = end + 1
        if not about.endswith(b" missing"):
            size = int(about.rpartition(b" ")[2])
            found[path] = answer[position : position + size]
            position += size + 1
    return found


def mark_conflicts(directory: Path, sides: Mapping[PurePosixPath, Sequence[bytes | None]]) -> None:
    """Tell the index of files in conflict, so that `git status` and `git mergetool` know them.

    *sides*: by path below *directory*, the contents in the base, in the user's tree, and in the new one.
    """
    prefix = _git(directory, "rev-parse", "--show-prefix")
    lines = []
    for path, contents in sides.items():
        lines.append(f"0 {'0' * 40}\t{prefix}{path}\0")
        for stage, content in enumerate(contents, start=1):
            if content is not None:
                blob = _git_bytes(directory, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
                lines.append(f"100644 {blob} {stage}\t{prefix}{path}\0")
    top = Path(_git(directory, "rev-parse", "--show-toplevel"))
    _git_bytes(top, "update-index", "-z", "--index-info", stdin="".join(lines).encode())


def unmerged(directory: Path) -> list[PurePosixPath]:
    """The files in *directory* that the index has as being in conflict."""
    listed = _git(directory, "ls-files", "--unmerged", "-z").split("\0")
    return [PurePosixPath(path) for path in dict.fromkeys(line.partition("\t")[2] for line in listed if line)]


def forget_conflicts(directory: Path, paths: Sequence[PurePosixPath]) -> None:
    """Set the index to the last commit, at paths below *directory*."""
    if paths:
        names = "\0".join(f":(literal){path}" for path in paths).encode()
        options = ("--quiet", "--pathspec-from-file=-", "--pathspec-file-nul")
        _git_bytes(directory, "reset", *options, "HEAD", stdin=names)


def commit_on_branch(
    directory: Path, name: str, files: Mapping[PurePosixPath, tuple[bytes, bool] | None], message: str
) -> str:
    """Make a branch whose one commit more than the last has other files; the working tree and the index stay.

    *files*: content and whether it can be executed, by path below *directory*; None for a file that goes.

    Raises:
        GitError: there is such a branch, or git failed.
    """
    prefix = _git(directory, "rev-parse", "--show-prefix")
    top = Path(_git(directory, "rev-parse", "--show-toplevel"))
    lines = []
    for path, new in files.items():
        if new is None:
            lines.append(f"0 {'0' * 40}\t{prefix}{path}\0")
        else:
            blob = _git_bytes(directory, "hash-object", "-w", "--stdin", stdin=new[0]).decode().strip()
            lines.append(f"{'100755' if new[1] else '100644'} {blob}\t{prefix}{path}\0")
    with tempfile.TemporaryDirectory() as temporary:
        index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        _git_bytes(top, "read-tree", "HEAD", environment=index)
        _git_bytes(top, "update-index", "-z", "--index-info", stdin="".join(lines).encode(), environment=index)
        tree = _git_bytes(top, "write-tree", environment=index).decode().strip()
    commit = _git(top, *_identity(top, TOOL), "commit-tree", tree, "-p", "HEAD", "-m", message)
    _git(top, "branch", name, commit)
    return commit


def _identity(directory: Path, fallback: str) -> list[str]:
    """Options that say who commits, as far as git does not know: a commit must not fail for that."""
    name = fallback if re.search(r"\w", fallback) else TOOL
    known = {"user.name": name, "user.email": f"{TOOL}@localhost"}
    return [
        part for key, value in known.items() if not _configured(directory, key) for part in ("-c", f"{key}={value}")
    ]


def _configured(directory: Path, key: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(directory), "config", "--get", key],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return result.stdout.strip()


def _git(directory: Path, *arguments: str) -> str:
    return _git_bytes(directory, *arguments).decode(errors="replace").rstrip("\n")


def _git_bytes(
    directory: Path, *arguments: str, stdin: bytes | None = None, environment: Mapping[str, str] | None = None
) -> bytes:
    fences = [part for setting in _FENCES for part in ("-c", setting)]
    hint = "Repair git, or go without it: --no-git"
    try:
        result = subprocess.run(
            ["git", "-C", str(directory), *fences, *arguments],
            input=stdin,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError(f"Cannot run git: {error.strerror}", hint) from error
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {result.returncode}"]
        raise GitError(f"git failed: {said[-1]}", hint)
    return result.stdout
