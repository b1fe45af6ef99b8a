"""What an `add` gives the processes of `compose.yaml`: the API's way to the database, the secret of a client.

The API has its way from the first query to the last, and not without one. Of a secret every process but those of one
group is told that it is empty, since `.env` is given to all.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from resonate_scaffold.generators.addition import Addition

COMPOSE = PurePosixPath("compose.yaml")

_API = re.compile(rb"(?m)^  api:[^\n]*\n(?:(?:^[ \t]*\r?\n)*^    [^\n]*\n?)*")
_URL = "postgresql://service:${SERVICE_DB_PASSWORD:?set it in .env, see .env.example}@service-db:5432/service"
# What the service `api` has besides: behind which of its lines each stands.
_LINES = (
    ("    command: [api]\n", "    networks: [engine, data]\n"),
    ("      <<: *environment\n", f"      READ_DATABASE_URL: {_URL}\n"),
    (
        "    depends_on:\n      resonate: {condition: service_healthy}\n",
        "      migrate: {condition: service_completed_successfully}\n",
    ),
)


def let_api_read(addition: Addition) -> None:
    """Give the API of `compose.yaml` the database, if it has it not; else say in a note what it needs."""
    content = addition.text(COMPOSE)
    api = None if content is None else _API.search(content)
    if content is None or (api is not None and b"READ_DATABASE_URL:" in api[0]):
        return
    places = [] if api is None else [_behind(api[0], anchor) for anchor, _ in _LINES]
    if api is None or None in places:
        addition.notes.append(
            f"Where {COMPOSE} runs the API: give it READ_DATABASE_URL, and a network with the database"
        )
        return
    for place, (_, line) in sorted(zip(places, _LINES, strict=True), reverse=True):
        assert place is not None
        addition.edit_text(COMPOSE, api.start() + place, line)


def without_reads(content: bytes) -> bytes:
    """A compose file whose API has no database."""
    api = _API.search(content)
    if api is None:
        return content
    block = api[0]
    for _, line in _LINES:
        block = re.sub(rb"(?m)^" + re.escape(line.rstrip("\n").encode()) + rb"\r?\n", b"", block, count=1)
    return content[: api.start()] + block + content[api.end() :]


def give_secret(addition: Addition, group: str, variable: str) -> None:
    """Give a variable of `.env` to the service of a group alone; else say in a note what it needs."""
    content = addition.text(COMPOSE)
    if content is None or _taken_away(variable).encode() in content:
        return
    service = re.search(_block(group), content)
    shared = re.search(rb"(?m)^    READ_DATABASE_URL: \"\"\r?\n", content)
    has_own = None if service is None else _behind(service[0], _OWN)
    place = has_own if service is None or has_own is not None else _behind_command(service[0])
    if service is None or shared is None or place is None or shared.start() > service.start():
        addition.notes.append(f"Where {COMPOSE} runs group {group}: give it {variable}, and to nobody else")
        return
    given = _given(variable) if has_own is not None else _OWN_ALONE + _given(variable)
    addition.edit_text(COMPOSE, service.start() + place, given)
    addition.edit_text(COMPOSE, shared.end(), _taken_away(variable))


def without_secret(content: bytes, variable: str) -> bytes:
    """A compose file in which no service is given a variable, and none has an environment of its own for nothing."""
    given = re.escape(_given(variable).encode()).replace(b"\\\n", rb"\r?\n")
    alone = re.escape(_OWN_ALONE.encode()).replace(b"\\\n", rb"\r?\n")
    content = re.sub(rb"(?m)^" + alone + given + rb"(?!      )", b"", content, count=1)
    taken_away = re.escape(_taken_away(variable).encode()).replace(b"\\\n", rb"\r?\n")
    for line in (given, taken_away):
        content = re.sub(rb"(?m)^" + line, b"", content, count=1)
    return content


_OWN = "      <<: *environment\n"
_OWN_ALONE = f"    environment:\n{_OWN}"
_SERVICES = {"workers": "worker"}
"""The names of services whose groups are called otherwise."""


def _given(variable: str) -> str:
    return f"      {variable}: ${{{variable}:-}}\n"


def _taken_away(variable: str) -> str:
    return f'    {variable}: ""\n'


def _block(group: str) -> bytes:
    """What matches the service of a group: its line, and what is indented below it."""
    name = _SERVICES.get(group, group).encode()
    return rb"(?m)^  " + re.escape(name) + rb":[^\n]*\n(?:(?:^[ \t]*\r?\n)*^    [^\n]*\n?)*"


def _behind_command(block: bytes) -> int | None:
    found = re.search(rb"(?m)^    command: [^\n]*\n", block)
    return found.end() if found else None


def _behind(block: bytes, anchor: str) -> int | None:
    """The offset behind some lines of a block; None where it has them not."""
    found = re.search(re.escape(anchor.encode()).replace(b"\\\n", rb"\r?\n"), block)
    return found.end() if found else None
