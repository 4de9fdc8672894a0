"""A headless Chromium, driven over a pipe by the DevTools protocol.

Needs nothing but the browser: messages are JSON, ended by a zero byte, on its file descriptors 3
and 4.
"""

import json
import os
import select
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--disable-extensions --disable-background-networking --remote-debugging-pipe"
)
SECONDS = 120.0


def find_browser() -> str | None:
    """Return the path of a browser; None if none is installed."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """A tab: evaluates scripts, and keeps what was requested and logged."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._buffer, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self._to, text) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], SECONDS)
            piece = os.read(self._from, 1 << 20) if ready else b""
            assert piece, "the browser does not answer"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file anew and wait until it has been loaded."""
        for address in ("about:blank", f"file://{quote(str(path))}{fragment}"):
            self.events.clear()
            self.call("Page.navigate", url=address)
            self._wait_for_load()

    def _wait_for_load(self) -> None:
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, script: str) -> Any:
        """Evaluate an expression, a promise too, and return its value."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    @property
    def requests(self) -> list[str]:
        """The addresses that were requested since the page was opened."""
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings that the browser logged, of the policy of the page among them."""
        found = []
        for event in self.events:
            match event.get("method"):
                case "Log.entryAdded":
                    found.append(event["params"]["entry"]["text"])
                case "Runtime.exceptionThrown":
                    found.append(str(event["params"]["exceptionDetails"]))
        return found

    def picture(self, path: Path, width: int, height: int = 900, whole: bool = True) -> None:
        """Save a screenshot at a width."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(b64decode(shot["data"]))


@contextmanager
def open_browser(folder: Path) -> Iterator[Page]:
    """Start a browser whose files are in a folder, and end it afterwards."""
    program = find_browser()
    assert program is not None
    (read_commands, to_browser), (from_browser, write_answers) = os.pipe(), os.pipe()
    command = f'exec "{program}" {FLAGS} 3<&{read_commands} 4>&{write_answers}'
    with (folder / "browser.log").open("w") as log:
        process = subprocess.Popen(
            ["bash", "-c", f'{command} --user-data-dir="{folder}"'],
            pass_fds=(read_commands, write_answers),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    os.close(read_commands)
    os.close(write_answers)
    try:
        yield Page(to_browser, from_browser)
    finally:
        os.close(to_browser)  # which ends it
        os.close(from_browser)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
