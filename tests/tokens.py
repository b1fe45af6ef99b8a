"""Keys and JSON Web Tokens for a Resonate server that asks for them, by the program `openssl`."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEEWAY = 60
"""Seconds after its end in which the server still takes a token."""


@dataclass(frozen=True)
class Issuer:
    """Who makes the tokens: a key of its own, whose public half the server is given."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> Issuer:
        """Make a key."""
        issuer = cls(directory)
        _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(issuer._private))
        _openssl("pkey", "-in", str(issuer._private), "-pubout", "-out", str(issuer.public_key))
        return issuer

    @property
    def public_key(self) -> Path:
        """The file for `--auth-publickey`."""
        return self.directory / "public.pem"

    @property
    def _private(self) -> Path:
        return self.directory / "private.pem"

    def token(self, *, seconds: float = 3600, **claims: Any) -> str:
        """A token that the server takes for so long."""
        expires = {"exp": int(time.time() + seconds - LEEWAY)}
        signed = b".".join(_part(part) for part in ({"alg": "RS256", "typ": "JWT"}, {**expires, **claims}))
        signature = _openssl("dgst", "-sha256", "-sign", str(self._private), given=signed)
        return (signed + b"." + _base64(signature)).decode()


def _part(content: dict[str, Any]) -> bytes:
    return _base64(json.dumps(content).encode())


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True).stdout
