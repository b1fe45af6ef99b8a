"""Make the site: `python -m docs.site`. Ends with status 1 where a page has a fault or a link leads nowhere."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.site import links, source
from tests.conftest import service_environment

HERE = Path(__file__).parent
BUILD = HERE.parent.parent / "build" / "docs"


def build(python: Path, directory: Path) -> list[str]:
    """Make the site in ``directory/html``; returns what is wrong with it.

    *python* is the interpreter of an environment with what a generated service needs.
    """
    if missing := source.forgotten():
        return [f"docs/{name} has no place in docs/site/pages.py" for name in missing]
    shutil.rmtree(directory, ignore_errors=True)
    pages = directory / "source"
    source.write(pages, python)
    options = ["-b", "html", "--fail-on-warning", "--keep-going", "--quiet", "--conf-dir", str(HERE)]
    html = directory / "html"
    command = [sys.executable, "-m", "sphinx", *options, str(pages), str(html)]
    done = subprocess.run(command, cwd=HERE.parent.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.splitlines() or [f"Sphinx ended with status {done.returncode}"]
    return links.broken(html)


def main() -> None:
    """Make the site, and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description=__doc__)
    parser.add_argument("--python", type=Path, help="an interpreter with what a service needs; else one is installed")
    parser.add_argument("--out", type=Path, default=BUILD, help="where to (default: build/docs)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        faults = build(given.python or service_environment(Path(scratch)), given.out.resolve())
    print("\n".join(faults) if faults else f"{given.out / 'html' / 'index.html'}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
