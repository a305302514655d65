"""``provision names``."""

from __future__ import annotations

import click

from provisioning.api.renaming import Spelling, spellings
from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.errors import RequestError
from provisioning.reports.listing import as_text
from provisioning.reports.words import to_json
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

_LONGEST = 200


@click.command("names")
@click.argument("names", nargs=-1, required=True, metavar='NAME|"GIVEN FAMILY"|PERSON…')
@output_option
@click.pass_obj
def VERB(invocation: Invocation, *, names: tuple[str, ...], output: str) -> int:  # noqa: N802  (it is an object)
    """Show the logins and mail addresses that names become, by each standard of transliteration.

    \b
    provision names "Юлия Щеглова" "Müller, Jörg"      whoever that is
    provision names E1042                              somebody of the site

    The family name is the last word, or what stands before a comma. Nobody is looked up: others may have these names
    already. To be tried before the first people are onboarded; `naming: transliteration` in the site chooses.
    """
    inventory = invocation.site().wired
    rows = [row for name in names for row in _rows(name, spellings(inventory, *_parts(inventory, name)))]
    if output == "json":
        click.echo(to_json(rows))
    else:
        console().print(as_text(rows))
    return DONE


def _parts(inventory: Inventory, name: str) -> tuple[str, str]:
    """Given and family name."""
    if name in inventory.people:
        person = inventory.people[name]
        return person.given_name, person.family_name
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise RequestError(f"{name!r} is no name; expected 1 to {_LONGEST} printable characters such as 'Юлия Щеглова'")
    if any(letter.isdigit() for letter in name):
        raise RequestError(f"no name has digits, and the site has no person {name!r}{nearest(name, inventory.people)}")
    family, comma, given = name.partition(",")
    if comma:
        return given.strip(), family.strip()
    given, _, family = name.strip().rpartition(" ")
    return given.strip(), family


def _rows(name: str, found: tuple[Spelling, ...]) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "standard": ", ".join(filter(None, ("the site's setting" if one.chosen else "", ", ".join(one.standards)))),
            "logins": list(one.logins),
            "addresses": list(one.addresses),
        }
        for one in found
    ]
