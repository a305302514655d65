"""``provision lab``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.errors import RequestError
from provisioning.lab.more_pcs import MOST, give_pcs
from provisioning.lab.office import Office, standing
from provisioning.lab.postgres import Postgres
from provisioning.lab.servers import ROOT
from provisioning.lab.site_copy import write_site
from provisioning.reports import listing
from provisioning.reports.words import safe, to_json
from provisioning.site.inventory import unknown

_number = click.option(
    "--number", metavar="N", type=click.IntRange(0, 255), default=0, show_default=True,
    help="Which lab: number N has the addresses 127.77.N.x, and several can run at once.",
)  # fmt: skip


@click.group("lab", no_args_is_help=False)
def VERB() -> None:  # noqa: N802  (it is an object)
    """Run a whole office of real servers on this machine, to try things. Needs root."""


@VERB.command("up")
@_number
@click.option("--service-desk", is_flag=True, help="Start a service desk too (Request Tracker; docs/service-desk.md).")
@click.pass_obj
def up(invocation: Invocation, number: int, service_desk: bool) -> int:
    """Start the lab that the site describes. Run again, it starts what is missing."""
    office = Office(invocation.site_folder, number)
    office.up(_say)
    if service_desk:
        office.start_desk(_say)
    return DONE


@VERB.command("down")
@_number
@click.pass_obj
def down(invocation: Invocation, number: int) -> int:
    """Stop the lab; nothing of it keeps running."""
    Postgres.of_lab(ROOT / str(number), number).down()
    _lab(invocation, number).down(_say)
    return DONE


@VERB.command("status")
@_number
@output_option
@click.pass_obj
def status(invocation: Invocation, number: int, output: str) -> int:
    """Show which of the lab's servers run. Exit codes: 0 all of them, 3 not all."""
    rows = [
        {"server": part.name, "running": part.running, "address": part.address}
        for part in _lab(invocation, number).status()
    ]
    if output == "json":
        click.echo(to_json(rows))
    else:
        console().print(listing.as_text(rows))
    return DONE if all(row["running"] for row in rows) else PARTIAL


@VERB.command("plug")
@click.argument("device", metavar="PC")
@click.argument("outlet", metavar="OUTLET")
@_number
@click.pass_obj
def plug(invocation: Invocation, device: str, outlet: str, number: int) -> int:
    """Carry a PC of the lab to another wall outlet, as a person does after `provision move`."""
    office = _lab(invocation, number)
    if not office.network.running():
        raise RequestError(f"lab {number} does not run; `provision lab up --number {number}` starts it")
    place = invocation.site().wired.outlets.get(outlet) or unknown("outlet", outlet, office.inventory.outlets)
    if place.switch is None or place.switch_port is None:
        raise RequestError(f"outlet {outlet} is not patched to a switch port; `provision patch {outlet} --to …`")
    office.network.look()
    office.network.move(device, place.switch, place.switch_port)
    _say(f"{safe(device)} is plugged into {safe(outlet)} ({place.switch} {place.switch_port}).")
    return DONE


@VERB.command("site")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_number
@click.option("--pcs", metavar="M", type=click.IntRange(1, MOST), help="M PCs to switch on, instead of the site's two.")
@click.pass_obj
def site(invocation: Invocation, folder: Path, number: int, pcs: int | None) -> int:
    """Write a copy of the site into DIR, with the addresses and folders of lab number N."""
    write_site(invocation.site_folder, folder, number)
    if pcs is not None:
        give_pcs(folder, number, pcs)
    _say(f"Wrote {safe(folder)}. Now: provision --site {safe(shlex.quote(str(folder)))} lab up --number {number}")
    return DONE


@VERB.group("database")
def database() -> None:
    """A PostgreSQL server for a ledger that several workers share. Only there when it is asked for."""


@database.command("up")
@_number
def database_up(number: int) -> int:
    """Start it, and say what the site has to hold."""
    server = Postgres.of_lab(ROOT / str(number), number)
    server.up()
    server.make_database("ledger")
    for line in ("ledger:", f"  url: {server.url('ledger')}", f"  password: file:{server.password}"):
        _say(line)
    return DONE


@database.command("down")
@_number
def database_down(number: int) -> int:
    """Stop it and remove its databases."""
    Postgres.of_lab(ROOT / str(number), number).down()
    return DONE


def _lab(invocation: Invocation, number: int) -> Office:
    # A lab that stands remembers its site, so it can be taken down when the original is gone.
    return standing(number) or Office(invocation.site_folder, number)


def _say(line: str) -> None:
    console().print(safe(line))
