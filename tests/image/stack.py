"""The containers of one compose.yaml, each removed by its own id at the end, whatever happens."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from dotenv import dotenv_values

from tests.image.compose import create_options, in_order, read_compose, seconds
from tests.image.engine import ContainerEngine, ContainerError

READY_WITHIN = 90.0
"""Seconds. Postgres makes its cluster in this, on a machine that is busy."""
# As compose.yaml starts it, the service is the second process of its container: the first one is an init.
_KILL = """
import os, pathlib, signal
for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    if stat.read_text().rpartition(")")[2].split()[1] == "1":
        os.kill(int(stat.parent.name), signal.SIGKILL)
"""


class Failed(Exception):
    """Something is not as it should be: one line that says what."""


@dataclass
class Container:
    """One container. ``service`` is that of compose.yaml, ``started`` when it was started, by `time.monotonic`."""

    engine: ContainerEngine
    id: str
    service: str
    description: Mapping[str, Any]
    started: float = 0.0

    def start(self) -> None:
        """Start it."""
        self.started = time.monotonic()
        self.engine("start", self.id)

    def exec(self, *command: str, input: bytes | None = None) -> str:
        """Run a command in it; what that wrote.

        Raises:
            ContainerError: the command failed.
        """
        interactive = ("--interactive",) if input is not None else ()
        return self.engine("exec", *interactive, self.id, *command, input=input)

    def state(self) -> dict[str, Any]:
        """What the engine says of it: Status, ExitCode, and more."""
        state: dict[str, Any] = json.loads(self.engine("inspect", "--format", "{{json .State}}", self.id))
        return state

    def logs(self) -> str:
        """The last of what it has written."""
        return self.engine.logs(self.id)

    def is_healthy(self) -> bool:
        """Whether the health check of compose.yaml succeeds in it now."""
        how, *test = self.description["healthcheck"]["test"]
        assert how == "CMD"
        try:
            self.exec(*test)
        except ContainerError:
            return False
        return True

    def until_healthy(self) -> float:
        """Wait until it is healthy; seconds since its start."""
        self.until(self.is_healthy, "healthy")
        return time.monotonic() - self.started

    def until(self, condition: Callable[[], bool], what: str, within: float = READY_WITHIN) -> None:
        """Wait for a condition.

        Raises:
            Failed: it does not hold within so many seconds.
        """
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"{self.service} is not {what} after {within:g} s:\n{self.logs()}")
            time.sleep(0.1)

    def port(self, inside: int) -> int:
        """The port of this machine at which one of the container is published."""
        return int(self.engine("port", self.id, str(inside)).splitlines()[0].rpartition(":")[2])

    def kill_program(self) -> None:
        """`kill -9` the service's process in it. The engine is not told, and sees it end."""
        with suppress(ContainerError):  # This command ends with the container.
            self.exec("python", "-c", _KILL)

    def stop(self) -> float:
        """Stop it as compose does; seconds that it took. It must end by itself, and with status 0.

        Raises:
            Failed: it does not.
        """
        grace = seconds(self.description["stop_grace_period"])
        began = time.monotonic()
        self.engine("stop", self.id, timeout=grace + 60)
        took, status = time.monotonic() - began, self.state()["ExitCode"]
        if status != 0 or took > grace:
            raise Failed(f"{self.service} stopped after {took:.1f} s of {grace:g} with status {status}:\n{self.logs()}")
        return took

    def until_ended(self) -> int:
        """Wait for its end; its exit status."""
        self.until(lambda: self.state()["Status"] in ("exited", "stopped"), "at its end")
        return int(self.state()["ExitCode"])


class Stack:
    """The services of a compose file. Use it as a context manager: at its end nothing of it is left.

    ``adapt`` may change what the file says, before anything is made of it.
    """

    def __init__(
        self, engine: ContainerEngine, project: Path, adapt: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> None:
        self.engine = engine
        self.name = f"image-{secrets.token_hex(4)}"
        self._settings = {name: value or "" for name, value in dotenv_values(project / ".env").items()}
        variables = {**self._settings, "COMPOSE_PROJECT_NAME": self.name}
        self._compose = read_compose(project / "compose.yaml", variables)
        adapt(self._compose["services"])
        self.containers: list[Container] = []
        self._networks: list[str] = []
        self._built: list[str] = []

    @property
    def services(self) -> dict[str, Any]:
        """The services, as the file describes them."""
        described: dict[str, Any] = self._compose["services"]
        return described

    @property
    def image(self) -> str:
        """The name of the service's own image."""
        return str(self.services["api"]["image"])

    def images(self) -> list[str]:
        """The images that others publish."""
        return sorted({str(service["image"]) for service in self.services.values()} - {self.image})

    def __enter__(self) -> Stack:
        for name, network in self._compose["networks"].items():
            internal = ("--internal",) if (network or {}).get("internal") else ()
            self.engine("network", "create", *internal, self._own(name))
            self._networks.append(self._own(name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = []
        for container in reversed(self.containers):
            left += self._removed("rm", "--force", "--volumes", container.id)
        made = self.engine("volume", "ls", "--quiet").splitlines()
        for volume in map(self._own, self._compose["volumes"]):
            left += self._removed("volume", "rm", volume) if volume in made else []
        for name in self._networks:
            left += self._removed("network", "rm", name)
        for image in reversed(self._built):
            left += self._removed("image", "rm", image)
        if left and error is None:
            raise Failed("not all could be removed:\n" + "\n".join(left))

    def _removed(self, *command: str) -> list[str]:
        try:
            self.engine(*command)
        except ContainerError as error:
            return [str(error)]
        return []

    def _own(self, name: str) -> str:
        return f"{self.name}-{name}"

    def build(self, project: Path, *options: str) -> float:
        """Build the service's own image, once more where it was built before; seconds that it took."""
        began = time.monotonic()
        self.engine.build(project, self.image, *options)
        took = time.monotonic() - began
        if (id := self.engine("image", "inspect", "--format", "{{.Id}}", self.image)) not in self._built:
            self._built.append(id)
        return took

    def make(self, service: str, *command: str, publish: int | None = None) -> Container:
        """Make a container of a service, and do not start it.

        ``command`` is run in the place of the service's own, and not again when it ends, as in `compose run`;
        ``publish``: a further port, at a free one of loopback.
        """
        described = {key: value for key, value in self.services[service].items() if not (command and key == "restart")}
        first, *others = described["networks"]
        options = create_options(described, f"{self.name}-")
        # As in compose, what is set for the service comes before its file.
        read = [f"--env={name}={value}" for name, value in self._settings.items()] if "env_file" in described else []
        options = [*read, *options, f"--network={self._own(first)}", f"--network-alias={service}"]
        if publish is not None:
            options.append(f"--publish=127.0.0.1::{publish}")
        if described.get("read_only") and self.engine.is_podman:
            options.append("--read-only-tmpfs=false")  # or it adds places to write to, which docker does not
        name = f"{self.name}-{service}-{len(self.containers)}"
        run = command or described.get("command", ())
        id = self.engine("create", f"--name={name}", *options, described["image"], *run).splitlines()[-1]
        container = Container(self.engine, id, service, described)
        self.containers.append(container)
        for network in others:
            self.engine("network", "connect", f"--alias={service}", self._own(network), id)
        return container

    def run(self, service: str, *command: str, publish: int | None = None) -> Container:
        """Make a container of a service, and start it."""
        container = self.make(service, *command, publish=publish)
        container.start()
        return container

    def up(self, *wanted: str, given: Mapping[str, Container] = MappingProxyType({})) -> dict[str, Container]:
        """Start services and all that they need, each when what it needs is as compose.yaml says.

        What is ``given`` runs already.

        Raises:
            Failed: one of them does not become so.
        """
        running = dict(given)
        for name in in_order(self.services, list(wanted)):
            if name in running:
                continue
            for needed, how in self.services[name].get("depends_on", {}).items():
                if how["condition"] == "service_healthy":
                    running[needed].until_healthy()
                elif (status := running[needed].until_ended()) != 0:
                    raise Failed(f"{needed} ended with status {status}:\n{running[needed].logs()}")
            running[name] = self.run(name)
        return running
