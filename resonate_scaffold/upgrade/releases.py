"""The code of releases, carried along in compact form, by which what they made is made again."""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resonate_scaffold import __version__
from resonate_scaffold.errors import TemplateError, UsageError
from resonate_scaffold.upgrade.replay import Record, Replayed, replay

_CARRIED = Path(__file__).parent.parent / "past"
_SECONDS = 300  # A service of thousands of adds.
_PAST = "Give the release's wheel or checkout: --past PATH."


def archive_of(version: str) -> Path:
    """The archive that carries a release's code."""
    return _CARRIED / f"{version}.tar.xz"


def carried() -> list[str]:
    """The versions whose code this one carries."""
    return sorted(path.name.removesuffix(".tar.xz") for path in _CARRIED.glob("*.tar.xz"))


def replay_with(
    version: str, answers: Mapping[str, Any], records: Sequence[Record], past: Path | None = None
) -> Replayed:
    """Make a service again as a release made it.

    Args:
        past: the release's code, where this version does not carry it: its wheel, or a directory that has the package.

    Raises:
        UsageError: ``past`` is no release's code, or of another version.
        TemplateError: this version does not carry the release, or its code fails.
    """
    if version == __version__ and past is None:
        return replay(answers, records)
    with _code_of(version, past) as code:
        return _run(version, code, {"answers": answers, "records": [asdict(record) for record in records]})


def _run(version: str, code: Path, asked: Mapping[str, Any]) -> Replayed:
    own = _CARRIED / f"replay_{version.replace('.', '_')}.py"  # Of a release that has no such command itself.
    command = [str(own)] if own.is_file() else ["-m", "resonate_scaffold.upgrade.replay"]
    # Nothing of the user's Python settings: they are for today's programs.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [sys.executable, "-P", *command],
            input=json.dumps(asked),
            encoding="utf-8",
            capture_output=True,
            env=environment | {"PYTHONPATH": str(code), "PYTHONUTF8": "1"},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TemplateError(f"The code of version {version} took more than {_SECONDS} s", "Try again.") from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise TemplateError(f"The code of version {version} failed: {last}", _PAST)
    return Replayed.from_json(json.loads(done.stdout))


@contextmanager
def _code_of(version: str, past: Path | None) -> Iterator[Path]:
    """A directory with the package of a release."""
    if past is not None and past.is_dir():
        yield _checked(past, version, past)
        return
    with tempfile.TemporaryDirectory(prefix="resonate-scaffold-") as name:
        directory = Path(name)
        if past is not None:
            _unpack_wheel(past, directory)
            _checked(directory, version, past)
        else:
            archive = archive_of(version)
            if not archive.is_file():
                raise TemplateError(f"This version does not carry version {version}", _PAST)
            with lzma.open(archive) as content, tarfile.open(fileobj=content) as packed:
                packed.extractall(directory, filter="data")
        yield directory


def _unpack_wheel(wheel: Path, directory: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(directory)
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(f"{wheel} is no wheel: {error}", _PAST) from error


def _checked(directory: Path, version: str, given: Path) -> Path:
    """See that a directory has the code of a version."""
    source = directory / "resonate_scaffold" / "__init__.py"
    text = source.read_text("utf-8") if source.is_file() else ""
    if f'__version__ = "{version}"' not in text:
        raise UsageError(f"{given} has not the code of version {version}, which made this service", _PAST)
    return directory
