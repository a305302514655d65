"""Looking at directory, ledger and site before a leaver comes back, or what is left of them is erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from provisioning.api.leaving import number_of
from provisioning.errors import RequestError
from provisioning.intake import leavers
from provisioning.intake.extensions import held_extensions
from provisioning.ledger import RunRecord
from provisioning.procedures.base import Numbering
from provisioning.procedures.erase import Erase
from provisioning.procedures.extensions import choose
from provisioning.procedures.leaving_places import AT_DESK, is_at, own_desk
from provisioning.procedures.leaving_record import Thing, leaver_of, things_of
from provisioning.procedures.offboard import Offboard, leavers_name, leavers_of
from provisioning.procedures.reinstate import Reinstate, subscriber_of
from provisioning.resources.base import Sessions
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.directory.all_groups import AllGroups
from provisioning.resources.directory.leaver_facts import missing_groups
from provisioning.resources.directory.user import USER, User
from provisioning.resources.phones.subscriber import taken
from provisioning.site import Inventory
from provisioning.site.inventory import unknown

if TYPE_CHECKING:
    from provisioning.api.site import Site
    from provisioning.connections.directory import DirectorySession

_ALL = 1_000_000


def reinstating(site: Site, name: str) -> Reinstate:
    """A request to reinstate `name`, from what the ledger says of the offboarding. Changes nothing.

    Raises :class:`~provisioning.errors.RequestError` when nobody of that name was offboarded, or that is not over;
    :class:`~provisioning.errors.TargetError` for the directory.
    """
    inventory = site.wired
    leavers_of(inventory)
    person, runs = _offboarded(site, inventory, name)
    leavers.refuse_under_way(site.ledger, person)
    asked = Offboard.from_plain(runs[-1].request)
    found = things_of(runs)
    if not found:
        raise RequestError(f"the offboarding of {person} (run {runs[-1].id}) changed nothing that could be given back")
    back = _Return(site, inventory, asked, runs, list(found))
    with site.reading(purpose="a reinstatement") as sessions:
        with sessions.session("directory") as session:
            if not USER.read(session, [asked.login]) or leavers.was_erased(site.ledger, person, runs[-1]):
                return _anew(replace(back, things=[]))
            back.to_groups_that_are_there(session)
            back.under_a_free_name(session)
        extension = back.extension(sessions)
    desk = back.desk()
    reports = back.reports()
    return Reinstate(
        person,
        asked.login,
        asked.name,
        runs[-1].id,
        tuple(back.things),
        desk,
        extension,
        back.pools(desk),
        reports,
        asked.addresses,
        tuple(back.lost),
    )


def _anew(back: _Return) -> Reinstate:
    """Somebody whose account was deleted comes back as anybody new does. Raises :class:`RequestError`."""
    asked = back.asked
    if asked.person not in back.inventory.people:
        raise RequestError(
            f"the account {asked.login} of {asked.person} was deleted, and the site has no {asked.person}; write them "
            f"into the site's people, then `provision reinstate {asked.person}` makes a new account"
        )
    back.lost.append(f"the account of {asked.person} was deleted: this is a new one, without the former mail and files")
    desk = back.desk()
    return Reinstate(
        asked.person, asked.login, asked.name, back.runs[-1].id, (), desk, lost=tuple(back.lost), anew=True
    )


def erasing(site: Site, name: str) -> Erase:
    """A request to erase at once what the leaver `name` left behind. Changes nothing.

    Raises :class:`~provisioning.errors.RequestError` when nobody of that name was offboarded, or that is not over.
    """
    inventory = site.wired
    leavers_of(inventory)
    person, runs = _offboarded(site, inventory, name)
    last = runs[-1]
    if last.state != "done":
        raise RequestError(
            f"the offboarding of {person} (run {last.id}) is {last.state}; finish it first: "
            f"`provision resume {last.id}`"
        )
    asked = Offboard.from_plain(last.request)
    return Erase(asked.person, asked.login, asked.name, last.id, asked.home)


def pending_deletions(site: Site, person: str) -> tuple[int, ...]:
    """The requests to erase a leaver that have not begun."""
    return leavers.pending_deletions(site.ledger, person) if site.has_ledger else ()


def offboarded(site: Site) -> Mapping[str, str]:
    """Login, and employee number, in small letters → employee number, of everybody who was ever offboarded here."""
    known: dict[str, str] = {}
    for run in site.ledger.runs(_ALL) if site.has_ledger else ():
        if (person := leaver_of(run.request, "offboard")) is not None:
            known |= {str(run.request["login"]).casefold(): person, person.casefold(): person}
    return known


def _offboarded(site: Site, inventory: Inventory, name: str) -> tuple[str, list[RunRecord]]:
    """Who is meant, and the runs of the offboarding."""
    known = offboarded(site)
    person = known.get(name.casefold(), number_of(inventory, name))
    if person not in inventory.people and person not in known.values():
        unknown("person", name, {*inventory.people, *known.values(), *known})
    runs = leavers.offboardings(site.ledger, person) if site.has_ledger else []
    if not runs:
        left = inventory.people[person].left if person in inventory.people else None
        if left is None:
            raise RequestError(f"{person} has not left, so there is nobody to reinstate or to erase")
        raise RequestError(
            f"{person} has left on {left}, as the site's files say, and the ledger knows of no offboarding; take "
            f"`left` out of the files, then `provision onboard {person}`"
        )
    return person, runs


@dataclass
class _Return:
    """What is given back, as far as it is looked at; `lost` says what is not."""

    site: Site
    inventory: Inventory
    asked: Offboard
    runs: list[RunRecord]
    things: list[Thing]
    lost: list[str] = field(default_factory=list)

    def to_groups_that_are_there(self, session: DirectorySession) -> None:
        """Groups that were deleted meanwhile have no members."""
        names = [group for one in self.things if isinstance(one.state, AllGroups) for group in one.state.groups]
        missing = missing_groups(session, names)
        self.lost += [f"the group {name} is no more, so its membership is not given back" for name in missing]
        for i, one in enumerate(self.things):
            if isinstance(one.state, AllGroups):
                left = AllGroups(groups=tuple(group for group in one.state.groups if group not in missing))
                self.things[i] = Thing(one.kind, one.target, one.key, left)

    def under_a_free_name(self, session: DirectorySession) -> None:
        """The account has its former name again, unless somebody else is called so in its unit by now."""
        for i, one in enumerate(self.things):
            state = one.state
            if one.address != self.asked.account or not isinstance(state, User) or not (state.name and state.ou):
                continue
            same = read_accounts(session, names=[state.name])
            if any(a.login != self.asked.login and _is_in(a.dn, state.ou) for a in same):
                other = leavers_name(self.asked.name, self.asked.person)
                self.lost.append(f"the name {state.name} is somebody else's by now; the account is {other}")
                words: dict[str, Any] = {name: getattr(state, name) for name in state.managed()}
                self.things[i] = Thing(one.kind, one.target, one.key, User(**{**words, "name": other}))

    def extension(self, sessions: Sessions) -> str | None:
        """The former extension if it is free, else another one."""
        former, phones, person = subscriber_of(self.things), self.inventory.phones, self.asked.person
        if former is None or phones is None:
            return None
        held = held_extensions(phones, self.site.ledger)
        holder = next((of_range[former] for of_range in held.values() if former in of_range), person)
        if holder == person:
            return former
        if person not in self.inventory.people:
            self.lost.append(f"extension {former} is {holder}'s by now; without {person} in the site there is no other")
            return None
        with sessions.session("phones") as session:
            chosen = choose(self.inventory, [person], Numbering(held, taken(session))).get(person)
        new = None if chosen is None else chosen.number
        self.lost.append(f"extension {former} is {holder}'s by now; {person} gets {new or 'none'}")
        return new

    def desk(self) -> str | None:
        """The desk with its port, telephone and PC, unless somebody else sits there by now or the cable lies elsewhere.
        A PC or telephone that is elsewhere by now is left alone, and without a desk there are no licence seats."""
        key = self.asked.person
        person = self.inventory.people.get(key)
        desk = self.asked.desk if person is None else person.workplace
        if desk is None:
            return None
        shared = desk in self.inventory.workplaces and self.inventory.workplaces[desk].shared
        mine = desk if shared else own_desk(self.inventory, key, desk)
        moved = [
            one
            for one in self.things
            if one.kind in AT_DESK and not (mine and is_at(self.inventory, mine, one.address))
        ]
        self.things = [one for one in self.things if one not in moved]
        if mine is not None and not any(one.kind == "switch.port" for one in moved):
            self.lost += [
                f"{one.key} ({one.target}) stays as it is, for that is not at {mine} any more; "
                f"`provision onboard {key}` does what is missing there"
                for one in moved
            ]
            return mine
        why = f"the cable of {mine} lies elsewhere by now" if mine else f"{desk} is not {key}'s any more"
        self.lost.append(
            f"{why}: nothing there is changed, no licence seat is taken; `provision move {key} --to …` gives a desk"
        )
        return None

    def pools(self, desk: str | None) -> tuple[str, ...]:
        """The pools of which there is a seat again: not where the desk with the PC is lost."""
        had = self.asked.desk is not None
        return () if had and desk is None else leavers.pools_given_up(self.site.ledger, self.asked.person, self.runs)

    def reports(self) -> tuple[str, ...]:
        """Whose manager the leaver is again: those who have no other one by now than the offboarding gave them."""
        named = [
            one.key
            for run in self.runs
            for one in self.site.ledger.amendments(run_id=run.id)
            if (one.section, one.field) == ("people", "manager") and one.key in self.inventory.people
        ]
        self.things = list(self._without_others(named))
        return tuple(named)

    def _without_others(self, named: Iterable[str]) -> Iterator[Thing]:
        for one in self.things:
            if isinstance(one.state, User) and one.key != self.asked.login:
                report = one.state.employee_id or one.key
                if report not in named:
                    self.lost.append(f"{report} has another manager by now, and keeps that one")
                    continue
            yield one


def _is_in(dn: str, ou: str) -> bool:
    return dn.casefold().endswith(f",{ou.casefold()}")
