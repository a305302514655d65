"""``provision card``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from provisioning.api import Site
from provisioning.cli.exits import DONE
from provisioning.cli.files import writable, write
from provisioning.cli.invocation import Invocation
from provisioning.cli.matching import match_person
from provisioning.cli.pages import language_option
from provisioning.errors import RequestError
from provisioning.reports.words import safe
from provisioning.site.help_desk import Language


@click.command("card")
@click.argument("person", metavar="PERSON")
@language_option
@click.option(
    "--output", "file", metavar="FILE.html", type=click.Path(path_type=Path),
    help="Where the page goes (else card-PERSON.html in this folder).",
)  # fmt: skip
@click.pass_obj
def VERB(invocation: Invocation, *, person: str, language: Language | None, file: Path | None) -> int:  # noqa: N802  (it is an object)
    """Write a new colleague's desk card: one page to print.

    It says where the desk is, how to sign in, telephone, mail, intranet, what is installed, whom to call. It holds no
    password. Reads the directory, changes nothing. The language is the person's (people: language), else the site's.
    """
    site = invocation.site()
    person = match_person(site, person)
    place = file or Path(f"card-{person}.html")
    writable(place, "--output", ".html")
    write_cards(site, {person: place}, language)
    return DONE


def card_files(target: Path, persons: tuple[str, ...]) -> dict[str, Path]:
    """Person → file, for ``--card FILE|FOLDER``; raises :class:`RequestError` for what cannot be written."""
    if target.suffix == ".html" and len(persons) == 1:
        writable(target, "--card", ".html")
        return {persons[0]: target}
    if not target.is_dir():
        one = "a file name that ends in .html, or a folder that exists" if len(persons) == 1 else "a folder that exists"
        raise RequestError(f"--card {target}: expected {one}")
    places = {person: target / f"card-{person}.html" for person in persons}
    for place in places.values():
        writable(place, "--card", ".html")
    return places


def write_cards(
    site: Site,
    places: dict[str, Path],
    language: Language | None = None,
    *,
    desks: Mapping[str, str] | None = None,
    skip: bool = False,
) -> None:
    """Write the cards of people (person → file) and say where they are; see :func:`provisioning.api.cards.cards`."""
    from provisioning.api.cards import cards, language_of  # noqa: PLC0415  (only who wants a card waits for Babel)
    from provisioning.reports.card import page  # noqa: PLC0415
    from provisioning.reports.texts import Texts  # noqa: PLC0415

    inventory, at = site.wired, datetime.now(UTC)
    made = cards(site, *places, desks=desks, skip=skip)
    for card in made:
        t = Texts(language or language_of(inventory, card.person), inventory.time_zone)
        write(places[card.person], page(card, t, at), "--card")
        click.echo(f"The card of {safe(card.name)} is in {safe(places[card.person])}.", err=True)
    for person in sorted(places.keys() - {card.person for card in made}):
        click.echo(
            f"{safe(person)} has no account yet, so no card was written: provision card {safe(person)}", err=True
        )
