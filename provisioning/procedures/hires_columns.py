"""The columns of a file of new colleagues: our own names for them, or the headings of the personnel office's export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from provisioning.errors import RequestError
from provisioning.site.hires import Column, PersonnelExport
from provisioning.site.lines import did_you_mean
from provisioning.site.spreadsheets import folded

COLUMNS = ("person", "desk", "start", "with", "note")
"""What a file says of a request."""

ABOUT = tuple(name for name in get_args(Column) if name not in COLUMNS)
"""What it may say of the person besides."""

_SPELT = {folded(name): name for name in (*COLUMNS, *ABOUT)} | {"workplace": "desk"}


def known_headings(export: PersonnelExport) -> frozenset[str]:
    """Every heading (folded) that means something here."""
    return frozenset({*_SPELT, *(folded(heading) for heading in export.columns.values())})


@dataclass(frozen=True)
class Headings:
    """Which cell of a row is what. `others` are the headings of the columns that nobody reads."""

    cell_of: Mapping[str, int]
    width: int
    others: tuple[str, ...] = ()

    def cells(self, row: Sequence[str]) -> dict[str, str]:
        """Our column → what the row says."""
        return {name: row[i] for name, i in self.cell_of.items() if i < len(row)}


def headings(names: Sequence[str], export: PersonnelExport, where: str) -> Headings:
    """What the headings of a table mean. `where` (``file:line``) begins the sentence of a :class:`RequestError`.

    A table that has only our own names is ours, whatever the export looks like.
    """
    shown = list(names)
    while shown and not shown[-1].strip():  # spreadsheets leave empty columns behind
        shown.pop()
    spelt = [folded(name) for name in shown]
    _refuse_twice(shown, spelt, where)
    ours = {name: _SPELT[name] for name in spelt if name in _SPELT}
    if len(ours) == len(spelt):
        return _complete({column: spelt.index(name) for name, column in ours.items()}, shown, (), where)
    if not export.columns:
        unknown = next(name for name, plain in zip(shown, spelt, strict=True) if plain not in _SPELT)
        hint = did_you_mean(unknown, (*COLUMNS, *ABOUT)) or (
            f"; expected columns: {', '.join(COLUMNS)}, and of the person {', '.join(ABOUT)}; a site says in hires: "
            "columns what its personnel office calls them"
        )
        raise RequestError(f"{where}: there is no column {unknown!r}{hint}")
    found = {column: spelt.index(name) for name, column in ours.items() if column not in export.columns}
    for column, heading in export.columns.items():
        if folded(heading) in spelt:
            found[column] = spelt.index(folded(heading))
        elif column in ours.values():
            found[column] = next(i for i, name in enumerate(spelt) if _SPELT.get(name) == column)
        else:
            hint = did_you_mean(heading, shown) or f"; the file has: {', '.join(filter(None, shown))}"
            raise RequestError(f"{where}: there is no column {heading!r} (hires: columns: {column}){hint}")
    read = set(found.values())
    return _complete(found, shown, tuple(name for i, name in enumerate(shown) if i not in read and name), where)


def _refuse_twice(shown: Sequence[str], spelt: Sequence[str], where: str) -> None:
    for i, name in enumerate(spelt):
        if name and name in spelt[:i]:
            raise RequestError(f"{where}: the column {shown[i]!r} is there twice")


def _complete(found: Mapping[str, int], shown: Sequence[str], others: tuple[str, ...], where: str) -> Headings:
    if "person" not in found:
        raise RequestError(
            f"{where}: the column 'person' is missing; it has the number or key that the site calls each person by"
        )
    return Headings(found, len(shown), others)
