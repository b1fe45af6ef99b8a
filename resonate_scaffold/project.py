"""A generated service, as values: what it records about itself, and what it is now.

The manifest, ``.resonate-scaffold.json``, holds what a later upgrade needs to rebuild the past and merge: which
template, which answers, what was added since, and the hash of each file as the tool left it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.errors import ManifestError
from resonate_scaffold.plan import Create, Delete, Edit, Plan

MANIFEST = PurePosixPath(".resonate-scaffold.json")
_TOOL = "resonate-scaffold"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")  # `names` knows more, but a later version may refuse what an earlier one took

Undo = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Edited:
    """What an ``add`` did to a file that was there.

    ``undo`` holds (byte offset, byte length, text to put back): applied in this order to the file whose SHA-256 is
    ``sha256``, it gives every byte back. Where somebody has edited since, the syntax tree is asked instead, for the
    elements of ``lists`` (module-level list, key) and the module-level names in ``defines``.
    """

    sha256: str
    undo: Undo
    lists: tuple[tuple[str, str], ...] = ()
    defines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """One ``add``: what was asked for (``options``, normalised), the files it made (path to SHA-256), and its edits."""

    kind: str
    name: str
    options: Mapping[str, Any]
    files: Mapping[str, str]
    edits: Mapping[str, Edited]


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a service came to be.

    ``version`` is the tool's; ``template`` names the template by a version and a digest, never by a path; ``files``
    maps each path to the SHA-256 (hex) of the file as the tool last left it: another hash on disk means that somebody
    has edited it, also if the tool has edited it again after that; ``adds`` lists what was added since, oldest first.
    """

    version: str
    template: Mapping[str, str]
    answers: Mapping[str, Any]
    files: Mapping[str, str]
    adds: tuple[Added, ...] = ()

    def to_bytes(self) -> bytes:
        """The manifest as a file: the same bytes for the same content."""
        content = {
            "tool": _TOOL,
            "version": self.version,
            "template": dict(self.template),
            "answers": dict(self.answers),
            "files": dict(self.files),
            "adds": [_added_to_json(added) for added in self.adds],
        }
        return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            ManifestError: it is not JSON, or not a manifest of this tool.
        """
        try:
            data = json.loads(content.decode())
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()  # what is read can be written again
            if data["tool"] != _TOOL:
                raise ValueError(f"it was written by {data['tool']!r}")
            manifest = cls(
                version=_text(data["version"]),
                template=_texts(data["template"]),
                answers=_mapping(data["answers"]),
                files=_hashes(data["files"]),
                adds=tuple(_added_from_json(added) for added in data["adds"]),
            )
            if not _NAME.fullmatch(_text(manifest.answers["project_name"])):
                raise ValueError(f"{manifest.answers['project_name']!r} is not a service's name")
            check_package(manifest.answers["package_name"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ManifestError(
                f"{MANIFEST} cannot be read: {reason}", f"Restore it: git checkout -- {MANIFEST}"
            ) from error
        return manifest

    def find(self, kind: str, name: str) -> Added | None:
        """The record of an ``add``, if there is one."""
        return next((added for added in self.adds if (added.kind, added.name) == (kind, name)), None)


@dataclass(frozen=True, slots=True)
class Project:
    """A service at one moment. Nothing here touches a disk.

    ``package`` is the name of its package, and of the directory that holds it. ``files`` has the content of everything
    that generators read, by path below the project; ``taken`` are further paths that exist.
    """

    package: str
    manifest: Manifest
    files: Mapping[PurePosixPath, bytes]
    taken: frozenset[PurePosixPath] = frozenset()

    @property
    def name(self) -> str:
        """The service's name."""
        return str(self.manifest.answers["project_name"])

    def exists(self, path: PurePosixPath) -> bool:
        """Whether something is at *path*."""
        return path in self.files or path in self.taken

    def is_edited(self, path: PurePosixPath) -> bool:
        """Whether somebody has changed a file since the tool last wrote it."""
        return self.manifest.files.get(str(path)) != fingerprint(self.files[path])


def check_package(name: object) -> str:
    """A package's name, if it is one: it is a directory, and part of generated code.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{name!r} is not a package's name")
    return name


def after(project: Project, plan: Plan) -> Project:
    """The service as a plan leaves it."""
    files = dict(project.files)
    for change in plan.changes:
        match change:
            case Create(path, content):
                files[path] = content
            case Edit(path, _, content):
                files[path] = content
            case Delete(path):
                del files[path]
    return replace(project, manifest=Manifest.from_bytes(files[MANIFEST]), files=files)


def fingerprint(content: bytes) -> str:
    """The hash that the manifest keeps of a file."""
    return hashlib.sha256(content).hexdigest()


def restore(content: bytes, undo: Undo) -> bytes:
    """Take an edit back: *content* is what it left."""
    for start, length, old in undo:
        content = content[:start] + old.encode() + content[start + length :]
    return content


def with_change(manifest: Manifest, path: PurePosixPath, before: bytes | None, after: bytes | None) -> Manifest:
    """The manifest after the tool has changed a file; None is a file that is not there.

    What somebody had edited before stays recorded as edited.
    """
    files = dict(manifest.files)
    known = files.get(str(path))
    if after is None:
        files.pop(str(path), None)
    elif before is None or known == fingerprint(before):
        files[str(path)] = fingerprint(after)
    return replace(manifest, files=files)


def _added_to_json(added: Added) -> dict[str, Any]:
    edits = {
        path: {
            "sha256": edited.sha256,
            "undo": [list(step) for step in edited.undo],
            "lists": [list(wired) for wired in edited.lists],
            "defines": list(edited.defines),
        }
        for path, edited in added.edits.items()
    }
    return {
        "kind": added.kind,
        "name": added.name,
        "options": dict(added.options),
        "files": dict(added.files),
        "edits": edits,
    }


def _added_from_json(data: Any) -> Added:
    edits = {
        path: Edited(
            sha256=_text(edited["sha256"]),
            undo=tuple((_size(start), _size(length), _text(old)) for start, length, old in edited["undo"]),
            lists=tuple((_text(name), _text(key)) for name, key in edited["lists"]),
            defines=tuple(_text(name) for name in edited["defines"]),
        )
        for path, edited in _mapping(data["edits"]).items()
    }
    _hashes({path: edited.sha256 for path, edited in edits.items()})
    return Added(_text(data["kind"]), _text(data["name"]), _mapping(data["options"]), _hashes(data["files"]), edits)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is not a number of bytes")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {name: _text(text) for name, text in _mapping(value).items()}


def _hashes(value: Any) -> dict[str, str]:
    """Texts by path: one below the service, spelled in the one way in which two that mean the same are equal."""
    for name in _mapping(value):
        path = PurePosixPath(name)
        if path.is_absolute() or not path.parts or ".." in path.parts or str(path) != name:
            raise ValueError(f"{name!r} is not a path in the service")
    return _texts(value)
