"""A child process and its descendants: interrupting them, ending them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


class Family:
    """A process and its descendants. It is known by a descriptor, so that no other process of the same number is ever
    meant. Raises ProcessLookupError when it is gone already."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._descriptor = os.pidfd_open(number)

    def close(self) -> None:
        os.close(self._descriptor)

    def interrupt(self) -> None:
        """As Ctrl-C does; Ansible passes it on to its workers."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """All of it: workers have sessions of their own."""
        if self._send(signal.SIGSTOP):  # from now on it makes no further ones, and the numbers stay theirs
            for number in _descendants(self._number):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGKILL)
            self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> bool:
        with suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self._descriptor, number)
            return True
        return False


def _descendants(number: int) -> list[int]:
    """The deepest first."""
    try:
        children = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [one for child in children for one in (*_descendants(int(child)), int(child))]
