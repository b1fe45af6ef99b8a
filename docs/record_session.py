"""Records docs/session.svg and the tour in README.md's words: a real session, run in a scratch directory.

    .venv/bin/python docs/record_session.py

Prints the session as text, and writes it as a picture. Everything shown was printed by the commands themselves; only
the scratch directory's path is replaced.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_name("session.svg")
WIDTH = 150


class Session:
    """Commands and what they print, in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lines: list[str] = []
        scripts = Path(sys.executable).parent
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def say(self, line: str) -> None:
        line = line.replace(f"{self.directory}/", "").replace(str(self.directory), ".")
        self.lines.append(line)
        print(line, flush=True)

    def run(self, command: str, cwd: str = ".") -> None:
        """Run a command to its end and record it."""
        self.say(f"\x1b[1;36m$\x1b[0m \x1b[1m{command}\x1b[0m")
        process, output = self.start(shlex.split(command), cwd)
        assert process.wait() == 0, output()
        for line in output():
            self.say(line)

    def start(self, command: list[str], cwd: str) -> tuple[subprocess.Popen[bytes], Callable[[], list[str]]]:
        """Start a command on a terminal of its own, so that it shows what a person sees; what it printed, so far."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
        process = subprocess.Popen(
            command,
            cwd=self.directory / cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        printed = bytearray()

        def read() -> None:
            with suppress(OSError):  # what a terminal says when its last writer has gone
                while chunk := os.read(ours, 65536):
                    printed.extend(chunk)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def output() -> list[str]:
            if process.poll() is not None:
                reader.join(5)
            # A progress display draws over itself: only what it leaves behind is kept.
            lines: list[str] = []
            for line in printed.decode().replace("\r\n", "\n").split("\n"):
                if "\x1b[1A" in line and lines:
                    lines.pop()
                lines.append(line.split("\r")[-1])
            return [line for line in lines if re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip()]

        return process, output


def main() -> None:
    """Make a service, run it, submit a job, approve it, poll it."""
    with tempfile.TemporaryDirectory() as scratch:
        session = Session(Path(scratch))
        session.run("resonate-scaffold new myapi --defaults")
        session.say("")
        session.say("\x1b[1;36m$\x1b[0m \x1b[1mcd myapi && resonate-scaffold dev\x1b[0m")
        dev, printed = session.start(["resonate-scaffold", "dev"], "myapi")
        try:
            deadline = time.monotonic() + 60
            while not all(any(word in line for line in printed()) for word in ("/docs", "group myapi.db")):
                assert dev.poll() is None and time.monotonic() < deadline, printed()
                time.sleep(0.1)
            time.sleep(0.5)
            shown = printed()
            for line in shown:
                session.say(line)
            session.say("")
            body = '{"account_id": "acc-1", "requires_approval": true}'
            post = "curl -s localhost:8000/jobs -H 'Content-Type: application/json' -H 'Idempotency-Key: order-4711'"
            session.run(f"{post} -d '{body}'")
            time.sleep(1)
            session.run(".venv/bin/myapi approve order-4711", "myapi")
            session.run("curl -s localhost:8000/jobs/order-4711 -H 'Prefer: wait=10'")
            time.sleep(0.5)
            session.say("")
            for line in printed()[len(shown) :]:
                session.say(line)
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(15)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in session.lines:
        console.print(Text.from_ansi(line), soft_wrap=False, no_wrap=False)
    picture = console.export_svg(title="resonate-scaffold")
    # The theme's font is fetched from elsewhere by default; a picture of ours stands alone.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.S)
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
