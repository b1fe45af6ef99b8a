"""`add deploy`: manifests for Kubernetes and units for systemd, with a process for the API and for each group.

They follow from what the service has: its groups, its clients, whether it has queries. So they are made anew after each
command, and what differs is put into the files: a group that is added joins them, one that is removed leaves. What
somebody has written into them stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.edit.merge import merged
from resonate_scaffold.errors import ChangedSince, Taken, Unknown
from resonate_scaffold.fields import closest
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition
from resonate_scaffold.names import Name, Noun
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import Added, Project, after
from resonate_scaffold.service.deployments import DIRECTORY, PLATFORMS, Deployed, is_there, read_deployed
from resonate_scaffold.service.processes import paths_of, read_processes
from resonate_scaffold.service.service import Service
from resonate_scaffold.templates import render_add

_COMMANDS = {"workers": ("worker",), "db": ("db",)}
_JOBS = ("migrate", "engine-prepare")
"""What runs beside the groups, under names of the same form."""
_LONGEST_USER = 31

Contents = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """``platform``: one of :data:`PLATFORMS`."""

    platform: str


def add_deploy(project: Project, request: DeployRequest) -> Plan:
    """Plan the files of a deployment.

    Raises:
        Unknown: there is no such platform.
        Taken: one of the files is there already, or a group has the name of a job.
    """
    if request.platform not in PLATFORMS:
        raise Unknown(f"There is no deployment {request.platform}", closest(request.platform, list(PLATFORMS)))
    addition = Addition(project, "deploy", request.platform)
    deployed = read_deployed(addition.service)
    if is_there(project, request.platform) and project.find_add("deploy", request.platform) is not None:
        return Plan((), (f"deploy {request.platform} is there already: nothing to do",))
    changes: list[Change] = []
    for path, content in files_of(deployed, request.platform).items():
        if project.exists(path):
            raise Taken(f"{path} is there already", "Move it away: it is a file that this makes.")
        changes.append(Create(path, content))
    record = Added("deploy", request.platform, {}, {}, {}, project.next_number())
    changes.append(Create(record.path, record.to_bytes()))
    stale = project.find_add("deploy", request.platform)
    if stale is not None:
        changes.append(Delete(stale.path, project.files[stale.path]))
    return Plan(tuple(sorted(changes, key=lambda it: it.path)), (_next_step(request.platform),))


def _next_step(platform: str) -> str:
    if platform == "kubernetes":
        place = f"Fill in {DIRECTORY}/kubernetes/overlays/production"
    else:
        place = f"{DIRECTORY}/systemd goes to /etc/systemd/system"
    return f"{place}; docs/deploying.md of resonate-scaffold has the commands, in order"


def remove_deploy(project: Project, record: Added, *, delete_changed: bool = False) -> Plan:
    """Plan the removal of the files of a deployment; what somebody has put beside them stays.

    Raises:
        ChangedSince: somebody has changed one of them, and ``delete_changed`` is not given.
    """
    made = files_of(read_deployed(Service(project)), record.name) if record.name in PLATFORMS else {}
    there = [path for path in made if path in project.files]
    changed = [str(path) for path in there if project.files[path] != made[path]]
    if changed and not delete_changed:
        raise ChangedSince(
            f"{', '.join(changed)}: changed since deploy {record.name} was added",
            "With --yes it is removed all the same; or keep all of it: nothing was taken out.",
        )
    records = [it for it in project.adds("deploy") if it.name == record.name]
    paths = [*there, *(it.path for it in records)]
    return Plan(tuple(Delete(path, project.files[path]) for path in sorted(paths)))


def follow(project: Project, plan: Plan) -> Plan:
    """A plan with what it means for the deployments of the service: they follow the service as it will be."""
    platforms = [it for it in PLATFORMS if plan.changes and project.find_add("deploy", it) is not None]
    if not platforms:
        return plan
    later = after(project, plan)
    was, will_be = read_deployed(Service(project)), read_deployed(Service(later))
    if was == will_be:
        return plan
    changes: list[Change] = []
    notes: list[str] = []
    for platform in platforms:
        if later.find_add("deploy", platform) is not None:
            old, new = files_of(was, platform), files_of(will_be, platform)
            changes += _followed(project, old, new, _moved(was, will_be, platform), notes)
    return plan.then(Plan(tuple(sorted(changes, key=lambda it: it.path)), tuple(notes)))


def caught_up(project: Project, known: Project) -> Plan:
    """What the deployments lack of a service whose code was changed without a command.

    ``known`` is the service with the records that it had: what these have and the files have not was taken out by hand.
    """
    service = Service(project)
    now = read_deployed(service)
    changes: list[Change] = []
    notes: list[str] = []
    for platform in PLATFORMS:
        if project.find_add("deploy", platform) is None or not is_there(project, platform):
            continue
        was = _as_in_files(known, now, platform)
        if was != now:
            old, moved = files_of(was, platform), _moved(was, now, platform)
            own = [path for path in files_of(now, platform) if path not in old and project.exists(path)]
            new = {path: content for path, content in files_of(now, platform).items() if path not in own}
            followed = list(_followed(project, old, new, moved, notes))
            changes += followed
            notes += [f"{path} is there already: what it says stays" for path in own if path not in moved.values()]
            notes += [f"{DIRECTORY}/{platform} has what the code has"] if followed else []
    return Plan(tuple(sorted(changes, key=lambda it: it.path)), tuple(notes))


def _as_in_files(known: Project, now: Deployed, platform: str) -> Deployed:
    """What the files of a deployment follow from, as they are: by the processes that they start."""
    there = read_processes(known, paths_of(known, platform))
    kept = {group for group in now.groups if group in there.groups or _is_known(known, "group", group)}
    gone = sorted(there.groups.keys() - {*now.groups, "api"})
    came = [group for group in now.groups if group not in kept]
    former = {came[0]: gone[0]} if len(came) == len(gone) == 1 else {}
    first = [name for name in ("workers", "db") if name in kept]
    clients = [
        (client, tuple(sorted(former.get(group, group) for group in groups if group in kept or group in former)))
        for client, groups in now.clients
        if _is_known(known, "client", client) or there.mentions(f"{client.replace('-', '_').upper()}_URL")
    ]
    reads = now.reads and (bool(known.adds("query")) or there.mentions("READ_DATABASE_URL"))
    return replace(now, groups=(*first, *sorted({*kept, *gone}.difference(first))), clients=tuple(clients), reads=reads)


def _is_known(project: Project, kind: str, name: str) -> bool:
    """Whether a group or a client is one that a command has made."""
    return name in _COMMANDS or project.find_add(kind, name) is not None


def lost_records(project: Project) -> Plan:
    """The records of deployments whose files are there."""
    plan = Plan(())
    for platform in PLATFORMS:
        if is_there(project, platform) and project.find_add("deploy", platform) is None:
            record = Added("deploy", platform, {}, {}, {}, after(project, plan).next_number())
            note = f"deploy {platform} is recorded again"
            plan = plan.then(Plan((Create(record.path, record.to_bytes()),), (note,)))
    return plan


def files_of(deployed: Deployed, platform: str) -> Contents:
    """The files of a deployment, by path.

    Raises:
        Taken: a group has the name of a job.
    """
    for group in deployed.groups:
        if _kebab(group) in _JOBS:
            raise Taken(
                f"Group {group} and a job in {DIRECTORY}/{platform} would have one name",
                f"Choose another name for the group, or first: resonate-scaffold remove deploy {platform}",
            )
    texts = _kubernetes(deployed) if platform == "kubernetes" else _systemd(deployed)
    return {DIRECTORY / platform / path: text.encode() for path, text in texts}


def _kubernetes(deployed: Deployed) -> Iterator[tuple[str, str]]:
    context = _context(deployed)
    for name in (
        "secrets.env.example",
        "base/kustomization.yaml",
        "base/settings.env",
        "base/service-account.yaml",
        "base/network.yaml",
        "base/migrate.yaml",
        "components/postgres-engine/kustomization.yaml",
        "components/postgres-engine/engine.yaml",
        "overlays/production/kustomization.yaml",
        "overlays/production/ingress.yaml",
    ):
        yield name, render_add(f"deploy/kubernetes/{name}", context)
    for process in context["processes"]:
        component = process["component"]
        path = "base/api.yaml" if component == "api" else f"base/groups/{component}.yaml"
        yield path, render_add("deploy/kubernetes/base/process.yaml", {**context, "process": process})


def _systemd(deployed: Deployed) -> Iterator[tuple[str, str]]:
    context = _context(deployed)
    service = context["service"]
    yield f"{service}.target", render_add("deploy/systemd/service.target", context)
    yield f"{service}-migrate.service", render_add("deploy/systemd/migrate.service", context)
    for process in context["processes"]:
        text = render_add("deploy/systemd/process.service", {**context, "process": process})
        yield f"{service}-{process['component']}.service", text


def _context(deployed: Deployed) -> dict[str, Any]:
    """What the templates know."""
    service = Name(deployed.service).kebab
    clients = [
        {"name": name, "env": name.replace("-", "_").upper(), "groups": groups} for name, groups in deployed.clients
    ]
    processes = [_process(group, deployed, clients) for group in ("api", *deployed.groups)]
    return {
        "name": deployed.service,
        "service": service,
        "package": deployed.package,
        "user": service[:_LONGEST_USER].rstrip("-"),
        "reads": deployed.reads,
        "clients": clients,
        "processes": processes,
    }


def _process(group: str, deployed: Deployed, clients: list[dict[str, Any]]) -> dict[str, Any]:
    """What the templates know of a process: the API's, or that of a group."""
    own = [client for client in clients if group in client["groups"]]
    secrets = [("RESONATE_URL", False), ("RESONATE_TOKEN", True)]
    if group == "api":
        secrets += [("API_KEYS", False), ("WEBHOOK_SECRETS", True)]
        secrets += [("READ_DATABASE_URL", False)] if deployed.reads else []
    elif group == "db":
        secrets.append(("DATABASE_URL", False))
    secrets += [(f"{client['env']}_TOKEN", True) for client in own]
    return {
        "group": group,
        "component": "api" if group == "api" else _kebab(group),
        "args": ["api"] if group == "api" else _COMMANDS.get(group, ("group", group)),
        "port": 8000 if group == "api" else 9000,
        "database": group == "db" or (group == "api" and deployed.reads),
        "secrets": [{"name": name, "optional": optional} for name, optional in secrets],
        "clients": own,
    }


def _kebab(group: str) -> str:
    return Noun(group, contracts.TAKEN).kebab


def _moved(was: Deployed, will_be: Deployed, platform: str) -> dict[PurePosixPath, PurePosixPath]:
    """The files that have another name, since their group has: old path to new path."""
    gone, came = set(was.groups) - set(will_be.groups), set(will_be.groups) - set(was.groups)
    if len(gone) != 1 or len(came) != 1:
        return {}
    old, new = _kebab(gone.pop()), _kebab(came.pop())
    directory = DIRECTORY / platform
    if platform == "kubernetes":
        return {directory / f"base/groups/{old}.yaml": directory / f"base/groups/{new}.yaml"}
    service = Name(was.service).kebab
    return {directory / f"{service}-{old}.service": directory / f"{service}-{new}.service"}


def _followed(
    project: Project, old: Contents, new: Contents, moved: Mapping[PurePosixPath, PurePosixPath], notes: list[str]
) -> Iterator[Change]:
    """What turns the files that followed from *old* into those that follow from *new*, with what was edited in them."""
    for path, content in old.items():
        target = moved.get(path, path)
        if path not in project.files:
            continue  # taken out by hand
        there = project.files[path]
        if target not in new:
            if there == content:
                yield Delete(path, there)
            else:
                notes.append(f"{path} has been edited, so it stays; nothing names it any more")
            continue
        wanted, _ = merged(content, new[target], there)
        notes += _not_done(target, content, new[target], wanted)
        if target != path:
            if project.exists(target):
                raise Taken(f"{target} is there already", "Choose another name, or move it away.")
            yield Delete(path, there)
            yield Create(target, wanted)
        elif wanted != there:
            yield Edit(path, there, wanted)
    for path in new.keys() - old.keys() - set(moved.values()):
        if project.exists(path):
            raise Taken(f"{path} is there already", "Choose another name, or move it away.")
        yield Create(path, new[path])


def _not_done(path: PurePosixPath, old: bytes, new: bytes, wanted: bytes) -> Iterator[str]:
    """What is to be done by hand in a file, where somebody has edited the lines that change."""
    before, now, there = (text.decode().splitlines() for text in (old, new, wanted))
    missing = [line for line in now if line.strip() and line not in before and line not in there]
    stale = [line for line in before if line.strip() and line not in now and line in there]
    if missing or stale:
        lines = [*(f"+{line}" for line in missing), *(f"-{line}" for line in stale)]
        yield "\n".join([f"{path} has been edited where it changes; put in and take out yourself:", *lines])
