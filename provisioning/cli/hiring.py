"""``provision onboard --from FILE``: a file of new colleagues, and a file of results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import click

from provisioning.api import Site
from provisioning.cli.carrying import Manner
from provisioning.cli.exits import DONE, ERROR, PARTIAL, leave_at_once
from provisioning.cli.files import writable
from provisioning.errors import RequestError
from provisioning.intake import RowResult
from provisioning.intake.row_results import FAILED
from provisioning.procedures.hires import Hires
from provisioning.reports import results
from provisioning.reports.words import count, safe, to_json


def onboard_file(site: Site, file: Path, result: Path | None, manner: Manner) -> int:
    """The exit code after carrying out a file of new colleagues."""
    hires = site.hires(file)
    place = result or file.with_name(f"{file.stem}.results.csv")
    if place.resolve() == file.resolve():
        raise RequestError(f"--result {place}: this is the file of new colleagues itself; name another")
    writable(place, "--result")
    manner.check()
    text = manner.output == "text"
    good = sum(row.fault is None for row in hires.rows)
    if text:
        tell(file, hires)
    if not manner.yes and good and not click.confirm(f"\nGo ahead with {count(good, 'row')}?", err=not text):
        click.echo("Nothing was changed.", err=True)
        return ERROR
    done: list[RowResult] = []
    try:
        with _writing(place, hires) as written:
            for one in site.onboard_all(hires.rows):
                done.append(one)
                written.add(one)
                if text and one.row.fault is None:
                    click.echo(f"Row {one.row.number} ({safe(one.row.person)}): {one.state}{_more(one)}")
    except KeyboardInterrupt:
        leave_at_once(f"Interrupted. The same command goes on; {place} has what was done.")
    if done and done[-1].interrupted:
        click.echo(f"Interrupted at row {done[-1].row.number}; the same command goes on.", err=True)
    if text:
        click.echo(f"\n{results.summary([one.state for one in done])}. Row by row in {safe(place)}.")
        if any(one.state in {FAILED, "partial"} for one in done):
            click.echo("Mend what is named, then the same command again: nothing is done twice.")
        if waiting := site.secrets.waiting.logins():
            passwords = count(len(waiting), "initial password waits", "initial passwords wait")
            click.echo(f"{passwords} to be handed over: `provision handover` lists them.")
    else:
        click.echo(to_json([_plain(one) for one in done]))
    return DONE if all(one.is_good for one in done) else PARTIAL


def check_file(site: Site, file: Path, output: str) -> int:
    """The exit code after looking for all that is wrong with a file of new colleagues. Nothing is changed, and no
    system is asked."""
    hires = site.hires(file)
    if output == "json":
        click.echo(to_json(conflicts(hires)))
    else:
        tell(file, hires)
        bad, warned = (sum(bool(row.fault) for row in hires.rows), sum(bool(row.warnings) for row in hires.rows))
        found = f"{count(bad, 'row')} cannot be carried out" if bad else "nothing stands against them"
        looked = f"; {count(warned, 'row')} should be looked at" if warned else ""
        click.echo(f"{count(len(hires.rows), 'row')}: {found}{looked}. Nothing was changed.")
    return ERROR if any(row.fault for row in hires.rows) else DONE


def tell(file: Path, hires: Hires) -> None:
    """Say what is wrong with each row, and where it is in the file."""
    for row in hires.rows:
        line = f":{row.line}" if row.line else ""
        where = f"{safe(file)}{line}: row {row.number} ({safe(row.person) or 'nobody'})"
        if row.fault is not None:
            click.echo(f"{where}: {safe(row.fault)}")
        for warning in row.warnings:
            click.echo(f"{where}: look: {safe(warning)}")
    if hires.others:
        click.echo(f"Columns that nobody reads: {safe(', '.join(hires.others))}.")


def conflicts(hires: Hires) -> list[dict[str, object]]:
    """What is wrong with the rows, as plain data."""
    return [
        {"row": row.number, "line": row.line or None, "person": row.person, "severity": severity, "message": message}
        for row in hires.rows
        for severity, messages in (("error", [row.fault] if row.fault else []), ("warning", row.warnings))
        for message in messages
    ]


def _more(one: RowResult) -> str:
    return f" — {safe(one.message)}" if one.message else ""


def _plain(one: RowResult) -> dict[str, object]:
    cells = (one.row.number, one.row.person, one.request, one.run, one.state, one.message)
    return dict(zip(results.COLUMNS, cells, strict=True))


@dataclass
class _Written:
    """The result file while it grows: a crash leaves what was done."""

    opened: TextIO
    delimiter: str
    as_json: bool
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, one: RowResult) -> None:
        self.rows.append(_plain(one))
        if not self.as_json:
            self.line(list(_plain(one).values()))

    def line(self, cells: list[object]) -> None:
        self.opened.write(results.line(cells, self.delimiter))
        self.opened.flush()
        os.fsync(self.opened.fileno())


@contextmanager
def _writing(place: Path, hires: Hires) -> Iterator[_Written]:
    as_json = place.suffix.casefold() == ".json"
    try:
        # Excel knows UTF-8 by its byte order mark.
        opened = place.open("w", encoding="utf-8" if as_json else "utf-8-sig", newline="")
    except OSError as exc:
        raise RequestError(f"--result {place}: cannot be written: {exc.strerror}") from exc
    with opened:
        written = _Written(opened, hires.delimiter, as_json)
        if not as_json:
            written.line(list(results.COLUMNS))
        try:
            yield written
        finally:
            if as_json:
                opened.write(results.as_json(written.rows))
