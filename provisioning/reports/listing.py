"""Plain values as text: mappings as ``name: value`` lines, lists of mappings as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from provisioning.reports.words import field_words, value_words


def as_text(value: Any) -> Text:
    """A thing, or a list of things, for a terminal."""
    if isinstance(value, Mapping):
        return Text("\n").join(_pairs(value, 0))
    return Text("\n").join(_table(value, 0))


def _pairs(thing: Mapping[str, Any], indent: int) -> list[Text]:
    margin = " " * indent
    width = max((cell_len(_label(name)) for name in thing), default=0) + 2
    lines: list[Text] = []
    for name, value in thing.items():
        if value is None or value == []:
            continue
        if isinstance(value, Mapping) and value:
            lines += [Text(f"{margin}{_label(name)}:", "bold"), *_pairs(value, indent + 2)]
        elif isinstance(value, list) and isinstance(value[0], Mapping):
            lines += [Text(f"{margin}{_label(name)}:", "bold"), *_table(value, indent + 2)]
        else:
            lines.append(Text.assemble(margin, (_padded(f"{_label(name)}:", width), "dim"), value_words(value)))
    return lines


def _table(rows: Sequence[Mapping[str, Any]], indent: int) -> list[Text]:
    if not rows:
        return [Text(" " * indent + "none")]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [
        [_label(name) for name in columns],
        *([value_words(row.get(name)) for name in columns] for row in rows),
    ]
    widths = [max(cell_len(row[i]) for row in cells) + 2 for i in range(len(columns))]
    lines = [
        " " * indent + "".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return [Text(lines[0], "bold"), *(Text(line) for line in lines[1:])]


def _label(name: str) -> str:
    # Here `name` and `mail` mean what they say.
    return name if name in {"name", "mail", "software"} else field_words(name)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
