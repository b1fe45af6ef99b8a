"""Settings that would do harm are refused at start-up."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from {{ package_name }}.settings import (
    Settings,
)

GOOD = {"webhook_secret": "0123456789abcdef", "database_url": "sqlite:///x.db"}


def settings(**changed: Any) -> Settings:
    return Settings(**{**GOOD, **changed, "_env_file": None})


def test_durations_are_seconds_or_iso(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_TIMEOUT", "90")
    monkeypatch.setenv("APPROVAL_TIMEOUT", "PT1M")
    made = settings()
    assert (made.job_timeout, made.approval_timeout) == (timedelta(seconds=90), timedelta(minutes=1))


def test_keys_are_read() -> None:
    made = settings(api_keys="alice:secret1, bob:secret2")
    assert made.callers == {"alice": b"secret1", "bob": b"secret2"}
    assert "secret1" not in repr(made)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"webhook_secret": "short"}, "at least 16 characters"),
        ({"api_keys": "Alice:secret1"}, "must be caller:secret"),
        ({"api_keys": "alice:secret1,alice:secret2"}, "none occurs twice"),
        ({"api_keys": "alice:secret1,bob:secret1"}, "none occurs twice"),
        ({"resonate_url": "localhost:8001"}, "must begin with http://"),
        ({"approval_timeout": 90, "job_timeout": 60}, "shorter than JOB_TIMEOUT"),
        ({"sync_wait": 26}, "less than or equal to 25 seconds"),
        ({"log_format": "xml"}, "'json' or 'text'"),
        ({"health_port": 65536}, "less than or equal to 65535"),
    ],
)
def test_what_would_do_harm_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        settings(**changed)
    assert "secret1" not in str(refused.value.errors(include_input=False))


def test_no_secret_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBHOOK_SECRET", raising=False)
    with pytest.raises(ValidationError, match="webhook_secret"):
        Settings(database_url="sqlite:///x.db", _env_file=None)
