"""What is found in a file tree, and what can come between: the words of :mod:`provisioning.connections.windows_tree`,
without the library that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 1024 * 1024  # octets


@dataclass(frozen=True, order=True)
class Entry:
    """One file: its path below the folder that was listed, its size in octets, when it was written (100 ns since
    1601)."""

    path: str
    size: int
    written: int


@dataclass(frozen=True)
class LeftOut:
    """Something that was not listed, and why: ``link``, ``only in the cloud`` or ``not readable``."""

    path: str
    why: str


class GoneError(Exception):
    """There is no such file (any more)."""


class InUseError(Exception):
    """A file is open in another program, so it cannot be read now."""
