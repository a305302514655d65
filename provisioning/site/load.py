"""Site files → :class:`Inventory`. The only file of the site that touches a disk.

A site is a folder. Every ``*.yml``/``*.yaml`` file in it holds sections (top-level keys), split over files in
any way; every ``*.csv`` file is one section as a table (``people.csv``, ``outlets-b2.csv``: the section is
what comes before the first ``-`` or ``.``). Sections that map keys to things may be spread over several
files. Folders below (``packages/``) and files whose names begin with a dot are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from provisioning.errors import SiteError
from provisioning.site.collection import no_collection
from provisioning.site.faults import cross_faults
from provisioning.site.hires import Spreadsheets
from provisioning.site.inventory import Inventory
from provisioning.site.lines import Part, did_you_mean
from provisioning.site.sentences import model_at, place_of, sentence, sorts_of
from provisioning.site.table import Columns, read_csv
from provisioning.site.yaml_file import read_yaml

_SUGGESTIONS = 20  # nearest names are looked for this often; after that a whole file is missing, not a letter

_HOW = "spreadsheets"
_BUILDING = Lock()

SECTIONS = tuple(name for name in Inventory.model_fields if name != "folder")


def load(folder: Path, *, drafts: Mapping[Path, bytes] = MappingProxyType({})) -> Inventory:
    """Read, validate and cross-check the site in `folder`; as if the files of `drafts` held what these say, where there
    are any.

    Raises :class:`SiteError` with every problem found, each ``file:line: `` and a sentence. Installer files
    must exist; their hashes are checked when they are used, not here.
    """
    shown = folder.expanduser()
    with no_collection():
        _build()
        parts = _read(shown, drafts)
        merged = _Merged(shown)
        for part in parts:
            merged.add(part)
        problems = [*merged.problems, *_missing_sections(merged)]
        try:
            site = Inventory.model_validate(
                {**merged.values, "folder": shown.absolute()}, context={"folder": shown.absolute()}
            )
        except ValidationError as exc:
            problems += _validation_problems(exc, merged)
            raise SiteError(*_in_order(problems)) from None
        problems += _fault_problems(site, merged)
        if problems:
            raise SiteError(*_in_order(problems))
        return site


def _build() -> None:
    """Models are built when they are used first (``defer_build``): all of a site's at once, by one thread."""
    with _BUILDING:
        Inventory.model_rebuild()


# ------------------------------------------------------------------------------------------------------ files


def _read(folder: Path, drafts: Mapping[Path, bytes]) -> list[Part]:
    """The parts of all files, in the files' order. Tables come last: other files say how they are to be read."""
    parts: dict[Path, list[Part]] = {}
    problems: list[str] = []
    files = sorted({*_files(folder), *drafts})
    how = Spreadsheets.model_construct()
    for path in sorted(files, key=lambda file: file.suffix == ".csv"):
        try:
            if path.suffix == ".csv":
                parts[path] = [_read_table(path, how, drafts.get(path))]
            else:
                parts[path] = read_yaml(path, str(path))
                how = next((_spreadsheets(part.value) for part in parts[path] if part.section == _HOW), how)
        except SiteError as exc:
            problems += exc.problems
    if problems:
        raise SiteError(*problems)
    return [part for path in files for part in parts[path]]


def _spreadsheets(value: Any) -> Spreadsheets:
    try:
        return Spreadsheets.model_validate(value)
    except ValidationError:  # it is validated again with the rest of the site, which names file and line
        return Spreadsheets.model_construct()


def _files(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError as exc:
        raise SiteError(
            f"{folder}:1: there is no such folder; `provision init {folder}` writes a starter site"
        ) from exc
    except NotADirectoryError as exc:
        raise SiteError(f"{folder}:1: this is a file; a site is a folder of .yml and .csv files") from exc
    except OSError as exc:
        raise SiteError(f"{folder}:1: the folder cannot be read: {exc.strerror}; check its owner and mode") from exc
    files = [
        p for p in entries if p.suffix in {".yml", ".yaml", ".csv"} and not p.name.startswith(".") and not p.is_dir()
    ]
    if not files:
        raise SiteError(
            f"{folder}:1: the folder holds no .yml or .csv file; `provision init DIR` writes a starter site"
        )
    return files


def _read_table(path: Path, how: Spreadsheets, raw: bytes | None) -> Part:
    section = path.stem.replace(".", "-").partition("-")[0]
    columns = _table_columns()
    if section not in columns:
        hint = did_you_mean(section, columns) or f"; expected one of: {', '.join(sorted(columns))}"
        raise SiteError(f"{path}:1: the site has no table {section!r}{hint} (the file's name says what it holds)")
    return read_csv(path, str(path), section, columns[section], how=how, raw=raw)


@cache
def _table_columns() -> dict[str, Columns]:
    """The sections that may be tables: those that map keys to things without lists of their own."""
    found: dict[str, Columns] = {}
    for section in SECTIONS:
        model = _value_model(section)
        if model is None:
            continue
        fields = model.model_fields
        if not any(_is_nested(f.annotation) for f in fields.values()):
            found[section] = Columns(
                list(fields),
                [name for name, f in fields.items() if f.is_required()],
                days=_of_type(fields, date),
                truths=_of_type(fields, bool),
                numbers=_of_type(fields, int),
            )
    return found


def _value_model(section: str) -> type[BaseModel] | None:
    annotation = Inventory.model_fields[section].annotation
    return model_at(Inventory, (section, "any")) if get_origin(annotation) is dict else None


def _of_type(fields: Mapping[str, FieldInfo], wanted: type) -> list[str]:
    return [name for name, f in fields.items() if _says(f.annotation, wanted)]


def _says(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_says(argument, wanted) for argument in get_args(annotation))


def _is_nested(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    if get_origin(annotation) in {dict, tuple, list}:
        return True
    return any(_is_nested(argument) for argument in get_args(annotation))


# ------------------------------------------------------------------------------------------------------ merge


@dataclass
class _Merged:
    """All files as one mapping, and which file each piece came from."""

    folder: Path
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _parts: dict[str, Part] = field(default_factory=dict)
    _entries: dict[str, dict[str, Part]] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        if part.section not in SECTIONS:
            hint = did_you_mean(part.section, SECTIONS) or f"; expected one of: {', '.join(SECTIONS)}"
            self.problems.append(f"{part.file}:{part.line}: the site has no section {part.section!r}{hint}")
            return
        first = self._parts.setdefault(part.section, part)
        if _value_model(part.section) is not None and (part.value is None or isinstance(part.value, dict)):
            self._spread(part)
        elif first is part:
            self.values[part.section] = part.value
        else:
            self.problems.append(
                f"{part.file}:{part.line}: the section {part.section!r} is already given at "
                f"{first.file}:{first.line}; keep one of the two"
            )

    def _spread(self, part: Part) -> None:
        values = self.values.setdefault(part.section, {})
        owners = self._entries.setdefault(part.section, {})
        if not isinstance(values, dict):
            return  # the section's first part has the wrong shape; validation says so
        for key, value in (part.value or {}).items():
            if key in values:
                other = owners[key]
                self.problems.append(
                    f"{part.file}:{part.line_of((key,))}: {part.section} {key!r} is already given at "
                    f"{other.file}:{other.line_of((key,))}; keep one of the two"
                )
            else:
                values[key] = value
                owners[key] = part

    def where(self, path: tuple[str | int, ...]) -> str:
        """``file:line`` of a path of keys into the site, or of the nearest thing above it."""
        section, *rest = path
        owners = self._entries.get(str(section), {})
        part = owners.get(str(rest[0])) if rest else None
        part = part or self._parts.get(str(section))
        return f"{part.file}:{part.line_of(rest)}" if part else f"{self.folder}:1"


def _missing_sections(merged: _Merged) -> Iterator[str]:
    tables = _table_columns()
    for section in SECTIONS:
        if Inventory.model_fields[section].is_required() and section not in merged.values:
            if section in tables:
                advice = f"create {section}.csv (a table) or write '{section}:' in any .yml file of the folder"
                yield f"{merged.folder / section}.csv:1: the site has no section {section!r}; {advice}"
            else:
                advice = f"create {section}.yml or write '{section}:' in any .yml file of the folder"
                yield f"{merged.folder / section}.yml:1: the site has no section {section!r}; {advice}"


# --------------------------------------------------------------------------------------------------- problems


def _validation_problems(exc: ValidationError, merged: _Merged) -> Iterator[str]:
    errors = exc.errors(include_url=False)
    above = {error["loc"][:depth] for error in errors for depth in range(1, len(error["loc"]))}
    for error in errors:
        loc = tuple(error["loc"])
        if error["type"] == "too_short" and loc in above:
            continue  # the list is short only because an item of it is wrong
        if len(loc) == 1 and error["type"] == "missing":
            continue  # a whole section: _missing_sections says it better
        yield f"{merged.where(_in_file(loc))}: {sentence(error, Inventory)}"


def _in_file(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path as the file has it: without the sort that pydantic puts behind a section of several sorts."""
    model = model_at(Inventory, loc[:2])
    return (loc[0], *loc[2:]) if model is not None and loc[1:2] and loc[1] in sorts_of(model) else loc


def _fault_problems(site: Inventory, merged: _Merged) -> Iterator[str]:
    suggested = 0
    for fault in cross_faults(site):
        hint = ""
        if fault.key is not None and suggested < _SUGGESTIONS:
            suggested += 1
            hint = did_you_mean(fault.key, fault.known)
        yield f"{merged.where(fault.at)}: {place_of(fault.at)}{fault.message}{hint}"


def _in_order(problems: list[str]) -> list[str]:
    """By file and line, each once."""

    def place(problem: str) -> tuple[str, int]:
        file, _, rest = problem.partition(":")
        line = rest.partition(":")[0]
        return file, int(line) if line.isdigit() else 0

    return sorted(dict.fromkeys(problems), key=place)
