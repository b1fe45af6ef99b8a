"""How webhooks are signed: what their sender signs, with which key, and in which headers.

    STANDARD                 Standard Webhooks (standardwebhooks.com)
    GITHUB                   X-Hub-Signature-256, over the body
    STRIPE                   Stripe-Signature, over time and body
    Hmac("X-Signature")      hex HMAC-SHA256 over the body, in a header of this name
    FORMER                   old: as services of resonate-scaffold 0.1.0 were sent to

A sender of another kind needs a class with the methods of :class:`Scheme`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any, Protocol

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_AGE = 300
"""Seconds by which a signature's time may differ from ours, either way. (The library of Standard Webhooks has the
same bound.)"""

_SECONDS = re.compile(r"[0-9]{1,12}")
_NO_MATCH = "the signature does not match"


class Refused(Exception):
    """A signature is not good; the text says why, and may go to the sender."""


class Scheme(Protocol):
    """One way of signing. Headers are given by their names in lower case."""

    @property
    def headers(self) -> Mapping[str, tuple[str, str]]:
        """The headers that carry a signature: by name, what each holds and the regular expression of its value."""

    def secret_problem(self, secret: str) -> str | None:
        """Why a secret cannot be one of this scheme, or None."""

    def sign(
        self, secret: str, body: bytes, *, message_id: str | None = None, now: float | None = None
    ) -> dict[str, str]:
        """The headers by which a body is sent; ``now`` is in Unix seconds."""

    def verify(self, secret: str, headers: Mapping[str, str], body: bytes) -> str:
        """The id of the message, which is the same whenever it is delivered.

        Raises:
            Refused: it is not signed with this secret, or too long ago.
        """


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Standard Webhooks: `v1` signatures over `<id>.<timestamp>.<body>`, with a secret `whsec_<base64>`."""

    @property
    def headers(self) -> Mapping[str, tuple[str, str]]:
        """See :class:`Scheme`."""
        return {
            "webhook-id": ("Names the message, however often it is sent. No full stop.", r"^[!-\-/-~]{1,255}$"),
            "webhook-timestamp": ("Unix seconds.", r"^[0-9]{1,12}$"),
            "webhook-signature": ("`v1,<base64>`; several are separated by spaces.", r"^v1,[A-Za-z0-9+/]{43}="),
        }

    def secret_problem(self, secret: str) -> str | None:
        """See :class:`Scheme`."""
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if not secret.startswith("whsec_") or not 24 <= size <= 64:
            return "it is not whsec_ and the base64 of 24 to 64 random bytes"
        return None

    def sign(
        self, secret: str, body: bytes, *, message_id: str | None = None, now: float | None = None
    ) -> dict[str, str]:
        """See :class:`Scheme`."""
        sent = datetime.fromtimestamp(int(time() if now is None else now), UTC)
        name = message_id or f"msg_{secrets.token_hex(12)}"
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(sent.timestamp())),
            "webhook-signature": Webhook(secret).sign(name, sent, body.decode()),
        }

    def verify(self, secret: str, headers: Mapping[str, str], body: bytes) -> str:
        """See :class:`Scheme`."""
        given = {name: headers.get(name, "") for name in self.headers}
        if missing := [name for name, value in given.items() if not value]:
            raise Refused(f"the header {missing[0]} is required")
        for name in ("webhook-id", "webhook-timestamp"):
            # A full stop in an id would let its end be read as the time.
            if not re.fullmatch(self.headers[name][1], given[name]):
                raise Refused(f"{name} is malformed")
        # A list may hold signatures of other versions, at whose form the library would stop.
        known = [one for one in given["webhook-signature"].split(" ") if re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", one)]
        try:
            Webhook(secret).verify(body, {**given, "webhook-signature": " ".join(known) or "-,"}, json_parse=False)
        except WebhookVerificationError as error:
            raise Refused(str(error).lower()) from None
        except UnicodeDecodeError:
            raise Refused("the body is no UTF-8") from None
        return given["webhook-id"]


@dataclass(frozen=True, slots=True)
class Hmac:
    """Hex HMAC-SHA256 over the body, in a header, with ``prefix`` before it.

    No time is signed: whoever sees a message can send it again at any time. ``id_header`` has the id of a message, where
    the sender gives one; it is not signed either. Else the digest of the body is the id.
    """

    header: str = "X-Signature"
    prefix: str = ""
    id_header: str | None = None

    @property
    def headers(self) -> Mapping[str, tuple[str, str]]:
        """See :class:`Scheme`."""
        said = (
            f"`{self.prefix}` and the hex HMAC-SHA256 of the body." if self.prefix else "Hex HMAC-SHA256 of the body."
        )
        return {self.header.lower(): (said, f"^{re.escape(self.prefix)}[0-9A-Fa-f]{{64}}$")}

    def secret_problem(self, secret: str) -> str | None:
        """See :class:`Scheme`."""
        return None

    def sign(
        self, secret: str, body: bytes, *, message_id: str | None = None, now: float | None = None
    ) -> dict[str, str]:
        """See :class:`Scheme`. The time is not signed."""
        named = {self.id_header.lower(): message_id or secrets.token_hex(16)} if self.id_header else {}
        return {**named, self.header.lower(): self.prefix + _hex(secret, body)}

    def verify(self, secret: str, headers: Mapping[str, str], body: bytes) -> str:
        """See :class:`Scheme`."""
        given = headers.get(self.header.lower())
        if given is None:
            raise Refused(f"the header {self.header} is required")
        if not given.startswith(self.prefix) or not _matches(secret, body, given.removeprefix(self.prefix).lower()):
            raise Refused(_NO_MATCH)
        named = headers.get(self.id_header.lower()) if self.id_header else None
        return named or hashlib.sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class Stripe:
    """Stripe: `t=<timestamp>,v1=<hex>`, with the HMAC-SHA256 over `<timestamp>.<body>`; its events have an `id`."""

    @property
    def headers(self) -> Mapping[str, tuple[str, str]]:
        """See :class:`Scheme`."""
        pattern = r"^t=[0-9]{1,12},(v0=[^,]*,)*v1=[0-9a-f]{64}"
        return {"stripe-signature": ("`t=<Unix seconds>,v1=<hex>`; there may be several of `v1`.", pattern)}

    def secret_problem(self, secret: str) -> str | None:
        """See :class:`Scheme`."""
        return None

    def sign(
        self, secret: str, body: bytes, *, message_id: str | None = None, now: float | None = None
    ) -> dict[str, str]:
        """See :class:`Scheme`. The message's id is in the body."""
        sent = str(int(time() if now is None else now))
        return {"stripe-signature": f"t={sent},v1={_hex(secret, sent.encode() + b'.' + body)}"}

    def verify(self, secret: str, headers: Mapping[str, str], body: bytes) -> str:
        """See :class:`Scheme`."""
        given = headers.get("stripe-signature")
        if given is None:
            raise Refused("the header Stripe-Signature is required")
        pairs = [pair.partition("=")[::2] for pair in given.split(",")]
        sent = next((value for name, value in pairs if name == "t"), "")
        if not _SECONDS.fullmatch(sent):
            raise Refused("Stripe-Signature is malformed")
        content = sent.encode() + b"." + body
        if not any([_matches(secret, content, value) for name, value in pairs if name == "v1"]):
            raise Refused(_NO_MATCH)
        _check_age(sent)
        return _id_in(body) or hashlib.sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class Former:
    """Old: hex HMAC-SHA256 over `<timestamp>.<body>`, as services of resonate-scaffold 0.1.0 were sent to.

    For senders that have not changed yet. A secret `whsec_…` is one of Standard Webhooks here, and signs as that does:
    with both secrets in WEBHOOK_SECRETS a sender may move from the one to the other at any time. When all have moved,
    take the old secret out, and leave FORMER out of the route's `Webhook`.

    The digest of the body is the id of a message in the old form, whose sender gives none.
    """

    @property
    def headers(self) -> Mapping[str, tuple[str, str]]:
        """See :class:`Scheme`. Those of the old form; Standard Webhooks wants webhook-id, too."""
        said = "Hex HMAC-SHA256 of `timestamp.body`; or as Standard Webhooks has it, with a secret of theirs."
        return {
            "webhook-timestamp": ("Unix seconds.", STANDARD.headers["webhook-timestamp"][1]),
            "webhook-signature": (said, rf"^[0-9a-f]{{64}}$|{STANDARD.headers['webhook-signature'][1]}"),
        }

    def secret_problem(self, secret: str) -> str | None:
        """See :class:`Scheme`."""
        return STANDARD.secret_problem(secret) if _is_standard(secret) else None

    def sign(
        self, secret: str, body: bytes, *, message_id: str | None = None, now: float | None = None
    ) -> dict[str, str]:
        """See :class:`Scheme`. In the old form the message has no id."""
        if _is_standard(secret):
            return STANDARD.sign(secret, body, message_id=message_id, now=now)
        sent = str(int(time() if now is None else now))
        return {"webhook-timestamp": sent, "webhook-signature": _hex(secret, sent.encode() + b"." + body)}

    def verify(self, secret: str, headers: Mapping[str, str], body: bytes) -> str:
        """See :class:`Scheme`."""
        if _is_standard(secret):
            return STANDARD.verify(secret, headers, body)
        sent, given = headers.get("webhook-timestamp"), headers.get("webhook-signature")
        if sent is None or given is None:
            raise Refused("the headers Webhook-Timestamp and Webhook-Signature are required")
        if not _SECONDS.fullmatch(sent):
            raise Refused("Webhook-Timestamp must be Unix seconds")
        if not _matches(secret, sent.encode() + b"." + body, given):
            raise Refused(_NO_MATCH)
        _check_age(sent)
        return hashlib.sha256(body).hexdigest()


STANDARD = StandardWebhooks()
GITHUB = Hmac("X-Hub-Signature-256", "sha256=", id_header="X-GitHub-Delivery")
STRIPE = Stripe()
FORMER = Former()


def verify(scheme: Scheme, known: Sequence[str], headers: Mapping[str, str], body: bytes) -> str:
    """The id of a message that is signed with one of these secrets: two of them while one takes the other's place.

    Raises:
        Refused: with none of them, or too long ago.
    """
    refused = Refused(_NO_MATCH)
    for secret in known:
        try:
            return scheme.verify(secret, headers, body)
        except Refused as error:
            refused = error
    raise refused


def new_secret() -> str:
    """A secret of Standard Webhooks, which does for every other scheme too."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _is_standard(secret: str) -> bool:
    return secret.startswith("whsec_")


def _check_age(sent: str) -> None:
    """See that a time, in Unix seconds, is near ours."""
    if abs(time() - int(sent)) > MAX_AGE:
        raise Refused(f"the signature is older than {MAX_AGE // 60} minutes, or from the future")


def _hex(secret: str, content: bytes) -> str:
    return hmac.digest(secret.encode(), content, "sha256").hex()


def _matches(secret: str, content: bytes, signature: str) -> bool:
    # Both sides as bytes: compare_digest refuses text that is not ASCII.
    return hmac.compare_digest(_hex(secret, content).encode(), signature.encode(errors="replace"))


def _id_in(body: bytes) -> str | None:
    """The member `id` of a signed event."""
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = event.get("id") if isinstance(event, dict) else None
    return found if isinstance(found, str) and found else None
