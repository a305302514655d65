"""Reading the site's CSV tables as offices write them: see :mod:`provisioning.site.spreadsheets`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.errors import SiteError
from provisioning.site.hires import Spreadsheets
from provisioning.site.lines import Keys, Part, did_you_mean, read_bytes
from provisioning.site.spreadsheet_values import day_order, iso_time, truth, whole
from provisioning.site.spreadsheets import folded, sheet_rows, sheet_text


@dataclass(frozen=True)
class Columns:
    """What a table of one section may hold: all columns beside the key, and those that every row needs. Spreadsheet
    programs rewrite `days`, `truths` (true or false) and whole `numbers` in the language of the computer."""

    allowed: Collection[str]
    required: Collection[str]
    days: Collection[str] = ()
    truths: Collection[str] = ()
    numbers: Collection[str] = ()


_AS_IT_IS = Spreadsheets.model_construct()


def read_csv(
    path: Path, shown: str, section: str, columns: Columns, *, how: Spreadsheets = _AS_IT_IS, raw: bytes | None = None
) -> Part:
    """A table whose first column is the key. Empty cells are not given; rows that are empty or begin with
    ``#`` are skipped; the delimiter (``,``, ``;`` or tab) is taken from the header, whose columns may be spelt in any
    case. `raw` stands for what the file holds. Raises :class:`SiteError` with every fault.
    """
    sheet = sheet_text(read_bytes(path, shown) if raw is None else raw, shown, how.encoding)
    spelt = {folded(name): name for name in columns.allowed}
    _, rows = sheet_rows(sheet.text, shown, spelt)
    first = next(rows)
    header_line, names = first.line, [spelt.get(folded(name), name) for name in first.cells]
    while names and not names[-1]:  # Excel leaves empty columns behind
        names.pop()
    problems = list(_header_faults(names, columns, f"{shown}:{header_line}: "))
    if problems:
        raise SiteError(*problems)
    table: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for row in rows:
        line, cells = row.line, row.cells
        if row.is_comment:
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
    problems += _as_written(table, names, columns, how, lambda key: f"{shown}:{lines[key]}: ")
    if problems:
        raise SiteError(*problems)
    return Part(shown, section, header_line, table, _row_lookup(lines, header_line))


def _row_lookup(lines: Mapping[str, int], header_line: int) -> Callable[[Keys], int]:
    return lambda path: lines.get(str(path[0]), header_line) if path else header_line


def _as_written(
    table: Mapping[str, MutableMapping[str, str]],
    header: Collection[str],
    columns: Columns,
    how: Spreadsheets,
    where: Callable[[str], str],
) -> Iterator[str]:
    """Turn cells of the columns in `header` back into what the site's files call them; a sentence for each that cannot
    be."""
    for column in (name for name in columns.days if name in header):
        order = day_order((row[column] for row in table.values() if column in row), how.dates)
        for key, row in table.items():
            try:
                if column in row:
                    row[column] = iso_time(row[column], order)
            except ValueError as exc:
                yield f"{where(key)}{column} {row[column]!r}: {exc}"
    for names, read in ((columns.truths, truth), (columns.numbers, whole)):
        for name in names:
            if name in header:
                for row in table.values():
                    if name in row:
                        row[name] = read(row[name])


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
