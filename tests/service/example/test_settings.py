"""The settings that the example adds."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from shop.runtime.service import Service
from shop.runtime.testing.plugin import make_settings

pytestmark = pytest.mark.usefixtures("no_settings")


def test_durations_are_seconds_or_iso(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_TIMEOUT", "90")
    monkeypatch.setenv("APPROVAL_TIMEOUT", "PT1M")
    settings: Any = make_settings(definition)
    assert (settings.job_timeout, settings.approval_timeout) == (timedelta(seconds=90), timedelta(minutes=1))


@pytest.mark.parametrize(
    "values",
    [
        {"approval_timeout": 90, "job_timeout": 60},
        {"approval_timeout": 60, "job_timeout": 60},
        {"approval_timeout": 0},
        {"approval_timeout": -1},
    ],
)
def test_an_approval_ends_before_its_job(definition: Service, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must be positive and shorter than JOB_TIMEOUT"):
        make_settings(definition, **values)
