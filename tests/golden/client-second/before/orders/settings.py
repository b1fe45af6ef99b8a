"""The settings that this service adds to those of every service (runtime/settings.py)."""

from datetime import timedelta

from pydantic import SecretStr

from .runtime.settings import BaseUrl, Duration, ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment and `.env`; `.env.example` explains each."""

    namespace: str = "orders"
    payments_url: BaseUrl | None = None
    payments_token: SecretStr | None = None
    payments_timeout: Duration = timedelta(seconds=10)
