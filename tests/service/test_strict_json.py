"""`http.strict_json`: which documents are refused, wherever they come from, and which are kept as they are."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from shop.runtime.http.problems import Problem
from shop.runtime.http.strict_json import MAX_DEPTH, read_json
from shop.runtime.testing.running import RunningService, problem

from .notes import Note, keep, post, was_started

MIB = 1024 * 1024

REFUSED = {
    "empty": b"",
    "truncated": b'{"text": "a',
    "two documents": b"{}{}",
    "a comment": b"{} // so",
    "single quotes": b"{'text': 'a'}",
    "not UTF-8": b'{"text": "\xff"}',
    "a surrogate as UTF-8": b'{"text": "\xed\xa0\x80"}',
    "an overlong slash": b'{"text": "\xc0\xaf"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"text": "a"}'.encode("utf-16-le"),
    "UTF-32": '{"text": "a"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"text": "a"}',
    "NUL": b'{"text": "a\x00"}',
    "NUL after the end": b"{}\x00",
    "escaped NUL": b'{"text": "a\\u0000"}',
    "escaped NUL in a name": b'{"any": {"a\\u0000": 1}}',
    "escaped NUL far below": b'{"any": [[{"a": ["\\u0000"]}]]}',
    "half a pair": b'{"text": "\\ud83d"}',
    "the other half": b'{"text": "\\ude00"}',
    "a pair in the wrong order": b'{"any": ["\\ude00\\ud83d"]}',
    "a name twice": b'{"text": "a", "text": "b"}',
    "a name twice, spelled otherwise": b'{"text": "a", "te\\u0078t": "a"}',
    "a name twice, below": b'{"any": [{"a": 1, "a": 1}]}',
    "NaN": b'{"ratio": NaN}',
    "Infinity": b'{"ratio": Infinity}',
    "minus Infinity": b'{"any": [-Infinity]}',
    "a huge exponent": b'{"ratio": 1e999}',
    "a huge negative": b'{"any": -1e999}',
    "10,000 digits": b'{"number": ' + b"9" * 10_000 + b"}",
    "10,000 digits and a point": b'{"ratio": ' + b"9" * 10_000 + b".5}",
    "beyond 64 bits": b'{"number": 9223372036854775808}',
    "100,000 brackets": b'{"any": ' + b"[" * 100_000,
    "100,000 pairs of brackets": b'{"any": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 objects": b'{"any": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "a level too deep": b'{"any": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
    "compressed": gzip.compress(b'{"text": "a"}'),
    "text": b"hello",
    "null": b"null",
    "another shape": b'[{"text": "a"}]',
    "not an object": b'"text"',
    "an unknown name": b'{"text": "a", "__proto__": {}}',
}


def is_text(body: bytes) -> bool:
    try:
        return isinstance(body.decode(), str)
    except UnicodeDecodeError:
        return False


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
async def test_bodies_that_are_refused(notes: RunningService, body: bytes) -> None:
    refused = await post(notes, body)
    assert problem(refused) == (422, "invalid-request"), refused.text
    assert len(refused.content) < 500
    signed = await notes.send_signed("/webhooks/notes", body)
    # Standard Webhooks signs text.
    assert problem(signed) == ((422, "invalid-request") if is_text(body) else (401, "bad-signature")), signed.text
    assert not await was_started(notes)


async def test_a_compressed_body_is_not_unpacked(notes: RunningService) -> None:
    bomb = gzip.compress(b'{"text": "' + b"a" * 100 * MIB + b'"}', compresslevel=1)
    assert len(bomb) < MIB
    assert problem(await post(notes, bomb, Content_Encoding="gzip")) == (422, "invalid-request")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "nonsense", ""],
)
async def test_other_kinds_of_content(notes: RunningService, content_type: str) -> None:
    refused = await post(notes, b'{"text": "a"}', Content_Type=content_type)
    assert problem(refused) == (415, "unsupported-media-type")
    assert "must be application/json" in refused.json()["detail"]
    assert not await was_started(notes)


async def test_other_encodings_are_not_believed(notes: RunningService) -> None:
    body = '{"text": "a"}'.encode("utf-16")
    assert problem(await post(notes, body, Content_Type="application/json; charset=utf-16"))[0] == 422


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (b'{"text": "\\ud83d\\ude00 \\\\u0000 \\t"}', {"text": "\U0001f600 \\u0000 \t"}),
        ('{"text": "ü€😀"}'.encode(), {"text": "ü€😀"}),
        (b'{"number": -9223372036854775808}', {"number": -(2**63)}),
        (b'{"number": 9223372036854775807}', {"number": 2**63 - 1}),
        (b'{"number": 3.0, "ratio": 3}', {"number": 3, "ratio": 3}),
        (b'{"number": 1e3, "ratio": 5e-324}', {"number": 1000, "ratio": 5e-324}),
        (b'{"any": {"": [true, null, {"a": 1.5}]}}', {"any": {"": [True, None, {"a": 1.5}]}}),
        (b'{"any": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", {}),
        (b'{"any": "' + b"[" * 1000 + b'"}', {"any": "[" * 1000}),
        (b" \r\n\t{}\n", {}),
    ],
)
async def test_bodies_that_are_taken(notes: RunningService, body: bytes, note: dict[str, Any]) -> None:
    async def in_single_bytes() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    assert (await post(notes, in_single_bytes())).status_code == 202
    signed = await notes.send_signed("/webhooks/notes", body)
    assert signed.status_code == 200, signed.text
    result = await notes.run(keep, "note/hostile", Note())  # It is there: this finds its result.
    assert note.items() <= result.model_dump().items()
    assert note.items() <= signed.json().items()


@pytest.mark.parametrize(
    "path",
    ["/notes/a%00b", "/notes/a?ratio=inf", "/notes/a?ratio=nan", "/notes/a?ratio=1e999"]
    + [f"/notes/a?number={number}" for number in (2**63, -(2**64), "9" * 4000, "9" * 10_000, "%00")],
)
async def test_paths_and_queries_that_are_refused(notes: RunningService, path: str) -> None:
    assert problem(await notes.http.get(path)) == (422, "invalid-request")


@pytest.mark.parametrize("text", ["%ff", "%ed%a0%80", "%c0%af", "..%5c..", "%0d%0aX-Injected:%20a", "%F0%9F%98%80"])
async def test_paths_that_are_text(notes: RunningService, text: str) -> None:
    response = await notes.http.get(f"/notes/{text}")
    assert response.status_code == 200, response.text
    assert "X-Injected" not in response.headers


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    # From 2**53 on a float is written with fewer digits than it has: what is read is the number that is written.
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not 2**53 <= abs(number) < 2**63)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_every_value_arrives_as_it_is(value: Any, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary() | st.text(st.characters(exclude_categories=())).map(lambda text: text.encode(errors="replace")))
def test_whatever_is_sent_is_read_or_refused(body: bytes) -> None:
    try:
        read_json(body)
    except Problem as refused:
        assert (refused.status_code, refused.kind) == (422, "invalid-request")
