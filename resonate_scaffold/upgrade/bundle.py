"""The shipped template as a git bundle, a tag a version: what `copier update` reads, where a service names it."""

from __future__ import annotations

import lzma
import os
import stat
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from resonate_scaffold import __version__, templates
from resonate_scaffold.errors import DiskError, UsageError
from resonate_scaffold.report import Outcome, Report
from resonate_scaffold.upgrade.moves import as_numbers
from resonate_scaffold.upgrade.releases import archive_of, carried
from resonate_scaffold.upgrade.repository import Commit, Tree, temporary_repository

_WITHIN = PurePosixPath("templates/project")  # where a release's archive has it
_BRANCH, _TAGS = "refs/heads/main", "refs/tags/"


def write_bundle(output: Path | None, report: Report) -> Outcome:
    """Write the bundle to a file: the one that services name, or another.

    Raises:
        UsageError: a bundle is there that has a newer version than this one.
        DiskError: the operating system refused.
        GitError: git is not there, or failed.
    """
    path = Path(templates.BUNDLE).expanduser() if output is None else output
    newer = [version for version in _tags_of(path) if as_numbers(version) > as_numbers(__version__)]
    if newer:
        raise UsageError(
            f"{path} has version {newer[-1]}, which resonate-scaffold {__version__} does not know",
            f"Install that: pip install resonate-scaffold=={newer[-1]}. Or write elsewhere: --output FILE",
        )
    versions = {**{version: _of_release(version) for version in carried()}, __version__: _of_this_version()}
    content = bundle_of(versions)
    changes = _put(path, content)
    for name, action in changes:
        report.step(action, name)
    report.note(f"It has the template of {', '.join(versions)}")
    if output is None:
        report.next_steps([("copier update", "in a service: see docs/upgrading.md of resonate-scaffold")])
    return Outcome("template", str(path.parent), changes=changes)


def bundle_of(versions: Mapping[str, Tree]) -> bytes:
    """The bundle of some versions, the oldest first: a commit and a lightweight tag each, on one branch.

    The same trees give the same bytes, as long as git and its compression are the same.

    Raises:
        GitError: git is not there, or failed.
    """
    with temporary_repository() as repository:
        commits = list[Commit]()
        for version, tree in versions.items():
            parent = commits[-1].ref if commits else None
            commits.append(Commit(f"{_TAGS}{version}", tree, parent, f"The template of resonate-scaffold {version}"))
        repository.put(commits)
        repository.git("update-ref", _BRANCH, commits[-1].ref)
        return repository.git("bundle", "create", "--quiet", "-", "HEAD", _BRANCH, "--tags")


def _of_release(version: str) -> Tree:
    """The template of a release that this version carries."""
    with lzma.open(archive_of(version)) as content, tarfile.open(fileobj=content) as packed:
        found = {
            PurePosixPath(member.name).relative_to(_WITHIN): (member, packed.extractfile(member))
            for member in packed
            if member.isfile() and PurePosixPath(member.name).is_relative_to(_WITHIN)
        }
        files = {path: file.read() for path, (_, file) in found.items() if file is not None}
        return Tree(files, frozenset(path for path, (member, _) in found.items() if member.mode & stat.S_IXUSR))


def _of_this_version() -> Tree:
    found = templates.builtin_files()
    return Tree(
        {path: file.content for path, file in found.items()},
        frozenset(path for path, file in found.items() if file.executable),
    )


def _tags_of(path: Path) -> list[str]:
    """The versions that a bundle has, the oldest first; none where there is none."""
    if not path.is_file():
        return []
    with temporary_repository() as repository:
        # 128: it is no bundle, and has no version that could be lost.
        listed = repository.git("bundle", "list-heads", str(path.absolute()), allowed=(0, 1, 128)).decode()
    names = (line.partition(f" {_TAGS}")[2] for line in listed.splitlines())
    return sorted((name for name in names if name and as_numbers(name)), key=as_numbers)


def _put(path: Path, content: bytes) -> tuple[tuple[str, str], ...]:
    """Put a file in its place, whole or not at all; what was done, as an outcome has it."""
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a directory", "Name a file: --output FILE")
        there = path.exists()
        if there and path.read_bytes() == content:
            return ()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise DiskError.of(error, path) from error
    return ((str(path), "edit" if there else "create"),)
