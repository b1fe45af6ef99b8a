"""The program of one service: each file is read and parsed when something asks for it, and then once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import PurePosixPath

from resonate_scaffold.code.parse import parsed
from resonate_scaffold.code.program import Program
from resonate_scaffold.code.scopes import Module
from resonate_scaffold.errors import BrokenSource
from resonate_scaffold.project import Project

# A command that makes many plans, one upon another, reads again only what each has changed.
_parsed = lru_cache(maxsize=1024)(parsed)


class Modules(Mapping[PurePosixPath, Module]):
    """The modules of a service. All of them are its package's, without the machinery; others are known when asked for.

    Raises:
        BrokenSource: a module is asked for that is not Python.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.parsed: dict[PurePosixPath, Module] = {}
        """Those that something has asked for."""

    def __getitem__(self, path: PurePosixPath) -> Module:
        if path not in self.parsed:
            self.parsed[path] = module = _parsed(path, self._project.files[path])
            if module.error is not None:
                line, message = module.error
                raise BrokenSource(f"{path}, line {line}: {message}", "Mend it, then run this again.")
        return self.parsed[path]

    def __contains__(self, path: object) -> bool:
        return path in self._project.files

    @cached_property
    def _own(self) -> tuple[PurePosixPath, ...]:
        package = PurePosixPath(self._project.package)
        return tuple(path for path in self._project.files.below(package) if package / "runtime" not in path.parents)

    def __iter__(self) -> Iterator[PurePosixPath]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


class ServiceProgram(Program):
    """A program whose files are those of a service."""

    def __init__(self, project: Project) -> None:
        super().__init__({})
        self._project = project
        self.modules: Modules = Modules(project)

    @property
    def rpc_modules(self) -> Iterator[PurePosixPath]:
        """The files that are called `rpc`, by which the machinery is known; its own is not among the modules."""
        machinery = PurePosixPath(self._project.package, "runtime", "durable", "rpc.py")
        return chain((machinery,) if machinery in self.modules else (), super().rpc_modules)

    def importing(self, module: Module, name: str, level: int) -> PurePosixPath | None:
        """What an import means; an absolute one of anything but the service's package means what is outside."""
        if not level and name.partition(".")[0] != self._project.package:
            return None
        return super().importing(module, name, level)

    def _look_up(self, directory: str, name: str, level: int) -> PurePosixPath | None:
        return super()._look_up(directory, name, level) if level else self._at(name.replace(".", "/"))

    def _at(self, path: str) -> PurePosixPath | None:
        base = PurePosixPath(path or ".")
        for found in (base.with_name(f"{base.name}.py") if base.name else base, base / "__init__.py"):
            if found in self._project.files:
                return found
        return base if base.name and self._project.files.children(base) else None
