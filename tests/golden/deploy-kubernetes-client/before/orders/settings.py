"""The settings that this service adds to those of every service (runtime/settings.py)."""

from datetime import timedelta
from typing import Self

from pydantic import model_validator

from .runtime.settings import Duration, ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment and `.env`; `.env.example` explains each."""

    namespace: str = "orders"

    approval_timeout: Duration = timedelta(hours=24)
    """How long a job waits for its approval; shorter than JOB_TIMEOUT."""

    @model_validator(mode="after")
    def _check_timeouts(self) -> Self:
        if not timedelta(0) < self.approval_timeout < self.job_timeout:
            raise ValueError("APPROVAL_TIMEOUT must be positive and shorter than JOB_TIMEOUT")
        return self
