"""Records docs/console.png: the console beside a real service, a run that waits at its gate.

    .venv/bin/python -m docs.record_console

The service is made and installed by the real command, and runs as its processes do; the picture is Chromium's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.browser import Browser
from tests.topology import Topology, free_port

PICTURE = Path(__file__).with_name("console.png")
SIZE = (1100, 760)
JOB = "order-4711"
WAITED = 4.0  # seconds, so that the timeline has something to show


def main() -> None:
    """Run it, and take the picture."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        new = ["new", "myapi", "--defaults", "--no-git", "--into", directory]
        subprocess.run([sys.executable, "-m", "resonate_scaffold", *new], check=True, stdout=subprocess.DEVNULL)
        with Topology(scratch / "myapi", scratch, "myapi") as topology:
            migrated = topology.run("migrate", "--seed")
            assert migrated.returncode == 0, migrated.stderr
            topology.start_engine()
            topology.start("worker", "worker")
            topology.start("db", "db")
            take(topology, topology.start_api(), scratch)
    print(f"docs/{PICTURE.name}: {PICTURE.stat().st_size // 1024} KiB")


def take(topology: Topology, api: str, scratch: Path) -> None:
    """Take the picture of a job that waits for its approval, with what its first call was given opened."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    topology.start("console", "console", CONSOLE_PORT=str(port))
    topology.until(lambda: httpx.get(url).status_code == 200, "the console answers")
    body = {"account_id": "acc-1", "requires_approval": True}
    httpx.post(f"{api}/jobs", json=body, headers={"Idempotency-Key": JOB}).raise_for_status()
    topology.until_waiting(JOB)
    time.sleep(WAITED)
    with Browser(scratch / "browser") as browser:
        browser.resize(*SIZE, scale=1.5)
        browser.open(f"{url}/#/run/job%2F{JOB}")
        browser.until("!!document.querySelector('form.answer') && !document.querySelector('#gate-count').hidden")
        browser.click(".tree ol .call")
        browser.until("document.querySelectorAll('.json').length === 2")
        browser.evaluate("document.activeElement.blur()")
        PICTURE.write_bytes(browser.picture())


if __name__ == "__main__":
    main()
