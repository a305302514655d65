"""``provision handover``."""

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
from provisioning.errors import RequestError
from provisioning.ledger.records import Entry, RunRecord
from provisioning.reports.words import safe
from provisioning.resources.base import Address
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.directory.user import User
from provisioning.secrets import handing_over
from provisioning.secrets.letter import Letter
from provisioning.secrets.waiting import SEALED

_RUNS_SEARCHED = 500
_ERASE_TWO_LINES = "\x1b[2A\x1b[J"  # ECMA-48 CUU, ED


@click.command("handover")
@click.argument("name", required=False, metavar="[PERSON|LOGIN]")
@click.option("--letter", metavar="FILE.html", type=click.Path(path_type=Path), help="As a page to print and fold.")
@click.option("--age-recipient", "recipients", metavar="KEY", multiple=True, help="Encrypted to this key; repeatable.")
@click.option("--to", "file", metavar="FILE", type=click.Path(path_type=Path), help="Where what is encrypted goes.")
@click.option("--show", is_flag=True, help="On this terminal.")
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation, *, name: str | None, letter: Path | None, recipients: tuple[str, ...], file: Path | None,
    show: bool,
) -> int:  # fmt: skip
    """Give out the initial password of a new colleague, once; then it is destroyed here.

    Without a name: list whose passwords wait. Without an option: as the site's `handover: form` says. The ledger
    remembers that it was handed over, when, by whom and how, never the password.
    """
    site = invocation.site()
    if name is None:
        return _list(site)
    asked = _Asked(letter, recipients, file, show)
    login, whose = _whose(site, name)
    site.secrets.waiting.must_wait(login)
    way = _way(site, login, whose, asked)
    full = f"{login} ({whose})" if whose else login
    made = _made(site, login)
    where = (made.request_id, made.id) if made else (None, None)  # so that it is part of their story
    handing_over.hand_over(site.secrets.waiting, login, full, way, lambda words: site.ledger.log(Entry(words, *where)))
    if show and sys.stdin.isatty():
        click.pause("Press any key when it has reached its owner; it will not be shown again.", err=True)
        click.echo(_ERASE_TWO_LINES, nl=False)
    click.echo(f"The initial password of {safe(full)} was handed over {safe(way.words)}.", err=True)
    if way.leaves is not None:
        click.echo(f"Print it, seal it, then delete the file: rm {shlex.quote(str(way.leaves))}", err=True)
    return DONE


@dataclass(frozen=True)
class _Asked:
    """What the command line says of the way."""

    letter: Path | None
    recipients: tuple[str, ...]
    file: Path | None
    show: bool

    def __post_init__(self) -> None:
        if sum([self.letter is not None, bool(self.recipients), self.show]) > 1:
            raise RequestError("--letter, --age-recipient and --show are three ways; a password is handed over once")
        if self.file is not None and (self.letter is not None or self.show):
            raise RequestError("--to says where what is encrypted goes; it goes with --age-recipient")
        if self.show and not sys.stdout.isatty():
            raise RequestError("--show is for a terminal; use --letter FILE or --age-recipient KEY in scripts")


def _way(site: Site, login: str, whose: str | None, asked: _Asked) -> handing_over.Way:
    setting, letter = site.inventory.handover, asked.letter
    sealed = site.secrets.handover_file(login).suffix == SEALED
    if asked.show:
        return handing_over.shown(_display, "a terminal")
    if letter is None and not asked.recipients and not sealed:
        if setting.form != "letter":
            raise RequestError(
                f"say how {login} gets the password: --letter FILE, --age-recipient KEY or --show "
                "(`handover: form` in the site can make one of them usual)"
            )
        letter = setting.folder / f"{login}.letter.html"
    if letter is not None:
        if letter.parent != setting.folder:
            writable(letter, "--letter", ".html")
        day = datetime.now(UTC).date()
        page = Letter(whose or login, login, site.inventory.directory.company, setting.note, day)
        return handing_over.as_letter(page, letter.absolute())
    return handing_over.encrypted(asked.recipients, handing_over.into_file(asked.file) if asked.file else _print)


def _whose(site: Site, name: str) -> tuple[str, str | None]:
    """Login and full name. A person of the site is looked up in the directory, because names alone may deceive."""
    known = site.wired.people
    person = known.get(name)
    if person is None:
        made = _made(site, name)
        account = _account(made, name) if made else None
        owners = [f"{p.given_name} {p.family_name}" for p in known.values() if p.login == name]
        return name, account.display_name if account else next(iter(owners), None)
    full = f"{person.given_name} {person.family_name}"
    if person.login:
        return person.login, full
    with site.connect() as pool, pool.session("directory") as session:
        logins = [a.login for a in read_accounts(session, employee_ids=[name]) if a.employee_id == name and a.login]
    if len(logins) != 1:
        found = f"several accounts: {', '.join(logins)}" if logins else "no account"
        raise RequestError(f"{name} has {found}; `provision handover` lists whose passwords wait, then name the login")
    return logins[0], full


def _made(site: Site, login: str) -> RunRecord | None:
    """The run that made the account."""
    return next((run for run in site.ledger.runs(_RUNS_SEARCHED) if _account(run, login)), None)


def _account(run: RunRecord, login: str) -> User | None:
    """The account as this run made it."""
    address = Address("directory.user", "directory", login)
    made = (r.change.after for r in run.changes if r.change.address == address and r.change.before is None)
    return next((state for state in made if isinstance(state, User)), None)


def _list(site: Site) -> int:
    logins = site.secrets.waiting.logins()
    for login in logins:
        click.echo(safe(login))
    if not logins:
        click.echo("No initial password waits.", err=True)
    return DONE


def _display(password: SecretStr) -> None:
    click.echo(password.get_secret_value())
    sys.stdout.flush()


def _print(content: bytes) -> None:
    click.echo(content.decode("ascii"), nl=False)
    sys.stdout.flush()
