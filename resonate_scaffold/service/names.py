"""How the modules of a service are named: by their path, without the package."""

from __future__ import annotations

from pathlib import PurePosixPath


def module_name(path: PurePosixPath, package: str) -> str:
    """``contracts.db.save_result`` of ``orders/contracts/db/save_result.py``; ``tests.test_x`` of a test."""
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] == package else parts
    return ".".join(parts[:-1] if parts[-1:] == ("__init__",) else parts)
