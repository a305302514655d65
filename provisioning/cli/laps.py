"""``provision laps``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation
from provisioning.errors import RequestError
from provisioning.ledger.records import Entry
from provisioning.procedures.join import computer_name
from provisioning.reports.words import safe
from provisioning.resources.directory import laps
from provisioning.site.inventory import unknown

_MINUTE = "%Y-%m-%d %H:%M UTC"
_ERASE_TWO_LINES = "\x1b[2A\x1b[J"  # ECMA-48 CUU, ED


@click.command("laps")
@click.argument("workstation", metavar="PC")
@click.pass_obj
def VERB(invocation: Invocation, *, workstation: str) -> int:  # noqa: N802  (it is an object)
    """Show the local administrator's password of a PC, once, on this terminal.

    It is the one that Windows LAPS keeps in the directory. The work log remembers who looked at it and when, never the
    password.
    """
    site = invocation.site()
    inventory = site.wired
    if workstation not in inventory.workstations:
        unknown("workstation", workstation, inventory.workstations)
    if not sys.stdout.isatty():
        raise RequestError("a password is shown on a terminal only, not into a pipe or a file")
    with site.connect() as pool, pool.session("directory") as session:
        found = laps.read(session, computer_name(inventory, workstation))
    # First the log: nobody sees a password without a trace.
    site.ledger.log(
        Entry(f"The local administrator's password of {workstation} was read from the directory and shown.")
    )
    since = f", set {found.updated:{_MINUTE}}" if found.updated else ""
    click.echo(f"{workstation}: local account {safe(found.account)}{since}{until(found.expires)}")
    click.echo(found.password.get_secret_value())
    sys.stdout.flush()
    if sys.stdin.isatty():
        click.pause("Press any key when you have it; it will not stay on the screen.", err=True)
        click.echo(_ERASE_TWO_LINES, nl=False)
    return DONE


def until(expires: datetime | None) -> str:
    """What is said of the time when a password is to be changed."""
    if expires is None:
        return ""
    if expires > datetime.now(UTC):
        return f", valid until {expires:{_MINUTE}}"
    return f", due for a change since {expires:{_MINUTE}}: the PC makes it when it reaches the domain"
