"""Names in tasks: a playbook is run again and again, and nobody confirms a guess, so only whole names of the thing
itself count (never whoever sits at a desk at the moment)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from provisioning.ansible_door.arguments import Spec
from provisioning.api import Site
from provisioning.errors import RequestError
from provisioning.procedures.matching import described, known_names, matches
from provisioning.site import Inventory


def person(site: Site, text: str) -> str:
    """The key of the person who is called `text`: number, fixed login, whole name (in Latin letters, too). What names
    nobody is given back as it is, since the directory or the ledger may know it. Raises :class:`RequestError` for a
    name that several people have."""
    inventory, text = site.wired, text.strip()
    if text in inventory.people or not text or _squeezed(text) in _places(inventory):
        return text
    found = [one for one in matches(inventory, text, "person") if one.sure]
    if len(found) > 1:
        said = "; ".join(described(inventory, one) for one in found)
        raise RequestError(f"{text!r} fits {len(found)} people: {said}; name the person by number")
    return found[0].key if found else text


def _places(inventory: Inventory) -> set[str]:
    """What names a place or a PC, and so whoever is there today."""
    rooms = (place.room for place in inventory.workplaces.values())
    return set(map(_squeezed, (*known_names(inventory, "workplace", "workstation"), *inventory.outlets, *rooms)))


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def people(site: Site, texts: Sequence[str]) -> tuple[str, ...]:
    """Each person once."""
    return tuple(dict.fromkeys(person(site, text) for text in texts))


def text(given: Mapping[str, Any], name: str) -> str | None:
    """An option that may be missing."""
    value = given.get(name)
    return None if value is None else str(value)


def texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts that may be missing."""
    return tuple(str(one) for one in given.get(name) or ())


def option(kind: str, *described: str, **more: Any) -> Spec:
    """One option of an argument specification."""
    return {"type": kind, "description": list(described), **more}


def listed(*described: str, **more: Any) -> Spec:
    """An option that is a list of texts."""
    return option("list", *described, elements="str", **more)


_OPTIONS = {
    "--to": "`to`", "--swap": "`swap: true`", "--with-pc": "`with_pc: true`", "--without-pc": "`with_pc: false`",
    "--use-spare": "`use_spare: true`", "--start": "`start`", "--desk": "`desk`", "--on": "`day`",
    "--forward-to": "`forward_to`", "--reply": "`reply`", "--manager-of-reports": "`manager_of_reports`",
    "--profile": "`profile`", "--department": "`department`", "--title": "`title`", "--manager": "`manager`",
    "--from": "`former`", "--keep": "`keep`", "--keep-name": "`keep_name: true`", "--no-data": "`data: false`",
    "--for": "`targets`", "--wave": "`waves`", "--stop-at": "`stop_at`", "--again": "`again: true`",
    "--allow-downgrade": "`allow_downgrade: true`",
}  # fmt: skip
"""What the command line calls an option → what a task calls it."""


def in_options(sentence: str) -> str:
    """A sentence of the library with the options as tasks call them; whole commands (in backticks) are left alone."""
    pieces = sentence.split("`")
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(r"--[a-z][a-z-]*", lambda found: _OPTIONS.get(found[0], found[0]), pieces[i])
    return "`".join(pieces)
