"""The runtime of a generated service, as its manifest lists it: files that the tool renews, and the owner leaves be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from resonate_scaffold.errors import ManifestError
from resonate_scaffold.project import Manifest

_NAME = "runtime"

SNAPSHOT = PurePosixPath("tests", "contracts.json")
"""The contracts of the release before, as a service's command `contracts` writes them."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The runtime in ``package``. Paths are relative to the service; ``files`` has hashes."""

    package: str = ""
    files: Mapping[PurePosixPath, str] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: bytes) -> Runtime:
        """Read a manifest; one that is damaged or no manifest of this tool lists nothing."""
        try:
            read = Manifest.from_bytes(manifest)
        except ManifestError:
            return cls()
        runtime = cls(str(read.answers["package_name"]))
        files = {PurePosixPath(name): digest for name, digest in read.files.items()}
        return cls(runtime.package, {path: digest for path, digest in files.items() if runtime.has(path)})

    def among(self, paths: Iterable[PurePosixPath]) -> Runtime:
        """This, or its Python files in the one other package that has a runtime: a package may be renamed."""
        packages = {path.parts[0] for path in paths if path.parts[1:2] == (_NAME,)}
        if self.package in packages or len(packages) != 1:
            return self
        renamed = Runtime(packages.pop())
        files = {path: digest for path, digest in self.files.items() if path.suffix == ".py"}
        return Runtime(
            renamed.package, {renamed.directory / path.relative_to(self.directory): it for path, it in files.items()}
        )

    @property
    def directory(self) -> PurePosixPath:
        """Where it is."""
        return PurePosixPath(self.package, _NAME)

    def has(self, path: PurePosixPath) -> bool:
        """Whether a path is in the runtime, and not of the caches that Python and others keep there."""
        is_cache = any(part.startswith((".", "__pycache__")) for part in path.parts)
        return bool(self.package) and path.is_relative_to(self.directory) and not is_cache
