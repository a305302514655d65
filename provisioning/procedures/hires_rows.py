"""One row of a file of new colleagues, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provisioning.procedures.onboard import Onboard, onboard


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file. `number` is what a spreadsheet shows (the header is row 1); in JSON and YAML it
    counts from 1. `line` is where it begins in the file (0: unknown). `about` is what it says of the person beside the
    key. `fault` says why it cannot be asked for, `warnings` what somebody should look at."""

    number: int
    person: str
    desk: str | None = None
    start: str | None = None
    software: tuple[str, ...] = ()
    note: str | None = None
    fault: str | None = None
    warnings: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    line: int = field(default=0, compare=False)

    @property
    def request(self) -> Onboard:
        return onboard(self.person, workplace=self.desk, software=self.software)


@dataclass(frozen=True)
class Conflict:
    """Something that is wrong with a row, in `column` if it is one. A warning stops nothing."""

    row: Row
    column: str | None
    sentence: str
    is_warning: bool = False


def with_conflicts(rows: Sequence[Row], conflicts: Iterable[Conflict]) -> tuple[Row, ...]:
    """The rows, each with what is wrong with it."""
    faults: dict[int, dict[str, None]] = {}
    warnings: dict[int, dict[str, None]] = {}
    for conflict in conflicts:
        (warnings if conflict.is_warning else faults).setdefault(conflict.row.number, {})[conflict.sentence] = None
    return tuple(
        replace(
            row,
            fault="; ".join([*([row.fault] if row.fault else []), *faults.get(row.number, ())]) or None,
            warnings=(*row.warnings, *warnings.get(row.number, ())),
        )
        if row.number in faults or row.number in warnings
        else row
        for row in rows
    )
