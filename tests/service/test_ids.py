"""`durable.ids`: what a key or fields become, and who sees it."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from shop.runtime.durable import ids
from shop.runtime.engine import run_ids


@pytest.mark.parametrize(
    ("caller", "key", "expected"),
    [
        (None, "order-4711", "order-4711"),
        ("alice", "order-4711", "alice.order-4711"),
        (None, "a" * 120, "a" * 120),
        (None, "order 4711", "~gjvw6zpbwot3rgay2d5a3gn4sba7gyyv7nxydhwof3cw7yzftsia"),
    ],
)
def test_a_key_names_the_work(caller: str | None, key: str, expected: str) -> None:
    assert ids.public_id(caller, key) == expected


def test_every_key_gives_an_id_that_the_engine_takes() -> None:
    keys = ["a", "A", "a:b", "~a", "a.b", "a/b", "a" * 121, "a" * 255, " a", '"a"', "%00"]
    made = [ids.public_id("c" * 30, key) for key in keys]
    assert len(set(made)) == len(keys)
    for public in made:
        assert ids.is_visible("c" * 30, public)
        assert ":" not in public
        assert len(f"approve/{public}") <= ids.MAX_ROOT


def test_a_root_id_holds_its_public_id() -> None:
    assert ids.root_id("job", "alice.order-1") == "job/alice.order-1"
    assert ids.public_of("job/alice.order-1") == "alice.order-1"
    # One segment of a path; on the engine the fields have slashes between them.
    assert ids.public_of("invoice/alice.c-1/42") == "alice.c-1,42"
    assert ids.root_id("invoice", "alice.c-1,42") == run_ids.as_root("invoice/alice.c-1,42") == "invoice/alice.c-1/42"
    # What a client of the release before has kept.
    assert ids.root_id("invoice", "alice.c-1/42") == "invoice/alice.c-1/42"


def test_the_id_of_an_operation() -> None:
    assert ids.operation_id("save-result", "order-1") == "db/op/save-result/order-1"


def test_without_a_key_every_request_is_new() -> None:
    assert ids.public_id(None, None) != ids.public_id(None, None)


@pytest.mark.parametrize("public", ["", "a b", "a:b", "../a", "alice.bob.x", "Alice.x", ".x", "~x", "x\n", "a" * 189])
def test_malformed_ids_are_nobodys(public: str) -> None:
    assert not ids.is_visible(None, public)


@pytest.mark.parametrize("public", ["/", "a/", "/a", "a//b", "a/.b", "a/alice.b", "a/~", "~/~", "~~", "~A0", "~7"])
def test_what_no_fields_give_is_malformed(public: str) -> None:
    assert ids.is_visible(None, public) is (public in ("a/~", "~/~"))


def test_a_caller_sees_its_own() -> None:
    assert ids.is_visible("alice", "alice.x")
    assert not ids.is_visible("bob", "alice.x")
    assert not ids.is_visible("alice", "x")
    assert ids.is_visible(None, "alice.x")
    for public in ("alice.c-1,42", "alice.c-1/42"):
        assert ids.is_visible("alice", public)
        assert not ids.is_visible("bob", public)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("c-1", 42), "invoice/c-1/42"),
        (("Müller & Co", -1), "invoice/M~c3~bcller~20~26~20Co/-1"),
        (("", "~", "a/b", "a.b:c\0"), "invoice/~/~7e/a~2fb/a~2eb~3ac~00"),
        (("?", "\ud83d"), "invoice/~3f/~ed~a0~bd"),
        ((True, False, 1), "invoice/true/false/1"),
        ((date(2026, 1, 31), datetime(2026, 1, 31, 12, tzinfo=UTC)), "invoice/2026-01-31/2026-01-31T120000Z"),
        ((Decimal("1.50"), Decimal("-0"), Decimal("1E+3")), "invoice/1~2e5/0/1000"),
        ((Decimal("9E+999999"),), "invoice/9E~2b999999"),
        ((UUID("12345678-ABCD-4abc-8def-1234567890AB"),), "invoice/12345678-abcd-4abc-8def-1234567890ab"),
        (("x" * 152,), "invoice/~~ndkksw6eozsogfqhzoatvsfeehzbx72hky4lovambdtmqp6vjnza"),
    ],
)
def test_fields_name_the_work(fields: tuple[ids.Field, ...], expected: str) -> None:
    assert ids.keyed("invoice", *fields) == expected
    assert ids.owned(None, expected) == expected
    assert ids.owned("alice", expected) == expected.replace("invoice/", "invoice/alice.", 1)


def test_fields_and_the_caller_name_the_work() -> None:
    assert ids.keyed("invoice", "c-1", 42, caller="alice") == "invoice/alice.c-1/42"
    assert ids.keyed("invoice", "c-1", 42, caller=None) == "invoice/c-1/42"
    assert not ids.is_shared("alice.c-1,42") and ids.is_shared("c-1,42") and ids.is_shared("c-1/42")
    assert not ids.is_shared("c-1,") and not ids.is_shared(",42")
    assert not ids.is_shared("") and not ids.is_shared("a b") and not ids.is_shared("x" * 300)
    # A field cannot look like a caller.
    assert ids.is_shared(ids.public_of(ids.keyed("invoice", "alice.c-1")))


def test_a_datetime_is_its_instant() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert ids.keyed("k", noon) == ids.keyed("k", noon.astimezone(timezone(timedelta(hours=5, minutes=30))))
    # In UTC it is before all datetimes.
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    assert ids.keyed("k", first) == "k/-62135647200000000us"
    with pytest.raises(ValueError, match="aware"):
        ids.keyed("k", datetime(2026, 1, 31, 12))


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)
# Short ones that nearly collide, long ones, and what a key becomes as a key.
KEYS = PRINTABLE | st.text("aA-_~./: ", min_size=1, max_size=6)
KEYS = KEYS | KEYS.map(lambda key: (key * 255)[:255]) | KEYS.map(lambda key: ids.public_id(None, key))
CALLERS = st.none() | st.from_regex(r"[a-z0-9-]{1,30}", fullmatch=True)
IN_ROOTS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~/.")


@given(KEYS, CALLERS, KEYS, CALLERS)
def test_different_keys_or_callers_have_different_ids(
    one: str, caller: str | None, other: str, another: str | None
) -> None:
    same = ids.public_id(caller, one) == ids.public_id(another, other)
    assert same is ((one, caller) == (other, another))


@given(KEYS, CALLERS)
def test_every_key_names_work_that_its_caller_alone_sees(key: str, caller: str | None) -> None:
    public = ids.public_id(caller, key)
    assert ids.is_visible(caller, public)
    assert ids.is_visible(None, public)
    assert not ids.is_visible("somebody-else", public)
    for kind in ("job", "a-kind-of-work-with-a-long-name"):
        root = ids.root_id(kind, public)
        assert set(root) <= IN_ROOTS
        assert len(root) <= ids.MAX_ROOT
        assert ids.public_of(root) == public


@given(st.text(st.characters(exclude_categories=())) | st.text("alice.b~7/:%\0\n", max_size=12), CALLERS)
def test_whoever_asks_what_is_no_id_sees_nothing(public: str, caller: str | None) -> None:
    """Whatever a path holds: what is visible is safe, and is the caller's."""
    if ids.is_visible(caller, public):
        assert re.fullmatch(r"[A-Za-z0-9_~./-]+", public)
        assert not {"", ".", ".."} & set(public.split("/"))
        assert len(ids.root_id("k", public)) <= ids.MAX_ROOT
        assert caller is None or public.startswith(f"{caller}.")


# Few letters, most of them special to an id, so that pairs nearly collide; whatever there is; and what is too long.
NEAR = st.text("a~7eE/.:-_ \0ü\ud83d\ude00", max_size=6)
TEXTS = NEAR | st.text(st.characters(exclude_categories=())) | NEAR.map(lambda text: text * 40)
INSTANTS = st.datetimes(timezones=st.timezones() | st.just(timezone(timedelta(hours=14))))
FIELDS = st.tuples(st.integers(), st.booleans(), st.dates(), INSTANTS, st.uuids())

type Fields = tuple[int, bool, date, datetime, UUID]


@given(st.tuples(TEXTS, TEXTS), st.tuples(TEXTS, TEXTS), CALLERS, CALLERS)
def test_different_texts_have_different_ids(
    one: tuple[str, str], other: tuple[str, str], caller: str | None, another: str | None
) -> None:
    same = ids.owned(caller, ids.keyed("k", *one)) == ids.owned(another, ids.keyed("k", *other))
    assert same is ((one, caller) == (other, another))


@given(FIELDS, FIELDS)
def test_different_values_have_different_ids(one: Fields, other: Fields) -> None:
    def plain(fields: Fields) -> tuple[object, ...]:
        # Two times of one zone are compared by their clocks alone, without which of two same hours it is.
        return *fields[:3], fields[3] - datetime(1970, 1, 1, tzinfo=UTC), fields[4]

    assert (ids.keyed("k", *one) == ids.keyed("k", *other)) is (plain(one) == plain(other))


@given(st.lists(TEXTS, min_size=1, max_size=5), CALLERS)
def test_every_field_gives_an_id_that_the_engine_takes(fields: list[str], caller: str | None) -> None:
    made = ids.owned(caller, ids.keyed("invoice", *fields))
    assert set(made) <= IN_ROOTS
    assert len(made) <= ids.MAX_ROOT
    assert made == ids.root_id("invoice", ids.public_of(made))
    assert ids.is_visible(caller, ids.public_of(made))
    assert not ids.is_visible("somebody-else", ids.public_of(made))
