"""The result of a file of new colleagues, row by row, as the table that goes back to whoever sent the file."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from provisioning.reports.words import safe

COLUMNS = ("row", "person", "request", "run", "state", "message")
_FORMULA = ("=", "+", "-", "@", "\t")


def line(cells: Sequence[object], delimiter: str = ",") -> str:
    """One row of a CSV table. A text that a spreadsheet would take for a formula is shown as text."""
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return written.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        shown = safe(value)
        return f"'{shown}" if shown.startswith(_FORMULA) else shown
    return "" if value is None else value


def as_json(rows: Iterable[Mapping[str, object]]) -> str:
    """The rows as one JSON list."""
    return json.dumps(list(rows), ensure_ascii=False, indent=2) + "\n"


def summary(states: Sequence[str]) -> str:
    """``12 rows: 8 proven, 2 scheduled, 2 failed``."""
    counted = ", ".join(f"{number} {state}" for state, number in Counter(states).most_common())
    return f"{len(states)} {'row' if len(states) == 1 else 'rows'}: {counted}"
