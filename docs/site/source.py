"""The pages that Sphinx reads: those of the repository, and those that are made from code."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from docs.site import commands, rules, runtime, settings
from docs.site.markdown import outside_blocks, outside_code, toctree
from docs.site.pages import GUIDE, RULES, RUNTIME, SECTIONS
from docs.site.service import describe, write_service
from resonate_scaffold.check.findings import RULES as ALL_RULES

ROOT = Path(__file__).parent.parent.parent
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
_RULE = re.compile(r"\bRS\d{3}\b")
# Pages whose tables name rules: on the site each leads to its page.
_NAMING_RULES = ("docs/check", "docs/hazards")


def write(directory: Path, python: Path) -> None:
    """Write all pages into an empty *directory*; *python* has what a generated service needs."""
    pages = _made_from_code(python)
    for section in SECTIONS.values():
        for name in section:
            if name not in pages:
                pages[name] = _text(name)
    for path in sorted((ROOT / "docs" / "guide").glob("*.md")):
        pages.setdefault(f"docs/guide/{path.stem}", path.read_text("utf-8"))
    pages[GUIDE] += toctree("", _of_guide(pages[GUIDE]), hidden=True)
    pages["index"] = _text("README") + "".join(
        toctree(caption, (f"/{name}" for name in names), hidden=True) for caption, names in SECTIONS.items()
    )
    for name, text in pages.items():
        path = directory / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_for_site(name, text, pages), "utf-8")
    for picture in [*(ROOT / "docs").glob("*.svg"), *(ROOT / "docs").glob("*.png")]:
        shutil.copy(picture, directory / "docs")


def forgotten() -> list[str]:
    """The pages of the repository that have no place in :data:`SECTIONS`, so that the site would not have them."""
    named = {name for names in SECTIONS.values() for name in names}
    return [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"docs/{path.stem}" not in named]


def _text(name: str) -> str:
    return (ROOT / f"{name}.md").read_text("utf-8")


def _of_guide(index: str) -> list[str]:
    """The pages of the guide, in the order of its index."""
    return re.findall(r"\((\w[\w-]*)\.md\)", index)


def _made_from_code(python: Path) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as scratch:
        service = write_service(Path(scratch))
        described = describe(service, python)
        return {
            "docs/reference/commands": commands.of_tool(),
            "docs/reference/service-commands": commands.of_service(described["commands"]),
            "docs/reference/settings": settings.page(service, described["settings"]),
            RULES: rules.index(),
            **{f"{RULES}/{code}": rules.page(code) for code in ALL_RULES},
            **{f"{RUNTIME}/{name}".removesuffix("/"): text for name, text in runtime.pages(service).items()},
        }


def _for_site(name: str, text: str, pages: dict[str, str]) -> str:
    """A page as the site has it: links to what is no page become text, rules get links."""
    here = PurePosixPath(name).parent

    def link(match: re.Match[str]) -> str:
        target = (ROOT / here / match[2]).resolve()
        if not target.is_relative_to(ROOT) or not target.exists():
            return match[0]  # A page made from code, or one that is missing: Sphinx tells.
        path = target.relative_to(ROOT).as_posix()
        if path == "README.md":
            return f"[{match[1]}]({'../' * len(here.parts)}index.md{match[3] or ''})"
        return match[0] if path.removesuffix(".md") in pages or target.suffix in (".svg", ".png") else match[1]

    def rule(match: re.Match[str]) -> str:
        return f"[{match[0]}](reference/rules/{match[0]}.md)" if match[0] in ALL_RULES else match[0]

    text = outside_blocks(text, lambda part: _LINK.sub(link, part))
    if name in _NAMING_RULES:
        lines = (
            outside_code(line, lambda part: _RULE.sub(rule, part)) if line.startswith("|") else line
            for line in text.splitlines(keepends=True)
        )
        text = "".join(lines)
    return text
