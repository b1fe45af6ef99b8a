"""A new service: what the template made, and what only the tool can add to it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import MANIFEST, Manifest, fingerprint, runtime_digest
from resonate_scaffold.templates import RenderedFile, Rendering

ENV = PurePosixPath(".env")
_ENV_EXAMPLE = PurePosixPath(".env.example")
_GITIGNORE = PurePosixPath(".gitignore")
_SECRETS = "WEBHOOK_SECRETS"
_WEBHOOK = "approvals"  # the example's


def new_project(rendering: Rendering, *, version: str, secret: str) -> Plan:
    """Plan a new service.

    Args:
        rendering: what the template made of the answers.
        version: the tool's version.
        secret: a fresh random one for the example's webhook. It goes into ``.env`` alone, which is neither
            committed nor in the manifest.

    Raises:
        PlanConflict: the template makes a file that is the tool's.
    """
    files = dict(rendering.files)
    notes = list(rendering.notes)
    ignored = files.get(_GITIGNORE, RenderedFile(b""))
    if not _ignores_env(ignored.content):
        files[_GITIGNORE] = RenderedFile(_with_line(ignored.content, ENV.name), ignored.executable)
        notes.append("The template does not ignore .env, which holds a secret: added it to .gitignore")
    example = files.get(_ENV_EXAMPLE, RenderedFile(b""))
    hashes = {str(path): fingerprint(file.content) for path, file in files.items()}
    manifest = Manifest(
        version=version,
        template=rendering.origin,
        answers=rendering.answers,
        files=hashes,
        runtime=runtime_digest(hashes, str(rendering.answers["package_name"])),
    )
    creates = [Create(path, file.content, file.executable) for path, file in files.items()]
    creates.append(Create(MANIFEST, manifest.to_bytes()))
    env = example.content if rendering.answers.get("bare") is True else _with_secret(example.content, secret)
    creates.append(Create(ENV, env, private=True))
    return Plan(tuple(sorted(creates, key=lambda create: create.path)), tuple(notes))


def _with_secret(example: bytes, secret: str) -> bytes:
    """Fill the secret in where the example has a place for it, else add it at the end."""
    line = f"{_SECRETS}={_WEBHOOK}:{secret}".encode()
    filled, count = re.subn(rb"(?m)^#?[ \t]*" + _SECRETS.encode() + rb"=[^\r\n]*", line, example, count=1)
    return filled if count else _with_line(example, line.decode())


def _ignores_env(gitignore: bytes) -> bool:
    lines = {line.strip() for line in gitignore.decode(errors="replace").splitlines()}
    return bool(lines & {".env", "/.env", ".env*", "/.env*", "*.env"})


def _with_line(content: bytes, line: str) -> bytes:
    if content and not content.endswith(b"\n"):
        content += b"\n"
    return content + line.encode() + b"\n"
