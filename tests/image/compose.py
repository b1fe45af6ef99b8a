"""What a compose.yaml says of containers, as options of `docker create` and `podman create`.

The session and compose read the same file, so that what is tried is what is deployed. A key that is not understood is
refused: what is silently left out would be tried without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
# What is passed on as it is.
_OPTIONS = {
    "mem_limit": "--memory",
    "memswap_limit": "--memory-swap",
    "pids_limit": "--pids-limit",
    "restart": "--restart",
    "user": "--user",
}
_LISTS = {"cap_drop": "--cap-drop", "security_opt": "--security-opt", "tmpfs": "--tmpfs"}
# What is no option of a container: `Stack` reads these.
_ELSEWHERE = {"build", "command", "depends_on", "env_file", "healthcheck", "image", "networks"}


def read_compose(path: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """A compose file with its variables filled in, as compose fills them in.

    Raises:
        ValueError: a variable that it asks for (`${NAME:?…}`) is not there.
    """
    value = _filled(yaml.safe_load(path.read_text("utf-8")), variables)
    assert isinstance(value, dict)
    return value


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    def fill(found: re.Match[str]) -> str:
        name, how, text = found.groups()
        known = variables.get(name, "")
        if known or how != "?":
            return known or (text if how == "-" else "")
        raise ValueError(f"{name}: {text}")

    match value:
        case str():
            return _VARIABLE.sub(fill, value)
        case list():
            return [_filled(item, variables) for item in value]
        case dict():
            return {key: _filled(item, variables) for key, item in value.items()}
    return value


def create_options(service: Mapping[str, Any], volume_prefix: str) -> list[str]:
    """The options that make a container as a service of a compose file describes it.

    Two differ on purpose. A port is published at a free one of loopback, since a rolling deployment has two containers
    of a service at a time. And the engine runs no health check: whoever made the container does, as often as it likes.

    Raises:
        ValueError: the service has a key that is not understood here.
    """
    options = ["--no-healthcheck"]
    for key, value in service.items():
        if key not in _ELSEWHERE:
            options += _of(key, value, volume_prefix)
    return options


def _of(key: str, value: Any, volume_prefix: str) -> Iterator[str]:
    if key in _OPTIONS:
        yield f"{_OPTIONS[key]}={value}"
    elif key in _LISTS:
        yield from (f"{_LISTS[key]}={item}" for item in value)
    elif key == "environment":
        yield from (f"--env={name}={item}" for name, item in value.items())
    elif key == "ports":
        yield from (f"--publish=127.0.0.1::{item.rpartition(':')[2]}" for item in value)
    elif key == "volumes":
        yield from (f"--volume={volume_prefix}{item}" for item in value)
    elif key == "stop_grace_period":
        yield f"--stop-timeout={seconds(value):g}"
    elif key in ("init", "read_only"):
        if value:
            yield f"--{key.replace('_', '-')}"
    else:
        raise ValueError(f"{key}: tests/image/compose.py does not know this key; say there which option it is")


def seconds(duration: str) -> float:
    """A duration of a compose file, such as `30s` or `1m30s`, in seconds."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration} is no duration")
    return sum(float(number) * units[unit] for number, unit in parts)


def in_order(services: Mapping[str, Any], wanted: list[str]) -> list[str]:
    """The wanted services and all that they depend on, each after what it depends on."""
    found: list[str] = []

    def visit(name: str) -> None:
        for needed in services[name].get("depends_on", {}):
            visit(needed)
        if name not in found:
            found.append(name)

    for name in wanted:
        visit(name)
    return found
