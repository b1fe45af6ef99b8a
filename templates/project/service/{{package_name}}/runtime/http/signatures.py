"""Webhook signatures: hex HMAC-SHA256, keyed with WEBHOOK_SECRET, over `<timestamp>.<body>`, the raw bytes."""

import hmac

TIMESTAMP_HEADER = "Webhook-Timestamp"
SIGNATURE_HEADER = "Webhook-Signature"
MAX_AGE = 300
"""Seconds by which a signature's time may differ from ours, either way."""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body sent at ``timestamp`` (Unix seconds)."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def signed_headers(secret: str, timestamp: str, body: bytes) -> dict[str, str]:
    """The headers of a signed webhook with this JSON body."""
    return {
        "Content-Type": "application/json",
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: sign(secret, timestamp, body),
    }


def verify(secret: str, timestamp: str | None, signature: str | None, body: bytes, now: float) -> str | None:
    """None for a good signature, else why it is refused. ``now`` is in Unix seconds."""
    if timestamp is None or signature is None:
        return f"the headers {TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are required"
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return f"{TIMESTAMP_HEADER} must be Unix seconds"
    # Both sides as bytes: compare_digest refuses text that is not ASCII.
    if not hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode(errors="replace")):
        return "the signature does not match"
    if abs(now - int(timestamp)) > MAX_AGE:
        return f"the signature is older than {MAX_AGE // 60} minutes, or from the future"
    return None
