"""``provision ledger``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.cli.exits import DONE, ERROR
from provisioning.cli.files import write
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.errors import LedgerError, RequestError
from provisioning.ledger import Seal, Verified
from provisioning.ledger.export import TABLES
from provisioning.reports.words import count, safe, to_json

if TYPE_CHECKING:
    from provisioning.ledger import Ledger


@click.group("ledger", no_args_is_help=False)
def VERB() -> None:  # noqa: N802  (it is an object)
    """Check that nobody rewrote what was done, or hand it to other programs."""


@VERB.command("verify")
@click.option("--seal", "noted", metavar="RUN:EVENT:HASH", help="A seal of earlier, which must still hold.")
@output_option
@click.pass_obj
def verify(invocation: Invocation, *, noted: str | None, output: str) -> int:
    """Walk the hash chains of all runs; name every row that was changed, removed, moved or put in.

    The seal that is printed is the newest hash. Who can write the ledger's database can also compute new hashes for all
    of it, so note the seal elsewhere now and then, and give it to --seal later.

    Exit codes: 0 the ledger is sound, 1 it was tampered with.
    """
    seal = None if noted is None else Seal.read(noted)
    ledger = _existing(invocation)
    found = ledger.verify(noted=seal)
    if output == "json":
        click.echo(to_json(_plain(found)))
    else:
        for broken in found.breaks:
            console().print(safe(broken))
        counts = f"{count(found.runs, 'run')}, {count(found.changes, 'change')}, {count(found.events, 'event')}"
        if found.breaks:
            console().print(
                f"{count(len(found.breaks), 'row is', 'rows are')} not as written: somebody wrote into "
                f"{safe(ledger.place)} past this program. ({counts})\n"
                "Compare it with a backup, and find out who can write there."
            )
        else:
            holds = "" if seal is None else f" The noted seal {safe(seal)} holds."
            console().print(f"The ledger is sound: {counts}.{holds}\nSeal: {safe(found.seal)}")
    return ERROR if found.breaks else DONE


@VERB.command("export")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option(
    "--table", "tables", metavar="NAME", type=click.Choice(TABLES), multiple=True,
    help=f"Only this one; repeatable. There are {', '.join(TABLES)}.",
)  # fmt: skip
@click.pass_obj
def export(invocation: Invocation, *, folder: Path | None, form: str, tables: tuple[str, ...]) -> int:
    """Write the ledger's tables into DIR, one file each (changes.csv …); without DIR one --table to stdout.

    Files that are there are overwritten. Nothing in the ledger is secret.
    """
    wanted = tables or TABLES
    if folder is None and len(wanted) != 1:
        raise RequestError("say where to: `provision ledger export DIR`, or name one --table for stdout")
    ledger = _existing(invocation)
    if folder is None:
        click.echo(_written(ledger, wanted[0], form)[0])
        return DONE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise RequestError(f"{folder} cannot be made: {exc.strerror}; choose another place") from exc
    for table in wanted:
        text, rows = _written(ledger, table, form)
        write(folder / f"{table}.{form}", text, "DIR")
        console().print(f"{safe(folder / f'{table}.{form}')}: {count(rows, 'row')}")
    return DONE


def _existing(invocation: Invocation) -> Ledger:
    site = invocation.site()
    if not site.has_ledger:
        raise LedgerError(f"there is no ledger yet at {site.inventory.ledger}; the first run makes it")
    return site.ledger


def _written(ledger: Ledger, table: str, form: str) -> tuple[str, int]:
    file = io.StringIO(newline="")
    rows = (ledger.export_csv if form == "csv" else ledger.export_json)(table, file)
    return file.getvalue().removesuffix("\n").removesuffix("\r"), rows


def _plain(found: Verified) -> dict[str, object]:
    return {
        "sound": not found.breaks,
        "seal": str(found.seal),
        "runs": found.runs,
        "changes": found.changes,
        "events": found.events,
        "breaks": [{"run": b.run_id, "row": b.row, "sentence": b.sentence} for b in found.breaks],
    }
