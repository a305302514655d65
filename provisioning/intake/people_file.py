"""Adding people to the site's table of people: the file stays as it is written, rows are put behind the others."""

from __future__ import annotations

import codecs
import csv
import io
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provisioning.errors import RequestError
from provisioning.procedures.hires import Hires
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.people import Person
from provisioning.site.spreadsheets import folded, sheet_rows, sheet_text

USUAL, OTHERWISE = "people.csv", "people-hires.csv"
"""Where people are, and where new ones go when the site has no such table."""

_FIELDS = tuple(name for name in Person.model_fields if name != "left")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF8: "utf-8"}


@dataclass(frozen=True)
class Addition:
    """New people, ready to be written into `file`: nothing is changed before :meth:`write`. `hires` is the file that
    they come from, with what is wrong with its rows."""

    hires: Hires
    file: Path
    people: Mapping[str, Person]
    before: bytes | None
    after: bytes

    @property
    def lines(self) -> tuple[str, ...]:
        """Each of them in a line for people."""
        return tuple(_line(key, person) for key, person in self.people.items())

    def write(self) -> None:
        """Write them. The site must be loaded again to have them. Twice is once.

        Raises :class:`RequestError` when somebody changed the file in the meantime, or it cannot be written.
        """
        if not self.people:
            return
        held = _held(self.file)
        if held == self.after:
            return
        if held != self.before:
            raise RequestError(f"{self.file} was changed in the meantime, so nothing was written; do it again")
        _replace(self.file, self.after)


def addition(inventory: Inventory, hires: Hires) -> Addition:
    """The newcomers of `hires`, for the table of the site in `inventory`.

    The site is validated as it would be with them: raises :class:`RequestError` and :class:`SiteError`, before anything
    is written.
    """
    folder, people = inventory.folder, hires.newcomers
    file = folder / (USUAL if (folder / USUAL).exists() else OTHERWISE)
    before = _held(file)
    if not people:
        return Addition(hires, file, {}, before, before or b"")
    after = _new_table(people) if before is None else _longer(file, before, inventory, people)
    load(folder, drafts={file: after})
    return Addition(hires, file, people, before, after)


def _held(file: Path) -> bytes | None:
    try:
        return file.read_bytes() if file.exists() else None
    except OSError as exc:
        raise RequestError(f"{file}: cannot be read: {exc.strerror}") from exc


def _new_table(people: Mapping[str, Person]) -> bytes:
    columns = ("person", *_FIELDS)
    return (_csv([columns], ",", "\n") + _csv(_rows(people, columns), ",", "\n")).encode()


def _longer(file: Path, before: bytes, inventory: Inventory, people: Mapping[str, Person]) -> bytes:
    sheet = sheet_text(before, str(file), inventory.spreadsheets.encoding)
    delimiter, rows = sheet_rows(sheet.text, str(file), frozenset(_FIELDS))
    header = next(rows).cells
    columns = ("person", *(folded(name) for name in header[1:]))
    needed = {name for person in people.values() for name, value in _words(person).items() if value}
    if missing := sorted(needed - set(columns)):
        raise RequestError(
            f"{file}: there is no column {', '.join(missing)}, which new people need; add it to the header"
        )
    end = "\r\n" if "\r\n" in sheet.text else "\n"
    more = ("" if sheet.text.endswith("\n") else end) + _csv(_rows(people, columns), delimiter, end)
    encoding = next((name for mark, name in _MARKS.items() if before.startswith(mark)), sheet.encoding)
    try:
        return before + more.encode(encoding)
    except UnicodeEncodeError as exc:
        letter = exc.object[exc.start]
        raise RequestError(f"{file} is {encoding}, which has no {letter!r}; save it as 'CSV UTF-8' first") from exc


def _words(person: Person) -> dict[str, str]:
    plain = person.model_dump(mode="json", exclude_none=True, include=set(_FIELDS))
    return {name: str(value) for name, value in plain.items()}


def _rows(people: Mapping[str, Person], columns: Sequence[str]) -> list[list[str]]:
    return [[key, *(_words(person).get(name, "") for name in columns[1:])] for key, person in people.items()]


def _csv(rows: Sequence[Sequence[str]], delimiter: str, end: str) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, lineterminator=end).writerows(rows)
    return written.getvalue()


def _replace(file: Path, content: bytes) -> None:
    """All of it or nothing, with the file's owner and mode."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            if file.exists():
                shutil.copymode(file, draft)
                with suppress(PermissionError):
                    os.chown(draft, file.stat().st_uid, file.stat().st_gid)
            else:
                draft.chmod(0o644)
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise RequestError(f"{file}: cannot be written: {exc.strerror}; nothing was changed") from exc


def _line(key: str, person: Person) -> str:
    parts = [
        f"{person.given_name} {person.family_name}",
        f"{person.profile} in {person.department}",
        f"at {person.workplace}" if person.workplace else "",
        f"manager {person.manager}" if person.manager else "",
        f"from {person.start}" if person.start else "",
    ]
    return f"{key}: {', '.join(filter(None, parts))}"
