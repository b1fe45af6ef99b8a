"""What `nox -s image` makes of a compose file and of apt's lists of sources; nothing runs in a container here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resonate_scaffold import templates
from tests.image import bases, engine
from tests.image.compose import create_options, in_order, read_compose, seconds
from tests.image.session import on_resonate_pg

VARIABLES = {"SERVICE_DB_PASSWORD": "one", "RESONATE_DB_PASSWORD": "other", "COMPOSE_PROJECT_NAME": "x"}
SHIPPED = templates.builtin_directory() / "service" / "compose.yaml"


@pytest.fixture
def services() -> dict[str, Any]:
    """Those of the compose.yaml that every service gets."""
    described: dict[str, Any] = read_compose(SHIPPED, VARIABLES)["services"]
    return described


def test_every_key_of_the_shipped_file_is_an_option(services: dict[str, Any]) -> None:
    options = {name: create_options(service, "x-") for name, service in services.items()}
    guarded = {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--tmpfs=/tmp"}
    for name in ("api", "worker", "db", "migrate", "resonate"):
        assert guarded <= {*options[name]}, name
    assert {"--memory=512m", "--memory-swap=512m", "--pids-limit=256", "--stop-timeout=30"} <= {*options["worker"]}
    assert {"--init", "--restart=unless-stopped", "--publish=127.0.0.1::8000"} <= {*options["api"]}
    assert "--restart=on-failure:3" in options["migrate"] and "--user=10001:10001" in options["resonate"]
    assert "--env=DATABASE_URL=postgresql://service:one@service-db:5432/service" in options["db"]
    assert {"--volume=x-service-data:/var/lib/postgresql/data", "--stop-timeout=60"} <= {*options["service-db"]}


def test_a_key_that_is_not_known_is_refused(services: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="sysctls"):
        create_options({**services["api"], "sysctls": {"net.core.somaxconn": 1024}}, "x-")


def test_a_variable_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"SERVICE_DB_PASSWORD: set it in \.env"):
        read_compose(SHIPPED, {**VARIABLES, "SERVICE_DB_PASSWORD": ""})


def test_the_order(services: dict[str, Any]) -> None:
    order = in_order(services, ["api", "worker", "db"])
    assert sorted(order) == sorted(services)
    for name in order:
        for needed in services[name].get("depends_on", {}):
            assert order.index(needed) < order.index(name)


def test_durations() -> None:
    assert [seconds(text) for text in ("30s", "1m30s", "500ms", "1h")] == [30, 90, 0.5, 3600]
    with pytest.raises(ValueError, match="soon"):
        seconds("soon")


def test_on_resonate_pg_nothing_asks_for_the_server(services: dict[str, Any]) -> None:
    on_resonate_pg(services)
    assert "resonate" not in services
    assert not [name for name, service in services.items() if "resonate" in service.get("depends_on", {})]
    assert services["worker"]["depends_on"] == {"resonate-db": {"condition": "service_healthy"}}
    assert services["api"]["environment"]["RESONATE_URL"].endswith(":other@resonate-db:5432/resonate")
    assert "migrate" in services["db"]["depends_on"]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("sources.list", "deb [arch=amd64] http://m.example/debian bookworm main contrib\n", "http://m.example/debian"),
        ("sources.list", "# deb http://m.example/debian bookworm main\n", None),
        ("sources.list.d/x.list", "deb https://tools.example/apt sdk main\n", None),
        (
            "sources.list.d/debian.sources",
            "Types: deb\n# a snapshot\nURIs: http://s.example/debian-security\nSuites: security\nComponents: main\n"
            "\nTypes: deb\nURIs: http://m.example/debian/\nSuites: x x-updates\nComponents: main non-free\n",
            "http://m.example/debian/",
        ),
    ],
)
def test_the_mirror_of_this_debian(tmp_path: Path, name: str, text: str, found: str | None) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert bases.mirror(tmp_path) == found


def test_an_engine_without_its_daemon_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, answer in (("docker", "[ $1 != info ] && echo Docker"), ("podman", "echo podman version 4.3.1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{answer}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.delenv("CONTAINER_ENGINE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = engine.find_engine()
    assert found is not None and found.is_podman and found.program == tmp_path / "podman"
    (tmp_path / "podman").unlink()
    assert engine.find_engine() is None


def test_without_an_engine_the_session_says_so() -> None:
    environment = {"PATH": "", "CONTAINER_ENGINE": "no-such-engine"}
    done = subprocess.run([sys.executable, "-m", "tests.image"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "not run: neither docker nor podman answers `info` here\n")


def test_what_cannot_be_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESONATE_SERVER", raising=False)
    nothing = engine.ContainerEngine(Path("/bin/false"), "podman version 4.3.1")
    for image, reason in (("resonatehqio/resonate:v0.9.8", "RESONATE_SERVER"), ("other:1", "how it is made")):
        with pytest.raises(bases.CannotMake, match=reason):
            bases.provide(nothing, [image], make=True, say=print)
