"""Layout of Python by ruff, with the configuration of the project.

Ruff is run on copies, in a temporary directory that has the project's settings: nothing of the project is run or
written. A new file is laid out whole. Of a file that is there, each line that the command does not own stays as it is:
the whole is laid out where that changes no such line, or where the file was formatted (or its imports sorted) before.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resonate_scaffold import systems
from resonate_scaffold.differences import differences
from resonate_scaffold.errors import FormattingFailed
from resonate_scaffold.project import Files

_IMPORTED = re.compile(rb"(?m)^[ \t]*(?:from|import)[ \t]+(\w[\w.]*)")
_WRAPPED = re.compile(rb"(?m)^from ([\w.]+) import \((?:\r?\n[ \t]+\w+(?: as \w+)?,)+(?=\r?\n\))")
_FORMAT = ("format",)
_SORT = ("check", "--select", "I", "--fix", "--exit-zero")

Texts = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Draft:
    """A Python file as a command leaves it, before it is laid out.

    ``before`` is what was there, None for a new file. ``added`` are the texts, each a file of its own, that were put
    into it; ``edit`` gives the whole, with others in their place.
    """

    path: PurePosixPath
    before: bytes | None
    after: bytes
    added: Sequence[str] = ()
    edit: Callable[[Mapping[str, str]], bytes] | None = None


def lay_out(files: Files, drafts: Iterable[Draft]) -> dict[PurePosixPath, bytes]:
    """The drafts as ruff lays them out, by path.

    Args:
        files: the project's.

    Raises:
        FormattingFailed: ruff cannot be run, or not with the project's settings.
    """
    by_path = {draft.path: draft for draft in drafts}
    if not by_path:
        return {}
    with tempfile.TemporaryDirectory(prefix="resonate-scaffold-", ignore_cleanup_errors=True) as scratch:
        ruff = _Ruff(Path(scratch), files)
        texts = {path: draft.after for path, draft in by_path.items()} | _unwrapped(ruff, by_path.values())
        whole = ruff.run(_FORMAT, ruff.run(_SORT, texts))
        doubtful = {
            path: draft.before
            for path, draft in by_path.items()
            if draft.before is not None and not _keeps_lines(draft.before, draft.after, whole[path])
        }
        if not doubtful:
            return whole
        were_formatted = _unchanged(doubtful, ruff.run(_FORMAT, doubtful))
        were_sorted = _unchanged(doubtful, ruff.run(_SORT, doubtful))
        edited = {path: ruff.edit(by_path[path]) for path in doubtful.keys() - were_formatted}
        unsorted = {path: texts[path] for path in were_formatted - were_sorted}
        by_line = {path: edited[path] for path in were_sorted - were_formatted}
        return {**whole, **edited, **ruff.run(_FORMAT, unsorted), **ruff.run(_SORT, by_line)}


def _unwrapped(ruff: _Ruff, drafts: Iterable[Draft]) -> dict[PurePosixPath, bytes]:
    """Drafts in which an import got shorter that ruff had wrapped, without the comma that would keep it wrapped.

    Where it is short enough without that comma, somebody wrote it, and it stays.
    """
    shorter: dict[PurePosixPath, tuple[Draft, bytes, set[bytes]]] = {}
    for draft in drafts:
        before = {it[1]: it[0] for it in _WRAPPED.finditer(draft.before or b"")}
        changed = (it for it in _WRAPPED.finditer(draft.after) if it[0] not in _wrapped(draft.before))
        modules = {it[1] for it in changed if len(it[0]) < len(before.get(it[1], b""))}
        if modules:
            shorter[draft.path] = draft, _without_commas(draft.before or b"", modules), modules
    again = ruff.run(_FORMAT, {path: before for path, (_, before, _) in shorter.items()})
    return {
        path: _without_commas(
            draft.after, modules & {it[1] for it in _WRAPPED.finditer(again[path])}, _wrapped(draft.before)
        )
        for path, (draft, _, modules) in shorter.items()
    }


def _wrapped(content: bytes | None) -> set[bytes]:
    """The imports of a file that are wrapped. There may be several from one module."""
    return {it[0] for it in _WRAPPED.finditer(content or b"")}


def _without_commas(content: bytes, modules: set[bytes], kept: Collection[bytes] = ()) -> bytes:
    """A file in which no comma keeps the imports from these modules wrapped, but for those that stay as they are."""
    return _WRAPPED.sub(lambda it: it[0][:-1] if it[1] in modules and it[0] not in kept else it[0], content)


def _keeps_lines(before: bytes, after: bytes, whole: bytes) -> bool:
    """Whether a command adds and takes away whole lines only, and the whole that is laid out has all others."""
    if not any(old for _, _, old in differences(before, whole)):
        return True
    kept = after
    for start, size, old in differences(before, after):
        if size and old:
            return False
        kept = kept[:start] + kept[start + size :]
    return not any(old for _, _, old in differences(kept, whole))


def _unchanged(before: Texts, after: Texts) -> set[PurePosixPath]:
    return {path for path, content in before.items() if after[path] == content}


class _Ruff:
    """Runs ruff in a directory that it fills."""

    def __init__(self, directory: Path, files: Files) -> None:
        self._directory = directory
        self._files = files
        self._prepared: set[PurePosixPath] = set()
        self._modules: set[str] = set()

    def run(self, command: Sequence[str], texts: Texts) -> dict[PurePosixPath, bytes]:
        """What a command of ruff makes of some files. One that it cannot read stays as it is."""
        if not texts:
            return {}
        for path, content in texts.items():
            self._prepare(path.parent)
            (self._directory / path).write_bytes(content.removeprefix(BOM_UTF8))
        self._make_known(texts.values())
        options = ("--no-cache", "--quiet", "--no-force-exclude")
        # What is set for others to see must not change what is written here.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
        try:
            done = subprocess.run(
                [_program(), *command, *options, *map(str, texts)],
                cwd=self._directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise FormattingFailed(
                f"ruff cannot be run: {error.strerror or error}", "The installation is damaged: install it again."
            ) from error
        complaint = done.stderr.decode(errors="replace")
        if complaint.startswith("ruff failed"):
            raise FormattingFailed(
                f"ruff cannot be run with the project's settings: {_refusal(complaint)}",
                "Correct them, or install beside resonate-scaffold the version of ruff that they are for.",
            )
        marks = {path: BOM_UTF8 if content.startswith(BOM_UTF8) else b"" for path, content in texts.items()}
        return {path: mark + (self._directory / path).read_bytes() for path, mark in marks.items()}

    def edit(self, draft: Draft) -> bytes:
        """A draft whose added texts are laid out by themselves."""
        if draft.edit is None:
            return draft.after
        paths = {text: draft.path.with_name(f"added_{number}.py") for number, text in enumerate(draft.added)}
        laid_out = self.run(_FORMAT, {path: text.encode() for text, path in paths.items()})
        return draft.edit({text: laid_out[path].decode() for text, path in paths.items()})

    def _prepare(self, directory: PurePosixPath) -> None:
        """Make a directory, with the settings of the project's."""
        if directory in self._prepared:
            return
        self._prepared.add(directory)
        if directory.parts:
            self._prepare(directory.parent)
        (self._directory / directory).mkdir(exist_ok=True)
        if settings := self._files.ruff_settings(directory):
            name, content = settings
            (self._directory / directory / name).write_bytes(content)
        elif not directory.parts:
            (self._directory / "ruff.toml").touch()  # or it would go on looking above the temporary directory

    def _make_known(self, contents: Iterable[bytes]) -> None:
        """Let ruff see which of the imported packages and modules are the project's own."""
        modules = {name.decode() for content in contents for name in _IMPORTED.findall(content) if name.isascii()}
        for module in modules - self._modules:
            for path in (PurePosixPath(top, *module.split(".")) for top in (".", "src")):  # where ruff looks
                if self._files.is_taken(path):
                    self._touch(path / "__init__.py")
                elif self._files.is_taken(path.with_suffix(".py")):
                    self._touch(path.with_suffix(".py"))
        self._modules |= modules

    def _touch(self, path: PurePosixPath) -> None:
        (self._directory / path).parent.mkdir(parents=True, exist_ok=True)
        (self._directory / path).touch()


def _program() -> str:
    beside = Path(sys.executable).with_name(systems.program("ruff"))
    if beside.is_file():
        return str(beside)
    from ruff.__main__ import find_ruff_bin  # it looks in more places, and takes its time

    return str(find_ruff_bin())


def _refusal(complaint: str) -> str:
    """Which settings ruff refuses, and why, in a line."""
    files = re.findall(r"Failed to (?:load extended configuration `|parse )([^`\n]+)", complaint)
    causes = (line.removeprefix("  Cause: ").strip() for line in complaint.splitlines()[1:])
    reasons = [it for it in causes if it and not re.match(r"Failed to |[0-9 ]*\|", it)]
    return f"{files[-1] if files else 'Its settings'}: {': '.join(reasons)}"
