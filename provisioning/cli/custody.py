"""``provision custody``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from provisioning.api import Site
from provisioning.cli.exits import DONE
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.matching import match_person
from provisioning.cli.pages import language_option
from provisioning.errors import RequestError
from provisioning.intake.leavers import to_return
from provisioning.ledger import CustodyRecord, CustodyTransfer
from provisioning.ledger.books import PLACES, STORE
from provisioning.procedures.licences import POOL
from provisioning.procedures.matching import matches
from provisioning.reports import holdings, listing
from provisioning.reports.words import moment, safe, to_json
from provisioning.site.help_desk import Language
from provisioning.site.inventory import nearest

_LIST = "list"


class _Custody(click.Group):
    """``custody NAME`` means ``custody list NAME``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


@click.group("custody", cls=_Custody, subcommand_metavar="[PERSON|ASSET] | COMMAND …")
def VERB() -> None:  # noqa: N802  (it is an object)
    """Say who has which piece of equipment, and book by hand what is given and taken.

    \b
    provision custody                        what everybody has
    provision custody E1042                  what a person has, and had
    provision custody NW-20042               who has had a PC (asset tag or name) or a device
    provision custody give NW-20042 --to E1042 --document R-7
    provision custody take NW-20042 --to repair
    provision custody return-list E1042 --page FILE.html

    Onboarding, moves and replacements book by themselves. Offboarding lists what is to be returned, and books nothing
    but the licence seats: `take` says that a thing is back.
    """


@VERB.command(_LIST, hidden=True)
@click.argument("name", required=False)
@output_option
@click.pass_obj
def list_(invocation: Invocation, *, name: str | None, output: str) -> int:
    """Who has what, and had it."""
    site = invocation.site()
    if name is None:
        everything = _everything(site)
        return _show(site, everything, output, "Nothing is booked yet; `provision custody give ASSET --to PERSON`.")
    asset = _known(site, name)
    if asset is not None:
        records = site.ledger.custody(asset) if site.has_ledger else []
        return _show(site, records, output, f"{asset} was never given to anybody.")
    if not matches(site.wired, name, "person"):
        raise _unknown(site, name, people=True)
    person = match_person(site, name)
    history = site.ledger.custody(holder=person) if site.has_ledger else []
    return _show(site, history, output, f"{person} was never given anything.", now=person)


@VERB.command("give")
@click.argument("asset")
@click.option("--to", metavar="PERSON", required=True, help="Who gets it.")
@click.option("--document", metavar="TEXT", help="The paper that says so: a receipt, a ticket.")
@click.option("--note", metavar="TEXT", help="A remark; it is kept.")
@output_option
@click.pass_obj
def give(invocation: Invocation, *, asset: str, to: str, document: str | None, note: str | None, output: str) -> int:
    """Book that a person is given ASSET: a PC's asset tag or name, or a device of the site."""
    site = invocation.site()
    known = _asset(site, asset)
    person = match_person(site, to)
    if (left := site.wired.people[person].left) is not None:
        raise RequestError(
            f"{person} has left on {left.isoformat()} and is given nothing; provision reinstate {person}"
        )
    former = _holder(site, known)
    if former == person:
        raise RequestError(f"{person} has {known} already; nothing was changed")
    if former == "scrap":
        raise RequestError(f"{known} is scrapped; if it is not: provision custody take {known} --to store")
    return _book(site, CustodyTransfer(known, person, _text(document, "--document"), _text(note, "--note")), output)


@VERB.command("take")
@click.argument("asset")
@click.option("--to", type=click.Choice(PLACES), default=STORE, show_default=True, help="Where it goes.")
@click.option("--document", metavar="TEXT", help="The paper that says so.")
@click.option("--note", metavar="TEXT", help="A remark; it is kept.")
@output_option
@click.pass_obj
def take(invocation: Invocation, *, asset: str, to: str, document: str | None, note: str | None, output: str) -> int:
    """Book that ASSET is taken back."""
    site = invocation.site()
    known = _asset(site, asset)
    if _holder(site, known) == to:
        raise RequestError(f"{known} is in {to} already; nothing was changed")
    return _book(site, CustodyTransfer(known, to, _text(document, "--document"), _text(note, "--note")), output)


@VERB.command("return-list")
@click.argument("person")
@click.option("--page", metavar="FILE.html", type=click.Path(path_type=Path), help="Write it there, to print and sign.")
@language_option
@output_option
@click.pass_obj
def return_list(
    invocation: Invocation, *, person: str, page: Path | None, language: Language | None, output: str
) -> int:
    """List what a person has to give back: equipment, licence seats, extension. Changes nothing."""
    from provisioning.reports import custody  # noqa: PLC0415  (Babel)
    from provisioning.reports.texts import Texts  # noqa: PLC0415

    if page is not None:
        writable(page, "--page", ".html")
    site = invocation.site()
    inventory = site.wired
    person = match_person(site, person)
    one, ledger = inventory.people[person], site.ledger if site.has_ledger else None
    items = to_return(inventory, ledger, person)
    rows = [item.to_plain() for item in items]
    if output == "json":
        click.echo(to_json(rows))
    else:
        shown = [
            {**row, "number": row["number"] or None, "what": row["what"] or None, "since": moment(row["since"])}
            for row in rows
        ]
        console().print(listing.as_text(shown) if rows else f"Nothing is booked to {person}.")
    if page is not None:
        listed = custody.ReturnList(
            person, f"{one.given_name} {one.family_name}", one.department, one.left, inventory.directory.company,
            tuple(items),
        )  # fmt: skip
        t = Texts(language or one.language or inventory.language, inventory.time_zone)
        write(page, custody.page(listed, inventory, t, datetime.now(UTC)), "--page")
        click.echo(f"The list to print is in {safe(page)}.", err=True)
    return DONE


def _everything(site: Site) -> list[CustodyRecord]:
    """The newest transfer of everything that is not in store."""
    if not site.has_ledger:
        return []
    newest = {one.asset: one for one in site.ledger.custody()}
    return [newest[asset] for asset in sorted(newest) if newest[asset].to != STORE]


def _show(site: Site, records: list[CustodyRecord], output: str, nothing: str, now: str | None = None) -> int:
    """The transfers; of a person first what is there now."""
    from provisioning.reports import custody  # noqa: PLC0415  (Babel)

    rows = custody.rows(records, site.wired)
    if output == "json":
        click.echo(to_json(rows))
    elif not rows:
        console().print(nothing)
    else:
        console().print(listing.as_text(rows))
        if now is not None:
            has = ", ".join(safe(one.asset) for one in site.ledger.held_by(now)) or "nothing"
            console().print(f"\n{now} has now: {has}.")
    return DONE


def _book(site: Site, transfer: CustodyTransfer, output: str) -> int:
    booked = site.ledger.hand_over([transfer])
    if not booked:
        raise RequestError(f"{transfer.asset} is with {transfer.to} already; somebody else was faster")
    if output == "json":
        return _show(site, booked, output, "")
    one = booked[0]
    back = f"give {one.asset} --to {one.former}" if one.former not in PLACES else f"take {one.asset} --to {one.former}"
    console().print(
        f"Booked: {safe(one.asset)} from {safe(one.former)} to {safe(one.to)}. Back: provision custody {safe(back)}"
    )
    return DONE


def _holder(site: Site, asset: str) -> str:
    return site.ledger.holders().get(asset, STORE) if site.has_ledger else STORE


def _asset(site: Site, name: str) -> str:
    asset = _known(site, name)
    if asset is None:
        raise _unknown(site, name)
    if asset.startswith(POOL):
        raise RequestError(
            f"{asset} is a licence seat, which goes with its software: `provision install PACKAGE --for PERSON` takes "
            "one, with --remove gives it back"
        )
    return asset


def _known(site: Site, name: str) -> str | None:
    """The asset that a name means: of the site, or of an earlier booking."""
    asset = holdings.asset_of(site.wired, name)
    return asset or (name if site.has_ledger and site.ledger.custody(name) else None)


def _unknown(site: Site, name: str, *, people: bool = False) -> RequestError:
    inventory = site.wired
    known = (*holdings.assets(inventory), *(inventory.people if people else ()))
    what = "person, PC or device" if people else "PC or device"
    return RequestError(f"the site has no {what} {name!r}{nearest(name, known)}")


def _text(text: str | None, option: str) -> str | None:
    if text is not None and not text.strip():
        raise RequestError(f"{option} is empty; say something or leave it out")
    return None if text is None else text.strip()
