"""The names that a site's files hold, for the Tab key: read without checking the files, and without loading anything
heavy."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_LARGEST = 50 * 2**20  # bytes of a file that is read
_PLAIN = re.compile(r"[\w.-]+")
"""What is offered to a shell: no quotes, no spaces, no signs that it would take for its own."""

_COLUMNS: Mapping[str, Sequence[str]] = {
    "people": ("given_name", "family_name", "workplace"),
    "workplaces": ("room", "outlet"),
    "workstations": ("asset_tag", "workplace"),
    "outlets": ("switch", "switch_port"),
    "equipment": ("kind", "room"),
    "software": ("display_name",),
    "bundles": ("title",),
    "profiles": ("title",),
}
"""Section → what tells its things apart."""


def named(folder: Path, sections: Sequence[str], typed: str, *, by_name: bool) -> Iterator[tuple[str, str]]:
    """What `typed` may become, each with a word about it: keys, then people by their names: spelt to their end (the
    parts joined by dots) when the verb knows people `by_name`, else as keys."""
    things = list(_things(folder, sections))
    begun = typed.casefold()
    keys = [(key, said) for _, key, _, said in things if key.casefold().startswith(begun)]
    yield from keys
    if not begun:
        return
    people = [(key, said, list(_spellings(row, typed))) for section, key, row, said in things if section == "people"]
    names = [(name if by_name else key, f"{key} {said}") for key, said, spelt in people for name in spelt]
    yield from names
    if not (keys or names):
        yield from ((key, said) for _, key, _, said in things if begun in key.casefold())


def _spellings(row: Mapping[str, str], typed: str) -> Iterator[str]:
    """A person's names as they may be typed on from `typed`: in either order, in the own letters and in ASCII."""
    from anyascii import anyascii  # noqa: PLC0415  (only here)

    given, family = row.get("given_name", ""), row.get("family_name", "")
    for name in dict.fromkeys((f"{given} {family}", f"{family} {given}")):
        for spelt in dict.fromkeys((name, anyascii(name))):
            joined = ".".join(re.findall(r"[^\W_]+", spelt))
            if joined.casefold().startswith(re.sub(r"[\W_]+", ".", typed.casefold())):
                rest = joined[len(typed) :]
                whole = typed + (rest if typed[:1].isupper() else rest.lower())
                if _PLAIN.fullmatch(whole):
                    yield whole
                    break


def _things(folder: Path, sections: Sequence[str]) -> Iterator[tuple[str, str, Mapping[str, str], str]]:
    """Section, key, row and a word for people, of what may be offered to a shell."""
    rows = {section: dict(_rows(folder, section)) for section in sections}
    for section in sections:
        for key, row in rows[section].items():
            if _PLAIN.fullmatch(key) and not key.startswith("-"):
                yield section, key, row, _said(section, row)


def _said(section: str, row: Mapping[str, str]) -> str:
    told = " ".join(row[name] for name in _COLUMNS[section] if row.get(name))
    return "".join(char for char in told if char.isprintable() and char not in ",:\\")[:80]


def _rows(folder: Path, section: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or not file.is_file() or file.stat().st_size > _LARGEST:
            continue
        if file.suffix == ".csv" and file.stem.replace(".", "-").partition("-")[0] == section:
            yield from _table(file)
        elif file.suffix in {".yml", ".yaml"}:
            yield from _mapping(file, section)


def _table(file: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    lines = [line for line in _text(file).splitlines() if line.strip() and not line.lstrip('" ').startswith("#")]
    if not lines:
        return
    delimiter = max(",;\t", key=lines[0].count)
    header, *rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    names = ["_".join(re.findall(r"[^\W_]+", name.casefold())) for name in header]
    for cells in rows:
        if cells and cells[0].strip():
            yield cells[0].strip(), {name: cell.strip() for name, cell in zip(names, cells, strict=False)}


def _mapping(file: Path, section: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    text = _text(file)
    if re.search(rf"^{section}:", text, re.MULTILINE) is None:
        return
    import yaml  # noqa: PLC0415  (few sites write these sections so)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    things: Any = yaml.load(text, loader)[section]  # noqa: S506  (a safe loader)
    for key, row in things.items():
        if isinstance(row, dict):
            yield str(key), {str(name): str(value) for name, value in row.items() if value is not None}


def _text(file: Path) -> str:
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("windows-1252", "replace")
