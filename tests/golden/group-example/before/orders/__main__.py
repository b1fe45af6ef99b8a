"""The commands of this service: `orders --help`."""

import sys
from time import time

import click
import httpx

from .runtime.cli import commands
from .runtime.http.signatures import signed_headers
from .runtime.service import Service
from .runtime.settings import required
from .settings import Settings

GROUPS = [
    "workers",
    "db",
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
    body = b'{"approved": true}' if approved else b'{"approved": false}'
    headers = signed_headers(required(settings.webhook_secret, "WEBHOOK_SECRET"), str(int(time())), body)
    base = url or f"http://{settings.host}:{settings.port}"
    try:
        response = httpx.post(f"{base}/webhooks/approvals/{job_id}", content=body, headers=headers, timeout=10)
    except httpx.HTTPError as error:
        raise click.ClickException(f"{base} does not answer: {error}\nIs the API running there?") from None
    click.echo(f"{response.status_code} {response.text}")
    if response.is_error:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="orders")
