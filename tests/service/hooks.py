"""Secrets for the webhooks that a test adds to an application."""

from fastapi import FastAPI
from pydantic import SecretStr
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing.running import SECRET


def add_secret(app: FastAPI, name: str, *secrets: str) -> None:
    """Give a webhook its secrets; without any, the one of tests."""
    settings: ServiceSettings = app.state.settings
    known = {name: tuple(map(SecretStr, secrets or (SECRET,)))}
    app.state.settings = settings.model_copy(update={"webhook_secrets": {**settings.webhook_secrets, **known}})
