"""Handing texts to a child process without writing them to a file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_MODE = 0o600
"""Not executable: Ansible would run such a password file instead of reading it."""


def in_memory(stack: ExitStack, text: str) -> int:
    """The number of a descriptor of a file in this process's memory that holds `text`, until `stack` is closed. Its
    children read it as ``/proc/PID/fd/NUMBER``."""
    descriptor = os.memfd_create("provision")
    stack.callback(os.close, descriptor)
    os.fchmod(descriptor, _MODE)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(_octets(text))
    return descriptor


@contextmanager
def handed_over(place: Path, text: str) -> Iterator[Path]:
    """A named pipe at `place` through which whoever opens it first reads `text`, while the block lasts. (Ansible
    follows links, so that it finds no file at ``/proc/PID/fd``.)"""
    os.mkfifo(place, _MODE)
    ended = threading.Event()

    def hand_over() -> None:
        with suppress(OSError), place.open("wb") as pipe:  # waits for a reader
            if not ended.is_set():
                pipe.write(_octets(text))

    thread = threading.Thread(target=hand_over, name="hand over", daemon=True)
    thread.start()
    try:
        yield place
    finally:
        ended.set()
        with suppress(OSError):
            reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)  # nobody came: the thread waits no longer
            thread.join()
            os.close(reader)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
