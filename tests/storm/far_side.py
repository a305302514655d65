"""The far side of the storm: many boxes behind sockets, in a process of their own that nobody kills.

A box serves one session at a time, as a switch does, and does what it was told even when whoever said it is dead by
then. Every application is one line in the box's file, so that what was done twice can be counted. Boxes go off for a
while, and break connections in the middle of a batch.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

Things = dict[str, dict[str, Any]]

OFF_SECONDS = 0.3


class Box:
    """One target: its things, its file of applications, its moods."""

    def __init__(self, folder: Path, name: str, seed: int) -> None:
        self._things: Things = {}
        self._moods = random.Random(f"{seed} {name}")  # noqa: S311
        self._off_until = 0.0
        self._applications = os.open(folder / f"{name}.applied", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(folder / name))
        self._listener.listen(64)

    def serve(self) -> None:
        """For ever."""
        while True:
            session, _ = self._listener.accept()
            # Whoever was killed leaves half a line, or nobody to answer to.
            with contextlib.suppress(OSError, ValueError), session, session.makefile("rwb") as stream:
                self._session(stream)

    def _session(self, stream: Any) -> None:
        if self._moods.random() < 0.01:
            self._off_until = time.monotonic() + OFF_SECONDS * self._moods.random()
        calm = stream.readline().strip() == b"calm"  # whoever counts at the end is not played with
        if not calm and time.monotonic() < self._off_until:
            return
        _answer(stream, "ready")
        while line := stream.readline():
            if not line.endswith(b"\n"):
                return
            answer = self._do(*json.loads(line))
            if not calm and self._moods.random() < 0.005:
                return  # done, but nobody hears of it
            _answer(stream, answer)

    def _do(self, operation: str, key: str, field: str | None, value: Any) -> Any:
        if operation == "read":
            return self._things.get(key)
        time.sleep(self._moods.random() * 0.002)
        if operation != "put":  # "put" is how the storm furnishes the box before it begins
            line = json.dumps([operation, key, field, value]) + "\n"
            os.write(self._applications, line.encode())
        match operation:
            case "create" | "put":
                self._things[key] = dict(value or {})
            case "set" if key in self._things:
                self._things[key][field or ""] = value
            case "delete" if key in self._things:
                del self._things[key]
            case _:
                return "no such thing"
        return "done"


def _answer(stream: Any, answer: Any) -> None:
    stream.write(json.dumps(answer).encode() + b"\n")
    stream.flush()


def serve(folder: Path, names: list[str], seed: int) -> None:
    """Serve all boxes, in this process; a file ``ready`` says that they listen."""
    boxes = [Box(folder, name, seed) for name in names]
    threads = [threading.Thread(target=box.serve, daemon=True) for box in boxes]
    for thread in threads:
        thread.start()
    (folder / "ready").touch()
    for thread in threads:
        thread.join()


class BoxSession:
    """The near end of a session. Every failure of the connection is a ConnectionError."""

    def __init__(self, folder: Path, name: str, *, calm: bool = False) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(30)
        self._socket.connect(str(folder / name))
        self._stream = self._socket.makefile("rwb")
        try:
            self._stream.write(b"calm\n" if calm else b"hello\n")
            self._stream.flush()
            self._hear()
        except BaseException:
            self.close()
            raise

    def ask(self, operation: str, key: str, field: str | None = None, value: Any = None) -> Any:
        """One operation, one answer."""
        self._stream.write(json.dumps([operation, key, field, value]).encode() + b"\n")
        self._stream.flush()
        return self._hear()

    def _hear(self) -> Any:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the box hung up")
        return json.loads(line)

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._socket.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[3:], int(sys.argv[2]))
