"""A program: its files, and which of them an import means. Nothing is imported or run."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from resonate_scaffold.code.parse import parsed
from resonate_scaffold.code.scopes import (
    Module,
    Scope,
)


class Program:
    """All files of one check. Paths are relative to one directory, which may hold several programs.

    ``files`` are Python. ``beside`` are files that are not: manifests of generated services, and what these list.
    """

    def __init__(
        self, files: Mapping[PurePosixPath, bytes], beside: Mapping[PurePosixPath, bytes] = MappingProxyType({})
    ) -> None:
        self.beside = beside
        modules: dict[PurePosixPath, Module] = {}
        self.modules: Mapping[PurePosixPath, Module] = modules
        self._content = files
        # Imports are resolved on plain text: a path object for each step would cost more than all else.
        self._files: dict[str, PurePosixPath] = {}
        self._directories: dict[str, bool] = {"": False}
        self._resolved: dict[tuple[str, str, int], PurePosixPath | None] = {}
        # Trees are full of cycles that are never garbage before the end.
        collecting = gc.isenabled()
        gc.disable()
        try:
            for path, content in sorted(files.items()):
                modules[path] = module = parsed(path, content)
                self._files[str(path)] = path
                directory = module.directory
                self._directories[directory] = True  # it holds Python itself
                while directory:
                    directory = directory.rpartition("/")[0]
                    self._directories.setdefault(directory, False)
        finally:
            if collecting:
                gc.enable()

    @property
    def scopes(self) -> Iterator[Scope]:
        """Every scope of every file."""
        for module in self.modules.values():
            yield from module.scopes

    @property
    def rpc_modules(self) -> Iterator[PurePosixPath]:
        """The files that are called `rpc`."""
        return (path for path in self.modules if path.name == "rpc.py")

    def content(self, path: PurePosixPath) -> bytes | None:
        """The bytes of a file; None where there is none."""
        return self._content[path] if path in self._content else self.beside.get(path)

    def importing(self, module: Module, name: str, level: int) -> PurePosixPath | None:
        """The file or the directory that an import in *module* means; None for what is not in the program.

        An absolute name is looked for beside the importing file and in each directory above it, the nearest first:
        one of these is on the path of whatever runs this.
        """
        key = (module.directory, name, level)
        if key not in self._resolved:
            self._resolved[key] = self._look_up(*key)
        return self._resolved[key]

    def below(self, directory: str, name: str) -> PurePosixPath | None:
        """A module or a package of a directory."""
        return self._at(_joined(directory, name))

    def _look_up(self, directory: str, name: str, level: int) -> PurePosixPath | None:
        below = name.replace(".", "/")
        if level:
            for _ in range(level - 1):
                directory = directory.rpartition("/")[0]
            return self._at(_joined(directory, below))
        while True:
            for base in (directory, _joined(directory, "src")):
                found = self._at(_joined(base, below))
                # A directory beside the importer that only has the name of a distribution is not a package.
                if found is not None and (found in self.modules or self._directories[str(found)]):
                    return found
            if not directory:
                return None
            directory = directory.rpartition("/")[0]

    def _at(self, path: str) -> PurePosixPath | None:
        found = self._files.get(f"{path}.py") or self._files.get(_joined(path, "__init__.py"))
        if found is not None:
            return found
        return PurePosixPath(path) if path in self._directories else None


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory and name else directory or name
