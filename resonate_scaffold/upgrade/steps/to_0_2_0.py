"""From 0.1.0 to 0.2.0: ids, addresses, signatures, columns and durable calls stay what they were.

* On the engine nothing has a namespace, and work that a route starts is called by its workflow.
* Clients know where work is polled; senders of webhooks sign as they did, and name the work in the path.
* A key convention is each caller's own.
* The sample counts money in cents, in its table, in what is recorded of its jobs, and in what its clients read; and it
  makes the calls that its running jobs have recorded.
* Migrations that have been run stay as they are, and no new one comes: the old version refuses a database that is ahead
  of it, and there would be no way back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.errors import TemplateError
from resonate_scaffold.upgrade.replay import Record

Files = Mapping[PurePosixPath, bytes]

_STARTING = ("POST", "PUT", "PATCH", "DELETE")
_WIDTH = 120  # of a service's lines
_REFUSALS = ("nobody decided in time", "the job was rejected")
_KEPT = "docs/upgrading.md of resonate-scaffold"


def records(package: str, base: Files, given: Sequence[Record]) -> list[Record]:
    """See :class:`~.Step`."""
    keyed = {_kebab(it.options["key"]) for it in given if it.kind == "route" and it.options.get("key")}
    paths = {it.name.partition(" ")[2] for it in given if it.kind == "route"}
    return [Record(it.kind, it.name, {**it.options, **_options(it, package, base, keyed, paths)}) for it in given]


def _options(record: Record, package: str, base: Files, keyed: set[str], paths: set[str]) -> dict[str, Any]:
    """The options of a record that have to be others now."""
    if record.kind == "webhook":
        return {"scheme": "former"}
    if record.kind == "idempotency-key" and _kebab(record.name) in keyed:
        # Routes put the caller's name before it.
        fields = record.options["fields"]
        return {} if any(it.partition(":")[0] == "caller" for it in fields) else {"fields": ["caller:str", *fields]}
    method, _, path = record.name.partition(" ")
    if record.kind != "route" or method not in _STARTING:
        return {}
    module = _module_of(package, base, method, path)
    polled = _polled(module)
    kind = re.search(r'ids\.root\(\s*"([^"]+)",\s*asked\.public\s*\)', module)
    found = {} if kind is None else {"kind": kind[1]}
    if polled and _is_simple(polled) and not any(_is_same_shape(polled, other) for other in paths):
        found["poll"] = polled
    return found


def _module_of(package: str, base: Files, method: str, path: str) -> str:
    """The text of the module that has a route, as 0.1.0 made it; empty where none has it."""
    wanted = re.compile(rf'@router\.{method.lower()}\(\s*"{re.escape(path)}"')
    below = PurePosixPath(package, "api", "routes")
    return next((text for at, text in _texts(base) if at.parent == below and wanted.search(text)), "")


def _polled(module: str) -> str | None:
    match = re.search(r'@router\.get\(\s*"([^"]+)"', module)
    return match[1] if match else None


def _is_simple(path: str) -> bool:
    """Whether `--poll` takes a path: the id is its one parameter, and its last segment."""
    return path.count("{") == 1 and path.endswith("/{id}")


def _is_same_shape(one: str, other: str) -> bool:
    """Whether two paths are one to OpenAPI, and have different names for what stands in them."""
    return one != other and re.sub(r"\{[^}]*\}", "{}", one) == re.sub(r"\{[^}]*\}", "{}", other)


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _texts(files: Files) -> Iterator[tuple[PurePosixPath, str]]:
    # An owner's file may be of any encoding.
    return ((path, content.decode(errors="replace")) for path, content in files.items() if path.suffix == ".py")


def files(package: str, project: str, base: Files, new: Files) -> tuple[dict[PurePosixPath, bytes], list[str]]:
    """See :class:`~.Step`."""
    found = dict(new)
    told = [
        "NAMESPACE stays empty, so that the jobs, keys and schedules on the engine are found. "
        f"{_KEPT} says how to move to one later."
    ]
    _keep_migrations(found, package, base)
    _keep_namespace(found, package, project)
    _keep_passwords(found)
    told += _keep_polling(found, package, base)
    if PurePosixPath(package, "api", "approvals.py") in found:
        _keep_approvals(found, package)
        _keep_cents(found, package)
        told.append(f"{package}/workflows/aggregate.py makes its calls as it did: running jobs have recorded them.")
    if any(b"FORMER" in content for path, content in found.items() if path.parts[:2] == (package, "api")):
        told.append(
            "Webhooks take the signatures of version 0.1.0 and Standard Webhooks, by their secrets. "
            f"{_KEPT} says how senders move from the one to the other."
        )
    return found, told


def _edit(found: dict[PurePosixPath, bytes], path: str, *changes: tuple[str, str]) -> None:
    """Put one text in another's place, wherever it stands in a file.

    Raises:
        TemplateError: it is not there: the template has changed, and the step has not.
    """
    at = PurePosixPath(path)
    text = found[at].decode()
    for before, after in changes:
        if before not in text:
            raise TemplateError(f"The upgrade to 0.2.0 does not find {before!r} in {path}", "Report it.")
        text = text.replace(before, after)
    found[at] = text.encode()


def _keep_migrations(found: dict[PurePosixPath, bytes], package: str, base: Files) -> None:
    """Migrations that databases have seen stay what they were, and what workflows recorded is still compared."""
    versions = PurePosixPath(package, "db", "migrations", "versions")
    for kept in (versions, PurePosixPath("tests", "histories")):
        for path in [path for path in found if path.parent == kept]:
            del found[path]
        found.update({path: content for path, content in base.items() if path.parent == kept})


def _keep_namespace(found: dict[PurePosixPath, bytes], package: str, project: str) -> None:
    reason = "Empty: what version 0.1.0 of resonate-scaffold has started has none"
    _edit(
        found,
        f"{package}/settings.py",
        (f'    namespace: str = "{project}"\n', f'    # {reason}.\n    namespace: str = ""\n'),
    )
    _edit(found, ".env.example", (f"\nNAMESPACE={project}\n", f"\n# {reason}.\nNAMESPACE=\n"))
    _edit(
        found,
        "AGENTS.md",
        (
            f"`<namespace>.<group>`, here `{project}.workers`; the code leaves the namespace out.",
            "`<namespace>.<group>`; here the namespace is empty, so `workers`.",
        ),
    )


def _keep_passwords(found: dict[PurePosixPath, bytes]) -> None:
    """compose.yaml reads the names that `.env` has."""
    missing = ":?set it in .env, see .env.example}"
    _edit(
        found,
        "compose.yaml",
        *(
            (f"${{{name}{missing}", f"${{{name}:-${{POSTGRES_PASSWORD{missing}}}")
            for name in ("SERVICE_DB_PASSWORD", "RESONATE_DB_PASSWORD")
        ),
        (
            '    RESONATE_DB_PASSWORD: ""\n',
            '    RESONATE_DB_PASSWORD: ""\n'
            "    # What version 0.1.0 of resonate-scaffold called them.\n"
            '    WEBHOOK_SECRET: ""\n'
            '    POSTGRES_PASSWORD: ""\n',
        ),
        (
            "      WEBHOOK_SECRETS: ${WEBHOOK_SECRETS:-}\n",
            "      WEBHOOK_SECRETS: ${WEBHOOK_SECRETS:-}\n      WEBHOOK_SECRET: ${WEBHOOK_SECRET:-}\n",
        ),
    )


def _keep_polling(found: dict[PurePosixPath, bytes], package: str, base: Files) -> list[str]:
    """Work is polled where clients know it from, where it has another address now."""
    told = []
    below = PurePosixPath(package, "api", "routes")
    new = [path for path in found if path.parent == below.parent and path.suffix == ".py"]
    for path, text in _texts(base):
        if path.parent != below:
            continue
        polled, route = _polled(text), re.search(r'@router\.(post|put|patch|delete)\(\s*"([^"]+)"', text)
        if polled is None or route is None or "APIRouter(prefix=" in text:
            continue
        for now in new:
            content = found[now].decode()
            if f'"{polled}"' in content:
                continue
            wanted = re.compile(rf'@router\.{route[1]}\(\s*"{re.escape(route[2])}"')
            reads = re.search(r"async def (poll_\w+)\([^)]*\) -> (Progress\[\w+\]):", content)
            if wanted.search(content) and reads:
                found[now] = content.encode() + _former_poll(polled, reads[1], reads[2]).encode()
                told.append(f"Work of {route[1].upper()} {route[2]} is polled at {polled}, too: {now}")
    return told


def _former_poll(path: str, function: str, result: str) -> str:
    head, parameters = f"async def {function}_where_it_was(", "id: str, request: Request, response: Response"
    end = f") -> {result}:"
    if len(head + parameters + end) > _WIDTH:
        parameters = f"\n    {parameters}\n"
    return f'''

# Old: for clients that have kept an address of version 0.1.0 of resonate-scaffold.
@router.get("{path}", include_in_schema=False)
{head}{parameters}{end}
    """The same, where it was."""
    return await {function}(id, request, response)
'''


_FORMER_APPROVAL = '''

# Old: for senders that sign as those of resonate-scaffold 0.1.0 did, and name the job in the path, which no signature
# covers. docs/upgrading.md of resonate-scaffold says how they move to the address above; then all from here on goes.


class FormerApproval(BaseModel):
    """A decision alone."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"approved": True}]})

    approved: bool


class FormerApprovalTaken(BaseModel):
    """The decision that holds."""

    id: str
    approved: bool


@router.post("/{id}", deprecated=True, responses=ANSWERED, openapi_extra=webhook.takes(FormerApproval))
async def decide_former(id: str, signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> FormerApprovalTaken:
    """Approve or reject the job with this id, as the route above does."""
    sent = signed.parse(FormerApproval)
    holds = await deliver(client, approval, root_id("job", id), Decision(approved=sent.approved), signed)
    return FormerApprovalTaken(id=id, approved=holds.approved)
'''

_FORMER_TEST = """

async def test_senders_of_version_0_1_0_move_to_the_new_form(
    start_service: StartService, settings: ServiceSettings
) -> None:
    old, new = "an-old-secret-of-theirs", new_secret()
    async with start_service(webhook_secrets={**settings.webhook_secrets, "approvals": (old, new)}) as service:
        job_id = await waiting_job(service)
        raw = b'{"approved": true}'
        before = await service.http.post(f"{PATH}/{job_id}", content=raw, headers=FORMER.sign(old, raw))
        assert (before.status_code, before.json()) == (200, {"id": job_id, "approved": True})
        assert (await ended(service, job_id))["status"] == "succeeded"
        after = await service.send_signed(PATH, {"job_id": job_id, "approved": True}, secret=new)
        assert (after.status_code, after.json()) == (200, {"job_id": job_id, "approved": True})
        foreign = FORMER.sign("the-secret-of-another-one", raw)
        refused = await service.http.post(f"{PATH}/{job_id}", content=raw, headers=foreign)
        assert problem(refused) == (401, "bad-signature")
"""


def _keep_approvals(found: dict[PurePosixPath, bytes], package: str) -> None:
    """The sample's webhook has the old address and signature, too, and jobs tell the old address."""
    path = f"{package}/api/approvals.py"
    _edit(
        found,
        path,
        ('webhook = Webhook("approvals")', 'webhook = Webhook("approvals", FORMER)'),
        (
            "from ..runtime.http.webhooks import ANSWERED",
            "from ..runtime.http.signatures import FORMER\nfrom ..runtime.http.webhooks import ANSWERED",
        ),
    )
    found[PurePosixPath(path)] += _FORMER_APPROVAL.encode()
    _edit(
        found,
        f"{package}/api/jobs.py",
        ("submission.link(approvals.router.prefix)", 'submission.link(f"{approvals.router.prefix}/{job_id}")'),
    )
    _edit(
        found,
        f"{package}/__main__.py",
        ("from .runtime.http.signatures import STANDARD\n", "from .runtime.http.signatures import FORMER\n"),
        (
            'STANDARD.sign(settings.secrets_of("approvals")[0], body)',
            'FORMER.sign(settings.secrets_of("approvals", or_former=True)[0], body)',
        ),
    )
    tests = "tests/test_approvals.py"
    _edit(
        found,
        tests,
        ("signatures import new_secret\n", "signatures import FORMER, new_secret\n"),
        (
            f"from {package}.runtime.testing.running",
            f"from {package}.runtime.settings import ServiceSettings\nfrom {package}.runtime.testing.running",
        ),
        ('["links"]["approval"] == PATH', '["links"]["approval"] == f"{PATH}/{key}"'),
    )
    found[PurePosixPath(tests)] += _FORMER_TEST.encode()
    _edit(found, "README.md", ('"approval":"/webhooks/approvals"', '"approval":"/webhooks/approvals/order-4711"'))


def _keep_cents(found: dict[PurePosixPath, bytes], package: str) -> None:
    """The sample's accounts have cents, and the calls of its workflows are those that running jobs have recorded."""
    decimal = ("from decimal import Decimal\n\n", "")
    _edit(
        found,
        f"{package}/contracts/db/get_account.py",
        ("from decimal import Decimal\n", ""),
        (
            "An account. Money is a decimal number: text in JSON, which keeps it exact.",
            "An account. Money is in cents.",
        ),
        ("balance: Decimal", "balance_cents: int"),
    )
    _edit(
        found,
        f"{package}/contracts/workflows/aggregate.py",
        ("from decimal import Decimal\n", ""),
        ("total: Decimal", "total_cents: int"),
    )
    _edit(
        found,
        f"{package}/workflows/aggregate.py",
        decimal,
        ("from ..runtime.durable.fan_out import fan_out\n", ""),
        (
            '    """Read all accounts at the same time."""\n'
            "    answers = await fan_out(ctx, get_account, [GetAccount(account_id=account_id) for account_id in "
            "request.account_ids])\n"
            "    found = [answer.account for answer in answers]\n",
            '    """Read all accounts at the same time.\n\n'
            "    Every call is made before the first is awaited, as running jobs have recorded it. For more than a\n"
            "    few calls a new workflow takes `runtime/durable/fan_out.py`, which asks less of the engine.\n"
            '    """\n'
            "    calls = [get_account(ctx, GetAccount(account_id=account_id)) for account_id in request.account_ids]\n"
            "    found = [(await call).account for call in calls]\n",
        ),
        ("total=sum((a.balance for a in accounts), Decimal())", "total_cents=sum(a.balance_cents for a in accounts)"),
    )
    _edit(
        found,
        f"{package}/workflows/process_job.py",
        ("account.balance < 0", "account.balance_cents < 0"),
        *((f'Failure("{words}"', f'Failure("not approved: {words}"') for words in _REFUSALS),
    )
    _edit(
        found,
        "tests/test_approvals.py",
        *((f'"message": "{words}"', f'"message": "not approved: {words}"') for words in _REFUSALS),
    )
    _edit(found, f"{package}/db/get_account.py", ("balance=row.balance", "balance_cents=row.balance_cents"))
    _edit(
        found,
        f"{package}/db/models.py",
        ("from decimal import Decimal\n", ""),
        ("import MetaData, String\n", "import Integer, MetaData, String\n"),
        ('"""A sample account."""', '"""A sample account. Money is in cents."""'),
        ("balance: Mapped[Decimal]", "balance_cents: Mapped[int] = mapped_column(Integer)"),
        (
            '__tablename__ = "job_results"\n\n    id: Mapped[int] = mapped_column(primary_key=True)',
            '__tablename__ = "job_results"\n\n    id: Mapped[int] = mapped_column(Integer, primary_key=True)',
        ),
    )
    _edit(
        found,
        f"{package}/db/seed.py",
        decimal,
        ('balance=Decimal("1200.00")', "balance_cents=120_000"),
        ('balance=Decimal("980.50")', "balance_cents=98_050"),
        ('balance=Decimal("-42.00")', "balance_cents=-4_200"),
    )
    _edit(found, "README.md", ('"balance":"1200.00"', '"balance_cents":120000'))
    _edit(found, "tests/test_jobs.py", ('"balance": "1200.00"', '"balance_cents": 120_000'))
    _edit(
        found,
        "tests/test_accounts.py",
        ('summary["total"]) == (["nobody"], "1158.00")', 'summary["total_cents"]) == (["nobody"], 115_800)'),
        (
            'progress["result"]["total"]) == ("succeeded", "36000.00")',
            'progress["result"]["total_cents"]) == ("succeeded", 3_600_000)',
        ),
    )
    contracts = PurePosixPath("tests", "contracts.json")
    found[contracts] = (json.dumps(_in_cents(json.loads(found[contracts])), indent=2) + "\n").encode()


def _in_cents(schema: Any) -> Any:
    """The snapshot of the contracts, with the fields that count cents."""
    names = {"balance": "balance_cents", "total": "total_cents"}
    match schema:
        case dict():
            return dict(
                sorted(
                    (names[key], {"type": "integer"}) if key in names else (key, _in_cents(part))
                    for key, part in schema.items()
                )
            )
        case list():
            return [names.get(part, part) if isinstance(part, str) else _in_cents(part) for part in schema]
        case _:
            return schema
