"""Settings, read once per process from the environment and ``.env``."""

import re
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _seconds(value: object) -> object:
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value


Duration = BeforeValidator(_seconds)

_CALLER = re.compile(r"[a-z0-9-]{1,30}")


class Settings(BaseSettings):
    """What the operator decides. Durations are seconds, or ISO 8601 (``PT24H``, ``P7D``)."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    webhook_secret: SecretStr
    """Signs webhooks; at least 16 characters. There is no default on purpose."""

    resonate_url: str | None = None
    """Unset: in process (`dev` only). http(s)://: a Resonate server. postgresql://: Postgres with resonate-pg."""

    resonate_token: SecretStr | None = None
    """The Resonate server's bearer token, where it asks for one."""

    database_url: str
    """sqlite:///path or postgresql://…; only the db group opens it."""

    api_keys: Annotated[dict[str, SecretStr], NoDecode] = {}
    """``alice:secret,bob:secret``: who may call /jobs and /accounts. Empty: everybody."""

    job_timeout: Annotated[timedelta, Duration] = timedelta(days=7)
    """A job that has not ended by then is timed out."""

    approval_timeout: Annotated[timedelta, Duration] = timedelta(hours=24)
    """How long a job waits for its approval; shorter than JOB_TIMEOUT."""

    sync_wait: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(seconds=25)), Duration] = timedelta(seconds=5)
    """How long a synchronous route waits before it answers 202; at most 25 s."""

    lease: Annotated[timedelta, Field(ge=timedelta(seconds=1)), Duration] = timedelta(seconds=60)
    """A worker that is silent for so long loses its tasks to another."""

    shutdown_grace: Annotated[timedelta, Field(ge=timedelta(0)), Duration] = timedelta(seconds=10)
    """How long a stopping process finishes what runs."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000

    health_port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Where a worker answers /livez, /readyz and /metrics. Unset: nowhere. The API has them on PORT."""

    health_host: str | None = None
    """The address of HEALTH_PORT; HOST otherwise."""

    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    log_format: Literal["json", "text"] = "json"
    """One JSON object a line, or the same for the eye."""

    @field_validator("webhook_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters")
        return value

    @field_validator("resonate_url")
    @classmethod
    def _known_engine(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://", "postgresql://", "postgres://")):
            raise ValueError("must begin with http://, https:// or postgresql://")
        return value

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys: dict[str, str] = {}
        for pair in filter(None, (part.strip() for part in value.split(","))):
            caller, _, secret = pair.partition(":")
            if not _CALLER.fullmatch(caller) or len(secret) < 6 or caller in keys or secret in keys.values():
                # The pair itself stays out of the message: it holds a secret.
                raise ValueError(
                    "must be caller:secret,…: callers are [a-z0-9-]{1,30}, secrets have 6 or more characters, "
                    "and none occurs twice"
                )
            keys[caller] = secret
        return keys

    @model_validator(mode="after")
    def _approval_fits(self) -> Self:
        if not timedelta(0) < self.approval_timeout < self.job_timeout:
            raise ValueError("APPROVAL_TIMEOUT must be positive and shorter than JOB_TIMEOUT")
        return self

    @cached_property
    def callers(self) -> dict[str, bytes]:
        """Caller to secret, as bytes to compare."""
        return {caller: secret.get_secret_value().encode() for caller, secret in self.api_keys.items()}
