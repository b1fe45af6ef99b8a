"""The settings that this service adds to those of every service (runtime/settings.py)."""

from .runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment and `.env`; `.env.example` explains each."""

    namespace: str = "orders"
