"""What a generated service records about how it came to be.

The manifest, ``.resonate-scaffold.json``, holds what a later upgrade needs to rebuild the past and merge:
which template, which answers, what was added since, and the hash of each file as it was generated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MANIFEST = PurePosixPath(".resonate-scaffold.json")


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a service came to be.

    ``version`` is the tool's; ``template`` names the template by a version and a digest, never by a path;
    ``files`` maps each path to the SHA-256 (hex) of the file as generated; ``adds`` lists what was added
    since, oldest first.
    """

    version: str
    template: Mapping[str, str]
    answers: Mapping[str, Any]
    files: Mapping[str, str]
    adds: tuple[Mapping[str, Any], ...] = ()

    def to_bytes(self) -> bytes:
        """The manifest as a file: the same bytes for the same content."""
        content = {
            "tool": "resonate-scaffold",
            "version": self.version,
            "template": dict(self.template),
            "answers": dict(self.answers),
            "files": dict(self.files),
            "adds": [dict(add) for add in self.adds],
        }
        return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def fingerprint(content: bytes) -> str:
    """The hash that the manifest keeps of a file."""
    return hashlib.sha256(content).hexdigest()
