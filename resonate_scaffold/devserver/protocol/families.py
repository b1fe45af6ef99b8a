"""A promise and all that descends from it, packed: what rests takes a fifth of the room, and is read back at once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import msgspec

from resonate_scaffold.devserver.protocol.ids import root_of
from resonate_scaffold.devserver.protocol.records import Promise
from resonate_scaffold.devserver.protocol.search import Labels, census, labels_of

type Family = Sequence[tuple[Promise, int | None]]
"""The promises of one family, each with the deadline of its task."""


class Packed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`due` is when the clock has something to do in it, `ended_at` when all was over; `census` is the index's.

    So are `labels`, those of the root; `labels_below` are those of what descends from it, by id.
    """

    data: bytes
    census: int
    due: int | None = None
    ended_at: int | None = None
    labels: Labels = ()
    labels_below: tuple[tuple[str, Labels], ...] = ()

    def labeled(self, root: str) -> Iterator[tuple[str, Labels]]:
        """The promises that have labels, with these."""
        if self.labels:
            yield root, self.labels
        yield from self.labels_below


# What most promises have, as it is encoded, the commonest last. Journals depend on it: it must stay as it is.
_WORDS = (
    b"headersrejectedrejected_canceledrejected_timedoutresonate:timertrueresonate:externalresonate:delay"
    b"resonate:scheduleresonate:prefixacquiredhaltedsuspendedlocal\xaafulfilled\xa7version\x01\xa3ttl\xc0\xa3pid\xc0"
    b"\xa8awaiting\x90\xa7resumed\x90\xa8awaiters\x90\xa9listeners\x90\xc0\x92\x84\xa6record\x88\xa2id\xa5state"
    b"\xa8resolved\xa5param\x81\xa4data\xa5value\x81\xa4data\xa4tags\x85\xafresonate:origin\xafresonate:branch"
    b"\xafresonate:parent\xaeresonate:scope\xa5local\xa9timeoutAt\xcf\x00\x00\xa9createdAt\xcf\x00\x00\x01\x93"
    b"\xa9settledAt\xcf\x00\x00\x01\x93\xa4task\xc0\xa8awaiters\x90\xa9listeners\x90\xc0\x92\x84\xa6record\x87\xa2id"
    b"\xa5state\xa7pending\xa5param\x81\xa4data\xa5value\x80\xa4tags\x85\xafresonate:origin\xafresonate:branch"
    b"\xafresonate:parent\xaeresonate:scope\xa6global\xafresonate:target\xb3poll://any@\xa9timeoutAt\xcf\x00\x00"
    b"\xa9createdAt\xcf\x00\x00\x01\x93\xa4task\x86\xa5state\xa9suspended\xa7version\x01\xa3ttl\xc0\xa3pid\xc0"
    b"\xa8awaiting\x91\xa7resumed\x90\xa8awaiters\x90\xa9listeners\x90\xc0"
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[Promise, int | None]]).decode


def pack(family: Family) -> Packed | None:
    """None where there is none, or where it does not rest."""
    if not family or any(deadline is not None for _, deadline in family):
        return None
    due = (promise.record.timeout_at for promise, _ in family if promise.is_pending and promise.is_timed)
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS, zdict=_WORDS)
    data = packer.compress(_encode(family)) + packer.flush()
    labels: Labels = ()
    below: list[tuple[str, Labels]] = []
    for promise, _ in family:
        if found := labels_of(promise.record.tags):
            if ":" in promise.id:
                below.append((promise.id, found))
            else:
                labels = found
    states = census(promise.states for promise, _ in family)
    return Packed(data, states, min(due, default=None), ended_at(family), labels, tuple(below))


def unpack(packed: Packed) -> list[tuple[Promise, int | None]]:
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_WORDS)
    return _decode(unpacker.decompress(packed.data))


def ended_at(family: Family) -> int | None:
    """When the last of a family settled; None while something of it goes on.

    What is nobody's task keeps nothing alive once the root has ended: such is what a gate waited for.
    """
    last, has_ended_root = 0, any(p.id == root_of(p.id) and not p.is_pending for p, _ in family)
    for promise, _ in family:
        if promise.record.settled_at is not None:
            last = max(last, promise.record.settled_at)
        elif promise.task is not None or not has_ended_root:
            return None
    return last
