"""A table of moves: who or which PC goes to which desk, all in one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from provisioning.errors import RequestError, SiteError
from provisioning.procedures.matching import Register, Sort, described, known_names
from provisioning.procedures.move_wishes import Wish
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.lines import did_you_mean
from provisioning.site.spreadsheets import SheetRow, folded, sheet_rows, sheet_text

LARGEST = 10 * 2**20
"""Bytes of the largest file that is read."""

COLUMNS = ("who", "to", "pc")
_SPELT = {"person": "who", "workstation": "who", "desk": "to", "workplace": "to"} | {name: name for name in COLUMNS}
_PC: Mapping[str, bool | None] = {"": None, "along": True, "yes": True, "stays": False, "no": False}


def read_moves(file: Path, inventory: Inventory) -> tuple[list[Wish], list[str]]:
    """The rows of a CSV table with the columns ``who`` (a person or a PC), ``to`` (a desk) and, if need be, ``pc``
    (``along`` or ``stays``), and a sentence, with file and line, for each row that is not right.

    Names must be whole ones: nobody confirms a row. Raises :class:`RequestError` when the file as a whole is not what
    it should be.
    """
    names, rows = _table(file, inventory)
    wishes, faults, register = [], [], Register(inventory)
    for row in rows:
        where = f"{file}:{row.line}"
        try:
            wishes.append(_wish(names, row, register, where))
        except RequestError as exc:
            faults.append(f"{where}: {exc}")
    if not (wishes or faults):
        raise RequestError(f"{file}: there are no rows; expected the columns who, to and one row a person or PC")
    return wishes, faults


def _table(file: Path, inventory: Inventory) -> tuple[list[str], Iterator[SheetRow]]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as exc:
        raise RequestError(f"{file}: cannot be read: {exc.strerror}") from exc
    if len(raw) > LARGEST:
        raise RequestError(f"{file}: larger than {LARGEST // 2**20} MiB; split it")
    try:
        sheet = sheet_text(raw, str(file), inventory.spreadsheets.encoding)
        _, rows = sheet_rows(sheet.text, str(file), _SPELT)
        header, *rest = rows
    except SiteError as exc:
        raise RequestError(str(exc)) from exc
    names = [_SPELT.get(folded(cell), cell) for cell in header.cells]
    while names and not names[-1]:  # spreadsheets leave empty columns behind
        names.pop()
    for i, name in enumerate(names):
        if name not in COLUMNS:
            hint = did_you_mean(name, _SPELT) or f"; expected columns: {', '.join(COLUMNS)}"
            raise RequestError(f"{file}:{header.line}: there is no column {name!r}{hint}")
        if name in names[:i]:
            raise RequestError(f"{file}:{header.line}: the column {name!r} is there twice")
    for name in ("who", "to"):
        if name not in names:
            raise RequestError(f"{file}:{header.line}: the column {name!r} is missing")
    return names, (row for row in rest if not row.is_comment)


def _wish(names: list[str], row: SheetRow, register: Register, where: str) -> Wish:
    if any(row.cells[len(names) :]):
        raise RequestError(
            f"the row has {len(row.cells)} cells, the header {len(names)}; put a cell with the delimiter in quotes"
        )
    cells = dict(zip(names, row.cells, strict=False))
    sort, key = _one(register, cells.get("who", ""), "who", "person", "workstation")
    _, to = _one(register, cells.get("to", ""), "to", "workplace")
    said = cells.get("pc", "").casefold()
    if said not in _PC:
        raise RequestError(f"pc: {cells['pc']!r} does not fit; expected along or stays, or an empty cell")
    if sort == "workstation":
        return Wish("workstation", key, to, where=where)
    return Wish("person", key, to, _PC[said], where)


def _one(register: Register, text: str, column: str, *sorts: Sort) -> tuple[Sort, str]:
    """The one thing that has `text` as a whole name."""
    what = " or ".join(sorts)
    if not text:
        raise RequestError(f"the cell {column!r} is empty; it names a {what} of the site")
    inventory, found = register.inventory, register.sure(text, *sorts)
    found = [one for one in found if one.sort == sorts[0]] or found
    if not found:
        raise RequestError(f"the site has no {what} {text!r}{nearest(text, known_names(inventory, *sorts))}")
    if len(found) > 1:
        told = "; ".join(described(inventory, one) for one in found[:5])
        raise RequestError(f"{text!r} fits {len(found)} things: {told}; write the key")
    return found[0].sort, found[0].key
