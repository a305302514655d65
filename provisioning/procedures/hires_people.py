"""The people in a file of new colleagues: those whom the site does not have yet, and those whom it calls otherwise."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from provisioning.errors import RequestError
from provisioning.procedures.hires_rows import Conflict, Row
from provisioning.site import Inventory
from provisioning.site.base import Identifier
from provisioning.site.inventory import nearest
from provisioning.site.lines import did_you_mean
from provisioning.site.naming import latin
from provisioning.site.people import Person
from provisioning.site.sentences import sentence
from provisioning.site.spreadsheets import folded

_NEEDED = ("given_name", "family_name", "department", "profile")
_COMPARED = ("department", "profile", "title", "manager", "phone")
_FORMULA = ("=", "+", "-", "@")
_A_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_KEY: TypeAdapter[str] = TypeAdapter(Identifier)


class Newcomers:
    """Whom the rows of a file would add to the site. `people` is everybody then."""

    def __init__(self, inventory: Inventory, rows: Iterable[Row]) -> None:
        self._inventory = inventory
        self._rows = {row.person: row for row in reversed(list(rows)) if row.person and row.fault is None}
        self.added: dict[str, Person] = {}
        self.conflicts: list[Conflict] = []
        for row in reversed(self._rows.values()):
            if row.person not in inventory.people and row.about:
                self._add(row)

    @cached_property
    def merged(self) -> Inventory:
        """The site with them."""
        return self._inventory.model_copy(update={"people": {**self._inventory.people, **self.added}})

    def _add(self, row: Row) -> None:
        words = {name: row.about.get(name) for name in _NEEDED}
        missing = [name for name, value in words.items() if not value]
        if missing:
            said = f"is not in the site yet, and to add them the file does not say their {', '.join(missing)}"
            self.conflicts.append(Conflict(row, None, f"{row.person} {said}"))
            return
        try:
            self.added[row.person] = self._person(row)
        except RequestError as exc:
            self.conflicts.append(Conflict(row, None, str(exc)))
        except ValidationError as exc:
            for error in exc.errors(include_url=False):
                at = ("people", row.person, *error["loc"])
                said = sentence({**error, "loc": at}, Inventory).removeprefix(f"people {row.person}: ")
                self.conflicts.append(Conflict(row, str(error["loc"][0]) if error["loc"] else None, said))

    def _person(self, row: Row) -> Person:
        try:
            _KEY.validate_python(row.person)
        except ValidationError as exc:
            raise RequestError(f"{row.person!r} cannot be a key of the site; {exc.errors()[0]['msg']}") from exc
        about = row.about
        for name in ("given_name", "family_name", "department", "title"):
            if about.get(name, "").startswith(_FORMULA):
                raise RequestError(f"{name} {about[name]!r} begins as a formula does in a spreadsheet; correct it")
        words: dict[str, Any] = {name: about[name] for name in (*_NEEDED, "title", "phone", "login") if about.get(name)}
        words["profile"] = self._profile(about["profile"])
        if about.get("manager"):
            words["manager"] = self.key_of(about["manager"], row)
        if row.desk:
            words["workplace"] = row.desk
        if row.start and _A_DAY.match(row.start):
            words["start"] = row.start[:10]
        return Person.model_validate(words)

    def _profile(self, job: str) -> str:
        name, profiles = self._inventory.hires.profile(job), self._inventory.profiles
        if name not in profiles:
            same = next((known for known in profiles if folded(known) == folded(name)), None)
            if same is not None:
                return same
            known = ", ".join(profiles)
            hint = (
                did_you_mean(name, profiles) or f"; expected one of: {known}; or say in hires: profiles what it means"
            )
            raise RequestError(f"there is no profile {name!r}{hint}")
        return name

    def key_of(self, name: str, row: Row) -> str:
        """The person whom a cell means: by key, or by a name that only one has. Raises :class:`RequestError`."""
        if name in self._inventory.people or name in self._rows:
            return name
        found = sorted(self._named[_words(name)] - {row.person})
        if len(found) == 1:
            return found[0]
        if found:
            raise RequestError(f"manager {name!r} may be {' or '.join(found)}; give the key")
        raise RequestError(f"there is no person {name!r} (manager){nearest(name, self._inventory.people)}")

    @cached_property
    def _named(self) -> Mapping[frozenset[str], set[str]]:
        found = defaultdict[frozenset[str], set[str]](set)
        for key, person in self._inventory.people.items():
            found[_words(f"{person.given_name} {person.family_name}")].add(key)
        for key, row in self._rows.items():
            if row.about.get("family_name"):
                found[_words(f"{row.about.get('given_name', '')} {row.about['family_name']}")].add(key)
        return found


def differences(inventory: Inventory, row: Row) -> Iterator[Conflict]:
    """What a file says of a person otherwise than the site does. Another given *and* family name is somebody else's."""
    person, about = inventory.people[row.person], row.about
    names = [name for name in ("given_name", "family_name") if about.get(name)]
    other = [name for name in names if not _same_name(inventory, about[name], getattr(person, name))]
    shown = f"{person.given_name} {person.family_name}"
    if len(other) == 2:
        here = f"{about['given_name']} {about['family_name']}"
        said = f"{row.person} is {shown} in the site, and {here} in the file; correct the number"
        yield Conflict(row, "person", said)
        return
    for name in other:
        said = f"the site says {name} {getattr(person, name)!r}, the file {about[name]!r}"
        yield Conflict(row, name, f"{said}; it stays: `provision rename {row.person}` changes it", is_warning=True)
    for name in _COMPARED:
        here, there = about.get(name, ""), getattr(person, name)
        if name == "profile":
            here = inventory.hires.profile(here)
        if name == "manager" and here not in inventory.people:
            continue  # a name: two ways to write one are no difference
        if here and there and folded(here) != folded(there):
            said = f"the site says {name} {there!r}, the file {here!r}; it stays"
            yield Conflict(row, name, said, is_warning=True)


def namesakes(inventory: Inventory, rows: Iterable[Row]) -> Iterator[Conflict]:
    """People of one name under several numbers: they may be one."""
    of_name = defaultdict[frozenset[str], list[Row]](list)
    for row in rows:
        if row.about.get("family_name"):
            of_name[_words(f"{row.about.get('given_name', '')} {row.about['family_name']}")].append(row)
    known = defaultdict[frozenset[str], list[str]](list)
    for key, person in inventory.people.items():
        known[_words(f"{person.given_name} {person.family_name}")].append(key)
    for name, same in of_name.items():
        for row in same:
            others = [r for r in same if r.person != row.person and _could_be_one(r, row)]
            elsewhere = [key for key in known[name] if key != row.person and key not in {r.person for r in same}]
            shown = f"{row.about.get('given_name', '')} {row.about['family_name']}".strip()
            if others:
                numbers = ", ".join(f"{r.person} in row {r.number}" for r in others)
                said = f"{shown} is also {numbers}; is that one person under two numbers?"
                yield Conflict(row, "person", said, is_warning=True)
            elif elsewhere and row.person not in inventory.people:
                said = f"{shown} is also {', '.join(elsewhere)} in the site; is that one person under two numbers?"
                yield Conflict(row, "person", said, is_warning=True)


def _could_be_one(one: Row, other: Row) -> bool:
    """Two birth dates tell two people apart; without them, two starts are not enough to."""
    births = {row.about["birth_date"] for row in (one, other) if row.about.get("birth_date")}
    return len(births) < 2


def circles(people: Mapping[str, Person], rows: Iterable[Row]) -> Iterator[Conflict]:
    """Managers of the file that lead back to where one began."""
    for row in rows:
        walk: dict[str, None] = {}
        key: str | None = row.person
        while key is not None and key in people and key not in walk:
            walk[key] = None
            key = people[key].manager
        if key == row.person:
            said = f"the managers go round in a circle: {' → '.join([*walk, row.person])}"
            yield Conflict(row, "manager", said)


def _same_name(inventory: Inventory, one: str, other: str) -> bool:
    """Exports often have names in Latin letters, without accents, or with umlauts written out."""
    spelt = [{folded(name), latin(name, inventory.naming.transliteration), latin(name)} for name in (one, other)]
    return bool(spelt[0] & spelt[1])


def _words(name: str) -> frozenset[str]:
    """A name in any order and spelling: ``Müller, Jörg`` and ``jorg muller`` are one."""
    return frozenset(folded(name).split("_"))
