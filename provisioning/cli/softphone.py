"""``provision softphone``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import SecretStr

from provisioning.api import Site
from provisioning.cli.exits import DONE
from provisioning.cli.files import writable
from provisioning.cli.invocation import Invocation
from provisioning.cli.matching import match_person
from provisioning.errors import RequestError
from provisioning.ledger.records import Entry
from provisioning.procedures.matching import matches
from provisioning.reports.words import safe
from provisioning.secrets import handing_over
from provisioning.secrets.letter import PhoneLetter
from provisioning.secrets.phone_passwords import KeptPassword
from provisioning.secrets.waiting import Parcel
from provisioning.site.inventory import nearest
from provisioning.site.phones import Phones

_ERASE_TWO_LINES = "\x1b[2A\x1b[J"  # ECMA-48 CUU, ED


@click.command("softphone")
@click.argument("name", required=False, metavar="[PERSON|EXTENSION]")
@click.option("--letter", metavar="FILE.html", type=click.Path(path_type=Path), help="As a page to print and fold.")
@click.option("--age-recipient", "recipients", metavar="KEY", multiple=True, help="Encrypted to this key; repeatable.")
@click.option("--to", "file", metavar="FILE", type=click.Path(path_type=Path), help="Where what is encrypted goes.")
@click.option("--show", is_flag=True, help="On this terminal.")
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, name: str | None, letter: Path | None, recipients: tuple[str, ...], file: Path | None,
    show: bool,
) -> int:  # fmt: skip
    """Give out the SIP account of somebody who telephones with a program, not with a desk phone.

    Without a name: list the extensions whose passwords are kept here. Desk phones fetch theirs by themselves. The
    ledger remembers that it was handed over, when, by whom and how, never the password.
    """
    site = invocation.site()
    phones = site.inventory.phones
    if phones is None:
        raise RequestError("the site says nothing about telephones; add phones: to it (docs/phones.md)")
    if name is None:
        return _list(site)
    asked = _Asked(letter, recipients, file, show)
    extension, kept = _kept(site, name)
    way = _way(site, phones, asked, extension, kept)
    what = f"The SIP password of {extension} ({_name(site, kept.holder)})"
    handing_over.hand_over_copy(
        what, Parcel(extension, kept.password), way, lambda words: site.ledger.log(Entry(words))
    )
    if show and sys.stdin.isatty():
        click.pause("Press any key when it is typed in; it will not be shown again.", err=True)
        click.echo(_ERASE_TWO_LINES, nl=False)
    click.echo(f"{safe(what)} was handed over {safe(way.words)}.", err=True)
    at = f"{phones.registrar.host}:{phones.registrar.port} ({phones.transport})"
    click.echo(f"User {extension}, domain {safe(phones.domain)}, server {safe(at)}.", err=True)
    if way.leaves is not None:
        click.echo(f"Print it, seal it, then delete the file: rm {shlex.quote(str(way.leaves))}", err=True)
    return DONE


def _list(site: Site) -> int:
    kept = [(number, site.secrets.phone_passwords.current(number)) for number in _extensions(site)]
    for number, one in kept:
        if one is not None:
            click.echo(f"{number}  {safe(one.holder)}  {safe(_name(site, one.holder))}")
    if not kept:
        click.echo("No SIP password is kept here; `provision onboard` makes them.", err=True)
    return DONE


@dataclass(frozen=True)
class _Asked:
    """What the command line says of the way."""

    letter: Path | None
    recipients: tuple[str, ...]
    file: Path | None
    show: bool

    def __post_init__(self) -> None:
        if sum([self.letter is not None, bool(self.recipients), self.show]) != 1:
            raise RequestError("say how it is given out: --letter FILE, --age-recipient KEY or --show, one of them")
        if self.file is not None and not self.recipients:
            raise RequestError("--to says where what is encrypted goes; it goes with --age-recipient")
        if self.show and not sys.stdout.isatty():
            raise RequestError("--show is for a terminal; use --letter FILE or --age-recipient KEY in scripts")


def _way(site: Site, phones: Phones, asked: _Asked, extension: str, kept: KeptPassword) -> handing_over.Way:
    if (letter := asked.letter) is not None:
        writable(letter, "--letter", ".html")
        at = f"{phones.registrar.host}, port {phones.registrar.port}"
        page = PhoneLetter(
            _name(site, kept.holder),
            extension,
            site.inventory.directory.company,
            site.inventory.handover.note,
            datetime.now(UTC).date(),
            phones.domain,
            at,
            phones.transport.upper(),
        )
        return handing_over.as_letter(page, letter.absolute())
    if asked.recipients:
        return handing_over.encrypted(asked.recipients, handing_over.into_file(asked.file) if asked.file else _print)
    return handing_over.shown(_display, "a terminal")


def _kept(site: Site, name: str) -> tuple[str, KeptPassword]:
    """The extension that `name` means (itself, or its holder's), and what is kept of it."""
    found = {number: one for number in _extensions(site) if (one := site.secrets.phone_passwords.current(number))}
    if name in found:
        return name, found[name]
    if not matches(site.wired, name, "person"):
        raise RequestError(f"the site has no person or extension {name!r}{nearest(name, (*site.wired.people, *found))}")
    person = match_person(site, name)
    theirs = [number for number, one in found.items() if one.holder == person]
    if not theirs:
        raise RequestError(f"no SIP password of {person} is kept here; onboard {person}, who then gets an extension")
    if len(theirs) > 1:
        raise RequestError(f"{person} has several extensions: {', '.join(theirs)}; name one of them")
    return theirs[0], found[theirs[0]]


def _extensions(site: Site) -> list[str]:
    return site.secrets.phone_passwords.extensions()


def _name(site: Site, holder: str) -> str:
    person = site.wired.people.get(holder)
    return holder if person is None else f"{person.given_name} {person.family_name}"


def _display(password: SecretStr) -> None:
    click.echo(password.get_secret_value())
    sys.stdout.flush()


def _print(content: bytes) -> None:
    click.echo(content.decode("ascii"), nl=False)
    sys.stdout.flush()
