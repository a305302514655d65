"""Amendments as a list: what the site's files should say by now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.ledger import AmendmentRecord
from provisioning.site import Inventory


def listed(files: Inventory, records: Iterable[AmendmentRecord]) -> list[dict[str, Any]]:
    """One row an amendment. `files` is the site as its files say; where they have said something else since, the
    amendment holds no longer."""
    return [_row(files, record) for record in records]


def _row(files: Inventory, record: AmendmentRecord) -> dict[str, Any]:
    thing = getattr(files, record.section).get(record.key)
    value = None if thing is None else thing.model_dump(mode="json").get(record.field)
    now = None if value is None else str(value)
    return {
        "section": record.section,
        "key": record.key,
        "field": record.field,
        "files_say": now,
        "now": record.value,
        "holds": thing is not None and now == record.was,
        "run": record.run_id,
        "since": record.at[:10],
    }
