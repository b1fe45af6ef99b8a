"""The service against its own OpenAPI document: whatever schemathesis sends, every answer is as the document says.

This covers every operation, also those that you add. More of it: CONTRACT_EXAMPLES=1000 pytest tests/test_contract.py
"""

import hashlib
import hmac
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any

import hypothesis
import pytest
import schemathesis
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import BaseSchema, CheckFunction, Response
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from {{ package_name }} import (
    dev,
)
from {{ package_name }}.api import (
    dependencies,
)
from {{ package_name }}.api.app import (
    create_app,
)
from {{ package_name }}.settings import (
    Settings,
)

from .conftest import SECRET, on_a_port

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "5"))
KEY = "secret-of-alice"
KEYS = f"alice:{KEY}"
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    # The same requests every time, unless more are asked for.
    derandomize="CONTRACT_EXAMPLES" not in os.environ,
)


type Case = schemathesis.Case[Any]


def settings(keys: str, database_url: str = "sqlite:///unused.db") -> Settings:
    return Settings(webhook_secret=SECRET, database_url=database_url, api_keys=keys, _env_file=None)


# For pydantic a date is also a number of seconds, and a text that says one.
DATES = r'"format": "(date|date-time|time|duration)"'
# And it does not say which text is a decimal.
DECIMALS = r'\{"type": "number"[^}]*\}, \{"type": "string"'

# The API key is brought below. A route that waits may take its time.
CONFIG = {"generation": {"with-security-parameters": False}, "request-timeout": 60}


def described(keys: str) -> BaseSchema:
    document = create_app(settings(keys)).openapi()
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(CONFIG))


schema, schema_with_keys = described(""), described(KEYS)


class Signed(AuthBase):
    """Signs what has a signature, when its body is ready to be sent."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if {"Webhook-Timestamp", "Webhook-Signature"} <= set(request.headers):
            body = request.body or b""
            raw = body if isinstance(body, bytes) else str(body).encode()
            timestamp = str(int(time()))
            signed = hmac.new(SECRET.encode(), timestamp.encode() + b"." + raw, hashlib.sha256)
            request.headers.update({"Webhook-Timestamp": timestamp, "Webhook-Signature": signed.hexdigest()})
        return request


@contextmanager
def serving(keys: str, migrated: Path, directory: Path) -> Iterator[str]:
    """The service with everything inside, on a port of its own; its URL. Nobody may prefer to wait for long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dependencies, "MAX_WAIT", 1)
        with on_a_port(dev.build(settings(keys, f"sqlite:///{shutil.copy(migrated, directory)}"), tick=0.05)) as url:
            yield url


@pytest.fixture(scope="module")
def url(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving("", migrated, tmp_path_factory.mktemp("open")) as url:
        yield url


@pytest.fixture(scope="module")
def url_with_keys(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(KEYS, migrated, tmp_path_factory.mktemp("keys")) as url:
        yield url


def ask(case: Case, url: str, key: str | None = None) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    validate(case.call(base_url=url, headers=headers, auth=Signed()), case, url, headers)


def validate(answer: Response, case: Case, url: str, headers: dict[str, str]) -> None:
    excluded: list[CheckFunction] = []
    if answer.status_code == 422 and (is_beyond_words(answer.json()) or takes(case, DECIMALS)):
        excluded = [positive_data_acceptance]
    elif takes(case, DATES):
        excluded = [negative_data_rejection]
    call = {"base_url": url, "headers": headers}
    case.validate_response(answer, headers=headers, excluded_checks=excluded, transport_kwargs=call)


def is_beyond_words(refusal: dict[str, Any]) -> bool:
    """Whether a request was refused for what the document cannot say.

    A key is good for one request only; and no value anywhere holds NUL or a number beyond 64 bits (see `test_hostile`).
    """
    reused: bool = refusal["type"] == "idempotency-key-reused"
    return reused or "request" in [error["at"] for error in refusal["errors"]]


def takes(case: Case, pattern: str) -> bool:
    """Whether a request of this operation has something like this in its schemas."""
    document = case.operation.schema.raw_schema
    operation = document["paths"][case.operation.path][case.operation.method]
    found, wanted = "", json.dumps({part: operation.get(part) for part in ("parameters", "requestBody")})
    seen: set[str] = set()
    while wanted:
        found += wanted
        names = set(re.findall(r'"#/components/schemas/([^"]+)"', wanted)) - seen
        seen |= names
        wanted = "".join(json.dumps(document["components"]["schemas"][name]) for name in names)
    return re.search(pattern, found) is not None


@schema.parametrize()
@SETTINGS
def test_answers(case: Case, url: str) -> None:
    ask(case, url)


@schema_with_keys.parametrize()
@SETTINGS
def test_answers_to_callers(case: Case, url_with_keys: str) -> None:
    ask(case, url_with_keys, KEY)


def test_answers_in_sequence(url: str) -> None:
    """What one operation answers is asked for by another, along the document's links."""

    if '"links": {"' not in json.dumps(schema.raw_schema):
        return  # No operation leads to another.

    class Sequence(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": url, "auth": Signed()}

        def validate_response(self, response: Response, case: Case, **_: Any) -> None:
            validate(response, case, url, {})

    Sequence.run(settings=hypothesis.settings(SETTINGS, stateful_step_count=5))
