"""What an upgrade from 0.1.0 keeps, in the tree that it makes: see `upgrade.steps.to_0_2_0`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
import yaml

from resonate_scaffold.errors import TemplateError
from resonate_scaffold.generators.repair import repair
from resonate_scaffold.project import ADDS, MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.upgrade.replay import Record
from resonate_scaffold.upgrade.steps import fit, mend, records_for, steps_between
from tests.past_service import SERVICES, old, upgraded, write

PACKAGES = {"shop": "shop", "shop-grown": "shop", "shop-bare": "shop_bare"}


def test_steps_are_those_of_the_versions_between() -> None:
    assert [step.version for step in steps_between("0.1.0", "0.2.0")] == ["0.2.0"]
    assert [step.version for step in steps_between("0.1.3", "0.10.0")] == ["0.2.0"]
    assert steps_between("0.2.0", "0.3.0") == steps_between("0.1.0", "0.1.1") == []


@pytest.mark.parametrize("name", SERVICES)
def test_what_every_service_keeps(name: str) -> None:
    base, package = old(name), PACKAGES[name]
    files, told = upgraded(name)
    settings = files[PurePosixPath(package, "settings.py")].decode()
    assert '    namespace: str = ""\n' in settings
    assert "\nNAMESPACE=\n" in files[PurePosixPath(".env.example")].decode()
    assert any("NAMESPACE" in line for line in told)
    kept = [PurePosixPath(package, "db/migrations/versions"), PurePosixPath("tests/histories")]
    for directory in kept:
        before = {path: content for path, content in base.items() if path.parent == directory}
        assert {path: content for path, content in files.items() if path.parent == directory} == before
    compose = yaml.safe_load(files[PurePosixPath("compose.yaml")])["services"]
    missing = "${POSTGRES_PASSWORD:?set it in .env, see .env.example}"
    for database, setting in (("service-db", "SERVICE_DB_PASSWORD"), ("resonate-db", "RESONATE_DB_PASSWORD")):
        assert compose[database]["environment"]["POSTGRES_PASSWORD"] == f"${{{setting}:-{missing}}}"
    assert compose["api"]["environment"]["WEBHOOK_SECRET"] == "${WEBHOOK_SECRET:-}"
    assert compose["worker"]["environment"]["WEBHOOK_SECRET"] == ""
    assert compose["worker"]["environment"]["POSTGRES_PASSWORD"] == ""


def test_what_clients_and_senders_know() -> None:
    """Addresses, and what ids begin with; one that two routes would share is there besides."""
    routes = {
        "POST /orders": {"kind": "place-order", "poll": "/orders/{id}"},
        "PUT /orders/{sku}/again": {},
        "POST /quick": {"kind": "nightly", "poll": "/quick/{id}"},
        "GET /stock/{sku}": {},
    }
    files, _ = upgraded("shop-grown")
    found = {}
    for path, content in files.items():
        record = json.loads(content) if path.parent == ADDS else {}
        if record.get("kind") == "route":
            found[record["name"]] = {key: it for key, it in record["options"].items() if key in ("kind", "poll")}
        elif record.get("kind") == "webhook":
            assert record["options"]["scheme"] == "former"
    assert found == routes
    again = files[PurePosixPath("shop/api/put_orders_sku_again.py")].decode()
    assert '@router.get("/orders/{sku}/again/put/{id:path}", include_in_schema=False)' in again
    assert "root = ids.order(caller.name, body.customer_id, sku, body.quantity)" in again


def test_an_address_that_another_route_would_answer_is_no_option() -> None:
    base = {PurePosixPath("shop/api/routes/orders.py"): b'@router.post("/orders")\n@router.get("/orders/{id}")\n'}
    given = [
        Record("route", "POST /orders", {"key": None}),
        Record("route", "PUT /orders/{order_id}", {"key": None}),
    ]
    assert records_for("0.1.0", "0.2.0", "shop", base, given)[0].options == {"key": None}
    assert records_for("0.1.0", "0.2.0", "shop", base, given[:1])[0].options["poll"] == "/orders/{id}"


def test_a_template_that_the_step_does_not_know_is_a_mistake() -> None:
    base = old("shop-bare")
    files, _ = upgraded("shop-bare")
    with pytest.raises(TemplateError, match="does not find"):
        fit("0.1.0", "0.2.0", "shop_bare", "shop-bare", base, files)


def test_the_upgraded_service_is_whole(tmp_path: Path) -> None:
    """Its records say what is there, and its layout is ruff's."""
    files, _ = upgraded("shop-grown")
    project = Project("shop", Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))
    assert repair(project).changes == ()
    root = write(files, tmp_path)
    for command in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command], cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_upgraded_service_does_what_the_old_one_recorded(tmp_path: Path, service_python: Path) -> None:
    """Its histories, of 0.1.0, fit the workflows; senders and clients of before are answered; contracts fit."""
    root = write(upgraded("shop-grown")[0], tmp_path)
    chosen = ["histories", "snapshot", "explained", "bound_to", "0_1_0", "columns", "settings_must_fit"]
    command = [str(service_python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(chosen)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout or done.stdout.count(".") > 8


OWN = """
from resonate.context import Context

from .. import ids
from ..contracts.workflows import paid, shipped


async def one(ctx: Context) -> None:
    job_id = ids.public_of(ctx.info.id)
    await shipped.wait(ctx, job_id, timedelta(days=1))
    await paid.wait(
        ctx,
        f"{job_id}-again",
        timedelta(days=1),
    )
    await other(ctx, paid.wait, 1)


async def other(run: Context) -> None:
    await shipped.wait(run, timedelta(days=1))
    await queue.wait("ctx", 1, 2)
"""


def test_keys_of_waits_go_and_what_cannot_be_answered_is_told() -> None:
    path, plain = PurePosixPath("shop/workflows/own.py"), PurePosixPath("shop/workflows/plain.py")
    only = OWN.replace("job_id = ids.public_of(ctx.info.id)", "...").replace("job_id, ", "ids.public_of(ctx.info.id), ")
    only = only.replace('f"{job_id}-again"', "ids.public_of(ctx.info.origin_id)")
    found, told = mend("0.1.0", "0.2.0", "shop", {path: OWN.encode(), plain: only.encode()}, {})
    assert [line.partition(": a job")[0] for line in told] == ["shop/workflows/own.py:11"]
    assert "gate paid under the key f'{job_id}-again' cannot be answered" in told[0]
    text = found[path].decode()
    assert "await shipped.wait(ctx, timedelta(days=1))\n" in text
    assert "paid.wait(\n        ctx,\n        timedelta(days=1),\n" in text
    assert "job_id = ids.public_of" in text and "from .. import ids\n" in text and 'queue.wait("ctx", 1, 2)' in text
    assert "ids" not in found[plain].decode()
    same = {path: OWN.encode()}
    assert mend("0.1.0", "0.2.0", "shop", same, same) == (same, [])
