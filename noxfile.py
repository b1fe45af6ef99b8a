"""The checks of this repository. They run in the environment that nox runs in: see README.md."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests", "generated", "server"]

# These make services, install them and run them; the session `generated` has them, the longest first.
SLOW = [
    "tests/test_machinery.py",
    "tests/test_clinic.py",
    "tests/test_chaos.py",
    "tests/test_generated.py",
    "tests/test_sequences_runs.py",
    "tests/test_order_service.py",
    "tests/test_docs_runs.py",
    "tests/test_wiring_runs.py",
    "tests/test_attack_http.py",
    "tests/test_two_services.py",
    "tests/test_upgrade_orders.py",
    "tests/test_upgrade_grown.py",
    "tests/test_upgrade_steps.py",
    "tests/test_upgrade_runs.py",
    "tests/test_upgrade_database.py",
    "tests/test_attack.py",
    "tests/test_guide.py",
    "tests/test_over_http.py",
    "tests/test_console.py",
    "tests/test_typescript.py",
    "tests/test_wheel.py",
]
# The chaos of a server, beside that of the session `chaos`, which has the seeds and the databases.
CHAOS_ON_A_SERVER = "--engine=server --database=sqlite --seed=1 --jobs=400 --kills=16 --away=5"
# These fork, which a process that also runs the threads of pytest-xdist had better not.
FORKING = [
    "tests/test_apply.py",
    "tests/test_disk.py",
    "tests/test_grow.py::test_a_kill_at_any_change_leaves_before_or_after",
]
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")
# In the order above, the longest first. With a third process, tests that look at a clock failed now and then.
LONGEST_FIRST = (*TWO_AT_A_TIME, "--no-loadscope-reorder")


def _python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, of the tool and of the services' runtime. What is an owner's in a service is checked by `generated`."""
    _python(session, "ruff", "check", ".")
    _python(session, "ruff", "format", "--check", ".")
    (runtime,) = Path("templates", "project", "service").glob("*/runtime")
    # Long lines are docstrings, and a few expressions that are read better in one.
    _python(session, "ruff", "check", "--ignore", "E501,SIM114,B004,BLE,S608,ASYNC,C901", str(runtime))
    _python(session, "ruff", "format", "--check", str(runtime))


@nox.session
def types(session: nox.Session) -> None:
    """Strict types, of the tool."""
    _python(session, "mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """The tool's tests, but for those that run whole services."""
    _python(session, "pytest", *FORKING, *session.posargs)
    others = [*(f"--ignore={path}" for path in SLOW), *(f"--deselect={name}" for name in FORKING)]
    _python(session, "pytest", *TWO_AT_A_TIME, *others, *session.posargs)


@nox.session
def generated(session: nox.Session) -> None:
    """Every combination is generated and passes its own checks; one is installed and driven over HTTP."""
    from tests.conftest import service_environment

    with tempfile.TemporaryDirectory(prefix="service-python-") as directory:
        session.env["TEST_SERVICE_PYTHON"] = str(service_environment(Path(directory)))
        _python(session, "pytest", *LONGEST_FIRST, "--durations=15", *SLOW, *session.posargs)


@nox.session
def attack_tool(session: nox.Session) -> None:
    """Six times the command lines, manifests and journals of CI, made to break the tool; about 15 minutes."""
    session.env["WHOLE_ATTACK"] = "1"
    _python(session, "pytest", *TWO_AT_A_TIME, "tests/test_attack.py", "tests/test_attack_http.py", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """2,000 jobs while 60 times something dies: three seeds, on SQLite and on PostgreSQL; about 20 minutes.

    `-- --restore both --restore engine --restore database` has a backup under load and a restore instead.
    """
    _python(session, "tests.chaos", *session.posargs)


@nox.session
def attack(session: nox.Session) -> None:
    """A service's port attacked on 200 connections, without a key, in 23 ways; about 15 minutes."""
    _python(session, "tests.attack", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """A release, up to what cannot be taken back: built twice, tried, packed. `-- 0.3.0` goes to that version first."""
    _python(session, "tests.release", *session.posargs)


@nox.session
def constraints(session: nox.Session) -> None:
    """Renew the versions that the checks run with, here and in new services. Then run the other sessions as proof."""
    here = Path(__file__).parent
    ours = "# What the checks of this repository were last green with: pip install -c constraints.txt …\n"
    theirs = (
        "# The versions that a new service's checks were last green with: pip install -c constraints.txt -e '.[dev]'\n"
        "# A uv.lock, where there is one, takes its place.\n"
    )
    with tempfile.TemporaryDirectory() as scratch:
        # The one for PostgreSQL needs all that the others need, and a PostgreSQL for its tests.
        _python(
            session,
            *("resonate_scaffold", "new", "shop", "--into", scratch),
            *("--database", "postgres", "--defaults", "--no-install", "--no-git"),
        )
        for project, header, path in (
            (here, ours, here / "constraints.txt"),
            (Path(scratch, "shop"), theirs, here / "templates" / "project" / "service" / "constraints.txt"),
        ):
            made = Path(scratch, "made.txt")
            options = [
                "--universal",
                "--python-version",
                "3.12",
                "--upgrade",
                "--extra",
                "dev",
                "--no-header",
                "--no-annotate",
            ]
            _python(session, "uv", "pip", "compile", "-q", *options, str(project / "pyproject.toml"), "-o", str(made))
            path.write_text(header + made.read_text("utf-8"), "utf-8")
            made.unlink()


@nox.session
def server(session: nox.Session) -> None:
    """The service on a Resonate server, with SQLite and with PostgreSQL, and beside other services and languages.

    RESONATE_SERVER names the server's binary; CONTRIBUTING.md says how to get one. With RESONATE_PG_SQL, the file
    `resonate.sql` of resonate-pg, two services share that engine, too. About 25 minutes.
    """
    binary = os.environ.pop("RESONATE_SERVER", "")  # Its processes would read it as a setting of theirs.
    if not binary:
        session.skip("not run: RESONATE_SERVER names no binary of a Resonate server")
    from tests.postgres import Cluster

    os.environ["TEST_RESONATE_SERVER"] = str(Path(binary).resolve())
    chaos = CHAOS_ON_A_SERVER.split()
    names = ("server", "typescript", "two_services", "conformance_server")
    tests = [f"tests/test_{name}.py" for name in names]
    _python(session, "pytest", "-rsP", "--tb=short", *tests, *session.posargs)
    _python(session, "tests.chaos", *chaos)
    with tempfile.TemporaryDirectory() as directory, Cluster.make(Path(directory, "postgres")).running() as cluster:
        os.environ["TEST_RESONATE_POSTGRES"] = cluster.url()
        on_server = ("-k", "not embedded and not on_postgres and not without_namespaces")
        _python(session, "pytest", "-rsP", "--tb=short", *tests, *on_server, *session.posargs)
        _python(session, "tests.chaos", *chaos)


@nox.session
def image(session: nox.Session) -> None:
    """The generated image, built and run in containers as compose.yaml says; CI does not. See docs/containers.md."""
    _python(session, "tests.image", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site in build/docs/html. Fails on a warning, or a link or anchor that leads nowhere."""
    _python(session, "docs.site", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Figures, as ratios within one run."""
    _python(session, "tests.bench", *session.posargs)


@nox.session(name="bench-peers")
def bench_peers(session: nox.Session) -> None:
    """The example job beside the same on DBOS and Restate, and on a server if RESONATE_SERVER names one; 10 minutes."""
    _python(session, "tests.peers", "--environment", str(session.cache_dir / "peers"), *session.posargs)
