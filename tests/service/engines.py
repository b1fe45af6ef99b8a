"""A development engine, as a process of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from shop.runtime.testing.running import free_port


@contextmanager
def engine_process() -> Iterator[str]:
    """Run the tool's engine; yields its URL. Skips the test where there is no tool."""
    command = shutil.which("resonate-scaffold")
    if command is None:
        pytest.skip("needs `resonate-scaffold engine` on PATH: pip install resonate-scaffold")
    port = str(free_port())
    process = subprocess.Popen([command, "engine", "--port", port], stdout=subprocess.PIPE, env=os.environ)
    try:
        assert process.stdout and process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
