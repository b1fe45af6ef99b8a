"""The service that the reference is made from: freshly generated, with one of everything that `add` makes."""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path, PurePosixPath
from typing import TypedDict

from docs.site.describe import Command, Setting
from tests.grown import NAME, fresh, grown, made_by_new

# What an owner may write, the tool writes here: so the reference has every name of the runtime that owners import.
ADDS = (
    "add entity doctor --field name:str:1..80 --field license:str:4..20 --unique license"
    " --field hourly_rate:Decimal:0..",
    "add field doctor 'phone:str?:5..20'",
    "add query doctors-by-name --table doctor --list --order name",
    "add query doctor-by-license --table doctor --takes license",
    "add route GET /licensed --query doctors-by-name",
    "add route GET '/licensed/{license}' --query doctor-by-license",
    "add db-function reserve-stock --takes sku:str --returns amount_cents:int",
    "add db-function get-stock --takes sku:str --returns left:int --read-only",
    "add route GET '/stock/{sku}' --rpc db.get_stock --wait 5",
    "add rpc payments.charge --takes amount_cents:int --returns receipt:str",
    "add workflow place-order --takes sku:str --takes number:str --returns receipt:str --calls db.reserve_stock"
    " --calls payments.charge",
    "add idempotency-key order --from number",
    "add route POST /orders --workflow place-order --key order",
    "add route POST /quick-orders --workflow place-order --wait 5",
    "add webhook confirmation --takes confirmed:bool --workflow place-order",
    "add webhook order-placed --starts place-order --scheme github",
    "add webhook paid --takes type:str --scheme stripe --id-from data.object.metadata.job_id",
    "add workflow close-day",
    "add schedule nightly --workflow close-day --cron '0 2 * * *'",
    "add group billing",
    "add client weather",
)

DESCRIBE = Path(__file__).with_name("describe.py")


@functools.cache
def _files() -> dict[PurePosixPath, bytes]:
    return {**made_by_new(bare=False), **grown(fresh(bare=False), *ADDS).files}


class Described(TypedDict):
    """What the service's own code says about its commands and its settings, by name."""

    commands: list[Command]
    settings: dict[str, Setting]


def write_service(root: Path) -> Path:
    """Write the service below *root*; returns its directory."""
    for path, content in _files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def describe(service: Path, python: Path) -> Described:
    """The commands and settings of the service, as its own code has them; *python* is of its environment."""
    done = subprocess.run(
        [python, "-P", DESCRIBE, NAME], cwd=service, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the generated service cannot be imported:\n{done.stderr}")
    described: Described = json.loads(done.stdout)
    return described
