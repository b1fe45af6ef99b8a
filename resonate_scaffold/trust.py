"""Whose files a command may act on: those of the user who runs it.

A directory above may be another user's, and a repository holds whatever its authors committed. So a service counts
where its directory and manifest belong to the user, as with git's safe.directory, and a journal where it has a seal
that only this user can make: the key lies outside of every project, in the user's state directory.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import sys
from pathlib import Path

from resonate_scaffold import systems
from resonate_scaffold.errors import Untrusted

#: Directories of other users that count all the same: absolute paths as in PATH, or `*` for all.
ALLOWED = "RESONATE_SCAFFOLD_SAFE_DIRECTORIES"

_KEY_SIZE = 32  # bytes


def check_owner(root: Path, *names: str) -> None:
    """See that a service's directory, and the files of these names in it, belong to the user.

    Args:
        root: the service's directory, resolved.
        names: files that may be missing.

    Raises:
        Untrusted: one belongs to somebody else, and the directory is not in `ALLOWED`.
        OSError: it cannot be looked at.
    """
    if _is_allowed(root):
        return
    for path in (root, *(root / name for name in names)):
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        if not systems.is_own(status):
            raise Untrusted(
                f"{path} belongs to another user ({_owner(path)}), whose service could run commands as you",
                f"If you trust it: export {ALLOWED}={root}",
            )


def seal(content: bytes, root: Path) -> str:
    """A code for *content*, in hexadecimal, that nobody without this user's key can make.

    Where no key can be kept (no home directory, a read-only one), it is a code that nobody can check later.

    Args:
        root: the project: a key that lies in it is not used.
    """
    return _code(_key(root) or _make_key(root) or secrets.token_bytes(_KEY_SIZE), content)


def is_sealed(content: bytes, code: str, root: Path) -> bool:
    """Whether `seal` made *code* for *content*, run by this user on this machine."""
    key = _key(root)
    return key is not None and hmac.compare_digest(_code(key, content).encode(), code.encode(errors="replace"))


def _code(key: bytes, content: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _key(root: Path) -> bytes | None:
    """The user's key; None where there is none, or others could know it."""
    path = _key_path()
    if path is None or root in path.parents:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | systems.ITSELF)
        try:
            status = os.fstat(descriptor)
            key = (
                os.read(descriptor, _KEY_SIZE + 1)
                if stat.S_ISREG(status.st_mode) and systems.is_private(status)
                else b""
            )
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return key if len(key) == _KEY_SIZE else None


def _make_key(root: Path) -> bytes | None:
    """Make the user's key; None where it cannot be kept."""
    path = _key_path()
    if path is None or root in path.parents:
        return None
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(_KEY_SIZE))
        finally:
            os.close(descriptor)
        draft.replace(path)
    except OSError:
        return None
    return _key(root)  # another command may have made one meanwhile


def _key_path() -> Path | None:
    from platformdirs import user_state_path

    path = user_state_path("resonate-scaffold", appauthor=False)
    try:
        return path.resolve() / "journal-key" if path.is_absolute() else None
    except (OSError, RuntimeError):  # a loop of links
        return None


def _is_allowed(root: Path) -> bool:
    entries = os.environ.get(ALLOWED, "").split(os.pathsep)
    return "*" in entries or any(Path(entry).is_absolute() and Path(entry).resolve() == root for entry in entries)


def _owner(path: Path) -> str:
    try:
        return path.owner(follow_symlinks=False) if sys.version_info >= (3, 13) else path.owner()
    except (KeyError, OSError, NotImplementedError):
        return f"user id {os.lstat(path).st_uid}"
