"""Secrets for the webhooks of a service that runs for itself: in tests, and to record."""

from ..http.webhooks import webhooks_of
from ..service import Service


def secrets_for(service: Service, secret: str) -> dict[str, tuple[str]]:
    """WEBHOOK_SECRETS in which every webhook of the service has this one."""
    routers = getattr(service.module("api.app"), "ROUTERS", [])
    return {webhook.name: (secret,) for webhook in webhooks_of(route for router in routers for route in router.routes)}
