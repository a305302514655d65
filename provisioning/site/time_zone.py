"""The site's time zone: what ``08:00`` means there."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"this machine knows no time zone {name!r}; expected one such as Europe/Berlin") from exc
    return name


TimeZone = Annotated[str, AfterValidator(_known)]
"""A zone of the IANA time zone database, such as ``Europe/Berlin``."""
