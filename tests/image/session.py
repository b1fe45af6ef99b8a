"""What is done with the containers, in its order, and what is seen: the transcript."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.image import bases
from tests.image.engine import ContainerEngine
from tests.image.load import CLIENTS, Balancer, Load
from tests.image.stack import Container, Failed, Stack
from tests.topology import SECRET, signed

REPLACED = ("db", "worker", "api")
"""In the order in which a deployment replaces them: whoever is called before whoever calls."""
SQL = "RESONATE_PG_SQL"
# Run in a container of the service. Its last line is what it found, as JSON.
_INSIDE = """
import json, os, pathlib
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
def writes(directory):
    try:
        pathlib.Path(directory, "probe").write_text("")
    except OSError as error:
        return error.strerror
    return "written"
found = {name: status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs")}
found |= {"uid": os.getuid(), "gid": os.getgid(), "compiled": os.path.exists(json.__cached__)}
found |= {directory: writes(directory) for directory in ("/", "/app", "/etc", "/var/tmp", "/dev/shm", "/tmp")}
cgroup = pathlib.Path("/sys/fs/cgroup")
for name, old in (("memory.max", "memory/memory.limit_in_bytes"), ("pids.max", "pids/pids.max")):
    place = cgroup / name if (cgroup / name).exists() else cgroup / old
    found[name] = place.read_text().strip() if place.exists() else None
print(json.dumps(found))
"""


class Session:
    """One run: a service's directory, an engine of containers, and what is printed."""

    def __init__(self, engine: ContainerEngine, project: Path, *, make_bases: bool) -> None:
        self.engine = engine
        self.project = project
        self.package = project.name
        self.key = secrets.token_urlsafe(32)
        self._make_bases = make_bases
        _write_env(project, self.key)

    def run(self) -> None:
        """All of it.

        Raises:
            Failed: something is not as it should be.
            CannotMake: an image is missing.
        """
        adapt = self.provide_images()
        with ExitStack() as opened:
            stack = opened.enter_context(Stack(self.engine, self.project, adapt))
            self._build(stack)
            running = self.start(stack)
            for name in REPLACED:
                self._look_inside(running[name])
            balancer = opened.enter_context(Balancer())
            balancer.add(_url(running["api"]))
            self._drive(_url(running["api"]))
            self._look_at_runs(stack, running["worker"])
            self._disturb(stack, running, balancer)
            self._stop(running)
        _say("removed", "all containers, networks and volumes")

    def provide_images(self) -> Callable[[dict[str, Any]], None]:
        """See that the images are here that others publish; what is to be changed in compose.yaml for the engine.

        Raises:
            CannotMake: one is missing.
        """
        stack = Stack(self.engine, self.project)
        server = stack.services["resonate"]["image"]
        dockerfile = (self.project / "Dockerfile").read_text("utf-8")
        named = sorted({*re.findall(r"(?m)^FROM (\S+:\S+)", dockerfile)})
        others = [image for image in stack.images() if image != server]

        def provide(images: list[str]) -> None:
            bases.provide(self.engine, images, make=self._make_bases, say=lambda text: _say("image", text))

        provide([*named, *others])
        _say("with", self.engine.version)
        if os.environ.get(SQL) and not os.environ.get(bases.SERVER):
            _say("engine", "resonate-pg, in the Postgres of the engine")
            return on_resonate_pg
        provide([server])
        _say("engine", server)
        return lambda services: None

    def _build(self, stack: Stack) -> None:
        first = stack.build(self.project)
        before = layers(self.engine, stack.image)
        (self.project / self.package / "ids.py").open("a").write("\n# A change of the code.\n")
        again = stack.build(self.project)
        new = len(layers(self.engine, stack.image) - before)
        _expect("layers that a change of the code makes anew", new, 1)
        whole, code = sizes(self.engine, stack.image)
        _say("built", f"in {first:.0f} s, after a change of the code in {again:.1f} s")
        _say("size", f"{whole / 1e6:.0f} MB with its base; a change of the code moves {code / 1e6:.1f} MB")

    def start(self, stack: Stack) -> dict[str, Container]:
        """Start databases, engine and service, in their order, and add the rows of `db/seed.py`."""
        running = {}
        if "resonate" not in stack.services:
            running = stack.up("resonate-db")
            _install_resonate_pg(stack, running["resonate-db"])
        running |= stack.up("api", "worker", "db", given=running)
        seeding = stack.run("migrate", "migrate", "--seed")
        if seeding.until_ended() != 0:
            raise Failed(f"migrate --seed failed:\n{seeding.logs()}")
        # An effect that is there twice has to be seen, so here the database does not refuse it.
        sql(running["service-db"], "ALTER TABLE job_results DROP CONSTRAINT uq_job_results_job_id")
        for name in REPLACED:
            running[name].until_healthy()
        _say("started", "databases, engine, migrate (status 0), api, worker, db: all healthy")
        return running

    def _look_inside(self, container: Container) -> None:
        found = json.loads(container.exec("python", "-c", _INSIDE).splitlines()[-1])
        container.exec("python", "-m", f"{self.package}.runtime.probe")  # the image's own health check
        described = container.description
        wanted = {"uid": 10001, "gid": 10001, "NoNewPrivs": "1", "pids.max": str(described["pids_limit"])}
        wanted |= {name: "0" * 16 for name in ("CapEff", "CapBnd")}
        wanted |= {"memory.max": str(_in_bytes(described["mem_limit"])), "/tmp": "written"}
        wanted["compiled"] = True  # Python's own library, which this container cannot compile for its next start.
        wrong = [f"{name} is {found[name]}, not {value}" for name, value in wanted.items() if found[name] != value]
        shut = ("/", "/app", "/etc", "/var/tmp")
        wrong += [f"{place} can be written to" for place in shut if found[place] == "written"]
        if wrong:
            raise Failed(f"{container.service}: {'; '.join(wrong)}")
        limits = f"{described['mem_limit']}, {described['pids_limit']} processes"
        _say(
            "inside", f"{container.service}: uid 10001, read-only but /tmp, no capabilities or new privileges, {limits}"
        )

    def _drive(self, url: str) -> None:
        """One job, the same again, another under its key; a gate, answered twice and otherwise."""
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30) as client:

            def submit(key: str, account: str = "acc-1", *, asks: bool = False) -> httpx.Response:
                body = {"account_id": account, "requires_approval": asks}
                return client.post("/jobs", json=body, headers={"Idempotency-Key": key})

            def decide(id: str, approved: bool) -> int:
                body = json.dumps({"job_id": id, "approved": approved}).encode()
                headers = {"Content-Type": "application/json", **signed(body, SECRET)}
                return httpx.post(f"{url}/webhooks/approvals", content=body, headers=headers).status_code

            began = time.monotonic()
            accepted = submit("first")
            _expect("POST /jobs", accepted.status_code, 202)
            job = _end(client, accepted.headers["Location"])
            _say("job", f"202, then {job['status']} after {time.monotonic() - began:.2f} s")
            replayed = submit("first")
            _expect("the same POST again", (replayed.status_code, replayed.json()["id"]), (202, job["id"]))
            _expect("its Idempotent-Replayed", replayed.headers.get("Idempotent-Replayed"), "true")
            _expect("another job under its key", submit("first", "acc-2").status_code, 422)
            _say("replay", "the same key and body: 202 for the same job; another body: 422")
            _expect("without an API key", _status(url + accepted.headers["Location"]), 401)
            asking = submit("gate", asks=True)
            _expect("POST /jobs", asking.status_code, 202)
            place, id = asking.headers["Location"], asking.json()["id"]
            _expect("GET", client.get(place, headers={"Prefer": "wait=1"}).json()["status"], "running")
            answers = [decide(id, approved) for approved in (True, True, False)]
            _expect("webhook, again, otherwise", answers, [200, 200, 409])
            _expect("approved", _end(client, place)["result"]["approved"], True)
            _say("gate", "waits; signed webhook 200, again 200, the opposite 409; then succeeded")

    def _look_at_runs(self, stack: Stack, worker: Container) -> None:
        """The service's own commands in a container: a list of runs, and the console."""
        listed = worker.exec(self.package, "runs", "list")
        if listed.count("succeeded") < 2:
            raise Failed(f"`runs list` does not show both jobs:\n{listed}")
        token = secrets.token_urlsafe(32)
        console = stack.run("worker", "console", "--host", "0.0.0.0", "--token", token, publish=8002)
        url = f"http://127.0.0.1:{console.port(8002)}"
        bearer = {"Authorization": f"Bearer {token}"}
        console.until(lambda: _status(url) == 200, "serving its page")
        _expect("the console's runs", _status(f"{url}/api/runs", bearer), 200)
        _expect("the same without a token", _status(f"{url}/api/runs"), 401)
        console.stop()
        _say(
            "operate", f"`{self.package} runs list` in the worker; the console, with a token, in a container of its own"
        )

    def _disturb(self, stack: Stack, running: dict[str, Container], balancer: Balancer) -> None:
        """Replace each container and kill one, while jobs run; then count."""
        with Load(balancer, self.key) as load:
            load.until_more(20)
            for name in REPLACED:
                old, before = running[name], len(load.ended)
                running[name] = stack.run(name)
                ready = running[name].until_healthy()
                if name == "api":
                    balancer.add(_url(running[name]))
                took = old.stop()
                load.until_more(20)
                times = f"new one ready after {ready:.1f} s, old one stopped in {took:.1f} s, status 0"
                _say("rolling", f"{name}: {times}; {len(load.ended) - before} jobs ended")
            if load.repeated:
                raise Failed(f"clients noticed the deployment, and repeated: {dict(load.repeated)}")
            for name in ("worker", "db", "api"):
                self._kill(running[name], load)
        rows, jobs = sql(running["service-db"], "SELECT count(*), count(DISTINCT job_id) FROM job_results").split("|")
        done = len(load.ended) + 2  # and those of `_drive`
        _expect("jobs in the database; rows", (int(jobs), int(rows)), (done, done))
        repeated = ", ".join(f"{what} {number}" for what, number in load.repeated.items()) or "none"
        slowest = f"the slowest {load.slowest:.1f} s"
        _say("counted", f"{done} jobs, {CLIENTS} at a time: 0 lost, 0 doubled; {slowest}")
        _say("", f"requests that clients had to repeat: 0 while rolling; {repeated} after the kills")

    def _kill(self, container: Container, load: Load) -> None:
        """`kill -9`, after which the restart policy of compose.yaml starts it again."""
        began, before = time.monotonic(), container.state()["StartedAt"]
        container.kill_program()
        container.until(lambda: container.state()["StartedAt"] != before, "started again")
        container.until(container.is_healthy, "healthy")
        took = time.monotonic() - began
        load.until_more(20)
        _say("kill -9", f"{container.service}: started again by its restart policy, ready after {took:.1f} s")

    def _stop(self, running: dict[str, Container]) -> None:
        stopped = [(name, running[name].stop()) for name in ("api", "worker", "db")]
        grace = running["api"].description["stop_grace_period"]
        times = ", ".join(f"{name} {took:.1f} s" for name, took in stopped)
        _say("stopped", f"{times}: of {grace} each, status 0")
        rest = [(name, running[name].stop()) for name in ("resonate", "service-db", "resonate-db") if name in running]
        _say("", ", ".join(f"{name} {took:.1f} s" for name, took in rest))


def layers(engine: ContainerEngine, image: str) -> set[str]:
    """The digests of an image's layers."""
    return {*json.loads(engine("image", "inspect", "--format", "{{json .RootFS.Layers}}", image))}


def sizes(engine: ContainerEngine, image: str) -> tuple[int, int]:
    """Bytes of an image with its base; and of the layer that has the service's own code, the last that is not empty."""
    whole = int(engine("image", "inspect", "--format", "{{.Size}}", image))
    layers = engine("history", "--format", "{{.Size}}", image).splitlines()
    return whole, next(size for size in map(_in_bytes, layers) if size > 100_000)


def sql(postgres: Container, statement: str) -> str:
    """Run SQL in a container of Postgres, as the user of its database; the rows, as psql prints them."""
    environment = postgres.description["environment"]
    user, password = environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"]
    url = f"postgresql://{user}:{password}@127.0.0.1:5432/{environment['POSTGRES_DB']}"
    return postgres.exec("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", url, input=statement.encode())


def on_resonate_pg(services: dict[str, Any]) -> None:
    """Change what compose.yaml says: the engine is in the Postgres that is the server's there."""
    del services["resonate"]
    password = services["resonate-db"]["environment"]["POSTGRES_PASSWORD"]
    for name in ("api", "worker", "db"):
        service = services[name]
        url = f"postgresql://resonate:{password}@resonate-db:5432/resonate"
        service["environment"] = {**service["environment"], "RESONATE_URL": url}
        service["networks"] = ["engine", "data"]
        needed = {("resonate-db" if key == "resonate" else key): how for key, how in service["depends_on"].items()}
        service["depends_on"] = needed


def _install_resonate_pg(stack: Stack, postgres: Container) -> None:
    postgres.until_healthy()
    sql(postgres, Path(os.environ[SQL]).read_text("utf-8"))
    preparing = stack.run("worker", "engine", "prepare")
    if preparing.until_ended() != 0:
        raise Failed(f"engine prepare failed:\n{preparing.logs()}")


def _write_env(project: Path, key: str) -> None:
    """The service's `.env`, as compose.yaml asks for it."""
    values = {"API_KEYS": f"tester:{key}", "WEBHOOK_SECRETS": f"approvals:{SECRET}"}
    values |= {name: secrets.token_hex(24) for name in ("SERVICE_DB_PASSWORD", "RESONATE_DB_PASSWORD")}
    text = (project / ".env.example").read_text("utf-8")
    for name, value in values.items():
        text = re.sub(rf"(?m)^(?:# )?{name}=.*$", f"{name}={value}", text)
    (project / ".env").write_text(text, "utf-8")


def _url(api: Container) -> str:
    return f"http://127.0.0.1:{api.port(8000)}"


def _status(url: str, headers: dict[str, str] | None = None) -> int | None:
    try:
        return httpx.get(url, headers=headers or {}).status_code
    except httpx.TransportError:
        return None


def _end(client: httpx.Client, place: str) -> dict[str, Any]:
    """A job at its end, which is a success."""
    answer: dict[str, Any] = {"status": "running"}
    deadline = time.monotonic() + 60
    while answer.get("status") == "running" and time.monotonic() < deadline:
        answer = client.get(place, headers={"Prefer": "wait=20"}).json()
    _expect(place, answer.get("status"), "succeeded")
    return answer


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Failed(f"{what}: {found}, not {wanted}")


def _in_bytes(size: str) -> int:
    """Bytes of what compose.yaml writes (512m: of 1024) or an engine (`1.61 MB`, `1.61MB`: of 1000)."""
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", size).groups()  # type: ignore[union-attr]
    units = {"m": 1 << 20, "g": 1 << 30, "B": 1, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000}
    return int(float(number) * units[unit])


def _say(what: str, text: str) -> None:
    print(f"{what:<9} {text}", flush=True)
