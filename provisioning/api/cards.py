"""Desk cards: what the directory has of people's accounts, beside what the site and the ledger say of their desks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.engine.events import Listener
from provisioning.errors import RequestError
from provisioning.procedures.packages import with_requirements
from provisioning.reports.card import Card, Colleague, Desk, Folder, Page, Pc
from provisioning.reports.desk_picture import Place
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.directory.user import USER, User
from provisioning.resources.mail.mailbox import MAILBOX, Mailbox
from provisioning.site import Inventory
from provisioning.site.help_desk import Language
from provisioning.site.people import Person

if TYPE_CHECKING:
    from provisioning.api.site import Site


def cards(
    site: Site,
    *persons: str,
    desks: Mapping[str, str] | None = None,
    skip: bool = False,
    listener: Listener | None = None,
) -> list[Card]:
    """A card for each of `persons` (keys of the site's people), in order. Reads the directory, changes nothing.

    `desks` seats people elsewhere than the site does; with `skip`, who has no account yet is left out.

    Raises :class:`~provisioning.errors.RequestError` for somebody whom the site does not know, who has left, or who has
    no account yet, and :class:`~provisioning.errors.TargetError` when the directory does not answer.
    """
    inventory = _seated(site.wired, desks or {})
    for key in persons:
        if (left := inventory.person(key).left) is not None:
            raise RequestError(f"{key} has left on {left.isoformat()}, and needs no card; provision reinstate {key}")
    found = _read(site, inventory, persons, listener)
    missing = [key for key in persons if key not in found]
    if missing and not skip:
        raise RequestError(
            f"{', '.join(missing)} has no account yet, so there is nothing to put on a card; "
            f"run `provision onboard {missing[0]}`"
        )
    extra = _extra_software(site, inventory, [inventory.people[key].workplace for key in persons])
    return [_Bearer(inventory, key, found, extra).card() for key in persons if key in found]


def _seated(inventory: Inventory, desks: Mapping[str, str]) -> Inventory:
    people = dict(inventory.people)
    for key, desk in desks.items():
        inventory.workplace(desk)
        people[key] = inventory.person(key).model_copy(update={"workplace": desk})
    return inventory.model_copy(update={"people": people})


def language_of(inventory: Inventory, person: str) -> Language:
    """The language that somebody reads."""
    return inventory.person(person).language or inventory.language


@dataclass(frozen=True)
class _Account:
    """One account as the directory has it."""

    login: str
    user: User
    mailbox: Mailbox | None


def _read(
    site: Site, inventory: Inventory, persons: Sequence[str], listener: Listener | None
) -> Mapping[str, _Account]:
    """Accounts of the persons and of their managers."""
    managers = {manager for key in persons if (manager := inventory.people[key].manager) is not None}
    wanted = list(dict.fromkeys([*persons, *sorted(managers)]))
    with site.reading(listener, "a card") as sessions, sessions.session("directory") as session:
        logins = {one.employee_id: one.login for one in read_accounts(session, employee_ids=wanted) if one.login}
        names = [logins[key] for key in wanted if key in logins]
        users, mailboxes = (USER.read(session, names), MAILBOX.read(session, names)) if names else ({}, {})
    found = {}
    for key in wanted:
        login = logins.get(key, "")
        if (user := users.get(login)) is not None:
            found[key] = _Account(login, user, mailboxes.get(login))
    return found


def _extra_software(site: Site, inventory: Inventory, desks: Iterable[str | None]) -> Mapping[str, frozenset[str]]:
    """PC → display names of the packages that runs have installed there, whatever the profile says."""
    if not site.has_ledger:
        return {}
    pcs = {f"windows:{pc}" for desk in desks if desk and (pc := inventory.workstation_at.get(desk))}
    there: dict[str, set[str]] = {}
    names = [package.display_name for package in inventory.software.values()]
    for turn in site.ledger.turns("windows.package", names):
        if turn.address.target in pcs:
            of_pc = there.setdefault(turn.address.target.partition(":")[2], set())
            (of_pc.add if turn.made else of_pc.discard)(turn.address.key)
    return {pc: frozenset(names) for pc, names in there.items()}


@dataclass(frozen=True)
class _Bearer:
    """One person who gets a card."""

    inventory: Inventory
    key: str
    accounts: Mapping[str, _Account]
    extra_software: Mapping[str, frozenset[str]]

    @property
    def person(self) -> Person:
        return self.inventory.people[self.key]

    def card(self) -> Card:
        """Everything that is known."""
        site, person, account = self.inventory, self.person, self.accounts[self.key]
        profile, user = site.profiles[person.profile], account.user
        return Card(
            person=self.key,
            name=f"{person.given_name} {person.family_name}",
            title=person.title or profile.title,
            department=person.department,
            company=site.directory.company,
            start=person.start,
            login=account.login,
            principal=user.user_principal_name or f"{account.login}@{site.directory.domain}",
            domain=site.directory.netbios_domain,
            handover=site.handover.form,
            addresses=self._addresses(account),
            mail=site.mail,
            desk=self._desk(),
            pc=self._pc(),
            extension=user.ip_phone,
            telephone=user.telephone or person.phone,
            pages=tuple(Page(site.intranet.pages[name].name, site.intranet.pages[name].url) for name in profile.pages)
            or (Page(site.intranet.url, site.intranet.url),),
            printers=self._printers(),
            home=Folder(user.home_folder, user.home_drive) if user.home_folder else None,
            shares=tuple(self._shares()),
            signed_in=bool(site.browser.sign_in_hosts),
            manager=self._manager(),
            help_desk=site.help_desk,
            note=site.handover.note,
        )

    def _addresses(self, account: _Account) -> tuple[str, ...]:
        box = account.mailbox
        if box is None or not box.mail:
            return ()
        others = (one.partition(":")[2] for one in box.proxy_addresses or ())
        return tuple(dict.fromkeys((box.mail, *sorted(one for one in others if one.casefold() != box.mail.casefold()))))

    def _desk(self) -> Desk | None:
        site, key = self.inventory, self.person.workplace
        if key is None:
            return None
        here = site.workplaces[key]
        seated = {one.workplace: one.given_name for one in site.people.values() if one.workplace and one.left is None}
        room = sorted(
            name for name, one in site.workplaces.items() if (one.building, one.room) == (here.building, here.room)
        )
        places = tuple(Place(name, seated.get(name), name == key) for name in room)
        name = site.telephone_at.get(key)
        device = site.equipment[name] if name else None
        return Desk(
            key=key,
            building=here.building,
            room=here.room,
            outlet=here.outlet,
            shared=here.shared,
            places=places,
            telephone=None if device is None else device.model or "",
            telephone_outlet=device.outlet if device is not None and device.outlet != here.outlet else None,
        )

    def _pc(self) -> Pc | None:
        site = self.inventory
        name = site.workstation_at.get(self.person.workplace or "")
        if name is None:
            return None
        packages = with_requirements(site, site.profiles[self.person.profile].software)
        shown = {site.software[one].display_name: site.software[one].wanted for one in packages}
        extra = self.extra_software.get(name, frozenset())
        shown |= {one.display_name: one.wanted for one in site.software.values() if one.display_name in extra}
        pc = site.workstations[name]
        return Pc(name, pc.asset_tag, pc.model, tuple(sorted(shown.items())))

    def _printers(self) -> tuple[str, ...]:
        desk = self.person.workplace
        if desk is None or desk not in self.inventory.workstation_at:
            return ()
        room = self.inventory.workplaces[desk].room
        return tuple(sorted(one.share for one in self.inventory.printers.values() if room in one.rooms))

    def _shares(self) -> Iterable[Folder]:
        files = self.inventory.files
        for name in self.inventory.profiles[self.person.profile].shares if files is not None else ():
            share = files.shares[name]  # type: ignore[union-attr]  # there is none without files
            host = files.servers[share.server].server.host  # type: ignore[union-attr]
            yield Folder(f"\\\\{host}\\{share.share}\\{share.folder}", read_only=share.right == "read")

    def _manager(self) -> Colleague | None:
        site, key = self.inventory, self.person.manager
        if key is None or site.people[key].left is not None:
            return None
        boss, account = site.people[key], self.accounts.get(key)
        phone = (account.user.telephone if account else None) or boss.phone
        room = site.workplaces[boss.workplace].room if boss.workplace else None
        return Colleague(f"{boss.given_name} {boss.family_name}", phone, room)
