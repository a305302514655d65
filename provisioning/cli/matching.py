"""Names as people type them, for every verb: one good match is said (and confirmed in the plan's question), several are
listed and, on a terminal, chosen from.

With ``--yes`` nobody confirms anything, so only whole names count then.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from provisioning.api import Site
from provisioning.errors import RequestError
from provisioning.procedures.install_scope import is_known
from provisioning.procedures.matching import Match, Sort, described, known_names, matches
from provisioning.reports.words import safe
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

_SHOWN = 9


def match_person(site: Site, text: str, *, left: bool = False) -> str:
    """The key of the person that `text` means: by key, name, login, desk, room, outlet or PC. With `left`, whoever has
    left goes before whoever is here.

    Raises :class:`RequestError` with the candidates when there are several and no terminal to ask on, and with the
    nearest name when there is none.
    """
    inventory = site.wired
    if left:
        gone = {key: one for key, one in inventory.people.items() if one.left is not None}
        leavers = inventory.model_copy(update={"people": gone})
        inventory = leavers if matches(leavers, text.strip(), "person") else inventory
    return _match(inventory, text, "person").key


def match_desk(site: Site, text: str) -> str:
    """The workplace that `text` means: by key, room, outlet, by the PC there, or by whoever sits there. Raises as
    :func:`match_person`."""
    return _match(site.wired, text, "workplace").key


def match_workstation(site: Site, text: str) -> str:
    """The PC that `text` means: by name, asset tag, host, desk, outlet, room, or by whoever has it. Raises as
    :func:`match_person`."""
    return _match(site.wired, text, "workstation").key


def match_person_or_workstation(site: Site, text: str) -> tuple[Sort, str]:
    """The person or the PC that `text` means; where it fits both (a desk, for example), the person. Raises as
    :func:`match_person`."""
    match = _match(site.wired, text, "person", "workstation")
    return match.sort, match.key


def match_scope(site: Site, text: str) -> str:
    """For whom something is installed: as the site calls it, else the person or PC that `text` means. What means
    nothing is given back as it is. Raises as :func:`match_person`."""
    inventory = site.wired
    if is_known(inventory, text) or not matches(inventory, text, "person", "workstation"):
        return text
    return _match(inventory, text, "person", "workstation").key


def _match(inventory: Inventory, text: str, *sorts: Sort) -> Match:
    text = text.strip()
    found = matches(inventory, text, *sorts) if text else []
    found = [one for one in found if one.sort == sorts[0]] or found
    what = " or ".join(sorts)
    if not found:
        raise RequestError(f"the site has no {what} {text!r}{nearest(text, known_names(inventory, *sorts))}")
    if len(found) > 1:
        return _choice(inventory, text, found, what)
    one = found[0]
    if not one.sure and _nobody_confirms():
        said = described(inventory, one)
        raise RequestError(f"{text!r} may be {said}; with --yes nobody confirms that, so give a whole name: {one.key}")
    if text != one.key:
        click.echo(f"{safe(text)} is {safe(described(inventory, one))}", err=True)
    return one


def _choice(inventory: Inventory, text: str, found: Sequence[Match], what: str) -> Match:
    lines = [described(inventory, one) for one in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    if more or _nobody_confirms() or not sys.stdin.isatty():
        raise RequestError(f"{text!r} fits {len(found)} things: {'; '.join(lines)}{more}; name the {what} by its key")
    for number, line in enumerate(lines, 1):
        click.echo(f"{number}  {safe(line)}", err=True)
    number = click.prompt(f"Which one is {safe(text)}?", type=click.IntRange(1, len(lines)), err=True)
    return found[number - 1]


def _nobody_confirms() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.params.get("yes"))
