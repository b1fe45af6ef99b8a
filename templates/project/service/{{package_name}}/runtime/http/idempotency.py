"""Idempotency keys: the header that names work, and the tags that tell a repeated request from another one.

The engine's "create" returns the first record of an id. Two tags make one round trip answer three questions: a nonce
tells whether this request created it, a fingerprint whether the first request was the same, and the record how far the
work is.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, ValidationError
from resonate.types import PromiseRecord

from ..durable import ids
from ..durable.fingerprints import fingerprint
from ..durable.rpc import Rpc
from ..engine.call_names import function_of
from ..telemetry import metrics
from .auth import Caller, get_caller
from .problems import Problem

_NONCE = "http:nonce"
_FINGERPRINT = "http:fingerprint"

_QUOTED_KEY = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_KEY = re.compile(r"[ -~]{1,255}")


@dataclass(frozen=True, slots=True)
class Submission(Caller):
    """A request for work. ``public_id`` is the id that the caller and its `Idempotency-Key` give it, or a new one."""

    public_id: str = field(kw_only=True)


def get_submission(request: Request, key: Literal["required", "optional", "none"] = "optional") -> Submission:
    """Who asks for work, and the id of the work; 400 for a malformed key, or a missing one where it is required.

    ``key`` "none" ignores `Idempotency-Key`: each request is new work.
    """
    caller = get_caller(request)
    given = None if key == "none" else _idempotency_key(request)
    if given is None and key == "required":
        raise Problem(400, "idempotency-key-required", "This request needs an Idempotency-Key, which names the work.")
    public = ids.public_id(caller.name, given)
    return Submission(caller.client, caller.settings, caller.name, caller.root_path, public_id=public)


class RequestIdentity:
    """What tells one request for a piece of work from another: pass ``tags`` on when the work is created."""

    def __init__(self, contract: Rpc[Any, Any], request: BaseModel) -> None:
        self._contract = contract
        self._digest = fingerprint(request)
        self._nonce = secrets.token_hex(16)
        self.tags = {_NONCE: self._nonce, _FINGERPRINT: self._digest}

    def is_replay(self, record: PromiseRecord) -> bool:
        """Whether the work of a record was asked for before, by an equal request; else 422.

        It is counted in the metric `jobs_submitted_total`.
        """
        name = self._contract.name
        if record.tags.get(_FINGERPRINT) != self._digest and not self._is_same_work(record):
            metrics.SUBMITTED.labels(name, "reused").inc()
            detail = "The key of this work was used for another request. Use a new key for new work."
            raise Problem(422, "idempotency-key-reused", detail)
        replayed = record.tags.get(_NONCE) != self._nonce
        metrics.SUBMITTED.labels(name, "replayed" if replayed else "new").inc()
        return replayed

    def _is_same_work(self, record: PromiseRecord) -> bool:
        """Whether the first request is this one as today's code reads it.

        Its fingerprint may be another one, since a field with a default may be new, or there is none: a step or another
        service started the work.
        """
        if function_of(record) != self._contract.name:
            return False
        try:
            return fingerprint(self._contract.stored_request(record)) == self._digest
        except (ValidationError, LookupError):
            return False


def _idempotency_key(request: Request) -> str | None:
    """The key, without the quotes of the draft standard's structured form."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    quoted = _QUOTED_KEY.fullmatch(given[0])
    key = re.sub(r'\\(["\\])', r"\1", quoted[1]) if quoted else given[0]
    if len(given) > 1 or not key or not _KEY.fullmatch(given[0]):
        detail = "Idempotency-Key must be given once, and be 1 to 255 printable ASCII characters."
        raise Problem(400, "invalid-idempotency-key", detail)
    return key
