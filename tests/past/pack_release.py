"""Pack the code of a release as later ones carry it: `python -m tests.past.pack_release COMMIT VERSION`.

What makes services is kept, and not what checks, draws or runs them. Its embedded engine is packed for itself, beside the
services that tests run on it. The bytes depend on nothing but the commit.
"""

from __future__ import annotations

import io
import lzma
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from resonate_scaffold.upgrade.releases import archive_of

NOT_KEPT = ("check", "graph", "devserver", "dev", "past", "commands", "mcp_server.py")


def archives_of(version: str) -> tuple[Path, Path]:
    """Where a release is kept: what makes services, and its embedded engine."""
    return archive_of(version), Path(__file__).parent / version / "engine.tar.xz"


def pack(commit: str, version: str) -> list[Path]:
    """Write the archives of a release; returns their paths."""

    def makes_services(parts: tuple[str, ...]) -> bool:
        return parts[0] != "resonate_scaffold" or parts[1] not in NOT_KEPT

    def is_engine(parts: tuple[str, ...]) -> bool:
        return parts[:2] == ("resonate_scaffold", "devserver")

    command = ["git", "archive", "--format=tar", commit, "resonate_scaffold", "templates"]
    whole = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    paths = archives_of(version)
    for path, is_kept in zip(paths, (makes_services, is_engine), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(lzma.compress(_packed(whole, is_kept), preset=9 | lzma.PRESET_EXTREME))
    return list(paths)


def _packed(whole: bytes, is_kept: Callable[[tuple[str, ...]], bool]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(whole)) as source, tarfile.open(fileobj=packed, mode="w") as target:
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            if not member.isfile() or not is_kept(Path(member.name).parts):
                continue
            kept = tarfile.TarInfo(member.name)
            kept.size, kept.mode = member.size, 0o755 if member.mode & 0o100 else 0o644
            target.addfile(kept, source.extractfile(member))
    return packed.getvalue()


if __name__ == "__main__":
    for made in pack(*sys.argv[1:]):
        print(f"{made}: {made.stat().st_size} bytes")
