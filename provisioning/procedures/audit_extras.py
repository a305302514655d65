"""Judging what the exchange and the file servers have beside what a plan would make: subscribers and home folders of
nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from provisioning.procedures.audit import Finding, has_left, matches
from provisioning.site import Inventory
from provisioning.site.phones import Phones

__all__ = ["judge_folders", "judge_subscribers"]

_UNFINISHED = ".provisioning-"
"""What folders are called until they are in their place (``connections/files.py``)."""


def judge_subscribers(
    inventory: Inventory,
    phones: Phones,
    subscribed: Collection[str],
    held: Mapping[str, Mapping[str, str]],
    today: date,
) -> Iterator[Finding]:
    """Subscribers of the site's ranges that nobody has, or somebody who left or is unknown. `held`: range → extension →
    person. Extensions outside all ranges are other people's business. (Who should have a subscriber and has none is
    found as drift.)"""
    fixed = {
        number: key
        for key, person in inventory.people.items()
        if person.phone is not None
        for numbers in phones.ranges.values()
        if (number := numbers.extension_in(person.phone)) is not None
    }
    for extension in sorted(subscribed):
        name = phones.range_of(extension)
        if name is None or extension in phones.ranges[name].reserved:
            continue
        holder = held.get(name, {}).get(extension) or fixed.get(extension)
        known = holder in inventory.people
        if holder is None:
            yield _subscriber(
                extension, "subscriber without person", f"the exchange has a subscriber {extension}, which nobody has",
                repair="write it beside its person (people: phone), or remove the subscriber on the exchange",
                found="none", about=frozenset({extension}),
            )  # fmt: skip
        elif not known or has_left(inventory, holder, today):
            left = f"who has left on {inventory.people[holder].left}" if known else "whom the site does not know"
            yield _subscriber(
                extension, "subscriber of a leaver" if known else "subscriber without person",
                f"the subscriber {extension} on the exchange is {holder}'s, {left}",
                repair=f"remove the subscriber {extension} on the exchange; or `provision offboard {holder}`, if that "
                "was never done",
                found=holder, about=frozenset({extension, holder}),
            )  # fmt: skip


def _subscriber(extension: str, sort: str, sentence: str, *, repair: str, found: str, about: frozenset[str]) -> Finding:
    return Finding("phones", sort, extension, "warning", sentence, "a person of the site", found, repair, about=about)


def judge_folders(
    inventory: Inventory, place: str, names: Collection[str], logins: Mapping[str, str], *, archive: str, today: date
) -> Iterator[Finding]:
    """Folders among the home folders at `place` that are nobody's, or a leaver's. `logins`: person → login; `archive`
    is the folder of archived ones."""
    persons = {login.casefold(): person for person, login in logins.items()}
    spared = archive.partition("\\")[0].casefold()
    for name in sorted(names, key=str.casefold):
        person = persons.get(name.casefold())
        path = f"{place}\\{name}"
        if name.casefold() == spared or matches(name, inventory.directory.audit.ignore):
            continue
        if name.startswith(_UNFINISHED):
            yield _folder(path, "unfinished folder", "is left over from a run that was killed", "remove it", path)
        elif person is None:
            yield _folder(
                path, "folder without person", "is nobody's home folder",
                f"look what is in it, then archive or remove it; list {name} in directory: audit: ignore if it is "
                "wanted", path,
            )  # fmt: skip
        elif has_left(inventory, person, today):
            left = inventory.people[person].left
            yield _folder(
                path, "folder of a leaver", f"is the home folder of {person}, who has left on {left}",
                f"`provision offboard {person}` archives it; if that is done, look what is in it, remove it", person,
            )  # fmt: skip


def _folder(path: str, sort: str, says: str, repair: str, about: str) -> Finding:
    return Finding(
        "files", sort, path, "warning", f"{path} {says}", "a person's home folder", "", repair,
        about=frozenset({path, about}),
    )  # fmt: skip
