"""The generated image, built and run as its compose.yaml says.

    python -m tests.image [--database postgres|sqlite] [--make-bases]

Makes the example service, builds its Dockerfile, and starts what compose.yaml has: databases, an engine, `migrate`,
`api`, `worker` and `db`, each with the user, file system, capabilities, limits and time-outs that are written there.
Drives jobs through them over HTTP; replaces each while jobs run; kills one; stops all. What it prints is a transcript.

The engine is the Resonate server: its image, or one that is made with the binary that RESONATE_SERVER names. Where
RESONATE_PG_SQL alone is set it is the Postgres of the engine with that file (resonate-pg).

The exit status is 0 where all is as it should be, 1 where it is not, and 0 with the line "not run: …" where there is no
container engine, or an image is missing.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests.conftest import PROGRAM
from tests.image.bases import CannotMake
from tests.image.engine import ContainerError, find_engine
from tests.image.session import Session
from tests.image.stack import Failed

NAME = "shop"


def main() -> int:
    """Run the session; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.image", description="The generated image, really run.")
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres", help="answer of `new`")
    parser.add_argument("--make-bases", action="store_true", help="make missing images without trying to pull them")
    asked = parser.parse_args()
    engine = find_engine()
    if engine is None:
        print("not run: neither docker nor podman answers `info` here")
        return 0
    signal.signal(signal.SIGTERM, _leave)  # or containers would be left
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        made = ("--database", asked.database, "--defaults", "--no-install", "--no-git")
        subprocess.run([PROGRAM, "new", NAME, "--into", scratch, *made], check=True, capture_output=True)
        try:
            Session(engine, Path(scratch, NAME), make_bases=asked.make_bases).run()
        except CannotMake as missing:
            print(f"not run: {missing}")
        except (Failed, ContainerError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
