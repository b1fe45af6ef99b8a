"""Which pages the site has, and in which order: every page of the repository's documentation must stand here."""

from __future__ import annotations

RULES = "docs/reference/rules"
RUNTIME = "docs/reference/runtime"
GUIDE = "docs/guide/README"

# Paths in the repository, without `.md`. Those below `docs/reference` are made from code.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Tutorial": ("docs/tutorial",),
    "Guide": (
        "docs/patterns",
        "docs/growing",
        "docs/clinic",
        GUIDE,
        "docs/fields",
        "docs/entities",
        "docs/testing",
        "docs/graph",
        "docs/containers",
        "docs/deploying",
        "docs/operating",
        "docs/stands-still",
        "docs/upgrading",
        "docs/languages",
        "docs/agents",
    ),
    "Reference": (
        "docs/commands",
        "docs/reference/commands",
        "docs/reference/service-commands",
        "docs/reference/settings",
        "docs/check",
        RULES,
        "docs/http",
        RUNTIME,
    ),
    "Explanation": (
        "docs/design",
        "docs/guarantees",
        "docs/hazards",
        "docs/proof",
        "docs/figures",
        "docs/peers",
    ),
    "Project": ("CHANGELOG", "CONTRIBUTING", "SECURITY"),
}
