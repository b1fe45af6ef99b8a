"""A program: its files, and which of them an import means. Nothing is imported or run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from resonate_scaffold.code.garbage import without_collecting
from resonate_scaffold.code.parse import parsed
from resonate_scaffold.code.relevant import Graph, relevant
from resonate_scaffold.code.scopes import (
    Module,
    Scope,
)


class Program:
    """All files of one check. Paths are relative to one directory, which may hold several programs.

    ``files`` are Python. ``beside`` are files that are not: manifests of generated services, and what these list.
    ``named`` are the files that are parsed whatever is in them, and of the others those that have to do with Resonate.
    Without it all are parsed.
    """

    def __init__(
        self,
        files: Mapping[PurePosixPath, bytes],
        beside: Mapping[PurePosixPath, bytes] = MappingProxyType({}),
        named: Collection[PurePosixPath] | None = None,
    ) -> None:
        self.beside = beside
        self.files = files
        # Imports are resolved on plain text: a path object for each step would cost more than all else.
        self._files: dict[str, PurePosixPath] = {}
        self._directories: dict[str, bool] = {"": False}
        self._resolved: dict[tuple[str, str, int], PurePosixPath | None] = {}
        for path in files:
            text = str(path)
            self._files[text] = path
            directory = text.rpartition("/")[0]
            self._directories[directory] = True  # it holds Python itself
            while directory:
                directory = directory.rpartition("/")[0]
                self._directories.setdefault(directory, False)
        self._importers: Graph = {}
        with without_collecting():
            if named is None:
                modules = {path: parsed(path, content) for path, content in files.items()}
            else:
                modules, self._importers = relevant(self, files, named)
        self.modules: Mapping[PurePosixPath, Module] = dict(sorted(modules.items()))

    @property
    def scopes(self) -> Iterator[Scope]:
        """Every scope of every file that is parsed."""
        for module in self.modules.values():
            yield from module.scopes

    @property
    def rpc_modules(self) -> Iterator[PurePosixPath]:
        """The files that are called `rpc`."""
        return (path for path in self.modules if path.name == "rpc.py")

    def content(self, path: PurePosixPath) -> bytes | None:
        """The bytes of a file; None where there is none."""
        return self.files[path] if path in self.files else self.beside.get(path)

    def is_file(self, path: PurePosixPath) -> bool:
        """Whether a path is a file of the program, parsed or not."""
        return path in self.files

    def is_named_aside(self, name: str, of: PurePosixPath | None = None) -> bool:
        """Whether a file that is not parsed has a name in its text; with *of*, one that imports that file."""
        unparsed = (path for path in (self.files if of is None else self._importers.get(of, ())))
        word = re.compile(rb"\b%s\b" % re.escape(name.encode()))
        return any(path not in self.modules and word.search(self.files[path]) for path in unparsed)

    def importing(self, module: Module, name: str, level: int) -> PurePosixPath | None:
        """The file or the directory that an import in *module* means; None for what is not in the program.

        An absolute name is looked for beside the importing file and in each directory above it, the nearest first, and
        packages last: one of these is on the path of whatever runs this.
        """
        return self.resolve(module.directory, name, level)

    def resolve(self, directory: str, name: str, level: int) -> PurePosixPath | None:
        """The same for an import in any file of a directory."""
        key = (directory, name, level)
        if key not in self._resolved:
            self._resolved[key] = self._look_up(*key)
        return self._resolved[key]

    def below(self, directory: str, name: str) -> PurePosixPath | None:
        """A module or a package of a directory."""
        return self._at(_joined(directory, name))

    def own_package(self, module: Module) -> tuple[str, str]:
        """The outermost package that a module is part of, and the directory in which that stands; without one ""."""
        directory, package = module.directory, ""
        while directory and self._is_package(directory):
            directory, _, package = directory.rpartition("/")
        return package, directory

    def _look_up(self, directory: str, name: str, level: int) -> PurePosixPath | None:
        below = name.replace(".", "/")
        if level:
            for _ in range(level - 1):
                directory = directory.rpartition("/")[0]
            return self._at(_joined(directory, below))
        inside: PurePosixPath | None = None
        while True:
            for base in (directory, _joined(directory, "src")):
                found = self._at(_joined(base, below))
                # A directory beside the importer that only has the name of a distribution is not a package.
                if found is not None and (found in self.files or self._directories[str(found)]):
                    if not self._is_package(base):
                        return found
                    inside = inside or found  # a package is on the path only of a script that stands in it
            if not directory:
                return inside
            directory = directory.rpartition("/")[0]

    def _is_package(self, directory: str) -> bool:
        return _joined(directory, "__init__.py") in self._files

    def _at(self, path: str) -> PurePosixPath | None:
        found = self._files.get(f"{path}.py") or self._files.get(_joined(path, "__init__.py"))
        if found is not None:
            return found
        return PurePosixPath(path) if path in self._directories else None


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory and name else directory or name
