"""The short form of `nox -s attack`: the HTTP port of a service holds against clients that have no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import attack


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service, made by the command."""
    return attack.make_service(tmp_path_factory.mktemp("made"), "--no-install")


def test_a_service_survives(service: Path, tmp_path: Path, service_python: Path) -> None:
    reports = list(attack.run(service, tmp_path, attack.SHORT, 100, 2, service_python))
    assert [report.name for report in reports] == list(attack.SHORT)
    for report in reports:
        assert report.holds and report.opened >= 100, report
    # An address has ten guesses at once, and each connection one a second from then on.
    assert next(report.answers for report in reports if report.name.startswith("guesses")) <= 100 * 3 + 10
