"""paramiko's transport with less to do: fewer system calls and threads a session.

A thousand sessions make it worth while. Nothing of the protocol is changed, nor what paramiko checks. The password is
not sent before the server accepted the service, although it could be (RFC 4253, section 10) and would spare a round
trip: nobody knows what the oldest switches make of it.
"""

from __future__ import annotations

import contextlib
import math
import socket
import time
from typing import Any

import paramiko
from paramiko.packet import NeedRekeyException, Packetizer

__all__ = ["Transport"]

_PIECE = 65536  # octets


class Packets(Packetizer):
    """paramiko reads each packet in two pieces, each by a system call (and for each it gives the interpreter's lock
    away and waits for it again), and starts a thread that looks after the time of the handshake. Here all that has come
    is taken at once, and a clock is looked at."""

    def __init__(self, line: Any) -> None:
        super().__init__(line)
        self._line = line
        self._come = bytearray()
        self._handshake_ends = math.inf

    def start_handshake(self, timeout: float) -> None:
        """The handshake has so many seconds from now."""
        if self._handshake_ends == math.inf:
            self._handshake_ends = time.monotonic() + timeout

    def handshake_timed_out(self) -> bool:
        """Whether they are over; a handshake that is done has time without end."""
        return time.monotonic() >= self._handshake_ends

    def complete_handshake(self) -> None:
        """The handshake is done."""
        self._handshake_ends = math.inf

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """`n` octets. Raises :class:`EOFError` when the other side, or we, ended the connection before;
        :class:`NeedRekeyException` when keys are due and nothing has come of the next packet, with `check_rekey`."""
        while len(self._come) < n:
            if self.handshake_timed_out():
                raise EOFError
            if self._receive():
                continue
            if check_rekey and not self._come and self.need_rekey():
                raise NeedRekeyException
            self._check_keepalive()  # type: ignore[attr-defined] # paramiko's stubs lack it
        return self._taken(n)

    def readline(self, timeout: float) -> str:
        """A line of the greeting, without its end. Raises :class:`TimeoutError` after so many seconds without it."""
        until = time.monotonic() + timeout
        while (end := self._come.find(b"\n")) < 0:
            if not self._receive() and time.monotonic() >= until:
                raise TimeoutError
        return self._taken(end + 1)[:-1].removesuffix(b"\r").decode("utf-8")

    def _taken(self, n: int) -> bytes:
        taken = bytes(self._come[:n])
        del self._come[:n]
        return taken

    def _receive(self) -> bool:
        """Take what has come, or wait for something; ``False``: nothing came for as long as the socket waits."""
        try:
            piece = self._line.recv(_PIECE)
        except (TimeoutError, BlockingIOError):
            if self.closed:
                raise EOFError from None
            return False
        except OSError:
            if self.closed:
                raise EOFError from None
            raise
        if not piece:
            raise EOFError
        self._come += piece
        return True


class Transport(paramiko.Transport):
    """Also prefers AES-GCM (RFC 5647) where the other side has it: paramiko compares the MACs of other ciphers octet by
    octet, in Python."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"packetizer_class": Packets, **options})
        offered = self.get_security_options()
        offered.ciphers = sorted(offered.ciphers, key=lambda name: "-gcm@" not in name)

    def stop_thread(self) -> None:
        """Sign out at once: paramiko waits until its thread wakes up, and so would the other side."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        super().stop_thread()
