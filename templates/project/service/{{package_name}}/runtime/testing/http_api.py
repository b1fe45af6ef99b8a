"""Fakes of HTTP APIs in tests: what they are asked, and other answers than their own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

type Instead = int | tuple[int, Mapping[str, str]] | tuple[int, Mapping[str, str], bytes]
"""A status, with headers, with a body."""


@dataclass
class WatchedFake:
    """A fake under watch. ``requests`` are those that came, the ones that it did not answer itself included."""

    requests: list[Request] = field(default_factory=list)
    instead: list[Instead] = field(default_factory=list)

    @property
    def keys(self) -> list[str | None]:
        """The `Idempotency-Key` of each request."""
        return [request.headers.get("Idempotency-Key") for request in self.requests]


class WatchFake:
    """Puts fakes of HTTP APIs under watch: see the fixture `watch_fake`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, fake: ModuleType, *instead: Instead) -> WatchedFake:
        """Watch the fake of a module of `fakes/`; its next requests are answered with ``instead``, one each."""
        watched, app = WatchedFake(instead=[*instead]), fake.app

        async def watching(scope: Any, receive: Any, send: Any) -> None:
            watched.requests.append(Request(scope))
            if not watched.instead:
                await app(scope, receive, send)
                return
            answer = watched.instead.pop(0)
            status, headers, *body = (answer, {}) if isinstance(answer, int) else answer
            await Response(body[0] if body else b"", status, headers)(scope, receive, send)

        self._patch.setattr(fake, "app", watching)
        return watched


@pytest.fixture
def watch_fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchFake]:
    """Watches the fake of an HTTP API: `watched = watch_fake(payments, 503)`, where `payments` is of `fakes/`."""
    yield WatchFake(monkeypatch)
