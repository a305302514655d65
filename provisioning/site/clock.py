"""When a request may begin: ISO 8601, in the site's time zone unless the time names its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from provisioning.errors import RequestError
from provisioning.site.inventory import Inventory

_EXPECTED = "expected a time such as 2026-12-01T08:00 or 2026-12-01T08:00+01:00 (ISO 8601)"
_FORM = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?)?")


def read_start(text: str, inventory: Inventory) -> datetime:
    """The moment that `text` names; a day alone is its first minute, ``now`` is now. Raises :class:`RequestError`."""
    words = text.strip()
    if words == "now":
        return datetime.now(UTC)
    if not _FORM.fullmatch(words):
        raise RequestError(f"start {text!r}: {_EXPECTED}")
    try:
        moment = datetime.fromisoformat(words)
    except ValueError as exc:
        raise RequestError(f"start {text!r}: there is no such time ({exc}); {_EXPECTED}") from exc
    if moment.tzinfo is not None:
        return moment
    zone = ZoneInfo(inventory.time_zone) if inventory.time_zone else None
    there = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    if there.astimezone(UTC).astimezone(there.tzinfo).replace(tzinfo=None) != moment:
        raise RequestError(f"start {text!r}: clocks are put forward then, so this time does not exist; take another")
    return there


def future_start(text: str, inventory: Inventory) -> datetime:
    """:func:`read_start` for a new request: raises :class:`RequestError` for a time that has passed. Today is now."""
    moment = read_start(text, inventory)
    at = datetime.now(UTC)
    if len(text.strip()) == len("2026-12-01") and moment < at <= moment + timedelta(days=1):
        return at  # a day alone, and it is today
    if text.strip() != "now" and moment < at:
        raise RequestError(f"start {start_words(moment, inventory)} has passed; give a later time, or leave it out")
    return moment


def start_words(moment: datetime | str, inventory: Inventory) -> str:
    """A moment for people, in the site's time zone and with its name: ``2026-12-01 08:00 +01:00 (Europe/Berlin)``."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    zone = ZoneInfo(inventory.time_zone) if inventory.time_zone else None
    there = when.astimezone(zone)
    name = inventory.time_zone or f"this machine's zone, {there.tzname()}"
    return f"{there.isoformat(' ', 'minutes').replace('+', ' +')} ({name})"
