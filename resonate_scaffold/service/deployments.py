"""The deployments that a service has in `deploy/`, and what their files follow from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold.names import Name
from resonate_scaffold.project import Project
from resonate_scaffold.service.service import Service

PLATFORMS = ("kubernetes", "systemd")
DIRECTORY = PurePosixPath("deploy")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the files of a deployment follow from.

    ``groups`` are those that this service runs, without the API; ``clients`` pairs each client of an HTTP API with the
    groups that call it; ``reads`` says whether the API reads from the database.
    """

    service: str
    package: str
    groups: tuple[str, ...]
    clients: tuple[tuple[str, tuple[str, ...]], ...]
    reads: bool


def is_there(project: Project, platform: str) -> bool:
    """Whether the service has the files of a deployment: the one that names the others."""
    return main_file(project, platform) in project.files


def main_file(project: Project, platform: str) -> PurePosixPath:
    """The file of a deployment that names the others."""
    if platform == "kubernetes":
        return DIRECTORY / "kubernetes/base/kustomization.yaml"
    return DIRECTORY / "systemd" / f"{Name(project.name).kebab}.target"


def read_deployed(service: Service) -> Deployed:
    """What the files follow from, of a service."""
    names = {group.name for group in service.groups} - {"api"}
    first = [name for name in ("workers", "db") if name in names]
    queries = PurePosixPath(service.project.package, "db", "queries")
    return Deployed(
        service.project.name,
        service.project.package,
        (*first, *sorted(names.difference(first))),
        tuple((client.name, tuple(sorted(client.groups))) for client in service.clients),
        any(path.name != "__init__.py" for path in service.project.files.below(queries)),
    )
