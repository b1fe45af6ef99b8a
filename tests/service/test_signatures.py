"""`http.signatures`: which signatures are good."""

import hashlib
import hmac
from time import time

from hypothesis import given, strategies as st
from shop.runtime.http import signatures

SECRETS = st.text(min_size=16, max_size=40)
MOMENTS = st.integers(min_value=0, max_value=10**12 - 1)


@given(SECRETS, MOMENTS, st.binary(), st.integers(min_value=-signatures.MAX_AGE, max_value=signatures.MAX_AGE))
def test_a_signature_is_good_for_what_was_signed(secret: str, moment: int, body: bytes, age: int) -> None:
    made = signatures.sign(secret, str(moment), body)
    assert made == hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert signatures.verify(secret, str(moment), made, body, moment + age) is None


@given(st.data(), SECRETS, MOMENTS, st.binary())
def test_a_signature_is_good_for_nothing_else(data: st.DataObject, secret: str, moment: int, body: bytes) -> None:
    made, timestamp = signatures.sign(secret, str(moment), body), str(moment)
    other = data.draw(
        st.sampled_from(["secret", "timestamp", "body", "boundary", "signature", "age"]), label="what is different"
    )
    match other:
        case "secret":
            secret = data.draw(SECRETS.filter(lambda another: another != secret))
        case "timestamp":
            timestamp = str(data.draw(MOMENTS.filter(lambda another: another != moment)))
        case "body":
            body = data.draw(st.binary().filter(lambda another: another != body))
        case "boundary":
            timestamp, body = timestamp[:-1], timestamp[-1:].encode() + b"." + body
        case "signature":
            at = data.draw(st.integers(min_value=0, max_value=63))
            made = made[:at] + ("0" if made[at] != "0" else "1") + made[at + 1 :]
        case "age":
            moment += data.draw(st.sampled_from([-1, 1])) * data.draw(st.integers(signatures.MAX_AGE + 1, 10**6))
    assert signatures.verify(secret, timestamp, made, body, moment) is not None


ODD = st.sampled_from(["", "0", "-1", "1e5", "٣", "²", "9" * 5000])
JUNK = st.none() | st.text(st.characters(exclude_categories=())) | ODD


@given(JUNK, JUNK, st.binary(), st.floats(min_value=0, max_value=1e12))
def test_junk_is_refused_and_raises_nothing(
    timestamp: str | None, signature: str | None, body: bytes, now: float
) -> None:
    assert signatures.verify("a-secret-for-tests-only", timestamp, signature, body, now) is not None


def test_why_a_signature_is_refused() -> None:
    secret, moment = "a-secret-for-tests-only", "1000"
    made = signatures.sign(secret, moment, b"{}")
    verify = signatures.verify
    assert verify(secret, None, made, b"{}", 1000) == "the headers Webhook-Timestamp and Webhook-Signature are required"
    assert verify(secret, "1e3", made, b"{}", 1000) == "Webhook-Timestamp must be Unix seconds"
    assert verify(secret, moment, made, b"{ }", 1000) == "the signature does not match"
    late = "the signature is older than 5 minutes, or from the future"
    assert (verify(secret, moment, made, b"{}", 1301), verify(secret, moment, made, b"{}", 699)) == (late, late)


def test_the_headers_of_a_signed_webhook() -> None:
    moment, body = str(int(time())), b'{"approved": true}'
    headers = signatures.signed_headers("a-secret-for-tests-only", moment, body)
    assert headers["Content-Type"] == "application/json"
    given = headers["Webhook-Timestamp"], headers["Webhook-Signature"]
    assert signatures.verify("a-secret-for-tests-only", *given, body, time()) is None
