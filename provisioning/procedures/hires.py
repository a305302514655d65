"""A file of new colleagues → one request a row. Bad rows are named and never stop the others; what contradicts itself
inside the file is found before anything is touched."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from provisioning.errors import ProvisioningError, RequestError
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.site import Inventory
from provisioning.site.clock import read_start
from provisioning.site.inventory import nearest
from provisioning.site.lines import did_you_mean

COLUMNS = ("person", "desk", "start", "with", "note")
LARGEST = 10 * 2**20
"""Bytes of the largest file that is read."""

_SEPARATORS = re.compile(r"[\s,;|]+")


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file. `number` is what a spreadsheet shows (the header is row 1); in JSON and YAML it
    counts from 1. `fault` says why it cannot be asked for."""

    number: int
    person: str
    desk: str | None = None
    start: str | None = None
    software: tuple[str, ...] = ()
    note: str | None = None
    fault: str | None = None

    @property
    def request(self) -> Onboard:
        return onboard(self.person, workplace=self.desk, software=self.software)


@dataclass(frozen=True)
class Hires:
    """The rows of a file, and the delimiter of the table that it is (``,`` for JSON and YAML)."""

    rows: tuple[Row, ...]
    delimiter: str = ","


def read_hires(file: Path, inventory: Inventory) -> Hires:
    """Read a CSV, JSON or YAML file and check every row against the site and against the others.

    Raises :class:`RequestError` when the file as a whole is not what it should be; then nothing may be done.
    """
    match file.suffix.casefold():
        case ".csv" | ".txt" | ".tsv":
            numbered, delimiter = _table(file, _text(file))
        case ".json":
            numbered, delimiter = _list(file, _json(file, _text(file))), ","
        case ".yml" | ".yaml":
            numbered, delimiter = _list(file, _yaml(file, _text(file))), ","
        case _:
            raise RequestError(
                f"{file}: expected a file that ends in .csv (a table: in Excel choose 'CSV UTF-8' when saving), .json, "
                ".yml or .yaml"
            )
    rows = [_checked(_row(number, cells), inventory) for number, cells in numbered]
    if not rows:
        raise RequestError(f"{file}: there are no rows; expected the columns {', '.join(COLUMNS)} and one row a person")
    return Hires(tuple(_without_contradictions(rows, inventory)), delimiter)


# ------------------------------------------------------------------------------------------------------ the file


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as exc:
        raise RequestError(f"{file}: cannot be read: {exc.strerror}") from exc
    if len(raw) > LARGEST:
        raise RequestError(f"{file}: larger than {LARGEST // 2**20} MiB; split it")
    # Excel's "Unicode Text" is UTF-16, which its byte order mark tells.
    coding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = raw.decode(coding)
        wrong = text.find("\0")  # UTF-16 without the mark, or no text at all
    except UnicodeDecodeError as exc:
        text, wrong = raw[: exc.start].decode(coding, "replace"), exc.start
    if wrong >= 0:
        line = text.count("\n", 0, wrong) + 1
        raise RequestError(f"{file}:{line}: not UTF-8 text; in Excel choose 'CSV UTF-8' when saving")
    return text


Numbered = list[tuple[int, Mapping[str, Any]]]


def _table(file: Path, text: str) -> tuple[Numbered, str]:
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(reader, 1)]
    except csv.Error as exc:
        raise RequestError(f"{file}:{reader.line_num}: not valid CSV: {exc}; look for an unpaired quote") from exc
    filled = [(number, row) for number, row in rows if any(row) and not row[0].startswith("#")]
    if not filled:
        raise RequestError(f"{file}: the table is empty; its first row must name the columns {', '.join(COLUMNS)}")
    names = [name.casefold() for name in filled[0][1]]
    while names and not names[-1]:  # spreadsheets leave empty columns behind
        names.pop()
    _check_columns(file, names)
    return [(number, _cells(names, row)) for number, row in filled[1:]], delimiter


def _cells(names: Sequence[str], row: Sequence[str]) -> Mapping[str, Any]:
    cells: dict[str, Any] = dict(zip(names, row, strict=False))
    if any(row[len(names) :]):
        cells["fault"] = (
            f"the row has {len(row)} cells, the header {len(names)}; put a cell with the delimiter in quotes"
        )
    return cells


def _check_columns(file: Path, names: Sequence[str]) -> None:
    for i, name in enumerate(names):
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS) or f"; expected columns: {', '.join(COLUMNS)}"
            raise RequestError(f"{file}: there is no column {name!r}{hint}")
        if name in names[:i]:
            raise RequestError(f"{file}: the column {name!r} is there twice")
    if "person" not in names:
        raise RequestError(f"{file}: the column 'person' is missing; it names people of the site")


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


def _list(file: Path, value: Any) -> Numbered:
    if not isinstance(value, list):
        raise RequestError(f"{file}: expected a list of rows such as {{person: E1042, start: 2026-12-01T08:00}}")
    found: Numbered = []
    for number, row in enumerate(value, 1):
        if not isinstance(row, dict):
            found.append((number, {"fault": "expected names and values such as {person: E1042}"}))
            continue
        cells = {str(name).casefold(): cell for name, cell in row.items()}
        unknown = next((name for name in cells if name not in COLUMNS), None)
        if unknown is not None:
            hint = did_you_mean(unknown, COLUMNS) or f"; expected: {', '.join(COLUMNS)}"
            cells = {"person": cells.get("person"), "fault": f"there is no column {unknown!r}{hint}"}
        found.append((number, cells))
    return found


# ------------------------------------------------------------------------------------------------------- the rows


def _row(number: int, cells: Mapping[str, Any]) -> Row:
    extra = cells.get("with")
    packages = extra if isinstance(extra, list) else _SEPARATORS.split(_word(extra) or "")
    wrong = next((n for n, c in cells.items() if isinstance(c, dict) or (isinstance(c, list) and n != "with")), None)
    return Row(
        number,
        _word(cells.get("person")) or "",
        _word(cells.get("desk")),
        None if (start := _word(cells.get("start"))) == "now" else start,
        tuple(dict.fromkeys(word for package in packages if (word := _word(package)))),
        _word(cells.get("note")),
        _word(cells.get("fault")) or (f"{wrong}: expected a text" if wrong else None),
    )


def _word(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _checked(row: Row, inventory: Inventory) -> Row:
    try:
        _check(row, inventory)
    except ProvisioningError as exc:
        return replace(row, fault=str(exc))
    return row


def _check(row: Row, inventory: Inventory) -> None:
    if row.fault:
        raise RequestError(row.fault)
    if not row.person:
        raise RequestError("the cell 'person' is empty; it names somebody of the site")
    if row.person not in inventory.people:
        hint = did_you_mean(row.person, inventory.people) or "; write them into the site's people first"
        raise RequestError(f"the site has no person {row.person!r}{hint}")
    row.request.desks(inventory)
    for name in row.software:
        if name not in inventory.software:
            raise RequestError(f"package {name!r} is not in the software catalogue{nearest(name, inventory.software)}")
    if row.start is not None:
        read_start(row.start, inventory)


def _without_contradictions(rows: Sequence[Row], inventory: Inventory) -> Iterator[Row]:
    """Rows that name the same person, or seat two people at one desk, are all refused: nobody can tell which is
    right."""
    people, desks = defaultdict[str, list[Row]](list), defaultdict[str, list[Row]](list)
    for row in rows:
        if row.fault is None:
            people[row.person].append(row)
            desk = row.request.desks(inventory)[row.person]
            if desk is not None and not inventory.workplaces[desk].shared:
                desks[desk].append(row)
    for row in rows:
        if row.fault is not None:
            yield row
            continue
        if others := _others(row, people[row.person]):
            yield replace(row, fault=f"{row.person} is also in row {others}; keep one of them")
            continue
        desk = row.request.desks(inventory)[row.person]
        if desk is not None and (others := _others(row, [r for r in desks[desk] if r.person != row.person])):
            yield replace(row, fault=f"desk {desk} is also given in row {others}; give each person a desk of their own")
            continue
        yield row


def _others(row: Row, rows: Iterable[Row]) -> str:
    return ", ".join(str(other.number) for other in rows if other.number != row.number)
