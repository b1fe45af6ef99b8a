"""The first commit of a new service.

Every call is fenced off from what could change or stop it: the user's hooks, signing, global ignores, and
the variables by which an outer git (a hook, a rebase) points its children at its own repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

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
        text=True,
        errors="replace",
        check=False,
    )
    return result.stdout.strip()


def _git(directory: Path, *arguments: str) -> str:
    fences = [part for setting in _FENCES for part in ("-c", setting)]
    try:
        result = subprocess.run(
            ["git", "-C", str(directory), *fences, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise GitError(f"Cannot run git: {error.strerror}", "Repair git, or go without it: --no-git") from error
    if result.returncode:
        said = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
        raise GitError(f"git failed: {said[-1]}", "Repair git, or go without it: --no-git")
    return result.stdout.rstrip("\n")
