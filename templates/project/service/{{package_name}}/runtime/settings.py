"""The settings that every service has, read once per process from the environment and ``.env``."""

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from ipaddress import ip_address, ip_network
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import MissingSetting, OperatorError


def _seconds(value: object) -> object:
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
"""A duration: seconds (``90``) or ISO 8601 (``PT24H``, ``P7D``)."""


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be http(s)://host, with a port and a path if need be")
    if parts.username or parts.password:
        raise ValueError("holds a user or a password: logs show URLs, so give a token in its own setting")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Where an HTTP API is: ``https://api.example.com/v1``."""

# Bounds come before what reads a number: so they are told in words rather than as a `timedelta`.
_NotNegative = Annotated[timedelta, Field(ge=timedelta(0)), BeforeValidator(_seconds)]
_AtMost25s = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(seconds=25)), BeforeValidator(_seconds)]
_AtLeast1s = Annotated[timedelta, Field(ge=timedelta(seconds=1)), BeforeValidator(_seconds)]
_Positive = Annotated[timedelta, Field(gt=timedelta(0)), BeforeValidator(_seconds)]

DEFAULT_JOB_TIMEOUT = timedelta(days=7)
_NAMESPACE = re.compile(r"([a-z][a-z0-9_-]{0,39})?")
WEBHOOK = re.compile(r"[a-z0-9-]{1,40}")
CALLER = re.compile(r"[a-z0-9-]{1,30}")
_SECRET = re.compile(r"[!-~]+")
FORMER_NAMES = {"webhook_secret"}
"""Settings that have another name now, and are read under the old one until the next release."""
_SHORTEST_KEY = 20
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_ALL_ADDRESSES = ("0.0.0.0", "::", "")
_ENGINES = ("http://", "https://", "postgresql://", "postgres://")
_DATABASES = ("sqlite:///", "postgresql://", "postgres://", "sqlite+", "postgresql+")


class ServiceSettings(BaseSettings):
    """What the operator decides. A service adds its own in a subclass, which also gives NAMESPACE its default.

    A setting without a value is None until a process needs it (see :func:`required`): each process asks for its own
    only. Secrets and connection URLs show in no ``repr``.

    Raises:
        ValidationError: a value is wrong.
        OperatorError: the file is no UTF-8 text.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    namespace: str
    """Begins the service's ids and groups on the engine, which other services may share. Empty: nothing does."""

    webhook_secrets: Annotated[dict[str, tuple[SecretStr, ...]], NoDecode] = {}
    """``approvals:whsec_…,payments:…``: what signs each webhook, by its name. A name may stand twice: while one secret
    takes the other's place, both are good. The API needs one for each webhook that it takes."""

    webhook_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Old: the one secret of services of resonate-scaffold 0.1.0. It is read in 0.2 alone, for webhooks that sign in their
    way and have none in WEBHOOK_SECRETS."""

    resonate_url: SecretStr | None = None
    """Unset: in process (`dev` only). http(s)://: a Resonate server. postgresql://: Postgres with resonate-pg."""

    resonate_token: SecretStr | None = None
    """The Resonate server's bearer token, where it asks for one."""

    database_url: SecretStr | None = None
    """sqlite:///path or postgresql://…; groups that open the database need it."""

    read_database_url: SecretStr | None = None
    """Where the API reads, in a service that has queries: a replica, or a user who may only read. Unset: DATABASE_URL."""

    read_timeout: _AtLeast1s = timedelta(seconds=5)
    """How long the API waits for a connection to read from; Postgres ends a statement of it that takes longer."""

    database_pool_size: Annotated[int, Field(ge=1)] = 10
    """Connections that a process keeps to a database. A worker opens as many again under load, the API none."""

    database_statement_timeout: _NotNegative = timedelta(seconds=30)
    """Postgres ends a statement that takes longer, and a transaction that is idle for longer. 0: never."""

    database_lock_timeout: _NotNegative = timedelta(seconds=10)
    """How long a statement waits for a lock: of a row on Postgres, of the whole file on SQLite.

    Shorter than DATABASE_STATEMENT_TIMEOUT, where that is not 0: it would end the statement first.
    """

    prune_older_than: _Positive | None = None
    """What is older is removed by the clock: operations, and on resonate-pg what has ended. Unset: nothing is."""

    prune_cron: str = "17 3 * * *"
    """When, in UTC."""

    api_keys: Annotated[dict[str, tuple[SecretStr, ...]], NoDecode] = {}
    """``alice:secret,bob:secret``: who may call authenticated routes. A caller may have several.

    Empty: whoever reaches the port, which the API refuses where HOST is not loopback; ``none``: the same, on purpose.
    It refuses keys of less than 20 characters, too.
    """

    job_timeout: _Positive = DEFAULT_JOB_TIMEOUT
    """How long a workflow may take, from its start, that is started by a request, a message or a schedule; its contract
    may say otherwise."""

    sync_wait: _AtMost25s = timedelta(seconds=5)
    """How long a route that waits for its result waits before it answers 202; at most 25 s."""

    use_fakes: bool = False
    """Whether fakes answer in the place of HTTP APIs whose URL is not set: in development and in tests."""

    max_runs: Annotated[int, Field(ge=1)] = 64
    """How many runs of durable functions a worker does at a time; more wait. One that waits for its next try is none."""

    function_share: Annotated[float, Field(gt=0, le=1)] = 0.75
    """The part of MAX_RUNS that runs of one function may take, so that one that hangs leaves room for the others."""

    lease: _AtLeast1s = timedelta(seconds=60)
    """A worker that is silent for so long loses its tasks to another."""

    shutdown_grace: _NotNegative = timedelta(seconds=10)
    """How long a stopping process finishes what runs."""

    shutdown_delay: _NotNegative = timedelta(seconds=1)
    """How long the API goes on to take connections after SIGTERM, while /readyz answers 503 already. Longer than a proxy
    or an orchestrator takes to notice; SHUTDOWN_GRACE begins after it."""

    max_connections: Annotated[int, Field(ge=1)] = 1000
    """How many connections the API holds at a time. Each may take half a MiB of memory.

    A further one takes the place of the one that has been idle longest; where none is, it gets 503.
    """

    keep_alive: _NotNegative = timedelta(seconds=75)
    """How long the API keeps an idle connection open. Longer than the proxy in front of it does (often 60 s)."""

    host: str = "127.0.0.1"
    """Where the API listens; an IPv6 address with or without brackets."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Where the API listens. 0: a free port."""

    console_port: Annotated[int, Field(ge=1, le=65535)] = 8002
    """Where the console listens: the page that shows what runs."""

    console_token: SecretStr | None = None
    """What the console asks for. Unset: nothing on this machine; where other machines reach it, one that it makes."""

    allowed_hosts: str = ""
    """``api.example.com,*.example.org``: the names that a request's `Host` may have; ``*``: any.

    IP addresses, localhost and HOST are always good. Empty: these alone, or any where HOST is all addresses
    (``0.0.0.0``, ``::``), as in a container.
    """

    serve_openapi: bool | None = None
    """Whether /openapi.json is served to everybody. Unset: to whoever may call the API. False: to nobody."""

    serve_docs: bool | None = None
    """Whether /docs is there. Unset: where there are no API keys, as in development."""

    serve_metrics: bool | None = None
    """Whether the API's /metrics is served to everybody. Unset: to whoever may call the API. False: to nobody."""

    root_path: Annotated[str, Field(pattern="^(/[A-Za-z0-9._~-]+)*$")] = ""
    """The path under which clients see the API, such as /v1, where a proxy has it below a prefix."""

    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses and networks whose X-Forwarded-Proto and X-Forwarded-For are believed; ``*`` for any."""

    health_port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Where a worker answers /livez, /readyz and /metrics. Unset: nowhere. The API has them on PORT."""

    health_host: str | None = None
    """The address of HEALTH_PORT; HOST otherwise."""

    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Lines below this level are not written."""

    log_format: Literal["json", "text"] = "json"
    """One JSON object a line, or the same for people."""

    def __init__(self, **values: Any) -> None:
        _check_text(values.get("_env_file", self.model_config.get("env_file")))
        super().__init__(**values)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty_values(cls, values: Any) -> Any:
        """An empty value counts as none, but for NAMESPACE, where it means something."""
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value != "" or name == "namespace"}

    @model_validator(mode="after")
    def _check_timeouts_fit(self) -> Self:
        if timedelta(0) < self.database_statement_timeout <= self.database_lock_timeout:
            raise ValueError("DATABASE_LOCK_TIMEOUT must be shorter than DATABASE_STATEMENT_TIMEOUT")
        return self

    @model_validator(mode="after")
    def _check_docs_can_be_shown(self) -> Self:
        if self.serve_docs and (self.serve_openapi is False or (self.serve_openapi is None and self.callers)):
            raise ValueError("SERVE_DOCS shows what SERVE_OPENAPI serves: set both, since a page sends no API key")
        return self

    @field_validator("namespace")
    @classmethod
    def _check_namespace(cls, value: str) -> str:
        # Not in the field's type, which a service's own Settings replaces.
        if not _NAMESPACE.fullmatch(value):
            raise ValueError("NAMESPACE must be lower-case letters, digits, - and _, at most 40, from a letter on")
        return value

    @field_validator("host", "health_host")
    @classmethod
    def _drop_brackets(cls, value: str | None) -> str | None:
        """An IPv6 address as sockets take it: URLs write [::1]."""
        return value[1:-1] if value and value.startswith("[") and value.endswith("]") else value

    @field_validator("root_path", mode="before")
    @classmethod
    def _drop_last_slash(cls, value: object) -> object:
        return value.rstrip("/") if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: str) -> str:
        hosts = [part.strip().lower().removesuffix(".") for part in value.split(",")] if value else []
        if hosts != ["*"] and not all(map(_HOST.fullmatch, hosts)):
            raise ValueError("must be names without a port, such as api.example.com,*.example.org; or * for any")
        return ",".join(hosts)

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        proxies = [part.strip() for part in value.split(",")]
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                if proxies != ["*"]:
                    raise ValueError("must be IP addresses or networks (10.0.0.0/8), or * for any") from None
        return ",".join(proxies)

    @field_validator("webhook_secrets", mode="before")
    @classmethod
    def _parse_secrets(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        secrets: dict[str, tuple[str, ...]] = {}
        for pair in filter(None, (part.strip() for part in value.split(","))):
            name, _, secret = pair.partition(":")
            known = secrets.get(name, ())
            if not WEBHOOK.fullmatch(name) or len(secret) < 16 or secret in known or len(known) == 2:
                # The pair itself stays out of the message: it holds a secret.
                raise ValueError(
                    "must be webhook:secret,…: names are [a-z0-9-]{1,40}, secrets have 16 or more characters and no "
                    "comma, and no webhook has more than two"
                )
            secrets[name] = (*known, secret)
        return secrets

    @field_validator("resonate_url")
    @classmethod
    def _check_engine(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(_ENGINES):
            raise ValueError("must begin with http://, https:// or postgresql://")
        return value

    @field_validator("database_url", "read_database_url")
    @classmethod
    def _check_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(_DATABASES):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.strip() == "none":
            return {"none": ()}
        keys: dict[str, tuple[str, ...]] = {}
        for pair in filter(None, (part.strip() for part in value.split(","))):
            caller, _, secret = pair.partition(":")
            if not CALLER.fullmatch(caller) or not _SECRET.fullmatch(secret) or secret in chain(*keys.values()):
                # The pair itself stays out of the message: it holds a secret.
                raise ValueError(
                    "must be caller:secret,…: callers are [a-z0-9-]{1,30}, secrets are printable ASCII without spaces "
                    "and commas, and no secret occurs twice; or none"
                )
            keys[caller] = (*keys.get(caller, ()), secret)
        if value and not keys:
            raise ValueError("holds no key: leave it empty, or say none")
        return keys

    @cached_property
    def callers(self) -> list[tuple[str, bytes]]:
        """API_KEYS as callers and bytes to compare; a caller with several keys occurs several times."""
        return [(caller, key.get_secret_value().encode()) for caller, keys in self.api_keys.items() for key in keys]

    @property
    def hosts(self) -> frozenset[str] | None:
        """ALLOWED_HOSTS and the names that are always good; None: any."""
        return self.hosts_at(self.host)

    def hosts_at(self, address: str) -> frozenset[str] | None:
        """The same for what listens at another address than HOST."""
        if self.allowed_hosts == "*" or (not self.allowed_hosts and address in _ALL_ADDRESSES):
            return None
        return frozenset(filter(None, ("localhost", "*.localhost", address.lower(), *self.allowed_hosts.split(","))))

    @property
    def shows_docs(self) -> bool:
        """Whether /docs is there."""
        return self.serve_docs if self.serve_docs is not None else not self.callers

    def check_access(self, *, asks_for_keys: bool) -> None:
        """What the API refuses to start with. ``asks_for_keys``: it has routes that do.

        Raises:
            OperatorError: a key that can be guessed, or no keys where other machines reach the API.
        """
        weak = sorted({caller for caller, secret in self.callers if len(secret) < _SHORTEST_KEY})
        if weak:
            raise OperatorError(
                f"API_KEYS: a key of {', '.join(weak)} has less than {_SHORTEST_KEY} characters, and could be guessed",
                "The command `api-key NAME` makes one.",
            )
        if asks_for_keys and not self.api_keys and not is_loopback(self.host):
            raise OperatorError(
                f"API_KEYS is empty and HOST is {self.host}: other machines could call every route",
                "Set API_KEYS (the command `api-key NAME` makes an entry); or API_KEYS=none, if that is meant.",
            )

    def secrets_of(self, webhook: str, *, or_former: bool = False) -> list[str]:
        """The secrets that sign a webhook. What is sent is signed with the first.

        ``or_former``: the one of WEBHOOK_SECRET is good for it, where WEBHOOK_SECRETS has none.

        Raises:
            OperatorError: there is none.
        """
        known = self.webhook_secrets.get(webhook, ())
        if not known and or_former and self.webhook_secret is not None:
            known = (self.webhook_secret,)
        found = [secret.get_secret_value() for secret in known]
        if not found:
            raise OperatorError(
                f"WEBHOOK_SECRETS has no secret of the webhook {webhook}, and this process needs it",
                f"Add {webhook}:… to it, in the environment or in .env; .env.example says how to make one.",
            )
        return found


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens at an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_allowed_host(given: Sequence[str], allowed: frozenset[str] | None) -> bool:
    """Whether a request with these `Host` headers is to be answered; ``allowed`` as :attr:`ServiceSettings.hosts`.

    An IP address is always good, since no web page's name is one. Without a `Host` no browser has asked.
    """
    if allowed is None or not given:
        return True
    name, _, port = given[0].rpartition(":")
    name = (name if port.isdigit() and name else given[0]).lower().removesuffix(".")
    return len(given) == 1 and (
        _is_address(name)
        or any(name == host or (host.startswith("*.") and name.endswith(host[1:])) for host in allowed)
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def url_of(host: str, port: int) -> str:
    """The URL of what listens at an address; the loopback address where it listens at all of them."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def _check_text(env_file: Any) -> None:
    """See that a file of settings can be read: the decoder's own error names no file, and NUL bytes hide all names."""
    for path in map(Path, [env_file] if isinstance(env_file, str | Path) else env_file or ()):
        if not path.is_file():
            continue
        try:
            is_text = "\0" not in path.read_text("utf-8")
        except UnicodeDecodeError:
            is_text = False
        except OSError as error:
            raise OperatorError(f"{path} cannot be read: {error.strerror}", "Check its permissions.") from None
        if not is_text:
            raise OperatorError(f"{path} is not UTF-8", "Save it as UTF-8: an editor's `Save with encoding`, or iconv.")


def required(value: SecretStr | None, name: str) -> str:
    """The value of a secret setting that this process cannot do without.

    Raises:
        MissingSetting: it is not set. ``name`` is the environment variable.
    """
    if value is None:
        raise MissingSetting(name)
    return value.get_secret_value()
