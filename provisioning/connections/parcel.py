"""A file on its way to a PC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Parcel:
    """A local file that goes to a PC under the name `name`; `sha256`, where the caller knows which it must have."""

    local: Path
    name: str
    sha256: str | None = None
