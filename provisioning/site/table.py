"""Reading CSV tables as offices write them: Excel in Paris puts semicolons, Excel in London commas and a byte
order mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.errors import SiteError
from provisioning.site.lines import Keys, Part, did_you_mean, read_text


@dataclass(frozen=True)
class Columns:
    """What a table of one section may hold: all columns beside the key, and those that every row needs."""

    allowed: Collection[str]
    required: Collection[str]


def read_csv(path: Path, shown: str, section: str, columns: Columns) -> Part:
    """A table whose first column is the key. Empty cells are not given; rows that are empty or begin with
    ``#`` are skipped; the delimiter (``,``, ``;`` or tab) is taken from the header. Raises :class:`SiteError`
    with every fault.
    """
    text = read_text(path, shown)
    rows = _rows(text, shown)
    header_line, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    while names and not names[-1]:  # Excel leaves empty columns behind
        names.pop()
    problems = list(_header_faults(names, columns, f"{shown}:{header_line}: "))
    if problems:
        raise SiteError(*problems)
    table: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if any(cells[len(names) :]):
            problems.append(
                f"{shown}:{line}: the row has {len(cells)} cells, the header {len(names)}; "
                "put a cell that holds the delimiter in double quotes"
            )
        elif not cells[0]:
            problems.append(f"{shown}:{line}: the first cell is empty; it must hold the key of the row")
        elif cells[0] in table:
            problems.append(
                f"{shown}:{line}: {cells[0]!r} is already given on line {lines[cells[0]]}; keep one of the two"
            )
        else:
            table[cells[0]] = {name: cell for name, cell in zip(names[1:], cells[1:], strict=False) if cell}
            lines[cells[0]] = line
    if problems:
        raise SiteError(*problems)
    return Part(shown, section, header_line, table, _row_lookup(lines, header_line))


def _row_lookup(lines: Mapping[str, int], header_line: int) -> Callable[[Keys], int]:
    return lambda path: lines.get(str(path[0]), header_line) if path else header_line


def _rows(text: str, shown: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that each begins on, from the header on."""
    lines = list(io.StringIO(text, newline=""))
    begin = 0
    while begin < len(lines) and (
        not lines[begin].strip(" ,;\t\r\n") or lines[begin].lstrip('" ').startswith(("#", "sep="))
    ):
        begin += 1
    if begin == len(lines):
        raise SiteError(f"{shown}:1: the table is empty; its first line must name the columns")
    delimiter = max(",;\t", key=lines[begin].count)
    reader = csv.reader(io.StringIO("".join(lines[begin:]), newline=""), delimiter=delimiter, strict=True)
    line = begin + 1
    try:
        for row in reader:
            yield line, row
            line = begin + reader.line_num + 1
    except csv.Error as exc:
        raise SiteError(f"{shown}:{line}: this row is not valid CSV: {exc}; look for an unpaired double quote") from exc


def _header_faults(names: list[str], columns: Columns, where: str) -> Iterator[str]:
    if names and names[0] in columns.allowed:
        key = "the key that the rest of the site calls the row by"
        yield f"{where}the first column is {names[0]!r}; it must be {key}"
        return
    for i, name in enumerate(names[1:], start=1):
        if name in names[1:i]:
            yield f"{where}the column {name!r} is there twice"
        elif name not in columns.allowed:
            hint = did_you_mean(name, columns.allowed) or f"; expected columns: {', '.join(sorted(columns.allowed))}"
            yield f"{where}there is no column {name!r}{hint}"
    for name in columns.required:
        if name not in names:
            yield f"{where}the column {name!r} is missing"
