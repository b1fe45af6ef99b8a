"""The pages of the rules of `check`: the text that `--explain` prints."""

from __future__ import annotations

from docs.site.markdown import table, toctree
from resonate_scaffold.check import run
from resonate_scaffold.check.findings import RULES

FAMILIES = {
    "RS0": "Files and suppressions",
    "RS1": "Wiring",
    "RS2": "Determinism of workflows",
    "RS3": "Durability",
    "RS4": "HTTP",
    "RS5": "API of older releases of the SDK",
    "RS6": "Ownership",
}


def page(code: str) -> str:
    """The page of one rule."""
    return run.explain(code)


def index() -> str:
    """All rules, by family."""
    parts = [
        "# Rules of `check`\n",
        "Each rule has a page: what goes wrong at run time, a wrong and a right example, and what is not reported.",
        "`resonate-scaffold check --explain RS201` prints the same text.",
        "[check](../check.md) says how to use the command.\n",
    ]
    for beginning, family in FAMILIES.items():
        rows = [
            (f"[{it.code}](rules/{it.code}.md)", it.name, it.summary.removesuffix("."))
            for it in RULES.values()
            if it.code.startswith(beginning)
        ]
        parts += [f"## {family}\n", table(("rule", "name", "what it finds"), rows)]
    return "\n".join(parts) + toctree("", (f"rules/{code}" for code in RULES), hidden=True)
