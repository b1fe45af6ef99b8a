"""The page of all settings: from the classes of a generated service, and its `.env.example` for who reads each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import griffe

from docs.site.describe import Setting
from docs.site.markdown import prose, table
from tests.grown import NAME

_HEADING = re.compile(r"^# --- (.*) ---$|^#? ?([A-Z_]+)=", re.MULTILINE)
_CLASSES = ("runtime.settings.ServiceSettings", "settings.Settings")


def page(service: Path, settings: dict[str, Setting]) -> str:
    """Every setting, by who reads it."""
    example = (service / ".env.example").read_text("utf-8")
    meanings = {**_comments(example), **_meanings(service)}
    sections = _sections(example, settings)
    parts = [
        "# Settings\n",
        "A process reads its settings from its environment, and from `.env` in its working directory; the environment",
        "wins. An empty value counts as none. Durations are seconds (`90`) or ISO 8601 (`PT24H`, `P7D`). Each process",
        "asks only for what it needs.\n",
        "This page is made from the classes `ServiceSettings` and `Settings` of a fresh service, called",
        f"`{NAME}`, with the example and a client of an HTTP API that `add client weather` has made.",
        "`.env.example` of a service has its settings.\n",
    ]
    for section, names in sections.items():
        rows = [
            (f"`{name.upper()}`", _kind(settings[name]["schema"]), _default(settings[name]), meanings[name])
            for name in names
        ]
        parts += [f"## {section}\n", table(("setting", "value", "default", "meaning"), rows)]
    return "\n".join(parts)


def _meanings(service: Path) -> dict[str, str]:
    """What is said below each setting in its class."""
    package = griffe.load(NAME, search_paths=[str(service)], submodules=True)
    found: dict[str, str] = {}
    for path in _CLASSES:
        for name, member in package[path].members.items():
            if member.is_attribute and member.docstring is not None:
                found[name] = prose(member.docstring.value)
    return found


def _comments(example: str) -> dict[str, str]:
    """What is said above each setting in `.env.example`."""
    return {
        name.lower(): prose(comment.replace("\n# ", " ").removeprefix("# ").strip())
        for comment, name in re.findall(r"((?:^# (?!---).*\n)*)^([A-Z_]+)=", example, re.MULTILINE)
    }


def _sections(example: str, settings: dict[str, Setting]) -> dict[str, list[str]]:
    """The settings by the headings of `.env.example`; those that are not in it are old names of others."""
    sections: dict[str, list[str]] = {}
    left = list(settings)
    for heading, name in _HEADING.findall(example):
        if heading:
            current = sections.setdefault("API" if heading == "api" else heading.capitalize(), [])
        elif name.lower() in left:
            current.append(name.lower())
            left.remove(name.lower())
    return {name: names for name, names in {**sections, "Old names": left}.items() if names}


def _default(setting: Setting) -> str:
    return f"`{setting['default']}`" if setting["default"] else ""


def _kind(schema: dict[str, Any]) -> str:
    """What a value is, in words."""
    schema = next((it for it in schema.get("anyOf", ()) if it.get("type") != "null"), schema)
    choices = schema.get("enum") or re.findall(r"[A-Z]{2,}", schema.get("pattern", ""))
    match schema:
        case _ if choices:
            return ", ".join(f"`{it}`" for it in choices)
        case {"format": "duration"}:
            return "duration"
        case {"format": "password"}:
            return "secret"
        case {"type": "object"}:
            return "names, each with its secret"
        case {"type": "boolean"}:
            return "`true` or `false`"
        case {"type": "integer" | "number" as kind}:
            return f"{'whole number' if kind == 'integer' else 'number'}{_bounds(schema)}"
    return "text"


def _bounds(schema: dict[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    return "".join(f", {words[name]} {schema[name]}" for name in words if name in schema)
