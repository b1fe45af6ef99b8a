"""Draws docs/graph.svg, the example, and docs/graph-60.svg, a service of 60 pieces: both read from generated code.

    .venv/bin/python -m docs.record_graph

The larger one is grown in memory by `add` commands from a bare service; waits at gates are written into its workflows
as their owner would.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.graph import svg
from resonate_scaffold.graph.reading import structure_of
from resonate_scaffold.graph.structure import Structure
from resonate_scaffold.project import Project
from tests.grown import fresh, grown, python_of, rewritten

DB = (
    *("get-customer", "get-order", "save-order", "reserve-stock", "release-stock", "save-payment", "save-refund"),
    *("get-invoice", "save-invoice", "list-overdue", "save-shipment", "save-return", "get-cart", "append-audit"),
    *("save-cart", "close-account", "unused-report", "unused-export"),
)
RPCS = (
    "payments.charge",
    "payments.refund",
    "mail.send-receipt",
    "mail.send-reminder",
    "carrier.book",
    "carrier.track",
)
BILLING = ("billing.compute-tax", "billing.round-amounts", "billing.exchange-rate")

# What each workflow calls; those with a route are started by one of the same name.
WORKFLOWS = {
    "price-cart": ("db.get_cart", "billing.compute-tax"),
    "take-payment": ("payments.charge", "db.save_payment"),
    "ship-order": ("carrier.book", "db.save_shipment"),
    "place-order": ("db.get_customer", "db.reserve_stock", "price-cart", "take-payment", "ship-order", "db.save_order"),
    "cancel-order": ("db.get_order", "db.release_stock", "payments.refund", "db.save_refund"),
    "take-return": ("db.get_order", "db.save_return", "payments.refund", "db.save_refund"),
    "send-invoice": ("db.get_invoice", "billing.compute-tax", "billing.round-amounts", "mail.send-receipt"),
    "settle-invoices": ("db.list_overdue", "billing.exchange-rate", "db.save_invoice"),
    "remind": ("db.list_overdue", "mail.send-reminder"),
    "track-parcels": ("carrier.track", "db.save_shipment"),
    "merge-customers": ("db.get_customer", "db.append_audit"),
    "fill-cart": ("db.get_cart", "price-cart", "db.save_cart"),
    "settle-account": ("db.get_invoice", "payments.charge"),
    "close-account": ("db.get_customer", "settle-account", "db.close_account"),
    "legacy-import": ("db.save_order", "db.append_audit"),
}
ROUTES = (
    *("place-order", "cancel-order", "take-return", "send-invoice", "price-cart", "take-payment", "merge-customers"),
    *("fill-cart", "close-account"),
)
SCHEDULES = {"nightly": "settle-invoices", "mornings": "remind", "hourly": "track-parcels"}
GATES = {"approval": "place-order", "delivery": "ship-order", "inspection": "take-return"}


def main() -> None:
    """Draw both."""
    here = Path(__file__).parent
    for name, project in (("graph", fresh(bare=False)), ("graph-60", large())):
        drawn = drawing(project)
        (here / f"{name}.svg").write_text(svg.render(drawn), "utf-8")
        print(f"docs/{name}.svg: {len(drawn.nodes)} nodes, {len(drawn.edges)} edges")


def drawing(project: Project) -> Structure:
    """The structure of a service in memory."""
    return structure_of(Model(Program(python_of(project))), project.package)


def large() -> Project:
    """A shop: its own groups api, workers, db and billing, and what three other teams serve."""
    project = grown(
        fresh(bare=True),
        "add group billing",
        *(f"add db-function {name} --takes key:str --returns key:str" for name in DB),
        *(f"add rpc {name} --takes key:str --returns key:str" for name in (*BILLING, *RPCS)),
    )
    for name, calls in WORKFLOWS.items():
        given = " ".join(f"--calls {it}" for it in calls)
        takes = "" if name in SCHEDULES.values() else "--takes key:str"  # the clock gives nothing
        project = grown(project, f"add workflow {name} {takes} --returns key:str {given}")
    project = grown(
        project,
        *(f"add route POST /{name} --workflow {name}" for name in ROUTES),
        *(f"add schedule {name} --workflow {it} --cron '0 2 * * *'" for name, it in SCHEDULES.items()),
        *(f"add webhook {name} --takes approved:bool --workflow {it}" for name, it in GATES.items()),
    )
    return rewritten(project, dict(waiting(project, gate, workflow) for gate, workflow in GATES.items()))


def waiting(project: Project, gate: str, workflow: str) -> tuple[str, bytes]:
    """A workflow's file with a wait at its gate before it returns."""
    path = f"{project.package}/workflows/{workflow.replace('-', '_')}.py"
    text = project.files[PurePosixPath(path)].decode()
    wait = f"    await {gate}.wait(ctx, job_id(ctx), timedelta(hours=24))\n    return "
    imports = (
        "from datetime import timedelta\n"
        f"from ..contracts.workflows.{gate} import {gate}\n"
        "from ..runtime.durable.ids import job_id\n"
    )
    return path, text.replace("    return ", wait, 1).replace(
        "from resonate.context", f"{imports}from resonate.context", 1
    ).encode()


if __name__ == "__main__":
    main()
