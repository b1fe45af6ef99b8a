"""A real browser for tests: Chromium without a window, driven over a pipe by its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60.0
_FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    # Without these it asks hosts of its maker's.
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    *("--remote-debugging-pipe", "--disable-dev-shm-usage", "--window-size=1200,1600"),
)
_KEY_CODES = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36}
_KEY_CODES |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Browser:
    """One page. ``events`` are what it has told so far. Use it as a context manager.

    ``hosts`` are names that lead to 127.0.0.1.
    """

    def __init__(self, scratch: Path, hosts: Sequence[str] = ()) -> None:
        assert BINARY is not None
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        self._number = 0
        self._unread = b""
        (theirs_in, self._requests), (self._answers, theirs_out) = os.pipe(), os.pipe()
        rules = ", ".join(f"MAP {host} 127.0.0.1" for host in hosts)
        flags = [*_FLAGS, f"--user-data-dir={scratch}", f"--host-resolver-rules={rules}"]
        if os.name == "posix" and os.geteuid() == 0:
            flags.append("--no-sandbox")  # which it refuses to root
        # It reads file 3 and writes file 4.
        shell = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, BINARY, *flags, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self) -> Browser:
        (target,) = [it for it in self._call("Target.getTargets")["targetInfos"] if it["type"] == "page"]
        attached = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)

    def open(self, url: str) -> None:
        """Go to a page."""
        self._call("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        done = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, (script, done)
        return done["result"].get("value")

    def awaited(self, script: str) -> Any:
        """What the promise of an expression in the page resolves to."""
        done = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression in the page is true, and return its value: a text, a number or a truth value."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.evaluate(script)):
            assert time.monotonic() < deadline, (script, self.complaints, self.evaluate("document.body.innerText"))
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        """Click what a selector finds, once it is there."""
        self.until(f"!!document.querySelector({selector!r})")
        self.evaluate(f"document.querySelector({selector!r}).click()")

    def fill(self, selector: str, text: str) -> None:
        """Type into what a selector finds, as a framework notices it, once it is there."""
        self.until(f"!!document.querySelector({selector!r})")
        self.evaluate(f"document.querySelector({selector!r}).select(); document.querySelector({selector!r}).focus()")
        self._call("Input.insertText", text=text)

    def press(self, key: str, text: str = "", *, shift: bool = False) -> None:
        """Press and release a key, by its name in DOM events; ``text`` is what it types."""
        code = _KEY_CODES.get(key, ord(key.upper()) if len(key) == 1 else 0)
        parameters = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **parameters)
        self._call("Input.dispatchKeyEvent", type="keyUp", **parameters)

    def resize(self, width: int, height: int, *, scale: float = 1) -> None:
        """Show the page in a window of this size, in CSS pixels; ``scale`` are the pixels of a picture in each."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale}
        self._call("Emulation.setDeviceMetricsOverride", **size, mobile=False)

    def prefer(self, scheme: str) -> None:
        """Ask pages to be light or dark."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self) -> bytes:
        """What is seen of the page, as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def text(self, selector: str) -> str:
        """What a selector finds as text, once there is some."""
        return str(self.until(f"document.querySelector({selector!r})?.innerText"))

    @property
    def requested(self) -> list[str]:
        """The addresses of all that was asked for."""
        sent = [it["params"] for it in self.events if it["method"] == "Network.requestWillBeSent"]
        return [it["request"]["url"] for it in sent]

    @property
    def complaints(self) -> list[Any]:
        """What its console shows: errors, warnings, exceptions, what a policy blocked."""
        names = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [it["params"] for it in self.events if it["method"] in names]

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            readable, _, _ = select.select([self._answers], [], [], PATIENCE)
            part = os.read(self._answers, 1 << 20) if readable else b""
            assert part, f"{BINARY} has ended, or answers nothing"
            self._unread += part
        text, _, self._unread = self._unread.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        return answer
