"""RS6xx: what in a generated service is the owner's, and what is the tool's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.code.program import Program
from resonate_scaffold.code.runtime import Runtime
from resonate_scaffold.project import MANIFEST, fingerprint

# Where a change belongs instead, by how the file's path in the runtime begins. The first that fits counts.
_PLACES = {
    "http/": "a router or a middleware of your own, in {package}/api/ (app.py)",
    "durable/": "a function or a dependency of your own, in {package}/workflows/ or {package}/db/",
    "engine/": "a function or a dependency of your own, in {package}/workflows/ or {package}/db/",
    "telemetry/": "a metric or a log line of your own, in the module that it is about",
    "testing/": "a fixture of your own, in tests/conftest.py",
    "database.py": "a dependency of your own, in {package}/db/worker.py",
    "settings.py": "a setting of your own, in {package}/settings.py",
    "cli.py": "a command of your own, in {package}/__main__.py",
    "dev.py": "a command of your own, in {package}/__main__.py",
    "service.py": "the Service in {package}/__main__.py",
    "": "a module of your own, beside {package}/runtime/",
}


def ownership(program: Program) -> Iterator[Finding]:
    """RS601, for each service whose manifest is here."""
    for path, content in program.beside.items():
        if path.name == MANIFEST.name:
            yield from _edited_runtime(program, path.parent, Runtime.of(content))


def _edited_runtime(program: Program, root: PurePosixPath, runtime: Runtime) -> Iterator[Finding]:
    """What in a runtime is not as it was generated; ``root`` is the directory of the service."""
    # By its text first: there may be thousands of files.
    inside = [it.relative_to(root) for it in program.files if "/runtime/" in str(it) and it.is_relative_to(root)]
    runtime = runtime.among(inside)
    found = {path: program.content(root / path) for path in runtime.files}
    if all(content is None for content in found.values()):
        return  # it was not asked about, or the service does without
    for path, content in found.items():
        name, place = _name_and_place(runtime, path)
        undo = f"`git checkout -- {root / path}`"
        if content is None:
            message = f"{name} is missing: it is part of the runtime, whose modules need each other"
            yield _finding(root / path, message, f"{undo} brings it back. A change belongs in {place}.")
        elif not _is_as_generated(content, runtime.files[path]):
            message = f"{name} was edited: it is part of the runtime, which an upgrade renews"
            hint = f"Make the change in {place}. {undo} takes back an edit that is not committed."
            yield _finding(root / path, message, hint)
    for path in inside:
        if runtime.has(path) and path not in runtime.files:
            name, place = _name_and_place(runtime, path)
            message = f"{name} was added: it is no part of the runtime, and an upgrade does not know it"
            yield _finding(root / path, message, f"Move it. What it does belongs in {place}.")


def _finding(path: PurePosixPath, message: str, hint: str) -> Finding:
    return Finding(path, 1, 1, "RS601", message, hint)


def _is_as_generated(content: bytes, digest: str) -> bool:
    """Whether a file has the bytes that were generated, but for line ends, which a checkout may change."""
    return digest in (fingerprint(content), fingerprint(content.replace(b"\r\n", b"\n")))


def _name_and_place(runtime: Runtime, path: PurePosixPath) -> tuple[str, str]:
    """How a message names a file, and where changes of it belong."""
    name = str(path.relative_to(runtime.directory))
    place = next(place for start, place in _PLACES.items() if name.startswith(start))
    return f"{runtime.directory.name}/{name}", place.format(package=runtime.package)
