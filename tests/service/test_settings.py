"""`settings`: what would do harm is refused at start-up, and each process needs only its own."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from shop.runtime.errors import MissingSetting, OperatorError
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings, required, url_of
from shop.runtime.testing.recording import secrets_for
from shop.runtime.testing.running import SECRET

pytestmark = pytest.mark.usefixtures("no_settings")


class Made(ServiceSettings):
    """Settings of no service in particular."""

    namespace: str = "made"


def make(**values: Any) -> Made:
    return Made(**values, _env_file=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", timedelta(seconds=90)),
        ("0.5", timedelta(seconds=0.5)),
        ("PT1M", timedelta(minutes=1)),
        ("P7D", timedelta(days=7)),
    ],
)
def test_durations_are_seconds_or_iso(text: str, expected: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUTDOWN_GRACE", text)
    assert make().shutdown_grace == expected


def test_keys_are_read() -> None:
    settings = make(api_keys="alice:secret1, bob:secret2,alice:secret3")
    assert settings.callers == [("alice", b"secret1"), ("alice", b"secret3"), ("bob", b"secret2")]
    assert make(api_keys="").callers == make(api_keys="none").callers == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"webhook_secrets": "hook:short"}, "must be webhook:secret"),
        ({"webhook_secrets": "a-secret-without-a-name"}, "must be webhook:secret"),
        ({"webhook_secrets": "Hook:a-secret-that-is-long"}, "must be webhook:secret"),
        ({"webhook_secrets": "hook:a-secret-that-is-long,hook:a-secret-that-is-long"}, "no webhook has more than two"),
        ({"webhook_secrets": ",".join(f"hook:{n}-a-secret-that-is-long" for n in range(3))}, "more than two"),
        ({"webhook_secret": "short"}, "at least 16"),
        ({"api_keys": "Alice:secret1"}, "must be caller:secret"),
        ({"api_keys": "alice:"}, "must be caller:secret"),
        ({"api_keys": "alice: secret1-secret1-secret1"}, "must be caller:secret"),
        ({"api_keys": "alice:secret1 secret1 secret1"}, "must be caller:secret"),
        ({"api_keys": "alice:secret1-sécrét1-secret1"}, "must be caller:secret"),
        ({"api_keys": '""'}, "must be caller:secret"),
        ({"api_keys": "none,alice:secret1"}, "must be caller:secret"),
        ({"api_keys": " "}, "holds no key"),
        ({"api_keys": ","}, "holds no key"),
        ({"api_keys": "alice"}, "must be caller:secret"),
        ({"api_keys": "alice:secret1,alice:secret1"}, "no secret occurs twice"),
        ({"api_keys": "alice:secret1,bob:secret1"}, "no secret occurs twice"),
        ({"root_path": "v1"}, "should match pattern"),
        ({"root_path": "/a b"}, "should match pattern"),
        ({"root_path": "//host"}, "should match pattern"),
        ({"trusted_proxies": "proxy.internal"}, "must be IP addresses or networks"),
        ({"trusted_proxies": "10.0.0.0/8,*"}, "must be IP addresses or networks"),
        ({"resonate_url": "localhost:8001"}, "must begin with http://"),
        ({"database_url": "mysql://user:secret1@host/shop"}, "must begin with sqlite:/// or postgresql://"),
        ({"database_url": "shop.db"}, "must begin with sqlite:/// or postgresql://"),
        ({"database_pool_size": 0}, "greater than or equal to 1"),
        ({"database_statement_timeout": -1}, "greater than or equal to 0 seconds"),
        ({"database_lock_timeout": "-PT1S"}, "greater than or equal to 0 seconds"),
        ({"database_statement_timeout": 10}, "DATABASE_LOCK_TIMEOUT must be shorter than DATABASE_STATEMENT_TIMEOUT"),
        ({"database_lock_timeout": 31}, "DATABASE_LOCK_TIMEOUT must be shorter than DATABASE_STATEMENT_TIMEOUT"),
        ({"sync_wait": 26}, "less than or equal to 25 seconds"),
        ({"sync_wait": -1}, "greater than or equal to 0 seconds"),
        ({"max_runs": 0}, "greater than or equal to 1"),
        ({"lease": 0.5}, "greater than or equal to 1 second"),
        ({"shutdown_grace": -1}, "greater than or equal to 0 seconds"),
        ({"keep_alive": -1}, "greater than or equal to 0 seconds"),
        ({"port": 65536}, "less than or equal to 65535"),
        ({"health_port": 65536}, "less than or equal to 65535"),
        ({"log_level": "LOUD"}, "should match pattern"),
        ({"log_format": "xml"}, "'json' or 'text'"),
    ],
)
def test_what_would_do_harm_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        make(**values)
    assert "secret1" not in str(refused.value.errors(include_input=False))


@pytest.mark.parametrize(
    "values",
    [
        {"database_url": "sqlite:///shop.db"},
        {"database_url": "sqlite+aiosqlite:///shop.db"},
        {"database_url": "postgresql://host/shop"},
        {"database_url": "postgres://host/shop"},
        {"database_url": "postgresql+psycopg://host/shop"},
        {"root_path": "/v1/shop", "trusted_proxies": "*"},
        {"trusted_proxies": "10.0.0.0/8,::1"},
        {"host": "::1", "health_host": "::"},
        {"resonate_url": "http://host:8001"},
        {"resonate_url": "https://host"},
        {"resonate_url": "postgresql://host/engine"},
        {"database_statement_timeout": 0, "database_lock_timeout": 0, "keep_alive": 0, "sync_wait": 0},
        {"sync_wait": 25, "lease": 1, "max_runs": 1, "database_pool_size": 1, "port": 0, "health_port": 0},
    ],
)
def test_what_does_none_is_taken(values: dict[str, Any]) -> None:
    settings = make(**values)
    for name, value in values.items():
        found = getattr(settings, name)
        if isinstance(found, SecretStr):
            found = found.get_secret_value()
        assert found == (timedelta(seconds=value) if isinstance(found, timedelta) else value)


def test_spellings_that_mean_the_same() -> None:
    settings = make(host="[::1]", health_host="[::]", root_path="/v1/", trusted_proxies="10.0.0.1, 10.0.0.2")
    assert (settings.host, settings.health_host) == ("::1", "::")
    assert (settings.root_path, settings.trusted_proxies) == ("/v1", "10.0.0.1,10.0.0.2")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_the_url_of_an_address(host: str, url: str) -> None:
    assert url_of(host, 8000) == url


@pytest.mark.parametrize("namespace", ["Shop", "1shop", "shop.", "shop/x", "s" * 41, "a b", "ü"])
def test_namespaces_that_are_refused(definition: Service, namespace: str) -> None:
    with pytest.raises(ValidationError, match="namespace"):
        definition.settings(namespace=namespace, _env_file=None)


def test_an_empty_value_counts_as_none_but_for_the_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.setenv(name.upper(), "")
    settings = make()
    assert settings.namespace == ""
    defaults = {name: field.default for name, field in ServiceSettings.model_fields.items() if name != "namespace"}
    assert settings.model_dump(exclude={"namespace"}) == defaults
    monkeypatch.delenv("NAMESPACE")
    assert make().namespace == "made"


def test_an_empty_value_in_a_file_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("NAMESPACE=\nWEBHOOK_SECRETS=\nHEALTH_PORT=\nPORT=\nAPI_KEYS=\nRESONATE_URL=\n")
    settings = Made(_env_file=file)
    assert (settings.namespace, settings.webhook_secrets, settings.health_port) == ("", {}, None)
    assert (settings.port, settings.api_keys, settings.resonate_url) == (8000, {}, None)


def test_secrets_and_urls_show_nowhere() -> None:
    settings = make(
        webhook_secrets="hook:secret-of-webhooks",
        resonate_url="postgresql://user:secret-of-engine@host/engine",
        resonate_token="secret-token",
        database_url="postgresql://user:secret-of-database@host/shop",
        api_keys="alice:secret-of-alice",
    )
    for shown in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
        assert "secret-" not in shown


STRONG = "alice:0123456789-0123456789"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"api_keys": "alice:0123456789-012345678"}, None),
        ({"api_keys": "alice:secret1-of-19-chars"}, "a key of alice has less than 20 characters"),
        ({"api_keys": f"{STRONG},bob:secret1,carol:secret2"}, "a key of bob, carol has less"),
        ({}, None),
        ({"host": "localhost"}, None),
        ({"host": "127.0.0.2"}, None),
        ({"host": "::1"}, None),
        ({"host": "0.0.0.0"}, "API_KEYS is empty and HOST is 0.0.0.0"),
        ({"host": "::"}, "API_KEYS is empty and HOST is ::"),
        ({"host": "10.0.0.7"}, "API_KEYS is empty"),
        ({"host": "shop.internal"}, "API_KEYS is empty"),
        ({"host": "0.0.0.0", "api_keys": "none"}, None),
        ({"host": "0.0.0.0", "api_keys": STRONG}, None),
    ],
)
def test_what_the_api_refuses_to_start_with(values: dict[str, Any], message: str | None) -> None:
    settings = make(**values)
    if message is None:
        settings.check_access(asks_for_keys=True)
        return
    with pytest.raises(OperatorError, match=message) as refused:
        settings.check_access(asks_for_keys=True)
    assert "secret1" not in str(refused.value)


def test_a_service_that_asks_for_no_key_needs_none() -> None:
    make(host="0.0.0.0").check_access(asks_for_keys=False)


def test_settings_do_not_change() -> None:
    settings = make()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


# Each process needs its own


def test_what_is_missing_is_named() -> None:
    assert required(SecretStr("there"), "RESONATE_TOKEN") == "there"
    with pytest.raises(MissingSetting, match="RESONATE_TOKEN is not set, and this process needs it") as missing:
        required(None, "RESONATE_TOKEN")
    assert "explains every setting" in missing.value.remedy


def test_nothing_is_needed_until_a_process_asks(definition: Service) -> None:
    settings = definition.settings(_env_file=None)
    assert (settings.webhook_secrets, settings.database_url, settings.resonate_url) == ({}, None, None)
    assert settings.namespace == "shop"


async def test_the_api_needs_no_database(definition: Service) -> None:
    secrets = secrets_for(definition, SECRET)
    settings = definition.settings(webhook_secrets=secrets, resonate_url="http://127.0.0.1:9", _env_file=None)
    app = definition.api(settings)
    async with app.router.lifespan_context(app):
        assert app.state.client.source is None


async def test_the_group_db_needs_its_database_alone(definition: Service, database_url: str) -> None:
    worker = definition.worker("db")
    without = definition.settings(_env_file=None)
    with pytest.raises(MissingSetting, match="DATABASE_URL is not set"):
        async with definition.dependencies(without, [worker]):
            pass
    alone = definition.settings(database_url=database_url, _env_file=None)
    async with definition.dependencies(alone, [worker]) as dependencies:
        assert dependencies[0] is alone


async def test_the_group_workers_needs_neither(definition: Service) -> None:
    bare = definition.settings(_env_file=None)
    async with definition.dependencies(bare, [definition.worker("workers")]) as dependencies:
        assert dependencies[0] is bare


def test_a_process_that_connects_needs_the_engine(definition: Service) -> None:
    with pytest.raises(MissingSetting, match="RESONATE_URL is not set"):
        definition.connect(definition.settings(_env_file=None), "workers", listens=True)


@pytest.mark.usefixtures("no_settings")
def test_a_wrong_url_tells_no_password(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a tool such as Alembic shows the error as a traceback."""
    monkeypatch.setenv("DATABASE_URL", "mysql://shop:hunter2-hunter2@host/shop")
    with pytest.raises(ValidationError, match="must begin with sqlite:/// or postgresql://") as refused:
        definition.settings(_env_file=None)
    assert "hunter2" not in str(refused.value)
