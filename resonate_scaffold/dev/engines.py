"""The engine of a run: one that is there, the Resonate server, or the embedded one."""

import base64
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from resonate_scaffold.errors import ScaffoldError, UsageError

POSTGRES = ("postgresql", "postgres")


@dataclass(frozen=True)
class Engine:
    """Where promises live: its URL, a line for people, its command (empty: it runs elsewhere).

    `env` is added to the environment of the command, `service_env` to that of the service's processes.
    """

    url: str
    title: str
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    service_env: Mapping[str, str] = field(default_factory=dict, repr=False)


def choose_engine(
    choice: str,
    url: str | None,
    binary: str | None,
    port: int,
    state: Path,
    secret: str,
    token: str | None = None,
) -> Engine:
    """The engine for `--engine choice`. A server is only started when it is asked for by name.

    `url` is RESONATE_URL (None or empty: unset), `binary` the `resonate` found on PATH, `port` a free one for
    an engine of our own, `state` the directory for its journal, seen from the service's. The server's flags
    are those of v0.9.8 (src/cli.rs): loopback only, half a second to the next try of a task instead of 30 s,
    no metrics port. It checks neither Origin nor Host, so any page in a browser could send it requests: it is told
    to ask for a token, which only processes that know `secret` (of this run) can make. The engine of our own
    refuses browsers itself; it asks for `token`, if there is one.
    """
    own = f"http://127.0.0.1:{port}"
    if "://" in choice or (choice == "auto" and url):
        return _engine_at(choice if "://" in choice else url or "", "--engine" if "://" in choice else "RESONATE_URL")
    if choice == "server":
        if not binary:
            raise ScaffoldError(
                "There is no `resonate` on PATH.",
                hint="Install the Resonate server, or use --engine embedded.",
            )
        journal = state / "server.db"
        flags = {
            "--server-bind": "127.0.0.1",
            "--server-host": "127.0.0.1",
            "--server-port": str(port),
            "--tasks-retry-timeout": "500",
            "--observability-metrics-port": "0",
            "--storage-sqlite-path": str(journal),
        }
        argv = (binary, "dev", *(word for pair in flags.items() for word in pair))
        title = f"{binary} dev at {own}, database {journal} (for development)"
        # In the environment, where other users cannot read it. At start the server logs the issuer as info.
        env = {"RESONATE_AUTH__PUBLICKEY": "none", "RESONATE_AUTH__ISS": secret, "RUST_LOG": "warn"}
        return Engine(own, title, argv, env, {"RESONATE_TOKEN": _token(secret)})
    if choice in ("auto", "embedded"):
        journal = state / "engine.journal"
        # -P: the service's directory is the working directory, and its modules are not ours
        argv = (sys.executable, "-P", "-m", "resonate_scaffold", "engine")
        argv += ("--port", str(port), "--journal", str(journal))
        title = f"embedded engine at {own}, journal {journal}{', with a token' if token else ''} (for development)"
        known = {"RESONATE_TOKEN": token} if token else {}
        return Engine(own, title, argv, known, known)
    raise UsageError(f"There is no engine `{choice}`.", hint="--engine takes auto, embedded, server or a URL.")


def _token(secret: str) -> str:
    """A token for a Resonate server without a public key: not signed, but it names the issuer, which is secret."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"iss": secret, "role": "admin", "exp": 1 << 40}
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"unsigned"))


def _engine_at(url: str, source: str) -> Engine:
    try:
        parts = urlsplit(url)
        # Only Postgres may have several hosts, or none (a socket): its own parser judges the rest
        valid = parts.scheme in POSTGRES or (parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            f"{source} is not the URL of an engine: {_shown(url)}",
            hint="Give it as http://host:port, https://host or postgresql://user@host/database.",
        )
    return Engine(url, f"{_shown(url)} (not started here)")


def _shown(url: str) -> str:
    """A URL for people and logs: without what may be a password, in front of the host or in the query."""
    without_user = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1", url, flags=re.DOTALL)
    return re.split(r"[?#]", without_user)[0]
