"""What an upgrade does beyond a merge: the new version's tree is made to fit what an older one left outside of code.

A service that has run has work on an engine, rows in a database, clients and operators. Where the new version would
make something that does not fit those, a step of that version changes the tree that it makes, before the merge. What an
owner has changed is not touched by it: that is the merge's to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold.upgrade.moves import as_numbers
from resonate_scaffold.upgrade.replay import Record
from resonate_scaffold.upgrade.steps import own_tests, to_0_2_0, waits

Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Step:
    """What the upgrade to one version does.

    ``records`` gives the records as the new version is to replay them, of those of the old one. ``files`` gives the
    tree, of the one that the new version made, and what to tell the owner. Both are given what the old version made, as
    ``base``. Each of ``own_code`` mends what the owner wrote. All are pure.
    """

    version: str
    records: Callable[[str, Files, Sequence[Record]], list[Record]]
    files: Callable[[str, str, Files, Files], tuple[dict[PurePosixPath, bytes], list[str]]]
    own_code: tuple[Callable[[Files, Files, str], tuple[dict[PurePosixPath, bytes], list[str]]], ...]


STEPS = (Step("0.2.0", to_0_2_0.records, to_0_2_0.files, (waits.without_keys, own_tests.follow)),)


def steps_between(old: str, new: str) -> list[Step]:
    """The steps of the versions after *old*, up to *new*, in order."""
    return [step for step in STEPS if as_numbers(old) < as_numbers(step.version) <= as_numbers(new)]


def records_for(old: str, new: str, package: str, base: Files, records: Sequence[Record]) -> list[Record]:
    """The records of a service of *old* as *new* is to replay them, so that ids, addresses and signatures stay."""
    found = list(records)
    for step in steps_between(old, new):
        found = step.records(package, base, found)
    return found


def fit(
    old: str, new: str, package: str, project: str, base: Files, files: Files
) -> tuple[dict[PurePosixPath, bytes], list[str]]:
    """The tree of *new*, made to fit what a service of *old* has outside of its code; and what to tell the owner.

    Raises:
        TemplateError: a step does not fit the template, which is a mistake in this tool.
    """
    found, told = dict(files), list[str]()
    for step in steps_between(old, new):
        found, more = step.files(package, project, base, found)
        told += more
    return found, told


def mend(old: str, new: str, package: str, merged: Files, made: Files) -> tuple[dict[PurePosixPath, bytes], list[str]]:
    """The merged tree, whose own code fits what is waiting; and what is left to do, such as jobs to let end before.

    Args:
        made: the tree of *new*, as :func:`fit` gives it.
    """
    found, told = dict(merged), list[str]()
    for step in steps_between(old, new):
        for mending in step.own_code:
            found, more = mending(found, made, package)
            told += more
    return found, told
