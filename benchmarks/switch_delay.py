"""A network with a round trip time, inside an asyncio server: what arrives and what is sent is held back.

Machines without the kernel's netem have no other way. Every octet of a connection is late by half a round trip in each
direction, in order; many may be under way at once, as on a real line. The three-way handshake of TCP is the kernel's
and cannot be held back, so the server begins a connection one and a half round trips late: that is when it would have
got the client's ACK (RFC 9293, figure 6). From the client's side connecting costs nothing then, and the server's first
octet comes two round trips after it: just when it would come on such a line. Slow start, loss and bandwidth are not
imitated.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any


class LateLoop(asyncio.SelectorEventLoop):
    """An event loop whose TCP servers are `round_trip` seconds away. It counts what is connected to them."""

    def __init__(self) -> None:
        super().__init__()
        self.round_trip = 0.0
        self.connections = 0
        self.open = 0
        self.most = 0

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """As the base class, with every connection behind a :class:`_Line`."""
        return await super().create_server(lambda: _Line(self, protocol_factory()), *args, **options)

    def count(self, change: int) -> None:
        """One connection more or less."""
        self.connections += max(change, 0)
        self.open += change
        self.most = max(self.most, self.open)


class _Queue:
    """Calls that are carried out late, in the order in which they came."""

    def __init__(self, loop: LateLoop) -> None:
        self._loop = loop
        self._calls: deque[tuple[float, Callable[[], object]]] = deque()

    def put(self, at: float, call: Callable[[], object]) -> None:
        if at <= self._loop.time() and not self._calls:
            call()
            return
        self._calls.append((at, call))
        if len(self._calls) == 1:
            self._loop.call_at(at, self._due)

    def clear(self) -> None:
        """Carry out nothing more of what waits."""
        self._calls.clear()

    def _due(self) -> None:
        # Half a millisecond: the loop's timer is no finer than one.
        while self._calls and self._calls[0][0] <= self._loop.time() + 0.0005:
            self._calls.popleft()[1]()
        if self._calls:
            self._loop.call_at(self._calls[0][0], self._due)


class _Line(asyncio.Protocol):
    """One connection: the server's protocol behind it gets everything late, and so does the client."""

    def __init__(self, loop: LateLoop, server: asyncio.Protocol) -> None:
        self._loop = loop
        self._server = server
        self._half = loop.round_trip / 2
        self._opened = 0.0
        self._in = _Queue(loop)
        self._late_transport: _Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._loop.count(1)
        self._opened = self._loop.time() + 3 * self._half
        self._late_transport = late = _Transport(transport, self._loop, self._half)
        self._in.put(self._opened, lambda: self._server.connection_made(late))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self._late(lambda: self._server.data_received(data))

    def eof_received(self) -> None:
        self._late(self._server.eof_received)

    def connection_lost(self, exc: Exception | None) -> None:
        self._loop.count(-1)
        self._late_transport.forget()
        self._late(lambda: self._server.connection_lost(exc))

    def pause_writing(self) -> None:
        self._server.pause_writing()

    def resume_writing(self) -> None:
        self._server.resume_writing()

    def _late(self, call: Callable[[], object]) -> None:
        self._in.put(max(self._loop.time() + self._half, self._opened), call)


class _Transport:
    """What the server writes to; whatever it asks beside that, the real transport answers."""

    def __init__(self, transport: Any, loop: LateLoop, half: float) -> None:
        self._transport = transport
        self._loop = loop
        self._half = half
        self._out = _Queue(loop)

    def write(self, octets: bytes) -> None:
        self._late(lambda: self._transport.write(octets))

    def writelines(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))

    def write_eof(self) -> None:
        self._late(self._transport.write_eof)

    def close(self) -> None:
        self._late(self._transport.close)

    def forget(self) -> None:
        """The client is gone: what is still under way reaches nobody."""
        self._out.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _late(self, call: Callable[[], object]) -> None:
        self._out.put(self._loop.time() + self._half, call)
