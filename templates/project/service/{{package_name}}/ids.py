"""Every id convention of the service, in one place.

Engine ids are readable and derived from the request, so that asking twice is asking once:

    <kind>/<public>     work that was asked for over HTTP: job/order-4711
    <gate>/<public>     the gate at which that work waits: approve/order-4711 (see `gate`)
    db/op/<op>/<key>    one write by the db group

A *public* id is what clients see: ``[<caller>.]<key>``. Rules of the engine that these follow: a root id holds no
``:`` (the SDK separates children with it) and no NUL, and stays short, because children append to it and a
MySQL-backed server stops at 255 characters.
"""

import base64
import hashlib
import re
import uuid

MAX_ROOT = 190

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,120}")
_PUBLIC = re.compile(r"(?:(?P<caller>[a-z0-9-]{1,30})\.)?(?:[A-Za-z0-9_-]{1,120}|~[a-z2-7]{52})")


def public_id(caller: str | None, key: str | None) -> str:
    """The public id that an idempotency key names for a caller; without a key, a new one.

    A key of ``[A-Za-z0-9_-]{1,120}`` is used as it is; any other becomes ``~`` and its SHA-256 in base32, which no
    plain key can spell. ``caller`` is ``[a-z0-9-]{1,30}`` or None where the service has no API keys.
    """
    if key is None:
        name = str(uuid.uuid4())
    elif _PLAIN_KEY.fullmatch(key):
        name = key
    else:
        digest = hashlib.sha256(key.encode()).digest()
        name = "~" + base64.b32encode(digest).decode().rstrip("=").lower()
    return name if caller is None else f"{caller}.{name}"


def visible_to(caller: str | None, public: str) -> bool:
    """Whether ``public`` is a well-formed public id that this caller may see.

    With API keys a caller sees its own ids only; without, there is nobody to tell apart.
    """
    match = _PUBLIC.fullmatch(public)
    return match is not None and (caller is None or match["caller"] == caller)


def root(kind: str, public: str) -> str:
    """The engine's id of a piece of work: ``<kind>/<public>``."""
    return f"{kind}/{public}"


def public_of(root: str) -> str:
    """The public id in an engine's id: what :func:`root` was given."""
    return root.partition("/")[2]


def operation(name: str, key: str) -> str:
    """The id of one write by the db group: ``db/op/<name>/<key>``."""
    return f"db/op/{name}/{key}"
