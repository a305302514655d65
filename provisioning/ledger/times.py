"""Times as the ledger writes them: UTC, ISO 8601 with milliseconds, so that they sort as texts."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The current time as the ledger writes it."""
    return moment(datetime.now(UTC))


def moment(when: datetime) -> str:
    """A time as the ledger writes it; one without a zone is local time."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")
