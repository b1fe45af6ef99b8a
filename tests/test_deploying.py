"""`add deploy`: what the manifests and the units say, and that they follow the service, whatever is added when.

No cluster runs here. The manifests are held against the schemas of Kubernetes (`schemas/kubernetes.json`), resolved by
kubectl where there is one, and compared with what the service's own code, Dockerfile and compose.yaml say.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import pytest
import yaml

from resonate_scaffold.errors import ChangedSince, Taken
from resonate_scaffold.generators.repair import repair
from resonate_scaffold.project import ADDS, Project, after
from resonate_scaffold.upgrade.replay import Record, replay
from tests.grown import fresh, grown, made_by_new, planned, rewritten, without

PLATFORMS = ("kubernetes", "systemd")
KUBERNETES, SYSTEMD = "deploy/kubernetes", "deploy/systemd"
SCHEMAS = json.loads(Path(__file__).with_name("schemas").joinpath("kubernetes.json").read_text("utf-8"))
RICH = (
    "add group mail",
    "add client payments --group mail",
    "add client tax-office",
    "add query stock-of --takes sku:str --returns left:int",
)
DEPLOYS = ("add deploy kubernetes", "add deploy systemd")
"""Both."""

Manifest = dict[str, Any]


@functools.cache
def bare() -> Project:
    return grown(fresh(bare=True), *DEPLOYS)


@functools.cache
def rich() -> Project:
    return grown(fresh(bare=False), *RICH, *DEPLOYS)


SERVICES: dict[str, Callable[[], Project]] = {"bare": bare, "rich": rich}


def deployed(project: Project) -> dict[str, bytes]:
    """The files of the deployments."""
    return {str(path): content for path, content in project.files.items() if path.parts[0] == "deploy"}


def text(project: Project, path: str) -> str:
    return project.files[PurePosixPath(path)].decode()


def manifests(project: Project) -> list[Manifest]:
    """Every object that is in a file: those of the base, the component and the overlay."""
    found: list[Manifest] = []
    for path in sorted(deployed(project)):
        if path.endswith(".yaml") and not path.endswith("kustomization.yaml"):
            found += yaml.safe_load_all(text(project, path))
    return found


def of_kind(project: Project, kind: str) -> dict[str, Manifest]:
    return {it["metadata"]["name"]: it for it in manifests(project) if it["kind"] == kind}


def pods(project: Project) -> dict[str, Manifest]:
    """The specs of pods, by the names of what makes them."""
    return {**of_kind(project, "Deployment"), **of_kind(project, "Job")}


def containers(project: Project) -> Iterator[Manifest]:
    for it in pods(project).values():
        yield from it["spec"]["template"]["spec"]["containers"]


def validate(manifest: Manifest) -> None:
    """Hold an object against the schema of its kind, which allows no unknown field."""
    kind = SCHEMAS["kinds"][f"{manifest['apiVersion']} {manifest['kind']}"]
    schema = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMAS["$defs"]}
    jsonschema.Draft202012Validator(schema).validate(manifest)


def settings_of(project: Project) -> dict[str, str]:
    """What the ConfigMap is made of."""
    return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", text(project, f"{KUBERNETES}/base/settings.env")))


def unit(project: Project, path: str) -> list[tuple[str, str]]:
    """The settings of a unit, in their order."""
    lines = (line for line in text(project, path).splitlines() if line and line[0] not in "#[")
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def of_unit(project: Project, path: str, key: str) -> list[str]:
    return [value for name, value in unit(project, path) if name == key]


def commands_of_procfile(project: Project) -> set[str]:
    """What the processes run: ``group mail``."""
    lines = (line.partition(" -m orders ")[2] for line in text(project, "Procfile").splitlines())
    return set(lines) - {"migrate"}


def commands_deployed(project: Project) -> dict[str, set[str]]:
    deployments = of_kind(project, "Deployment").values()
    args = {" ".join(it["spec"]["template"]["spec"]["containers"][0]["args"]) for it in deployments}
    units = [path for path in deployed(project) if re.fullmatch(rf"{SYSTEMD}/orders-.*\.service", path)]
    starts = {of_unit(project, path, "ExecStart")[0].partition(" -m orders ")[2] for path in units}
    return {"kubernetes": args, "systemd": starts - {"migrate"}}


# Valid, resolved


@pytest.mark.parametrize("service", SERVICES)
def test_every_manifest_fits_its_schema(service: str) -> None:
    found = manifests(SERVICES[service]())
    for manifest in found:
        validate(manifest)
    assert {it["kind"] for it in found} == {
        *("Deployment", "Job", "Service", "ServiceAccount", "Ingress"),
        *("PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy"),
    }
    found[0]["spec"] = {"replica": 1}
    with pytest.raises(jsonschema.ValidationError):  # it can fail
        validate(found[0])


@pytest.mark.parametrize("service", SERVICES)
def test_kustomizations_name_every_file_beside_them(service: str) -> None:
    project = SERVICES[service]()
    for path in (it for it in deployed(project) if it.endswith("kustomization.yaml")):
        directory = PurePosixPath(path).parent
        named = {str(directory / it) for it in yaml.safe_load(text(project, path))["resources"] if it.endswith(".yaml")}
        beside = {it for it in deployed(project) if it.startswith(f"{directory}/") and it.endswith(".yaml")}
        assert named == beside - {path}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
@pytest.mark.parametrize("with_component", [False, True])
def test_kubectl_resolves_the_overlay(tmp_path: Path, with_component: bool) -> None:
    project = rich()
    for path, content in deployed(project).items():
        content = content.replace(b"# components:", b"components:") if with_component else content
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    overlay = tmp_path / KUBERNETES / "overlays" / "production"
    done = subprocess.run(["kubectl", "kustomize", overlay], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[Manifest] = list(yaml.safe_load_all(done.stdout))
    for manifest in found:
        validate(manifest)
        assert manifest["metadata"]["namespace"] == "orders"
    (settings,) = (it for it in found if it["kind"] == "ConfigMap")
    assert settings["data"]["PAYMENTS_URL"] == "https://payments.example.com"
    assert settings["data"]["NAMESPACE"] == "orders"
    made = {it["metadata"]["name"]: it for it in found if it["kind"] in ("Deployment", "Job")}
    assert ("orders-engine-prepare" in made) is with_component
    for it in made.values():
        for container in it["spec"]["template"]["spec"]["containers"]:
            assert container["image"] == "registry.example.com/orders:0.1.0"
            assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    # What is applied first is enough for the migrations.
    first = {it["kind"] for it in found if it["metadata"]["labels"].get("rollout") == "first"}
    assert first == {"ConfigMap", "Job", "NetworkPolicy", "ServiceAccount"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
@pytest.mark.parametrize("service", SERVICES)
def test_systemd_finds_nothing_wrong(tmp_path: Path, service: str) -> None:
    project = SERVICES[service]()
    units = [it for it in deployed(project) if it.startswith(SYSTEMD)]
    for path in units:
        # The service is not installed here: a program that is there takes its place.
        content = text(project, path).replace("/opt/orders/venv/bin/python", sys.executable)
        (tmp_path / PurePosixPath(path).name).write_text(content, "utf-8")
    files = sorted(tmp_path.iterdir())
    verify: list[str | Path] = ["systemd-analyze", "verify", "--man=no", *files]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "orders" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
    for service_unit in (it for it in files if it.suffix == ".service"):
        # Of 100: how much it could do that it need not. 20 is 2.0 in its table.
        security: list[str | Path] = ["systemd-analyze", "security", "--offline=true", "--threshold=20", service_unit]
        done = subprocess.run(security, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout[-300:]


# Right for this service


@pytest.mark.parametrize("service", SERVICES)
def test_pods_are_as_strict_as_compose(service: str) -> None:
    project = SERVICES[service]()
    dockerfile = made_by_new(bare=True)[PurePosixPath("Dockerfile")].decode()
    compose = yaml.safe_load(text(project, "compose.yaml"))
    assert compose["x-service"]["read_only"] and compose["x-service"]["cap_drop"] == ["ALL"]
    (uid,) = re.findall(r"(?m)^USER (\d+):\1$", dockerfile)
    assert len(pods(project)) == len(commands_of_procfile(project)) + 2
    for it in pods(project).values():
        pod = it["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": int(uid),
            "runAsGroup": int(uid),
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


@pytest.mark.parametrize("service", SERVICES)
def test_the_time_to_stop_fits_the_time_to_drain(service: str) -> None:
    project = SERVICES[service]()
    settings = settings_of(project)
    grace, delay = int(settings["SHUTDOWN_GRACE"]), int(settings["SHUTDOWN_DELAY"])
    for name, it in of_kind(project, "Deployment").items():
        pod = it["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] >= 2 * grace + (delay if name == "orders-api" else 0) + 5
        (port,) = (it["containerPort"] for it in pod["containers"][0]["ports"])
        assert str(port) == settings["PORT" if name == "orders-api" else "HEALTH_PORT"]
        probes = [pod["containers"][0][f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")]
        assert probes == [{"path": path, "port": port} for path in ("/livez", "/livez", "/readyz")]
    for path in (it for it in deployed(project) if it.endswith(".service") and "migrate" not in it):
        assert int(*of_unit(project, path, "TimeoutStopSec")) >= 2 * 10 + 1 + 5  # with the defaults of the settings


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_is_given_the_secrets_that_it_needs(service: str) -> None:
    project = SERVICES[service]()
    files = made_by_new(bare=service == "bare")
    code = files[PurePosixPath("orders/runtime/settings.py")].decode() + text(project, "orders/settings.py")
    known = {name.upper() for name in re.findall(r"(?m)^    ([a-z_]+):", code)}
    given = {container["name"]: {it["name"] for it in container.get("env", ())} for container in containers(project)}
    everywhere = {"RESONATE_URL", "RESONATE_TOKEN"}
    reads = {"READ_DATABASE_URL"} if service == "rich" else set()
    assert given["api"] == {*everywhere, "API_KEYS", "WEBHOOK_SECRETS", *reads}
    assert given["db"] == {*everywhere, "DATABASE_URL"}
    assert given["migrate"] == {"DATABASE_URL"}
    if service == "rich":
        assert given["mail"] == {*everywhere, "PAYMENTS_TOKEN"}
        assert given["workers"] == {*everywhere, "TAX_OFFICE_TOKEN"}
    assert set().union(*given.values()) <= known
    keys = {it["valueFrom"]["secretKeyRef"]["key"] for container in containers(project) for it in container["env"]}
    explained = text(project, f"{KUBERNETES}/secrets.env.example")
    assert keys == set(re.findall(r"(?m)^([A-Z_]+)=$", explained))  # each without a value
    settings = settings_of(project).keys()
    assert settings <= known and not settings & keys


def test_the_autoscalers_ask_for_metrics_that_there_are() -> None:
    project = rich()
    metrics = made_by_new(bare=True)[PurePosixPath("orders/runtime/telemetry/metrics.py")].decode()
    scaled = of_kind(project, "HorizontalPodAutoscaler")
    assert scaled.keys() == of_kind(project, "Deployment").keys() == of_kind(project, "PodDisruptionBudget").keys()
    for name, it in scaled.items():
        assert it["spec"]["scaleTargetRef"]["name"] == name
        for metric in (metric["pods"]["metric"] for metric in it["spec"]["metrics"] if metric["type"] == "Pods"):
            assert f'"{metric["name"]}"' in metrics
            for label, value in metric.get("selector", {}).get("matchLabels", {}).items():
                assert label == "state" and value in metrics
    assert [it["type"] for it in scaled["orders-api"]["spec"]["metrics"]] == ["Resource"]


def test_selectors_find_the_pods_that_they_mean() -> None:
    project = rich()
    labels = {name: it["spec"]["template"]["metadata"]["labels"] for name, it in pods(project).items()}

    def found(selector: Manifest) -> set[str]:
        assert selector.get("matchExpressions", []) in (
            [],
            [{"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["migrate"]}],
        )
        excluded = {"orders-migrate"} if "matchExpressions" in selector else set()
        return {name for name, it in labels.items() if selector["matchLabels"].items() <= it.items()} - excluded

    for name, it in {**of_kind(project, "Deployment"), **of_kind(project, "PodDisruptionBudget")}.items():
        assert found(it["spec"]["selector"]) == {name}
    assert found({"matchLabels": of_kind(project, "Service")["orders-api"]["spec"]["selector"]}) == {"orders-api"}
    policies = {name: found(it["spec"]["podSelector"]) for name, it in of_kind(project, "NetworkPolicy").items()}
    assert policies == {
        "orders": {*labels},
        "orders-to-engine": {*labels} - {"orders-migrate"},
        "orders-to-engine-database": {*labels} - {"orders-migrate"},
        "orders-to-database": {"orders-api", "orders-db", "orders-migrate"},
        "orders-to-api": {"orders-api"},
        "orders-to-metrics": {*labels},
        "orders-mail-to-payments": {"orders-mail"},
        "orders-workers-to-tax-office": {"orders-workers"},
    }


# They follow the service

HISTORIES = [
    ("add group mail", "add group billing", "rename group mail zoo", "remove group billing"),
    ("add client payments", "remove client payments"),
    (*RICH, "rename group mail post"),
]


@pytest.mark.parametrize("history", HISTORIES, ids="; ".join)
def test_whenever_it_is_added_the_files_are_the_same(history: tuple[str, ...]) -> None:
    start = fresh(bare=True)
    made = [
        grown(start, *DEPLOYS, *history),
        grown(start, history[0], DEPLOYS[1], *history[1:], DEPLOYS[0]),
    ]
    assert deployed(made[0]) == deployed(made[1])
    assert commands_deployed(made[0]) == dict.fromkeys(PLATFORMS, commands_of_procfile(made[0]))
    for manifest in manifests(made[0]):
        validate(manifest)
    wants = of_unit(made[0], f"{SYSTEMD}/orders.target", "Wants")[0].split()
    units = {PurePosixPath(path).name for path in deployed(made[0]) if path.endswith(".service")}
    assert {*wants} == units - {"orders-migrate.service"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_removed_it_leaves_nothing(platform: str) -> None:
    start = grown(fresh(bare=True), *RICH[:1])
    there = grown(start, f"add deploy {platform}")
    assert dict(grown(there, f"remove deploy {platform}").files) == dict(start.files)
    # Also with what came later, of which nothing but that stays.
    later = grown(there, *RICH[1:], f"remove deploy {platform}")
    assert {path: it for path, it in later.files.items() if ADDS not in path.parents} == {
        path: it for path, it in grown(start, *RICH[1:]).files.items() if ADDS not in path.parents
    }
    assert planned(there, f"add deploy {platform}").changes == ()


MAIL = f"{KUBERNETES}/base/groups/mail.yaml"


def test_what_was_edited_stays() -> None:
    there = grown(fresh(bare=True), "add group mail", *DEPLOYS)
    unit_of_mail = f"{SYSTEMD}/orders-mail.service"
    edits = {
        MAIL: text(there, MAIL).replace("memory: 512Mi", "memory: 2Gi").encode(),
        unit_of_mail: text(there, unit_of_mail).replace("MemoryMax=512M", "MemoryMax=2G").encode(),
    }
    mine = rewritten(there, edits)
    # A new name for the group, and a client of it, in the edited files.
    later = grown(mine, "rename group mail post", "add client payments --group post")
    assert "memory: 2Gi" in text(later, MAIL.replace("mail", "post"))
    assert "PAYMENTS_TOKEN" in text(later, MAIL.replace("mail", "post"))
    assert "MemoryMax=2G" in text(later, unit_of_mail.replace("mail", "post"))
    assert MAIL not in deployed(later) and unit_of_mail not in deployed(later)
    # With its group an edited file does not go unasked: nothing names it any more.
    plan = planned(mine, "remove group mail")
    assert [note for note in plan.notes if "has been edited, so it stays" in note] == [
        f"{path} has been edited, so it stays; nothing names it any more" for path in (MAIL, unit_of_mail)
    ]
    assert MAIL in deployed(after(mine, plan))
    assert "mail" not in text(after(mine, plan), f"{KUBERNETES}/base/kustomization.yaml")
    for platform in PLATFORMS:
        with pytest.raises(ChangedSince, match="mail"):
            planned(mine, f"remove deploy {platform}")
        assert planned(mine, f"remove deploy {platform} --yes").changes


def test_where_an_edit_is_in_the_way_the_lines_are_shown() -> None:
    path = f"{SYSTEMD}/orders.target"
    mine = rewritten(bare(), {path: text(bare(), path).replace("Wants=", "Wants=other.service ").encode()})
    plan = planned(mine, "add group mail")
    (note,) = (it for it in plan.notes if path in it)
    assert note.endswith("\n+Wants=orders-api.service orders-workers.service orders-db.service orders-mail.service")
    assert text(after(mine, plan), path) == text(mine, path)


def test_names_that_are_taken() -> None:
    with pytest.raises(Taken, match="Group engine-prepare and a job"):
        planned(bare(), "add group engine-prepare")
    with pytest.raises(Taken, match="Group engine-prepare and a job"):
        planned(grown(fresh(bare=True), "add group engine-prepare"), "add deploy systemd")
    mine = rewritten(fresh(bare=True), {f"{KUBERNETES}/base/api.yaml": b"mine\n"})
    with pytest.raises(Taken, match="is there already"):
        planned(mine, "add deploy kubernetes")


# Records


def test_an_upgrade_makes_them_again() -> None:
    project = rich()
    records = [Record(it.kind, it.name, it.options) for it in project.adds()]
    made = replay(project.manifest.answers, records)
    assert made.refused == ()
    assert {str(path): it for path, it in made.files.items() if path.parts[0] == "deploy"} == deployed(project)
    deploys_first = sorted(records, key=lambda it: it.kind != "deploy")
    made = replay(project.manifest.answers, deploys_first)
    assert {str(path): it for path, it in made.files.items() if path.parts[0] == "deploy"} == deployed(project)


def test_a_lost_record_is_written_again() -> None:
    (record,) = (it for it in bare().adds() if it.name == "systemd")
    lost = without(bare(), str(record.path))
    assert [it.name for it in after(lost, repair(lost)).adds()] == ["kubernetes", "systemd"]
    assert repair(bare()).changes == ()


def by_hand(there: Project, like: Project) -> Project:
    """A service whose code somebody has changed to that of another, without a command."""
    code = {path for path in {*there.files, *like.files} if path.suffix == ".py"}
    gone = [str(path) for path in code if path not in like.files]
    return rewritten(without(there, *gone), {str(path): like.files[path] for path in code if path in like.files})


def test_what_was_written_by_hand_reaches_them_by_repair() -> None:
    mine = by_hand(bare(), grown(bare(), *RICH))
    made = after(mine, repair(mine))
    assert deployed(made) == deployed(grown(bare(), *RICH))
    assert commands_of_procfile(made) == {*commands_of_procfile(bare()), "group mail"}
    assert "command: [group, mail]" in text(made, "compose.yaml")
    assert repair(made).changes == ()


def test_a_group_that_was_renamed_by_hand_keeps_what_was_edited() -> None:
    there = grown(fresh(bare=True), *RICH, *DEPLOYS)
    mine = rewritten(there, {MAIL: text(there, MAIL).replace("memory: 512Mi", "memory: 2Gi").encode()})
    mine = by_hand(mine, grown(mine, "rename group mail post"))
    made = after(mine, repair(mine))
    assert {*deployed(made)} == {*deployed(grown(there, "rename group mail post"))}
    assert "memory: 2Gi" in text(made, MAIL.replace("mail", "post"))
    assert commands_deployed(made)["kubernetes"] == {"api", "worker", "db", "group post"}


def test_what_was_taken_out_by_hand_is_not_put_back() -> None:
    there = grown(fresh(bare=True), "add group mail", *DEPLOYS)
    kustomization = f"{KUBERNETES}/base/kustomization.yaml"
    line = b"  - groups/mail.yaml\n"
    mine = without(rewritten(there, {kustomization: text(there, kustomization).encode().replace(line, b"")}), MAIL)
    assert repair(mine).changes == ()
