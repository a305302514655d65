"""Extensions: which number is whose. Pure; the ledger gives them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provisioning.errors import RequestError
from provisioning.procedures.base import Numbering
from provisioning.resources.base import Address, State
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.site import Inventory
from provisioning.site.phones import ExtensionRange, Phones

POOL = "extension:"
_SHOWN = 10


@dataclass(frozen=True)
class Extension:
    """One person's number, and how others dial it. `former` are the numbers that the person has beside it until now."""

    number: str
    telephone: str
    former: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """An extension that `holder` is given when a run begins."""

    pool: str
    extension: str
    holder: str

    @property
    def candidates(self) -> tuple[str, ...]:
        """The plan says which one it is: nothing else will do."""
        return (self.extension,)


def must_choose(inventory: Inventory, people: Iterable[str], held: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether somebody has no extension yet, neither in the ledger nor fixed in the site."""
    owned = _owned(held)
    return any(
        place is not None and _fixed(inventory, key, place[1]) is None and _own(key, place, owned) is None
        for key in people
        if (place := _range_of(inventory, key)) is not None
    )


def choose(inventory: Inventory, people: Iterable[str], numbering: Numbering) -> dict[str, Extension]:
    """An extension for each of `people` whose profile has a class of telephone.

    A number that the site writes down fixes it; who has one keeps it; otherwise it is the lowest that nobody has, no
    site fixes for somebody else and the exchange does not know. Raises :class:`RequestError` when there is none.
    """
    fixed, owned = _all_fixed(inventory), _owned(numbering.held)
    left: dict[str, Iterator[str]] = {}
    chosen: dict[str, Extension] = {}
    given: dict[str, str] = {}
    for key in people:
        if (place := _range_of(inventory, key)) is None:
            continue
        name, numbers = place
        held = numbering.held.get(name, {})
        number = _fixed(inventory, key, numbers)
        if number is not None and held.get(number, key) != key:
            raise RequestError(
                f"extension {number} of person {key} (people: {key}: phone) is held by {held[number]}; take it "
                "back from them or correct the site"
            )
        number = number or _own(key, place, owned)
        if number is None:  # what was not free for the one before is not free for the next
            untried = left.setdefault(name, iter(numbers.extensions))
            taken = (fixed, held, given, numbering.subscribed)
            number = next((n for n in untried if not any(n in one for one in taken)), None)
        if number is None:
            raise RequestError(_exhausted(name, numbers, key, {**fixed, **held, **given}, numbering))
        given[number] = key
        chosen[key] = Extension(number, numbers.dialled(number), _former(key, number, owned))
    return chosen


def claims(inventory: Inventory, things: Iterable[tuple[Address, State | None]]) -> tuple[Claim, ...]:
    """The extensions that the subscribers among `things` take."""
    found: dict[Claim, None] = {}
    for address, state in things:
        if inventory.phones is None or not isinstance(state, Subscriber) or state.holder is None:
            continue
        name = inventory.phones.range_of(address.key)
        if name is not None:
            found[Claim(f"{POOL}{name}", address.key, state.holder)] = None
    return tuple(found)


Place = tuple[str, ExtensionRange]
Owned = Mapping[str, Mapping[str, Sequence[str]]]
"""Person → range → the numbers that the person holds of it."""


def _range_of(inventory: Inventory, key: str) -> Place | None:
    """The range that a person's class of telephone is numbered from."""
    phones = inventory.phones
    phone_class = inventory.profiles[inventory.person(key).profile].phone_class
    if phones is None or phone_class is None:
        return None
    name = phones.classes[phone_class].range
    return name, phones.ranges[name]


def _fixed(inventory: Inventory, key: str, numbers: ExtensionRange) -> str | None:
    telephone = inventory.people[key].phone
    return numbers.extension_in(telephone) if telephone is not None else None


def _all_fixed(inventory: Inventory) -> dict[str, str]:
    """Extension → the person whom the site writes it down for. Who has left keeps none."""
    found = {}
    for key, person in inventory.people.items():
        place = _range_of(inventory, key) if person.left is None else None
        if place is not None and (number := _fixed(inventory, key, place[1])) is not None:
            found[number] = key
    return found


def _owned(held: Mapping[str, Mapping[str, str]]) -> Owned:
    owned: dict[str, dict[str, list[str]]] = {}
    for name, of_range in held.items():
        for number, holder in of_range.items():
            owned.setdefault(holder, {}).setdefault(name, []).append(number)
    return owned


def _own(key: str, place: Place, owned: Owned) -> str | None:
    name, numbers = place
    return min((n for n in owned.get(key, {}).get(name, ()) if n in numbers), default=None)


def _former(key: str, number: str, owned: Owned) -> tuple[str, ...]:
    held = (item for of_range in owned.get(key, {}).values() for item in of_range)
    return tuple(sorted({item for item in held if item != number}))


def _exhausted(name: str, numbers: ExtensionRange, key: str, others: Mapping[str, str], numbering: Numbering) -> str:
    possible = numbers.extensions
    holders = list(dict.fromkeys(others[n] for n in possible if n in others))
    more = f" and {len(holders) - _SHOWN} more" if len(holders) > _SHOWN else ""
    given = f"{sum(n in others for n in possible)} belong to {', '.join(holders[:_SHOWN])}{more}" if holders else ""
    strange = sum(n in numbering.subscribed and n not in others for n in possible)
    foreign = f"{strange} have subscribers on the exchange that the ledger does not know" if strange else ""
    why = "; ".join(filter(None, (given, foreign))) or "all are reserved"
    return (
        f"no extension of the range {name} ({numbers.first} to {numbers.last}) is left for {key}: {why}; release one "
        f"or extend phones: ranges: {name}"
    )


def extension_pools(phones: Phones) -> Mapping[str, str]:
    """Range → its pool in the ledger."""
    return {name: f"{POOL}{name}" for name in phones.ranges}
