"""Answers that are kept until a tree changes: in the user's cache directory, so nothing is written to the project.

An answer is found again by all that it depends on: the content of every file, the version of the tool and of Python.
To remove the directory is always safe, and where it cannot be written nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from resonate_scaffold import __version__, systems

_KEPT = 30 * 24 * 3600  # seconds since an answer was made


def remembered[T](
    root: Path, purpose: str, files: Mapping[PurePosixPath, bytes], of: type[T], ask: Callable[[], T]
) -> T:
    """What *ask* gives for these files, or gave when they were the same.

    Args:
        root: where the files are: of each root and purpose the last answer is kept.
        files: all that the answer depends on. Their paths are relative to the root.
        of: the type of the answer, which JSON can hold.
    """
    import msgspec
    import platformdirs

    directory = platformdirs.user_cache_path("resonate-scaffold") / "answers"
    path = directory / f"{_digest(f'{purpose} {root}'.encode())}.json"
    key = _key(files)
    with suppress(OSError, msgspec.MsgspecError):
        if systems.is_private(os.lstat(path)):
            head, _, kept = path.read_bytes().partition(b"\n")
            if head == _head(key, kept):
                return msgspec.json.decode(kept, type=of, dec_hook=_decoded)
    answer = ask()
    with suppress(OSError):
        kept = msgspec.json.encode(answer, enc_hook=str)
        _keep(path, _head(key, kept) + b"\n" + kept)
    return answer


def _key(files: Mapping[PurePosixPath, bytes]) -> str:
    """What an answer depends on."""
    digest = hashlib.blake2b(f"{__version__} {sys.version} {_stamp()}".encode(), digest_size=20)
    for path, content in sorted((str(path), content) for path, content in files.items()):
        digest.update(f"{len(path)} {path} {len(content)} ".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _head(key: str, answer: bytes) -> bytes:
    """What stands before an answer: its key, and a digest by which damage is seen."""
    return f"{key} {_digest(answer)}".encode()


def _stamp() -> str:
    """The state of the tool's own code, which may be edited under the same version."""
    texts: list[str] = []
    for directory, _, names in os.walk(Path(__file__).parent):
        for name in names:
            if name.endswith(".py"):
                status = os.stat(os.path.join(directory, name))  # noqa: PTH116, PTH118
                texts.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return _digest("\n".join(sorted(texts)).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=20).hexdigest()


def _decoded(kind: type[Any], value: Any) -> Any:
    return PurePosixPath(value) if kind is PurePosixPath else value


def _keep(path: Path, content: bytes) -> None:
    """Put an answer in the place of the last one, and remove those that nobody has asked about for long."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # private
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        systems.replace(Path(name), path)
    except OSError:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    oldest = time.time() - _KEPT
    for entry in os.scandir(path.parent):
        with suppress(OSError):
            if entry.stat(follow_symlinks=False).st_mtime < oldest:
                os.unlink(entry.path)  # noqa: PTH108
