"""The octets of a ledger's files, for tests that look for what must not be in them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def ledger_octets(folder: Path) -> bytes:
    """All of ``ledger.sqlite``, its journal included, below a folder."""
    return b"".join(octets(file) for file in sorted(folder.rglob("ledger.sqlite*")))


def octets(file: Path) -> bytes:
    """What a file holds. Another process reads a ledger's: this one would lose its locks on a file that it closes
    (fcntl(2)), and with them SQLite's, whereupon the next program takes the ledger for unused and removes the journal
    that is still written to."""
    if not file.name.startswith("ledger.sqlite"):
        return file.read_bytes()
    return subprocess.run(["cat", str(file)], capture_output=True, check=True).stdout
