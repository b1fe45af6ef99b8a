"""A generated service, as values: what it records about itself, and what it is now.

    .resonate-scaffold.json                        how it was made: template, answers, the hash of each file then
    .resonate-scaffold/adds/0007-workflow-x.json   one file an `add`, in the order of their numbers

Together they hold what a later upgrade needs to rebuild the past and merge. An `add` writes one file of its own: two
branches that each add something merge without a conflict, and the next `add` costs the same after thousands.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.errors import ManifestError, OlderLayout
from resonate_scaffold.forms import form
from resonate_scaffold.plan import Create, Delete, Edit, Plan

MANIFEST = PurePosixPath(".resonate-scaffold.json")
ADDS = PurePosixPath(".resonate-scaffold/adds")
RUFF_SETTINGS = (".ruff.toml", "ruff.toml", "pyproject.toml")
"""The files in which ruff looks for its settings, in this order."""
_TOOL = "resonate-scaffold"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")  # `names` knows more, but a later version may refuse what an earlier one took
_RECORD = re.compile(r"(?P<number>[0-9]{4,})-(?P<rest>[A-Za-z0-9_.-]+)\.json")


@dataclass(frozen=True, slots=True)
class Edited:
    """What an ``add`` put into a file that was there, by which it is found again whatever happens to the file.

    ``lists``: the elements (module-level list, key); ``defines``: the module-level names. In a file that is not Python
    what was added has its own name.
    """

    lists: tuple[tuple[str, str], ...] = ()
    defines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """One ``add``: what was asked for (``options``, normalised), the files it made (path to form), and its edits.

    ``number`` says in which order things were added.
    """

    kind: str
    name: str
    options: Mapping[str, Any]
    files: Mapping[str, str]
    edits: Mapping[str, Edited]
    number: int = 0

    @property
    def path(self) -> PurePosixPath:
        """The file that records it."""
        return ADDS / f"{self.number:04}-{_slug(self.kind, self.name)}.json"

    def to_bytes(self) -> bytes:
        """The record as a file: the same bytes for the same content."""
        edits = {
            path: {"lists": [list(wired) for wired in edited.lists], "defines": list(edited.defines)}
            for path, edited in self.edits.items()
        }
        content = {
            "kind": self.kind,
            "name": self.name,
            "options": dict(self.options),
            "files": dict(self.files),
            "edits": edits,
        }
        return _to_json(content)

    @classmethod
    def from_bytes(cls, path: PurePosixPath, content: bytes) -> Added:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            ManifestError: it is no such record.
        """
        try:
            number = _RECORD.fullmatch(path.name)
            if number is None:
                raise ValueError("its name is not that of a record")
            added = replace(_added_from_json(_from_json(content)), number=int(number["number"]))
            if not path.name.endswith(f"-{_slug(added.kind, added.name)}.json"):
                raise ValueError(f"it is of {added.kind} {added.name}, which its name does not say")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(path, error) from error
        return added


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a service came to be.

    ``version`` is the tool's; ``template`` names the template by a version and a digest, never by a path; ``files``
    maps each path to the SHA-256 (hex) of the file as it was generated; ``runtime`` is the digest of all files of the
    runtime, the same in every service of one version. ``older``: the layout is that of version 0.1.0, which also had
    its adds in here.
    """

    version: str
    template: Mapping[str, str]
    answers: Mapping[str, Any]
    files: Mapping[str, str]
    runtime: str = ""
    older: bool = False

    def to_bytes(self) -> bytes:
        """The manifest as a file: the same bytes for the same content."""
        content = {
            "tool": _TOOL,
            "version": self.version,
            "template": dict(self.template),
            "answers": dict(self.answers),
            "runtime": self.runtime,
            "files": dict(self.files),
        }
        return _to_json(content)

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read what :meth:`to_bytes` wrote, of this version or of 0.1.0.

        Raises:
            ManifestError: it is not JSON, or not a manifest of this tool.
        """
        try:
            data = _from_json(content)
            if data["tool"] != _TOOL:
                raise ValueError(f"it was written by {data['tool']!r}")
            manifest = cls(
                version=_text(data["version"]),
                template=_texts(data["template"]),
                answers=_mapping(data["answers"]),
                files=_hashes(data["files"]),
                runtime=_text(data.get("runtime", "")),
                older="adds" in data,
            )
            if not _NAME.fullmatch(_text(manifest.answers["project_name"])):
                raise ValueError(f"{manifest.answers['project_name']!r} is not a service's name")
            check_package(manifest.answers["package_name"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(MANIFEST, error) from error
        return manifest


class Files(Mapping[PurePosixPath, bytes]):
    """The files of a service that generators read, by path below it; content may be read only when it is asked for.

    The machinery can be read as well, so that what a service takes from it is known. It is not among the files.
    """

    @abstractmethod
    def children(self, directory: PurePosixPath) -> list[str]:
        """The names in a directory, sorted; none where there is no such directory."""

    @abstractmethod
    def is_taken(self, path: PurePosixPath) -> bool:
        """Whether something is at a path, which may be none of these files."""

    @abstractmethod
    def below(self, directory: PurePosixPath) -> Iterator[PurePosixPath]:
        """The Python files below a directory, sorted."""

    @abstractmethod
    def ruff_settings(self, directory: PurePosixPath) -> tuple[str, bytes] | None:
        """Name and content of the file by which ruff has the settings of a directory; None for those of its parent."""

    def containing(self, directory: PurePosixPath, text: bytes) -> list[PurePosixPath]:
        """The Python files below a directory that contain a text, sorted."""
        return [path for path in self.below(directory) if text in self[path]]


class FilesInMemory(Files):
    """Files of a dictionary. Those below a `runtime/` can be read, and are not among them: see :class:`Files`."""

    def __init__(self, files: Mapping[PurePosixPath, bytes]) -> None:
        self._all = dict(files)
        self._files = {path: content for path, content in files.items() if path.parts[1:2] != ("runtime",)}

    def __getitem__(self, path: PurePosixPath) -> bytes:
        return self._all[path]

    def __contains__(self, path: object) -> bool:
        return path in self._all

    def __iter__(self) -> Iterator[PurePosixPath]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def children(self, directory: PurePosixPath) -> list[str]:
        """The names in a directory."""
        return sorted(self._names.get(str(directory), ()))

    def is_taken(self, path: PurePosixPath) -> bool:
        """Whether a file, or the directory of one, is at a path."""
        return path in self._all or str(path) in self._names

    def below(self, directory: PurePosixPath) -> Iterator[PurePosixPath]:
        """The Python files below a directory."""
        prefix = f"{directory}/" if directory.name else ""
        return iter(sorted(it for it in self._files if str(it).startswith(prefix) and it.suffix == ".py"))

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        """The names in each directory. Of texts, since an `upgrade` makes this for each of hundreds of services."""
        found: dict[str, set[str]] = {}
        for rest in map(str, self._all):
            while rest:
                rest, _, name = rest.rpartition("/")
                names = found.setdefault(rest or ".", set())
                if name in names:
                    break
                names.add(name)
        return found

    def ruff_settings(self, directory: PurePosixPath) -> tuple[str, bytes] | None:
        """The file by which ruff has the settings of a directory."""
        return next(
            ((name, self._all[directory / name]) for name in RUFF_SETTINGS if directory / name in self._all), None
        )


class ChangedFiles(Files):
    """Files with some changes: a content for each path, None for one that goes."""

    def __init__(self, files: Files, changes: Mapping[PurePosixPath, bytes | None]) -> None:
        self._files = files
        self._changes = changes

    def __getitem__(self, path: PurePosixPath) -> bytes:
        content = self._changes[path] if path in self._changes else self._files[path]
        if content is None:
            raise KeyError(path)
        return content

    def __contains__(self, path: object) -> bool:
        return self._changes[path] is not None if path in self._changes else path in self._files  # type: ignore[index]

    def __iter__(self) -> Iterator[PurePosixPath]:
        yield from (path for path in self._files if path not in self._changes)
        yield from (path for path, content in self._changes.items() if content is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def children(self, directory: PurePosixPath) -> list[str]:
        """The names in a directory."""
        made = _names_in(directory, self._made)
        doubtful = _names_in(directory, self._gone)  # of what goes, or of directories that it leaves empty
        names = {*self._files.children(directory), *made}
        return sorted(name for name in names if name not in doubtful or self.is_taken(directory / name))

    def is_taken(self, path: PurePosixPath) -> bool:
        """Whether something is at a path: of a directory, whether anything but byte code is left in it."""
        if path in self._changes:
            return self._changes[path] is not None
        if any(path in other.parents for other in self._made):
            return True
        if any(path in other.parents for other in self._gone):
            return any(name != "__pycache__" for name in self.children(path))
        return self._files.is_taken(path)

    def below(self, directory: PurePosixPath) -> Iterator[PurePosixPath]:
        """The Python files below a directory."""
        made = {path for path in self._made if path.suffix == ".py" and directory in path.parents}
        return iter(sorted({*self._files.below(directory), *made} - self._gone))

    def ruff_settings(self, directory: PurePosixPath) -> tuple[str, bytes] | None:
        """The file by which ruff has the settings of a directory."""
        changed = ((name, self._changes.get(directory / name)) for name in RUFF_SETTINGS)
        found = next(((name, content) for name, content in changed if content is not None), None)
        return found or self._files.ruff_settings(directory)

    @cached_property
    def _made(self) -> list[PurePosixPath]:
        return [path for path, content in self._changes.items() if content is not None]

    @cached_property
    def _gone(self) -> set[PurePosixPath]:
        return {path for path, content in self._changes.items() if content is None}


def _names_in(directory: PurePosixPath, paths: Iterable[PurePosixPath]) -> set[str]:
    return {path.relative_to(directory).parts[0] for path in paths if directory in path.parents}


@dataclass(frozen=True)
class Project:
    """A service at one moment. Nothing here touches a disk.

    ``package`` is the name of its package, and of the directory that holds it.
    """

    package: str
    manifest: Manifest
    files: Files

    @property
    def name(self) -> str:
        """The service's name."""
        return str(self.manifest.answers["project_name"])

    def exists(self, path: PurePosixPath) -> bool:
        """Whether something is at *path*."""
        return self.files.is_taken(path)

    def check_layout(self) -> None:
        """Refuse to change a service whose layout this version does not write.

        Raises:
            OlderLayout: it was made by version 0.1.0.
        """
        if self.manifest.older:
            raise OlderLayout(
                f"{self.name} has the layout of version {self.manifest.version}, which this version only reads",
                "Bring it to this version first: resonate-scaffold upgrade",
            )

    @cached_property
    def records(self) -> list[str]:
        """The names of what is in the directory of the records, sorted."""
        return self.files.children(ADDS)

    @cached_property
    def _records(self) -> list[tuple[int, str]]:
        """The names of the records with their numbers, in their order."""
        return sorted((int(match["number"]), name) for name in self.records if (match := _RECORD.fullmatch(name)))

    def adds(self, kind: str | None = None) -> list[Added]:
        """What was added, of one kind or of all, oldest first."""
        wanted = [name for _, name in self._records if kind is None or f"-{kind}-" in name]
        found = [self._record(name) for name in wanted]
        return [added for added in found if kind is None or added.kind == kind]

    def recorded(self) -> list[Added]:
        """What was added, oldest first, also of a service of version 0.1.0, whose manifest has the records."""
        if not self.manifest.older:
            return self.adds()
        try:
            return [_added_from_json(added) for added in _from_json(self.files[MANIFEST])["adds"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(MANIFEST, error) from error

    def find_add(self, kind: str, name: str) -> Added | None:
        """The record of an ``add``, if there is one."""
        end = f"-{_slug(kind, name)}.json"
        for record in self.records:
            if record.endswith(end) and _RECORD.fullmatch(record):
                added = self._record(record)
                if (added.kind, added.name) == (kind, name):
                    return added
        return None

    def next_number(self) -> int:
        """The number of the next ``add``."""
        return self._records[-1][0] + 1 if self._records else 1

    def is_changed(self, path: PurePosixPath, made: str) -> bool:
        """Whether a file is, in more than its layout, another than the one that an ``add`` recorded as *made*.

        Earlier versions recorded the hash of its bytes.
        """
        content = self.files[path]
        return made not in (form(path, content), fingerprint(content))

    def _record(self, name: str) -> Added:
        return Added.from_bytes(ADDS / name, self._content(name))

    def _content(self, name: str) -> bytes:
        path = ADDS / name
        try:
            return self.files[path]
        except KeyError as error:
            raise ManifestError(f"{path} is not a plain file", f"Restore it: git checkout -- {path}") from error


def check_package(name: object) -> str:
    """A package's name, if it is one: it is a directory, and part of generated code.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{name!r} is not a package's name")
    return name


def after(project: Project, plan: Plan) -> Project:
    """The service as a plan leaves it, all in memory."""
    changes: dict[PurePosixPath, bytes | None] = {}
    for change in plan.changes:
        match change:
            case Create(path, content) | Edit(path, _, content):
                changes[path] = content
            case Delete(path):
                changes[path] = None
    files = ChangedFiles(project.files, changes)
    return Project(project.package, Manifest.from_bytes(files[MANIFEST]), files)


def fingerprint(content: bytes) -> str:
    """The hash that records keep of a file."""
    return hashlib.sha256(content).hexdigest()


def runtime_digest(hashes: Mapping[str, str], package: str) -> str:
    """The digest of a service's runtime: of the path below it and the hash of each of its files."""
    runtime = f"{package}/runtime/"
    lines = sorted(f"{path.removeprefix(runtime)} {sha}\n" for path, sha in hashes.items() if path.startswith(runtime))
    return fingerprint("".join(lines).encode())


def _slug(kind: str, name: str) -> str:
    """What a record's file name says of it: the name where that can be a file's, else something like it and a hash."""
    text = re.sub(r"[^a-z0-9_.]+", "-", name.lower()).strip("-")
    if text == name:
        return f"{kind}-{text}"
    digest = hashlib.sha256(name.encode(errors="backslashreplace")).hexdigest()
    return f"{kind}-{text}-{digest[:8]}"


def _to_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _from_json(content: bytes) -> Any:
    data = json.loads(content.decode())
    json.dumps(data, ensure_ascii=False, allow_nan=False).encode()  # what is read can be written again
    return data


def _damaged(path: PurePosixPath, error: Exception) -> ManifestError:
    reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    anew = "" if path == MANIFEST else ", or make it again from the code: resonate-scaffold list --repair"
    return ManifestError(f"{path} cannot be read: {reason}", f"Restore it: git checkout -- {path}{anew}")


def _added_from_json(data: Any) -> Added:
    edits = {
        path: Edited(
            lists=tuple((_text(name), _text(key)) for name, key in edited["lists"]),
            defines=tuple(_text(name) for name in edited["defines"]),
        )
        for path, edited in _mapping(data["edits"]).items()
    }
    _hashes({path: "" for path in edits})
    return Added(_text(data["kind"]), _text(data["name"]), _mapping(data["options"]), _hashes(data["files"]), edits)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
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
