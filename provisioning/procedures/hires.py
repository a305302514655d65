"""A file of new colleagues → one request a row. Bad rows are named and never stop the others; what contradicts itself,
or the site, is found before anything is touched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from provisioning.errors import RequestError, SiteError
from provisioning.procedures.hires_checks import checked
from provisioning.procedures.hires_columns import ABOUT, COLUMNS, headings, known_headings
from provisioning.procedures.hires_rows import Row
from provisioning.site import Inventory
from provisioning.site.lines import did_you_mean
from provisioning.site.people import Person
from provisioning.site.spreadsheet_values import DayOrder, day_order, iso_time, whole
from provisioning.site.spreadsheets import sheet_rows, sheet_text

__all__ = ["COLUMNS", "LARGEST", "Hires", "Row", "read_hires"]

LARGEST = 10 * 2**20
"""Bytes of the largest file that is read."""

_SEPARATORS = re.compile(r"[\s,;|]+")
_DAYS = ("start", "birth_date")
_NUMBERS = ("person", "manager")


@dataclass(frozen=True)
class Hires:
    """The rows of a file, and the delimiter of the table that it is (``,`` for JSON and YAML). `newcomers` are people
    of good rows whom the site does not have yet; `others` the headings of columns that nobody read."""

    rows: tuple[Row, ...]
    delimiter: str = ","
    newcomers: Mapping[str, Person] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def read_hires(file: Path, inventory: Inventory, *, adding: bool = False) -> Hires:
    """Read a CSV, JSON or YAML file and check every row against the site and against the others. With `adding`, people
    whom the site does not have are well, if the file says enough of them.

    Raises :class:`RequestError` when the file as a whole is not what it should be; then nothing may be done.
    """
    match file.suffix.casefold():
        case ".csv" | ".txt" | ".tsv":
            table = _table(file, inventory)
        case ".json":
            table = _Table(_list(file, _json(file, _text(file))))
        case ".yml" | ".yaml":
            table = _Table(_list(file, _yaml(file, _text(file))))
        case _:
            raise RequestError(
                f"{file}: expected a file that ends in .csv (a table: in Excel choose 'CSV UTF-8' when saving), .json, "
                ".yml or .yaml"
            )
    rows = [_row(one) for one in _with_days(table.rows, inventory.spreadsheets.dates)]
    if not rows:
        raise RequestError(f"{file}: there are no rows; expected the columns {', '.join(COLUMNS)} and one row a person")
    found, added = checked(rows, inventory, str(file), adding=adding)
    return Hires(found, table.delimiter, added, table.others)


# ------------------------------------------------------------------------------------------------------ the file


@dataclass(frozen=True)
class _Cells:
    """What one row says, by our names of the columns."""

    number: int
    said: Mapping[str, Any]
    line: int = 0
    fault: str | None = None


@dataclass(frozen=True)
class _Table:
    rows: Sequence[_Cells]
    delimiter: str = ","
    others: tuple[str, ...] = ()


def _raw(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as exc:
        raise RequestError(f"{file}: cannot be read: {exc.strerror}") from exc
    if len(raw) > LARGEST:
        raise RequestError(f"{file}: larger than {LARGEST // 2**20} MiB; split it")
    return raw


def _text(file: Path) -> str:
    try:
        return sheet_text(_raw(file), str(file), "utf-8").text
    except SiteError as exc:
        raise RequestError(str(exc)) from exc


def _table(file: Path, inventory: Inventory) -> _Table:
    try:
        sheet = sheet_text(_raw(file), str(file), inventory.spreadsheets.encoding)
        delimiter, rows = sheet_rows(sheet.text, str(file), known_headings(inventory.hires))
        first = next(rows)
        found = headings(first.cells, inventory.hires, f"{file}:{first.line}")
        cells = []
        for row in rows:
            if row.is_comment:
                continue
            fault = None
            if any(row.cells[found.width :]):
                said = f"the row has {len(row.cells)} cells, the header {found.width}"
                fault = f"{said}; put a cell with the delimiter in quotes"
            cells.append(_Cells(row.number, found.cells(row.cells), row.line, fault))
    except SiteError as exc:
        raise RequestError(str(exc)) from exc
    return _Table(cells, delimiter, found.others)


def _json(file: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise RequestError(f"{file}: not valid JSON: {exc}") from exc


class _Texts(yaml.SafeLoader):
    """Every scalar stays the text that was written, as in the site's own files."""


_Texts.yaml_implicit_resolvers = {}


def _yaml(file: Path, text: str) -> Any:
    try:
        return yaml.load(text, _Texts)  # noqa: S506  (a safe loader that makes texts only)
    except (yaml.YAMLError, RecursionError) as exc:
        raise RequestError(f"{file}: not valid YAML: {' '.join(str(exc).split())}") from exc


def _list(file: Path, value: Any) -> list[_Cells]:
    if not isinstance(value, list):
        raise RequestError(f"{file}: expected a list of rows such as {{person: E1042, start: 2026-12-01T08:00}}")
    found = []
    for number, row in enumerate(value, 1):
        if not isinstance(row, dict):
            found.append(_Cells(number, {}, fault="expected names and values such as {person: E1042}"))
            continue
        cells = {str(name).casefold(): cell for name, cell in row.items()}
        unknown = next((name for name in cells if name not in (*COLUMNS, *ABOUT)), None)
        fault = None
        if unknown is not None:
            hint = did_you_mean(unknown, (*COLUMNS, *ABOUT)) or f"; expected: {', '.join((*COLUMNS, *ABOUT))}"
            fault = f"there is no column {unknown!r}{hint}"
        found.append(_Cells(number, cells, fault=fault))
    return found


# ------------------------------------------------------------------------------------------------------- the rows


def _with_days(rows: Sequence[_Cells], setting: DayOrder | None) -> Iterator[_Cells]:
    """Days as ISO 8601, whatever a spreadsheet made of them: in one column they are all written alike."""
    orders = {name: day_order((_word(row.said.get(name)) or "" for row in rows), setting) for name in _DAYS}
    for row in rows:
        said, fault = dict(row.said), row.fault
        for name in _DAYS:
            text = _word(said.get(name))
            try:
                if text is not None:
                    said[name] = iso_time(text, orders[name])
            except ValueError as exc:
                fault = fault or f"{name} {text!r}: {exc}"
        yield replace(row, said=said, fault=fault)


def _row(cells: _Cells) -> Row:
    said = cells.said
    extra = said.get("with")
    packages = extra if isinstance(extra, list) else _SEPARATORS.split(_word(extra) or "")
    wrong = next((n for n, c in said.items() if isinstance(c, dict) or (isinstance(c, list) and n != "with")), None)
    words = {name: word for name, cell in said.items() if (word := _word(cell))}
    words |= {name: whole(words[name]) for name in _NUMBERS if name in words}
    return Row(
        cells.number,
        words.get("person", ""),
        words.get("desk"),
        None if (start := words.get("start")) == "now" else start,
        tuple(dict.fromkeys(word for package in packages if (word := _word(package)))),
        words.get("note"),
        cells.fault or (f"{wrong}: expected a text" if wrong else None),
        about={name: word for name, word in words.items() if name in ABOUT},
        line=cells.line,
    )


def _word(value: Any) -> str | None:
    """A cell's text. Line breaks in it are a matter of looks."""
    return None if value is None else " ".join(str(value).split()) or None
