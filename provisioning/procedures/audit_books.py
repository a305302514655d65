"""Judging the books: licence seats and equipment that the ledger says somebody has, against the site and the PCs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from provisioning.ledger.books import PLACES, CustodyTransfer
from provisioning.procedures.audit import Area, Finding, has_left
from provisioning.procedures.desk_custody import desk_assets
from provisioning.site import Inventory

__all__ = ["SEATS", "Installed", "SeatHeld", "judge_custody", "judge_seats", "packages_of", "people_at_desks"]

SEATS = "licence:"
"""What the pools of licence seats, and the assets that stand for them, begin with."""


@dataclass(frozen=True)
class SeatHeld:
    """One seat that the ledger has given out. `pool` without its prefix."""

    pool: str
    seat: str
    holder: str


@dataclass(frozen=True)
class Installed:
    """What was seen and what is wanted: PC → packages of the catalogue (their names in the site) that are installed,
    for the PCs that could be read; and PC → packages that it should have."""

    there: Mapping[str, frozenset[str]]
    wanted: Mapping[str, frozenset[str]]


def judge_seats(inventory: Inventory, held: Sequence[SeatHeld], installed: Installed, today: date) -> Iterator[Finding]:
    """Seats of people who left or are unknown, seats without their package, packages without a seat, and pools that
    have given out more than they have."""
    by_pool: dict[str, list[SeatHeld]] = defaultdict(list)
    for seat in held:
        by_pool[seat.pool].append(seat)
    for pool, seats in sorted(by_pool.items()):
        if pool not in inventory.licences:
            yield Finding(
                "licences", "unknown pool", pool, "remark", f"{len(seats)} seats of the licence pool {pool} are held, "
                "which the site does not have", "a pool of the site", pool,
                "write it into the site's licences again, or forget it: nothing takes its seats",
            )  # fmt: skip
            continue
        owned = inventory.licences[pool].seats
        if len(seats) > owned:
            yield Finding(
                "licences", "pool over its number", pool, "warning",
                f"{len(seats)} seats of the licence pool {pool} are held, the organisation owns {owned}",
                str(owned), str(len(seats)), f"buy seats and correct licences: {pool}: seats, or free some",
            )  # fmt: skip
        for seat in seats:
            yield from _seat(inventory, seat, installed, today)
    yield from _unlicensed(inventory, {pool: {seat.holder for seat in seats} for pool, seats in by_pool.items()},
                           installed)  # fmt: skip


def _seat(inventory: Inventory, seat: SeatHeld, installed: Installed, today: date) -> Iterator[Finding]:
    named = f"seat {seat.seat} of the licence pool {seat.pool}"
    packages = {name for name, package in inventory.software.items() if package.licence == seat.pool}
    frees = f"`provision install {' '.join(sorted(packages))} --for PC --remove` where it is installed frees the seat"
    finding = _holder(
        inventory, "licences", "seat", named=named, holder=seat.holder, today=today,
        repair=frees if packages else "write a package with this licence into the software catalogue again",
    )  # fmt: skip
    if finding is not None:
        yield finding
        return
    pcs = _pcs_of(inventory, seat.holder)
    if not pcs or any(pc not in installed.there for pc in pcs):  # nobody could look
        return
    if any(packages & (installed.there[pc] | installed.wanted.get(pc, frozenset())) for pc in pcs):
        return
    where = ", ".join(pcs)
    yield Finding(
        "licences", "seat without package", seat.holder, "warning",
        f"{named} is held by {seat.holder}, and {where} has none of its packages", "the package", "not installed",
        f"`provision onboard {seat.holder}` installs what the profile has; {frees}",
        about=frozenset({seat.holder, *pcs}),
    )  # fmt: skip


def _unlicensed(inventory: Inventory, holders: Mapping[str, set[str]], installed: Installed) -> Iterator[Finding]:
    at_desk = people_at_desks(inventory)
    for pc, packages in sorted(installed.there.items()):
        people = at_desk.get(_desk_of(inventory, pc), ())
        for name in sorted(packages):
            package = inventory.software[name]
            if package.licence is None:
                continue
            per_user = inventory.licences[package.licence].metric == "per-user" and people
            entitled = set(people) if per_user else {pc}
            if not entitled & holders.get(package.licence, set()):
                yield Finding(
                    "licences", "package without seat", pc, "warning",
                    f"{package.display_name} is installed on {pc}, and {' and '.join(sorted(entitled))} holds no seat "
                    f"of the licence pool {package.licence}", f"a seat of {package.licence}", "none",
                    f"uninstall it on {pc} and let `provision onboard` install it again, which takes a seat; "
                    "or uninstall it for good", about=frozenset({pc, *people}),
                )  # fmt: skip


def judge_custody(inventory: Inventory, holders: Mapping[str, str], today: date) -> Iterator[Finding]:
    """Equipment that leavers or unknown people have, and equipment at somebody's desk that the ledger gives to
    somebody else. What was never booked is not judged."""
    at_desk = {
        asset: (people[0], desk) for desk, people in people_at_desks(inventory).items()
        if len(people) == 1 and desk in inventory.workplaces for asset in desk_assets(inventory, desk)
    }  # fmt: skip
    for asset, holder in sorted(holders.items()):
        if asset.startswith(SEATS):
            continue
        if holder not in PLACES and (
            finding := _holder(
                inventory, "equipment", "asset", named=asset, holder=holder, today=today,
                repair=f"provision custody take {asset}",
            )
        ):  # fmt: skip
            yield finding
        elif asset in at_desk and (place := at_desk[asset])[0] != holder:
            yield _elsewhere(asset, holder, *place)


def _elsewhere(asset: str, holder: str, person: str, desk: str) -> Finding:
    """Something that stands at somebody's desk and is booked to `holder`. What is in repair or scrapped is not given to
    anybody because of what the site says."""
    said = f"{asset} stands at {desk}, the desk of {person}, but is booked to {holder}"
    about = frozenset({asset, person, holder})
    if holder in {"repair", "scrap"}:
        wrong = f"if it is not there any more, correct the site; if it is, `provision custody take {asset} --to store`"
        return Finding("equipment", "custody differs", asset, "warning", said, person, holder, wrong, about=about)
    return Finding(
        "equipment", "custody differs", asset, "warning", said, person, holder, f"provision audit {person} --repair",
        about=about, person=person, transfer=CustodyTransfer(asset, person, document="audit"),
    )  # fmt: skip


def _holder(
    inventory: Inventory, area: Area, thing: str, *, named: str, holder: str, today: date, repair: str
) -> Finding | None:
    """The finding for something that somebody holds who is not there any more."""
    about = frozenset({holder, named})
    if has_left(inventory, holder, today):
        said = f"{named} is held by {holder}, who has left on {inventory.people[holder].left}"
        return Finding(
            area, f"{thing} of a leaver", holder, "warning", said, "given back", holder, repair, about=about
        )  # fmt: skip
    if holder in inventory.people or holder in inventory.workstations:
        return None
    said = f"{named} is held by {holder}, whom the site does not know"
    return Finding(
        area, f"{thing} of nobody", holder, "warning", said, "a person of the site", holder, repair, about=about
    )  # fmt: skip


def people_at_desks(inventory: Inventory) -> Mapping[str, Sequence[str]]:
    """Workplace → who has it, for those who have not left."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, person in inventory.people.items():
        if person.workplace is not None and person.left is None:
            found[person.workplace].append(key)
    return found


def _desk_of(inventory: Inventory, pc: str) -> str:
    known = inventory.workstations.get(pc)
    return (known.workplace if known is not None else None) or ""


def _pcs_of(inventory: Inventory, holder: str) -> Sequence[str]:
    if holder in inventory.workstations:
        return (holder,)
    pc = inventory.workstation_at.get(inventory.people[holder].workplace or "")
    return (pc,) if pc is not None else ()


def packages_of(inventory: Inventory, display_names: Iterable[str]) -> frozenset[str]:
    """The packages of the catalogue that are shown under these names."""
    wanted = {name.casefold() for name in display_names}
    return frozenset(name for name, package in inventory.software.items() if package.display_name.casefold() in wanted)
