"""smbprotocol waits for answers by select(2), which knows open files below 1,024 only; a process that keeps a thousand
sessions has more. Importing this module has it wait by poll(2)."""

from __future__ import annotations

import select
from collections.abc import Sequence
from socket import socket
from typing import Any

from smbprotocol import transport

__all__ = ["Polling"]


class Polling:
    """What smbprotocol's transport asks of the module ``select``."""

    @staticmethod
    def select(
        readable: Sequence[socket], _writable: Sequence[socket], _exceptional: Sequence[socket], timeout: float
    ) -> tuple[Sequence[socket], list[socket], list[socket]]:
        """Wait until the one socket can be read, or has ended, or `timeout` seconds are over."""
        [one] = readable
        waiting = select.poll()
        waiting.register(one, select.POLLIN)
        return (readable if waiting.poll(timeout * 1000) else []), [], []


_transport: Any = transport
_transport.select = Polling
