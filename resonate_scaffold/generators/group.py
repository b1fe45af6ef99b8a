"""`add group`: another worker group, with a process of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.errors import Taken
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, at
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project

_PROCFILE = PurePosixPath("Procfile")
_COMPOSE = PurePosixPath("compose.yaml")
_BLOCK = """\

  {name}:
    <<: *service
    command: [group, {name}]
    depends_on:
      resonate: {{condition: service_healthy}}
"""


@dataclass(frozen=True, slots=True)
class GroupRequest:
    name: str


def add_group(project: Project, request: GroupRequest) -> Plan:
    """Plan a group: its worker, the package of its contracts, its processes."""
    name = contracts.package(request.name, "group")
    addition = Addition(project, "group", name.raw)
    if done := asked_before(addition):
        return done
    for group in addition.service.groups:
        if group.name == name.raw:
            raise Taken(f"Group {name} is there already ({at(group.place)})", "Choose another name.")
    for contract in addition.service.contracts:
        if contract.group == name.raw:
            raise Taken(f"Another team serves group {name} ({at(contract.place)})", "Choose another name.")
    if any(addition.project.exists(addition.module(name.snake).with_suffix(end)) for end in ("", ".py")):
        raise Taken(f"{project.package}.{name.snake} is a module of this service already", "Choose another name.")
    if other := addition.service.group_of(name.snake):
        raise Taken(f"contracts/{name.snake} holds the contracts of group {other}", "Choose another name.")
    addition.write(addition.module(f"{name.snake}.__init__"), b"")
    addition.create("group/worker.py", addition.module(f"{name.snake}.worker"), {"group": name.raw}, Imports())
    addition.write(addition.module(f"contracts.{name.snake}.__init__"), contracts.package_of(name.raw))
    addition.wire(addition.module("__main__"), "GROUPS", name.raw, [], lambda: layout.text(name.raw))
    _process(addition, f"{name.kebab}: python -m {project.package} group {name.raw}\n", name.kebab)
    _container(addition, name.raw)
    addition.notes.append(f"Its durable functions: resonate-scaffold add rpc {name}.NAME")
    return addition.plan()


def _process(addition: Addition, line: str, name: str) -> None:
    content = addition.text(_PROCFILE)
    if content is None:
        addition.notes.append(f"There is no {_PROCFILE}; its process is: {line.strip()}")
        return
    there = re.search(rf"(?m)^{re.escape(name)}:(.*)", content.decode(errors="replace"))
    if there is None:
        addition.edit_text(
            _PROCFILE, len(content), line if content.endswith(b"\n") or not content else f"\n{line.rstrip()}"
        )
    elif "group" not in there[1].split():
        raise Taken(f"{_PROCFILE} has a process {name} already", "Choose another name.")


def _container(addition: Addition, name: str) -> None:
    """A service beside the others, at the end of ``services:``."""
    content = addition.text(_COMPOSE)
    block = _BLOCK.format(name=name)
    end = None if content is None else _end_of_services(content)
    if content is None or end is None:
        addition.notes.append(f"{_COMPOSE} has no services that share `&service`; its entry would be:{block}".rstrip())
    elif (there := re.search(_service(name), content[_services(content) : end])) is None:
        addition.edit_text(_COMPOSE, end, block)
    elif b"group" not in re.findall(rb"\w+", there[0]):
        raise Taken(f"{_COMPOSE} has a service {name} already", "Choose another name.")


def _end_of_services(content: bytes) -> int | None:
    """The offset behind the last line of the ``services:`` block; None where it is not written as ours is."""
    start = _services(content)
    if not start or b"&service" not in content:
        return None
    following = re.search(rb"(?m)^[^\s#]", content[start:])
    block = content[: start + following.start()] if following else content
    # Comments and blank lines before the next key belong to it.
    lines = re.split(rb"(?<=\n)", block)
    while lines and (not lines[-1].strip() or lines[-1].startswith(b"#")):
        lines.pop()
    kept = b"".join(lines)
    return len(kept) if kept.endswith(b"\n") else None


def without_process(content: bytes, name: str) -> bytes:
    """A Procfile without the process of that name; it ends in a line break as it did."""
    line = re.escape(name.encode()) + rb":.*"
    return re.sub(rb"(?m)^%s\n|(?:\r?\n|\A)%s\Z" % (line, line), b"", content)


def without_service(content: bytes, name: str) -> bytes:
    """A compose file without the service of that name: its line, what is indented below it, the blank line above."""
    start = _services(content)
    return content[:start] + re.sub(rb"(?m)(?:^[ \t]*\r?\n)?" + _service(name), b"", content[start:], count=1)


def _services(content: bytes) -> int:
    """The offset behind the line ``services:``; 0 where there is none."""
    line = re.search(rb"(?m)^services:[ \t]*\r?$", content)
    return line.end() if line else 0


def _service(name: str) -> bytes:
    """What matches a service of a compose file: its line, and what is indented below it."""
    return rb"(?m:^  " + re.escape(name.encode()) + rb":[^\n]*\n(?:(?:^[ \t]*\r?\n)*^    [^\n]*\n?)*)"
