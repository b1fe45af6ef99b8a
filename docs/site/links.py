"""Links of the finished site: every one that stays on it leads to a file, and to an anchor in it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """The anchors of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)


def broken(root: Path) -> list[str]:
    """The links of all pages below *root* that lead nowhere, a line each."""
    pages = {path: _Page(path.read_text("utf-8")) for path in sorted(root.rglob("*.html"))}
    return [f"{path.relative_to(root)}: {link}" for path in pages for link in _broken_of(path, pages)]


def _broken_of(path: Path, pages: dict[Path, _Page]) -> Iterator[str]:
    for link in sorted(pages[path].links):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        has_anchor = not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].anchors
        if not target.is_file() or not has_anchor:
            yield link
