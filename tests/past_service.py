"""Services of version 0.1.0, and the same upgraded: as files on a disk, to be run."""

from __future__ import annotations

import functools
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from resonate_scaffold import __version__
from resonate_scaffold.project import MANIFEST
from resonate_scaffold.upgrade.replay import Record, replay
from resonate_scaffold.upgrade.steps import fit, records_for

PAST = Path(__file__).with_name("past") / "0.1.0"
SERVICES = ["shop", "shop-bare", "shop-grown"]

type Files = Mapping[PurePosixPath, bytes]


@functools.cache
def old(name: str) -> Files:
    """The files of a service as version 0.1.0 made it."""
    with tarfile.open(PAST / f"{name}.tar.gz") as packed:
        found = {member.name.partition("/")[2]: packed.extractfile(member) for member in packed if member.isfile()}
        return {PurePosixPath(path): content.read() for path, content in found.items() if content is not None}


@functools.cache
def upgraded(name: str) -> tuple[Files, list[str]]:
    """The files of the same service as this version makes it, and what is told of it."""
    base = old(name)
    manifest = json.loads(base[MANIFEST])
    answers, package = manifest["answers"], manifest["answers"]["package_name"]
    recorded = [Record(each["kind"], each["name"], each["options"]) for each in manifest["adds"]]
    records = records_for("0.1.0", __version__, package, base, recorded)
    made = replay(answers, records)
    assert made.refused == ()
    return fit("0.1.0", __version__, package, answers["project_name"], base, made.files)


def write(files: Files, directory: Path) -> Path:
    """Put files into a directory, and return that."""
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return directory
