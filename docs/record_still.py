"""Records docs/stands-still.md: finding out why a job stands still, on each engine.

    .venv/bin/python -m docs.record_still

A service of its own is made in a scratch directory, and runs as its processes, but for the one that is missing. Every
line shown was printed by the commands themselves. TEST_RESONATE_SERVER names the binary of a Resonate server,
RESONATE_PG_SQL the file `resonate.sql`: what is not given is left out, and the page says so.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.postgres import Cluster
from tests.topology import Topology, free_port

PAGE = Path(__file__).with_name("stands-still.md")
ADDS = (
    "add rpc mail.send --takes to:str",
    "add workflow notify --takes to:str --calls mail.send",
    "add route POST /notices --workflow notify",
)
JOB = "notices/n-1"
RECORDED = "<!-- recorded: docs/record_still.py -->"
HEAD = """\
# Why a job stands still

A workflow `notify` calls `mail.send`, which another team serves, and no process of that group runs.
`docs/record_still.py` records this page: what each command printed, on each engine. The service was made by

{recorded}
```sh
resonate-scaffold new shop --bare --defaults
{adds}
```
"""


def tool(directory: Path, line: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "resonate_scaffold", *shlex.split(line)], cwd=directory, check=True, capture_output=True
    )


@contextmanager
def on(engine: str, service: Path, scratch: Path) -> Iterator[Topology]:
    """The service's API and workers on an engine, but for whoever sends mail."""
    scratch.mkdir()
    if engine != "resonate-pg":
        with Topology(service, scratch, "shop") as topology:
            if engine == "embedded":
                topology.start_engine()
            else:
                topology.start_server(Path(os.environ["TEST_RESONATE_SERVER"]))
            yield topology
        return
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster.make(Path(directory) / "data", "engine")
        with cluster.running():
            cluster.psql("engine", Path(os.environ["RESONATE_PG_SQL"]).read_text("utf-8"))
            with Topology(service, scratch, "shop", RESONATE_URL=cluster.url("engine")) as topology:
                yield topology


def told(topology: Topology) -> str:
    """What is typed, and what it prints."""
    assert topology.run("migrate").returncode == 0
    url = f"http://127.0.0.1:{free_port()}"
    topology.start("api", "api", PORT=url.rpartition(":")[2])
    for name in ("worker", "db"):
        topology.start(name, name)
    topology.until(lambda: httpx.get(f"{url}/readyz").status_code == 200, "the API is ready")
    headers = {"Idempotency-Key": "n-1"}
    assert httpx.post(f"{url}/notices", json={"to": "ada@example.com"}, headers=headers).status_code == 202
    time.sleep(7)  # So long a call is taken for one that is just being served.
    lines = ["$ curl -s localhost:8000/jobs/notices/n-1", httpx.get(f"{url}/jobs/notices/n-1").text]
    for command in ("runs list", f"runs show {JOB}"):
        lines += [f"$ shop {command}", topology.run(*command.split()).stdout.rstrip()]
    topology.start("mail", "fake", "mail")
    command = f"runs watch {JOB}"
    lines += ["$ shop fake mail &", f"$ shop {command}", topology.run(*command.split()).stdout.rstrip()]
    return re.sub(r"\n{2,}", "\n", "\n".join(lines))


def main() -> None:
    """Write the page."""
    engines = {"embedded": "The embedded engine of `dev`", "resonate-pg": "resonate-pg", "server": "A Resonate server"}
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        tool(scratch, "new shop --bare --defaults --no-git")
        for line in ADDS:
            tool(scratch / "shop", line)
        parts = [HEAD.format(recorded=RECORDED, adds="\n".join(f"resonate-scaffold {line}" for line in ADDS))]
        for engine, title in engines.items():
            needs = {"server": "TEST_RESONATE_SERVER", "resonate-pg": "RESONATE_PG_SQL"}.get(engine)
            if needs is not None and needs not in os.environ:
                parts.append(f"## {title}\n\nNot recorded: {needs} was not given.\n")
                continue
            with on(engine, scratch / "shop", scratch / engine) as topology:
                parts.append(f"## {title}\n\n{RECORDED}\n```console\n{told(topology)}\n```\n")
    PAGE.write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
