"""Ids: readable, and derived from the request, so that asking twice is asking once.

    <kind>/<public>         work that was asked for over HTTP: job/order-4711
    <kind>/<field>/…        work that its own request names: invoice/c-1/42 (see :func:`keyed`)
    <kind>/<public>+run2    the same work started again after it had failed (see `job_runs`)
    <gate>/<root>           the question for which some work waits at a gate: approve/job/order-4711 (see `gate`)
    db/op/<op>/<key>        one write, in the service's own database (see `once`)

A *public* id is what clients see: ``[<caller>.]<key>``, or ``[<caller>.]<field>,<field>…``, where the caller is there
only if the convention has it. It is one segment of a path. On the engine an id begins with the service's namespace, and
its fields have slashes between them: ``myapi/invoice/c-1/42``.

Rules of the engine: a root id holds no ``:`` (the SDK separates children with it) and no NUL, and stays short, since
children append to it and a MySQL-backed server stores 255 characters. Ours have at most 190, and the namespace 41.
"""

import base64
import hashlib
import re
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from resonate.context import Context

from ..engine.namespace import Namespace
from ..engine.run_ids import as_root, first_run
from .fingerprints import plain_number

MAX_ROOT = 190
"""Characters of a root id, without the namespace."""

# `<caller>.`, whose longest is 30 characters.
_CALLER_ROOM = 31
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,120}")
_SPECIAL = re.compile(r"[^A-Za-z0-9_-]")
_FIELD = r"(?:(?:[A-Za-z0-9_-]|~[0-9a-f]{2})+|~)"
# The release before had slashes in public ids, which clients may have kept.
_PUBLIC = re.compile(rf"(?:(?P<caller>[a-z0-9-]{{1,30}})\.)?(?:{_FIELD}(?:[,/]{_FIELD})*|~~?[a-z2-7]{{52}})")

type Field = str | int | bool | date | datetime | uuid.UUID | Decimal


def public_id(caller: str | None, key: str | None) -> str:
    """The public id that an idempotency key names for a caller; without a key, a new one.

    A key of ``[A-Za-z0-9_-]{1,120}`` is used as it is; any other becomes ``~`` and its SHA-256 in base32, which no
    plain key can spell. ``caller`` is ``[a-z0-9-]{1,30}``, or None where the service has no API keys.
    """
    if key is None:
        name = str(uuid.uuid4())
    elif _PLAIN_KEY.fullmatch(key):
        name = key
    else:
        name = "~" + _digest(key)
    return name if caller is None else f"{caller}.{name}"


def is_visible(caller: str | None, public: str) -> bool:
    """Whether ``public`` is a well-formed public id that this caller may see.

    With API keys a caller sees its own ids only; without, there is nobody to tell apart.
    """
    # The shortest root has one character and a slash before it.
    match = _PUBLIC.fullmatch(public) if len(public) <= MAX_ROOT - 2 else None
    return match is not None and (caller is None or match["caller"] == caller)


def is_shared(public: str) -> bool:
    """Whether ``public`` is a well-formed public id that names no caller: of :func:`keyed`, without one."""
    match = _PUBLIC.fullmatch(public) if len(public) <= MAX_ROOT - 2 else None
    return match is not None and match["caller"] is None


def is_root(root: str) -> bool:
    """Whether this is well formed as the id of a piece of work: ``job/order-4711``."""
    kind, _, public = root.partition("/")
    return _KIND.fullmatch(kind) is not None and len(root) <= MAX_ROOT and _PUBLIC.fullmatch(public) is not None


def root_id(kind: str, public: str) -> str:
    """The id of a piece of work: ``<kind>/<public>``, with slashes between fields."""
    return as_root(f"{kind}/{public}")


def public_of(root: str) -> str:
    """The public id in a root id: what :func:`root_id` was given, whichever run of the work it is."""
    return first_run(root).partition("/")[2].replace("/", ",")


def job_root(ctx: Context) -> str:
    """The root id of the work that a durable function is part of, the same in all of its runs: ``job/order-4711``."""
    return first_run(ctx.get_dependency(Namespace).local_id(ctx.info.origin_id))


def job_id(ctx: Context) -> str:
    """The public id of the work that a durable function is part of: ``order-4711``.

    The same in the workflow, its steps and the functions that it calls, and in each run of the work.
    """
    return public_of(job_root(ctx))


def call_id(ctx: Context) -> str:
    """The id of this call, the same whenever it runs: ``job/order-4711:2``.

    Use it as the idempotency key of an effect outside, and as the key of an operation.
    """
    return first_run(ctx.get_dependency(Namespace).local_id(ctx.info.id))


def operation_id(name: str, key: str) -> str:
    """The id of one write in the service's database: ``db/op/<name>/<key>``."""
    return f"db/op/{name}/{key}"


def keyed(kind: str, *fields: Field, caller: str | None = None) -> str:
    """The id of work that business fields name: ``<kind>/<field>/<field>``.

    With a ``caller`` it is that caller's own (see :func:`owned`); else all callers of the service share it, and whatever
    else starts it. Equal for equal fields, and different for different ones of the same number and types, whatever characters they
    hold. A byte outside ``[A-Za-z0-9_-]`` becomes ``~`` and two hex digits, an empty field ``~`` alone, and fields
    that are too long together ``~~`` and their SHA-256 in base32. A datetime stands for its instant, in whatever zone
    it is written.

    Raises:
        ValueError: a datetime without a zone, which names no instant.
    """
    joined = "/".join(_escaped(_text(field)) for field in fields)
    if len(kind) + 1 + len(joined) > MAX_ROOT - _CALLER_ROOM:
        joined = "~~" + _digest(joined)
    return owned(caller, f"{kind}/{joined}")


def owned(caller: str | None, root: str) -> str:
    """An id of business fields as a caller's own: ``invoice/alice.c-1/42``. Without API keys it stays as it is."""
    if caller is None:
        return root
    kind, _, fields = root.partition("/")
    return f"{kind}/{caller}.{fields}"


def _text(field: Field) -> str:
    """The one spelling of a field's value."""
    match field:
        case bool():
            return "true" if field else "false"
        case datetime():
            if field.utcoffset() is None:
                raise ValueError("a datetime in an id must be aware: without a zone it names no instant")
            try:
                return field.astimezone(UTC).replace(tzinfo=None).isoformat().replace(":", "") + "Z"
            except OverflowError:  # In UTC it is before the year 1 or after 9999, for which there is no datetime.
                return f"{(field - _EPOCH) // timedelta(microseconds=1)}us"
        case date():
            return field.isoformat()
        case Decimal():
            return plain_number(field)
        case _:
            return str(field)


def _escaped(text: str) -> str:
    # Byte by byte, each as one character. Lone surrogates have bytes too: a JSON escape can spell them.
    data = text.encode(errors="surrogatepass").decode("latin-1")
    return _SPECIAL.sub(lambda special: f"~{ord(special[0]):02x}", data) or "~"


def _digest(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").lower()
