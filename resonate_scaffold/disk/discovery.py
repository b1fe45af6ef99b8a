"""Where a service is on a disk, and its state."""

from __future__ import annotations

from pathlib import Path

from resonate_scaffold.disk import changes, files, journals, plain
from resonate_scaffold.errors import (
    Changed,
    DiskError,
)
from resonate_scaffold.project import MANIFEST, Manifest, Project


def discover(start: Path, *, settle: bool = False) -> tuple[Path, Project]:
    """Find the service that *start* is in.

    Symbolic links are not followed: they count as taken names.

    Args:
        settle: finish or take back first what a killed command left undone, for a command that changes the service.
            Otherwise nothing is written.

    Returns:
        The service's root, resolved, and the service, whose files are read when they are asked for.

    Raises:
        UsageError: *start* is not a directory.
        NoProject: no directory from *start* upwards has a manifest, or the service's package is gone.
        Untrusted: the service belongs to another user; or, with *settle*, what is left undone there does.
        ManifestError: the manifest is damaged.
        Changed: with *settle*, another command is changing the service, or one was killed and files changed since.
        DiskError: something cannot be read.
    """
    try:
        root = files.find_service(start)
        return root, _snapshot(root, settle=settle)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(start)
        raise DiskError(
            f"Cannot read {where}: {error.strerror or error}", "Check the path and its permissions."
        ) from error


def _snapshot(root: Path, *, settle: bool) -> Project:
    if settle and plain.lstat(root / journals.STAGING):
        changes.recover(root)
        if plain.lstat(root / journals.STAGING):
            raise Changed(
                f"{root / journals.STAGING} cannot be removed, or came back", f"See that it is removed. {plain.AGAIN}"
            )
    content = plain.read_file(root / MANIFEST)
    manifest = Manifest.from_bytes(content)
    package = files.package_of(root, str(manifest.answers["package_name"]))
    # The file is what the manifest was made of: read again it could be newer, and an edit would lose what is new in it.
    return Project(package, manifest, files.FilesOnDisk(root, package, {str(MANIFEST): content}))
