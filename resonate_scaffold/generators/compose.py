"""The API's way to the database in `compose.yaml`: there from the first query to the last, and not without one."""

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


def _behind(block: bytes, anchor: str) -> int | None:
    """The offset behind some lines of a block; None where it has them not."""
    found = re.search(re.escape(anchor.encode()).replace(b"\\\n", rb"\r?\n"), block)
    return found.end() if found else None
