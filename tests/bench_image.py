"""Figures of the generated image: how large it is, how long a change and a start take. See `tests/bench.py`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.conftest import PROGRAM
from tests.figures import row
from tests.image.bases import CannotMake
from tests.image.engine import ContainerEngine, find_engine
from tests.image.session import Session, sizes
from tests.image.stack import READY_WITHIN, Failed, Stack

NAME = "bench"
ROUNDS = 5
MB = 1e6
PORTS = {"api": 8000, "worker": 9000, "db": 9000}


def image(scratch: Path) -> Iterator[str]:
    """The image of the example with PostgreSQL: its size, a build after a change, and from `run` to ready."""
    engine = find_engine()
    if engine is None:
        yield "the image: not run, neither docker nor podman answers `info` here"
        return
    made = ("--database", "postgres", "--defaults", "--no-install", "--no-git")
    subprocess.run([PROGRAM, "new", NAME, "--into", scratch / "image", *made], check=True, capture_output=True)
    project = scratch / "image" / NAME
    session = Session(engine, project, make_bases=False)
    try:
        adapt = session.provide_images()
    except CannotMake as missing:
        yield f"the image: not run, {missing}"
        return
    with Stack(engine, project, adapt) as stack:
        yield from _built(engine, stack, project)
        session.start(stack)
        for service, port in PORTS.items():
            figures: list[list[float]] = [[], []]
            for _round in range(ROUNDS):
                figures[0].append(_until_ready(stack, service, port))
                figures[1].append(_python(engine, stack.image))
            yield row(f"{service}: from `run` to ready, s", figures[0], "python -c pass in it", figures[1], 2)


def _built(engine: ContainerEngine, stack: Stack, project: Path) -> Iterator[str]:
    first = stack.build(project, "--no-cache")
    again = []
    for number in range(ROUNDS):
        with (project / NAME / "ids.py").open("a") as code:
            code.write(f"\n# Change {number}.\n")
        again.append(stack.build(project))
    whole, code_alone = sizes(engine, stack.image)
    base = int(engine("image", "inspect", "--format", "{{.Size}}", "python:3.13-slim"))
    yield row("the image, MB", [whole / MB], "its base", [base / MB], 1)
    yield row("what new code moves, MB", [code_alone / MB], "the image", [whole / MB], 1, "<= 0.05")
    yield row("build after a change of the code, s", again, "without cached layers", [first] * ROUNDS, 1, "<= 0.5")


def _until_ready(stack: Stack, service: str, port: int) -> float:
    """Seconds from the command that makes a container until `/readyz` is 200; the container is stopped then."""
    began = time.perf_counter()
    container = stack.run(service, publish=port if service != "api" else None)
    url = f"http://127.0.0.1:{container.port(port)}/readyz"
    while not _is_ready(url):
        if time.perf_counter() - began > READY_WITHIN:
            raise Failed(f"{service} is not ready:\n{container.logs()}")
        time.sleep(0.02)
    took = time.perf_counter() - began
    container.stop()
    return took


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _python(engine: ContainerEngine, image: str) -> float:
    began = time.perf_counter()
    engine("run", "--rm", "--entrypoint", "python", image, "-c", "pass")
    return time.perf_counter() - began
