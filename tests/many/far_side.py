"""The far side of a storm: many targets in a process of its own, which counts what reaches them.

Nothing that happens to a worker changes what is counted here. A target breaks no rule by itself; this does the
watching: two sessions on one target at once, and anything that is created twice, are written down.

::

    python -m tests.many.far_side SOCKET LATENCY_SECONDS
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class FarSide:
    """All targets. `latency` is waited before every answer, after the deed: what was received is done."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.things: dict[str, dict[str, Any]] = defaultdict(dict)
        self.created: Counter[str] = Counter()
        self.overlaps: list[str] = []
        self.most_sessions = 0
        self._open: dict[str, set[asyncio.StreamWriter]] = defaultdict(set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = ""
        try:
            while line := await reader.readline():
                asked = json.loads(line)
                target = asked.get("open", target)
                answer = self._answer(target, asked, writer)
                if asked.get("what") != "count":
                    await asyncio.sleep(self.latency)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the worker was killed, perhaps in the middle of a line
        finally:
            self._open[target].discard(writer)
            writer.close()

    def _answer(self, target: str, asked: Mapping[str, Any], writer: asyncio.StreamWriter) -> Any:
        things = self.things[target]
        match asked:
            case {"open": _}:
                alive = [other for other in self._open[target] if not _is_over(other)]
                if alive:
                    self.overlaps.append(target)
                self._open[target].add(writer)
                self.most_sessions = max(self.most_sessions, sum(len(o) for o in self._open.values()))
                return None
            case {"what": "read", "keys": keys}:
                return {key: things[key] for key in keys if key in things}
            case {"what": "create", "things": new}:
                for key, thing in new.items():
                    self.created[f"{target} {key}"] += 1
                    things[key] = thing
                return None
            case {"what": "count"}:
                return {"things": self.things, "created": self.created, "overlaps": self.overlaps,
                        "most_sessions": self.most_sessions}  # fmt: skip
        raise ValueError(asked)


def _is_over(writer: asyncio.StreamWriter) -> bool:
    """Whether the worker at the other end has closed it (or died): we may not have come to read that yet."""
    try:
        with socket.fromfd(writer.get_extra_info("socket").fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as raw:
            return raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True


class FarSession:
    """A worker's session to one target."""

    def __init__(self, place: Path, target: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(place))
        self._file = self._socket.makefile("rb")
        self._ask({"open": target})

    def read(self, keys: list[str]) -> dict[str, Any]:
        return dict(self._ask({"what": "read", "keys": keys}))

    def create(self, things: Mapping[str, Any]) -> None:
        self._ask({"what": "create", "things": things})

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
            self._socket.close()

    def _ask(self, words: Mapping[str, Any]) -> Any:
        self._socket.sendall(json.dumps(words).encode() + b"\n")
        line = self._file.readline()
        if not line:
            raise ConnectionError("the far side went away")
        return json.loads(line)


@contextmanager
def count(place: Path) -> Iterator[dict[str, Any]]:
    """What reached the targets so far."""
    with socket.socket(socket.AF_UNIX) as raw, raw.makefile("rwb") as file:
        raw.connect(str(place))
        file.write(b'{"what": "count"}\n')
        file.flush()
        yield json.loads(file.readline())


async def _main(place: Path, latency: float) -> None:
    far = FarSide(latency)
    server = await asyncio.start_unix_server(far.serve, place)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), float(sys.argv[2])))
