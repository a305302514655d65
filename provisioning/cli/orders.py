"""``provision orders``."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.api import Site, patching
from provisioning.cli.exits import DONE, PARTIAL
from provisioning.cli.files import writable
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.patching import wait_for, wait_option, write_page
from provisioning.errors import RequestError
from provisioning.ledger import PatchOrder
from provisioning.reports import listing, patch_order
from provisioning.reports.words import safe, to_json


@click.group("orders", invoke_without_command=True, no_args_is_help=False)
@click.option("--all", "everything", is_flag=True, help="Also those that were closed or cancelled.")
@output_option
@click.pass_context
def VERB(context: click.Context, *, everything: bool, output: str) -> int | None:  # noqa: N802  (it is an object)
    """List the patch orders that technicians have to carry out.

    \b
    provision orders                      the open ones
    provision orders show 3 --page F.html one of them, as a page to print
    provision orders close 3 --wait       look whether the cable lies, and close it
    provision orders cancel 3 --reason …  give it up
    """
    if context.invoked_subcommand is not None:
        return None
    site: Site = context.obj.site()
    found = patching.orders(site, everything=everything)
    rows = patch_order.rows(found, site.wired)
    if output == "json":
        click.echo(to_json([_plain(site, order) for order in found]))
    elif not rows and not everything:
        console().print("No patch order is open. `provision orders --all` shows the others.")
    else:
        console().print(listing.as_text(rows))
    return DONE


@VERB.command("show")
@click.argument("number", metavar="N", type=click.IntRange(1))
@click.option("--page", metavar="FILE.html", type=click.Path(path_type=Path), help="Write it there, to print.")
@output_option
@click.pass_obj
def show(invocation: Invocation, *, number: int, page: Path | None, output: str) -> int:
    """Show one patch order."""
    if page is not None:
        writable(page, "--page", ".html")
    site = invocation.site()
    order = patching.order(site, number)
    _say(site, order, output)
    if page is not None:
        write_page(site, order, page)
    return DONE


@VERB.command("close")
@click.argument("number", metavar="N", type=click.IntRange(1))
@wait_option
@output_option
@click.pass_obj
def close(invocation: Invocation, *, number: int, wait: float | None, output: str) -> int:
    """Look whether the cable of an order lies, and close the order with the proof.

    Exit codes: 0 closed, 3 it is not as it should be (the order stays open), 1 error.
    """
    site = invocation.site()
    order = patching.order(site, number)
    if order.state == "cancelled":
        raise RequestError(f"patch order {number} was cancelled ({order.reason}); `provision patch` makes a new one")
    if order.state == "open":
        wait_for(site, order, wait or 0.0, console(stderr=output == "json"))
        order = patching.order(site, number)
    if order.state == "closed" or output == "json":
        _say(site, order, output)
    return DONE if order.state == "closed" else PARTIAL


@VERB.command("cancel")
@click.argument("number", metavar="N", type=click.IntRange(1))
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept.")
@output_option
@click.pass_obj
def cancel(invocation: Invocation, *, number: int, reason: str, output: str) -> int:
    """Give up an open order and the port that was kept for it. What was configured stays: `provision undo` takes it
    back, and cancels the order as well."""
    if not reason.strip():
        raise RequestError("--reason is empty; say why the order is given up")
    site = invocation.site()
    found = patching.order(site, number)
    order = site.ledger.cancel_patch_order(found.number, reason.strip())
    _say(site, order, output)
    if output == "text" and found.state == "cancelled":
        console().print("It was cancelled before; nothing was changed.")
    elif output == "text":
        console().print(
            f"{safe(order.switch)} {safe(order.switch_port)} keeps what it was set to; `provision undo {order.run_id}` "
            "takes that back."
        )
    return DONE


def _say(site: Site, order: PatchOrder, output: str) -> None:
    if output == "json":
        click.echo(to_json(_plain(site, order)))
    else:
        console().print(patch_order.text(patch_order.sheet(site.wired, order)))


def _plain(site: Site, order: PatchOrder) -> dict[str, object]:
    return patch_order.plain(patch_order.sheet(site.wired, order))
