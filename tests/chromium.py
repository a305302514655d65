"""A real Chromium under managed policies of the test's own, spoken to through DevTools (Chrome DevTools Protocol).

Chromium reads policies from ``/etc/chromium/policies`` only, so it runs in a mount namespace in which ``/etc/chromium``
is a folder of the test; the machine's is not touched. It is spoken to over two pipes
(``--remote-debugging-pipe``: JSON, each message ended by NUL), so no port is opened.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_START = 'mount --make-rprivate / && mount --bind "$1" /etc/chromium && shift && exec "$@" 3<&{read} 4>&{write}'


class Chromium:
    """One headless browser, to be used as a context manager. `folder` is its own; `first` is opened in
    place of the start pages."""

    def __init__(
        self,
        folder: Path,
        policies: Mapping[str, object],
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        first: str | None = "about:blank",
    ) -> None:
        self.folder = folder
        managed = folder / "etc/policies/managed"
        managed.mkdir(parents=True)
        (managed / "test.json").write_text(json.dumps(policies, ensure_ascii=False), encoding="utf-8")
        (folder / "home").mkdir()
        self._arguments = list(arguments)
        self._first = [first] if first is not None else []
        self._environment = dict(environment or {})
        self._numbers = itertools.count(1)
        self._buffer = b""

    def __enter__(self) -> Chromium:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        words = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--window-size=1600,1200",
            f"--user-data-dir={self.folder}/profile", "--remote-debugging-pipe", *self._arguments, *self._first,
        ]  # fmt: skip
        start = _START.format(read=to_read, write=to_write)
        log = (self.folder / "chromium.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "bash", "-c", start, "bash", str(self.folder / "etc"), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[to_read, to_write],
                env={**os.environ, "HOME": str(self.folder / "home"), **self._environment},
                start_new_session=True,
            )
        os.close(to_read)
        os.close(to_write)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._process.poll() is None:
                self.call("Browser.close")
            self._process.wait(20)
        except (subprocess.TimeoutExpired, AssertionError, OSError):
            pass
        finally:
            # Its helpers too, some of which may outlive it; the namespace and its mount go with the last of them.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._to)
            os.close(self._from)

    def open(self, url: str) -> str:
        """A new page; gives the session to speak to it by. Comes back when it is loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = str(self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"])
        self.call("Page.enable", session=session)
        error = self.call("Page.navigate", {"url": url}, session).get("errorText")
        assert error is None, f"{url}: {error}"
        self.wait("document.readyState == 'complete'", session)
        return session

    def evaluate(self, expression: str, session: str) -> Any:
        """The value of a JavaScript expression in a page."""
        answer = self.call(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}, session
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str, session: str, seconds: float = 20.0) -> None:
        """Until a JavaScript expression is true."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(expression, session):
            assert time.monotonic() < deadline, f"{expression} did not become true"
            time.sleep(0.1)

    def screenshot(self, session: str, file: Path) -> None:
        """The whole page as PNG."""
        shot = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}, session)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pages(self) -> list[str]:
        """The addresses of all open pages."""
        targets = self.call("Target.getTargets")["targetInfos"]
        return [str(target["url"]) for target in targets if target["type"] == "page"]

    def call(self, method: str, parameters: Mapping[str, object] | None = None, session: str | None = None) -> Any:
        """One command; events in between are passed over."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": dict(parameters or {})}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self, seconds: float = 60.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"Chromium did not answer; see {self.folder}/chromium.log"
            octets = os.read(self._from, 1 << 16)
            assert octets, f"Chromium ended; see {self.folder}/chromium.log"
            self._buffer += octets
        message, _, self._buffer = self._buffer.partition(b"\0")
        plain: dict[str, Any] = json.loads(message)
        return plain
