"""Pack the code of a release as later ones carry it: `python -m tests.past.pack_release COMMIT VERSION`.

What makes services is kept, and not what checks, draws or runs them. The bytes depend on nothing but the commit.
"""

from __future__ import annotations

import io
import lzma
import subprocess
import sys
import tarfile
from pathlib import Path

from resonate_scaffold.upgrade.releases import archive_of

NOT_KEPT = ("check", "graph", "devserver", "dev", "export", "past")


def pack(commit: str, version: str) -> Path:
    """Write the archive of a release; returns its path."""
    command = ["git", "archive", "--format=tar", commit, "resonate_scaffold", "templates"]
    whole = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(whole)) as source, tarfile.open(fileobj=packed, mode="w") as target:
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            parts = Path(member.name).parts
            if not member.isfile() or (parts[0] == "resonate_scaffold" and parts[1] in NOT_KEPT):
                continue
            kept = tarfile.TarInfo(member.name)
            kept.size, kept.mode = member.size, 0o755 if member.mode & 0o100 else 0o644
            target.addfile(kept, source.extractfile(member))
    path = archive_of(version)
    path.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    return path


if __name__ == "__main__":
    made = pack(*sys.argv[1:])
    print(f"{made.name}: {made.stat().st_size} bytes")
