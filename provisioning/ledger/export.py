"""The ledger as tables for other programs. There are no secrets in it, so there are none in an export."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, TextIO

from sqlalchemy import select

from provisioning.errors import RequestError
from provisioning.ledger.part import Part
from provisioning.ledger.tables import EXPORTED, metadata

TABLES = tuple(table.name for table in EXPORTED)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Export(Part):
    """Reading whole tables."""

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of one of :data:`TABLES`, oldest first, one at a time. Raises :class:`RequestError`."""
        if table not in TABLES:
            raise RequestError(f"the ledger has no table {table!r}; it has {', '.join(TABLES)}")
        what = metadata.tables[table]
        with self._database.read() as connection:
            result = connection.execution_options(yield_per=1000).execute(select(what).order_by(*what.primary_key))
            for row in result.mappings():
                yield dict(row)

    def export_csv(self, table: str, file: TextIO) -> int:
        """Write one table as CSV (RFC 4180, with a header); the number of rows. Lists and mappings are JSON texts.

        A text that a spreadsheet would run as a formula gets a ``'`` in front.
        """
        writer = csv.writer(file)
        writer.writerow(column.name for column in metadata.tables[table].columns)
        count = 0
        for count, row in enumerate(self.rows(table), 1):  # noqa: B007  (counted for the caller)
            writer.writerow(_cell(value) for value in row.values())
        return count

    def export_json(self, table: str, file: TextIO) -> int:
        """Write one table as a JSON list of objects; the number of rows."""
        count = 0
        file.write("[")
        for count, row in enumerate(self.rows(table), 1):
            file.write(("\n" if count == 1 else ",\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")
        return count


def _cell(value: Any) -> str | int | None:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return int(value) if isinstance(value, bool) else value
