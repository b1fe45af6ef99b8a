"""A git repository of its own, in a temporary directory, into which trees are put as commits.

The repository of the user is not touched, and no hooks or settings of the user take part, so that git gives the same
everywhere.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resonate_scaffold.errors import GitError

_FENCES = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "gc.auto=0",
    "merge.conflictStyle=merge",
    "pack.threads=1",  # More of them make other bytes each time.
)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a service or of a template; ``executable`` are those that can be run."""

    files: Mapping[PurePosixPath, bytes]
    executable: frozenset[PurePosixPath] = frozenset()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit to make: the ref that is to name it, its tree, the ref of its parent, and its message in a line."""

    ref: str
    tree: Tree
    parent: str | None = None
    message: str = ""


class Repository:
    """A bare repository. Every commit in it is of nobody, and of the year 1970: equal trees give equal ids."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, commits: Sequence[Commit]) -> None:
        """Make commits, in their order.

        Raises:
            GitError: git failed.
        """
        self.git("fast-import", "--quiet", stdin=b"".join(_as_stream(commit) for commit in commits))

    def git(self, *arguments: str, stdin: bytes = b"", allowed: Sequence[int] = (0,)) -> bytes:
        """What a command of git prints.

        Args:
            allowed: the exit statuses that are no failure.

        Raises:
            GitError: git is not there, is older than 2.38, or failed.
        """
        fences = [part for setting in _FENCES for part in ("-c", setting)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_DIR": str(self._directory)}
        try:
            done = subprocess.run(["git", *fences, *arguments], input=stdin, capture_output=True, env=env, check=False)
        except OSError as error:
            raise GitError(f"Cannot run git: {error.strerror}", "Install git 2.38 or later.") from error
        if done.returncode not in allowed:
            said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
            raise GitError(f"git {arguments[0]} failed: {said[-1]}", "This needs git 2.38 or later: git --version")
        return done.stdout


@contextmanager
def temporary_repository() -> Iterator[Repository]:
    """An empty repository, which is there until the end of the block.

    Raises:
        GitError: git is not there, or failed.
    """
    with tempfile.TemporaryDirectory(prefix="resonate-scaffold-") as name:
        repository = Repository(Path(name))
        repository.git("init", "--quiet", "--bare", "--initial-branch=main")
        yield repository


def _as_stream(commit: Commit) -> bytes:
    """A commit as `git fast-import` reads it."""
    who = "resonate-scaffold <resonate-scaffold@localhost> 0 +0000"
    message = commit.message.encode()
    head = f"commit {commit.ref}\ncommitter {who}\ndata {len(message)}\n".encode() + message + b"\n"
    parts = [head, f"from {commit.parent}\n".encode() if commit.parent else b"", b"deleteall\n"]
    for path, content in commit.tree.files.items():
        mode = 100755 if path in commit.tree.executable else 100644
        # Quoted as C does it; a path is text, and no part of it is a NUL.
        quoted = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        parts.append(f'M {mode} inline "{quoted}"\ndata {len(content)}\n'.encode() + content + b"\n")
    return b"".join(parts)
