"""`http.signatures`: which signatures are good."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from time import time

import pytest
from hypothesis import given, strategies as st
from shop.runtime.http.signatures import (
    FORMER,
    GITHUB,
    MAX_AGE,
    STANDARD,
    STRIPE,
    Hmac,
    Refused,
    Scheme,
    new_secret,
    verify,
)

SCHEMES: Mapping[str, Scheme] = {
    "standard": STANDARD,
    "github": GITHUB,
    "stripe": STRIPE,
    "hmac": Hmac(),
    "former": FORMER,
}
SECRET, OTHER = new_secret(), new_secret()
TEXTS = st.text(max_size=200).map(str.encode)
each = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)


def is_good(scheme: Scheme, headers: Mapping[str, str], body: bytes, *known: str) -> bool:
    try:
        return bool(verify(scheme, known or (SECRET,), headers, body))
    except Refused:
        return False


# What others publish: the test vectors of their libraries and documentation, by which ours must sign alike.

STRIPE_EVENT = {
    "id": "evt_123",
    "object": "event",
    "account": "acct_123",
    "api_version": "2017-05-25",
    "created": 1533204620,
    "data": {
        "object": {
            "id": "cus_123",
            "object": "customer",
            "created": 123456789,
            "email": "test@stripe.com",
            "livemode": False,
            "metadata": {},
        }
    },
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": "req_123", "idempotency_key": "idempotency-key-123"},
    "type": "customer.created",
}


def test_the_vector_of_standard_webhooks() -> None:
    """Of the project's reference libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert STANDARD.sign(secret, body, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", now=1614265330) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_vector_of_github() -> None:
    """Of its page on validating deliveries."""
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert GITHUB.sign(secret, body)["x-hub-signature-256"] == signature
    delivered = {"x-hub-signature-256": signature, "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    assert GITHUB.verify(secret, delivered, body) == "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def test_the_vector_of_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tests of stripe-dotnet."""
    secret, body = "webhook_secret", json.dumps(STRIPE_EVENT, indent=2).encode() + b"\n"
    good = "2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7"
    signature = f"t=1533204620,v1={good},v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef"
    assert STRIPE.sign(secret, body, now=1533204620)["stripe-signature"] == f"t=1533204620,v1={good}"
    with pytest.raises(Refused, match="older than 5 minutes"):
        STRIPE.verify(secret, {"stripe-signature": signature}, body)
    monkeypatch.setattr("shop.runtime.http.signatures.time", lambda: 1533204620 + MAX_AGE)
    for sent in (signature, f"t=1533204620,v1={'0' * 64},v1={good}"):
        assert STRIPE.verify(secret, {"stripe-signature": sent}, body) == "evt_123"
    for bad in (f"t=1533204620,v0={good}", f"t=1533204621,v1={good}", f"v1={good}", "t,v1=,v0=", ",,", "t"):
        with pytest.raises(Refused):
            STRIPE.verify(secret, {"stripe-signature": bad}, body)


@pytest.mark.parametrize(
    ("key", "data", "digest"),
    [
        ("Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    ],
)
def test_the_vectors_of_hmac_sha256(key: str, data: bytes, digest: str) -> None:
    """Of RFC 4231."""
    assert Hmac().sign(key, data) == {"x-signature": digest}
    assert Hmac("X-Sig", "sha256=").verify(key, {"x-sig": f"sha256={digest.upper()}"}, data)


def test_the_vector_of_version_0_1_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its own code signed."""
    old, body = "a-secret-of-version-0.1.0", b'{"approved": true}'
    signed = {
        "webhook-timestamp": "1795482643",
        "webhook-signature": "60b0ff2cb5f2e2b8d919af77c44e67fd75e10dc597b21a4fa70c57ea9ac85ee9",
    }
    assert FORMER.sign(old, body, now=1795482643) == signed
    with pytest.raises(Refused, match="older than 5 minutes"):
        FORMER.verify(old, signed, body)
    monkeypatch.setattr("shop.runtime.http.signatures.time", lambda: 1795482643 + MAX_AGE)
    assert is_good(FORMER, signed, body, old)
    # While the sender moves, both are good; then neither is good for the other's secret.
    assert is_good(FORMER, signed, body, SECRET, old) and is_good(FORMER, signed, body, old, SECRET)
    assert not is_good(FORMER, signed, body, SECRET) and not is_good(STANDARD, signed, body, SECRET)
    assert not is_good(FORMER, signed, b'{"approved": false}', old)
    for bad in ({"webhook-timestamp": "1795482644"}, {"webhook-timestamp": "²"}, {"webhook-signature": "é"}):
        assert not is_good(FORMER, {**signed, **bad}, body, old)
    for name in signed:
        assert not is_good(FORMER, {key: value for key, value in signed.items() if key != name}, body, old)


def test_a_sender_of_version_0_1_0_moves_to_standard_webhooks() -> None:
    old, new = "a-secret-of-version-0.1.0", new_secret()
    sent = STANDARD.sign(new, b"{}", message_id="msg_1")
    assert verify(FORMER, [old, new], sent, b"{}") == "msg_1"
    assert not is_good(FORMER, sent, b"{}", old)
    assert FORMER.secret_problem(old) is None and FORMER.secret_problem(new) is None
    assert FORMER.secret_problem("whsec_short")


# What holds for every scheme


@each
@given(TEXTS, st.integers(min_value=-(MAX_AGE - 10), max_value=MAX_AGE - 10))
def test_a_signature_is_good_for_what_was_signed(scheme: Scheme, body: bytes, age: int) -> None:
    assert is_good(scheme, scheme.sign(SECRET, body, now=time() - age), body)


@each
@given(st.data(), TEXTS)
def test_a_signature_is_good_for_nothing_else(scheme: Scheme, data: st.DataObject, body: bytes) -> None:
    headers = scheme.sign(SECRET, body)
    assert not is_good(scheme, headers, body, OTHER)
    assert not is_good(scheme, headers, data.draw(TEXTS.filter(lambda other: other != body)))
    for name in scheme.headers:
        assert not is_good(scheme, {key: value for key, value in headers.items() if key != name}, body)
        # The last bits of base64 say nothing.
        at = data.draw(st.integers(min_value=0, max_value=len(headers[name]) - 4))
        changed = headers[name][:at] + chr(ord(headers[name][at]) ^ 1) + headers[name][at + 1 :]
        if changed.lower() != headers[name].lower():
            assert not is_good(scheme, {**headers, name: changed}, body)


@each
@given(st.data(), TEXTS)
def test_junk_is_refused_and_raises_nothing_else(scheme: Scheme, data: st.DataObject, body: bytes) -> None:
    junk = st.text(st.characters(exclude_categories=())) | st.sampled_from(["", "0", "-1", "1e5", "٣", "²", "9" * 5000])
    good = scheme.sign(SECRET, body)
    for name in scheme.headers:
        assert not is_good(scheme, {**good, name: data.draw(junk)}, body)


@each
def test_two_secrets_are_good_while_one_takes_the_others_place(scheme: Scheme) -> None:
    for secret in (SECRET, OTHER):
        assert is_good(scheme, scheme.sign(secret, b"{}"), b"{}", SECRET, OTHER)
    assert not is_good(scheme, scheme.sign(new_secret(), b"{}"), b"{}", SECRET, OTHER)


@pytest.mark.parametrize("scheme", [STANDARD, STRIPE])
@pytest.mark.parametrize("age", [-(MAX_AGE + 5), MAX_AGE + 5])
def test_a_signature_is_good_for_five_minutes(scheme: Scheme, age: int) -> None:
    assert not is_good(scheme, scheme.sign(SECRET, b"{}", now=time() - age), b"{}")


@each
def test_a_message_keeps_its_id(scheme: Scheme) -> None:
    body = b'{"id": "evt_1", "paid": true}'
    first = scheme.verify(SECRET, scheme.sign(SECRET, body, message_id="m1"), body)
    assert scheme.verify(SECRET, scheme.sign(SECRET, body, message_id="m1", now=time() - 60), body) == first
    other = b'{"id": "evt_2", "paid": true}'
    assert scheme.verify(SECRET, scheme.sign(SECRET, other, message_id="m2"), other) != first


# Standard Webhooks


def signed_by_hand(message_id: str, timestamp: str, body: bytes) -> dict[str, str]:
    """As its specification says."""
    key, content = base64.b64decode(SECRET.removeprefix("whsec_")), f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def test_one_good_signature_of_a_list_is_enough() -> None:
    headers = signed_by_hand("msg_1", str(int(time())), b"{}")
    good, foreign = headers["webhook-signature"], STANDARD.sign(OTHER, b"{}")["webhook-signature"]
    for several in (f"{foreign} {good}", f"v1a,abc {good}", f"{good} junk", f"junk,, {good}", f"v2,{good[3:]} {good}"):
        assert is_good(STANDARD, {**headers, "webhook-signature": several}, b"{}"), several
    for none in (foreign, f"v2,{good[3:]}", good[3:], f"v1a,{good[3:]}", f"{good[:-4]}====", good.replace(",", ", ")):
        assert not is_good(STANDARD, {**headers, "webhook-signature": none}, b"{}"), none


def test_the_parts_of_what_is_signed_cannot_be_moved() -> None:
    now = str(int(time()))
    headers = signed_by_hand("msg_1", now, b'7.{"approved": true}')
    assert is_good(STANDARD, headers, b'7.{"approved": true}')
    moved = {**headers, "webhook-id": f"msg_1.{now}", "webhook-timestamp": "7"}
    assert not is_good(STANDARD, moved, b'{"approved": true}')
    for odd in ("1e9", f" {now}", f"+{now}", "nan", "inf", "-1", "1_0"):
        assert not is_good(STANDARD, signed_by_hand("msg_1", odd, b"{}"), b"{}")
    assert not is_good(STANDARD, signed_by_hand("a.b", now, b"{}"), b"{}")
    assert not is_good(STANDARD, signed_by_hand("msg_1", now, b"\xff"), b"\xff")


@pytest.mark.parametrize(
    "secret",
    ["a" * 64, "whsec_", "whsec_short", f"whsec_{'a' * 12}", f"whsec_{'A' * 200}", "whsec_not base64!", SECRET[6:]],
)
def test_what_is_no_secret_of_standard_webhooks(secret: str) -> None:
    assert STANDARD.secret_problem(secret) == "it is not whsec_ and the base64 of 24 to 64 random bytes"
    assert STANDARD.secret_problem(SECRET) is None
