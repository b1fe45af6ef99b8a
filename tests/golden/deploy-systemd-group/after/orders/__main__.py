"""The commands of this service: `orders --help`."""

import json
import sys

import click
import httpx

from .runtime.cli import commands
from .runtime.http.signatures import STANDARD
from .runtime.service import Service
from .runtime.settings import url_of
from .settings import Settings

GROUPS = [
    "workers",
    "db",
    "mail",
]

SERVICE = Service(
    name="orders",
    package="orders",
    settings=Settings,
    groups=GROUPS,
)

main = commands(SERVICE, "A durable HTTP service on Resonate.")


@main.command()
@click.argument("job_id")
@click.option("--url", help="Where the API is; HOST and PORT otherwise.")
def approve(job_id: str, url: str | None) -> None:
    """Approve a job that waits: send a signed webhook."""
    _decide(job_id, True, url)


@main.command()
@click.argument("job_id")
@click.option("--url", help="Where the API is; HOST and PORT otherwise.")
def reject(job_id: str, url: str | None) -> None:
    """Reject a job that waits: send a signed webhook."""
    _decide(job_id, False, url)


def _decide(job_id: str, approved: bool, url: str | None) -> None:
    settings = Settings()
    body = json.dumps({"job_id": job_id, "approved": approved}).encode()
    signature = STANDARD.sign(settings.secrets_of("approvals")[0], body)
    headers = {"Content-Type": "application/json", **signature}
    base = (url or url_of(settings.host, settings.port)).rstrip("/")
    # HTTP_PROXY in the environment is meant for other machines.
    direct = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
    try:
        with httpx.Client(timeout=10, mounts=direct) as client:
            response = client.post(f"{base}/webhooks/approvals", content=body, headers=headers)
    except httpx.HTTPError as error:
        raise click.ClickException(f"{base} does not answer: {error}\nIs the API running there?") from None
    click.echo(f"{response.status_code} {response.text}")
    if response.is_error:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="orders")
