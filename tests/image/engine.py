"""docker or podman, by its command line: what both understand alike, and the few places where they differ."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("docker", "podman")


class ContainerError(Exception):
    """A command of the container engine failed. The message has the command, and what it wrote."""


@dataclass(frozen=True)
class ContainerEngine:
    """A container engine that answers."""

    program: Path
    version: str
    """As it says itself, such as `podman version 4.3.1`."""

    @property
    def is_podman(self) -> bool:
        """Whether it is podman, under whatever name it was found."""
        return "podman" in self.version.lower()

    def __call__(self, *arguments: str | Path, input: bytes | None = None, timeout: float = 120) -> str:
        """Run a command of it to its end; what it wrote, without the last line break. ``timeout`` in seconds.

        Raises:
            ContainerError: it failed, or took longer.
        """
        command = [str(self.program), *map(str, arguments)]
        try:
            done = subprocess.run(command, input=input, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise ContainerError(f"`{' '.join(command)}` took longer than {timeout:g} s") from None
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace").strip()
            raise ContainerError(f"`{' '.join(command)}` failed with {done.returncode}:\n{said[-4000:]}")
        return done.stdout.decode(errors="replace").removesuffix("\n")

    def logs(self, container: str) -> str:
        """The last lines that a container has written, to either stream."""
        command = [str(self.program), "logs", "--tail", "40", container]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout.decode(errors="replace")

    def has_image(self, name: str) -> bool:
        """Whether an image is here, without asking a registry."""
        try:
            self("image", "inspect", "--format", "{{.Id}}", name)
        except ContainerError:
            return False
        return True

    def pull(self, name: str) -> bool:
        """Fetch an image from where the engine fetches images; whether it is here now."""
        try:
            self("pull", name, timeout=600)
        except ContainerError:
            return False
        return True

    def build(self, context: Path, tag: str, *options: str) -> None:
        """Build the Dockerfile of a directory.

        Images are in docker's format: the other one that podman knows (OCI) has no HEALTHCHECK.
        """
        docker_format = ("--format", "docker") if self.is_podman else ()
        self("build", *docker_format, *options, "--tag", tag, context, timeout=1800)


def find_engine() -> ContainerEngine | None:
    """The engine that CONTAINER_ENGINE names, else docker, else podman: the first one that answers `info`.

    A docker without its daemon does not.
    """
    named = os.environ.get("CONTAINER_ENGINE")
    for name in (named,) if named else NAMES:
        program = shutil.which(name)
        if program is None:
            continue
        try:
            answers = subprocess.run([program, "info"], capture_output=True, timeout=60, check=False).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answers:
            said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
            return ContainerEngine(Path(program), said.stdout.strip())
    return None
