"""Offboarding: a leaver is shut out, mail goes on, and what was theirs is kept for as long as the site says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError

from provisioning.errors import RequestError
from provisioning.ledger.books import Amendment
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.leaving_guard import account_found
from provisioning.procedures.leaving_places import Home, archived_home, left_desk, own_desk, silenced
from provisioning.procedures.leaving_proofs import hung_up, mail_finds_its_way, released, shut_out
from provisioning.procedures.leaving_reports import NewManager, new_managers
from provisioning.procedures.packages import removal_resources
from provisioning.resources.base import Address, Change, Proof, Resource, State
from provisioning.resources.directory.all_groups import AllGroups
from provisioning.resources.directory.password import Password
from provisioning.resources.directory.user import CN_LIMIT, User
from provisioning.resources.mail.rules import MailRules
from provisioning.site import Inventory
from provisioning.site.leavers import Leavers


@dataclass(frozen=True)
class Offboard:
    """`person` (the employee number) with the account `login` leaves on `day`.

    What cannot be told any more once it is done is part of the request: `name` as people read it, `addresses` of the
    mailbox, `extensions`, the `home` folder, and `reports`: people whose manager the directory says the leaver is.
    `licensed` are packages of the catalogue for which the leaver has seats, and `workstation` the PC that they were
    seen on: they are removed there. Where no PC was seen they stay, wherever they are.
    `forward_to` is a mail address, `forward_login` whose; things are kept `keep` days (``None``: the site's number).
    """

    person: str
    login: str
    name: str
    day: str
    forward_to: str | None = None
    forward_login: str | None = None
    reply: str | None = None
    reply_subject: str | None = None
    keep: int | None = None
    successor: str | None = None
    desk: str | None = None
    addresses: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    home: Home | None = None
    reports: tuple[str, ...] = ()
    licensed: tuple[str, ...] = ()
    workstation: str | None = None

    @property
    def title(self) -> str:
        return f"offboard {self.person} ({self.name})"

    @property
    def account(self) -> Address:
        """Where the account is."""
        return Address("directory.user", "directory", self.login)

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """The leaver, those whom the leaver manages, and who manages them from now on."""
        managed = (*self.reports, *(key for key, one in inventory.people.items() if one.manager == self.person))
        found = [self.successor, *managed]
        if self.person in inventory.people:
            found.append(inventory.people[self.person].manager)
        found += [inventory.people[key].manager for key in managed if key in inventory.people]
        return tuple(dict.fromkeys((self.person, *(key for key in found if key is not None))))

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        """The leaver's own desk."""
        return {self.person: self._desk(inventory)}

    def to_plain(self) -> dict[str, Any]:
        home = None if self.home is None else [self.home.server, self.home.path]
        return {
            "procedure": "offboard",
            "persons": [self.person],
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in _LISTS},
            "home": home,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Offboard:
        """The request that :meth:`to_plain` wrote, also one of an earlier version, which knew fewer fields: a leaving
        may lie months ahead. Raises KeyError for one that it did not write."""
        words = {name: plain[name] for name in _PLAIN if name in plain or name in _ALWAYS}
        words |= {name: tuple(plain[name]) for name in _LISTS if name in plain}
        home = plain.get("home")
        return cls(**words, home=None if home is None else Home(*home))

    def refuse_found(self, found: Mapping[Address, State | None], changes: Sequence[Change[State]]) -> None:  # noqa: ARG002
        """Raises :class:`RequestError` when the account is somebody else's by now."""
        account_found(found, self.login, self.person)

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises :class:`RequestError` for a manager whose reports nobody takes over, and for mail rules that the site
        has no place for."""
        settings = leavers_of(inventory)
        refuse_rules(inventory, self.forward_to, self.reply)
        managers = new_managers(inventory, self.person, self.successor, self.reports)
        parts = _Parts(self, inventory, settings)
        amendments = [Amendment("people", one.report, "manager", one.manager) for one in managers if one.amends]
        if self.person in inventory.people:
            amendments.append(Amendment("people", self.person, "left", self.day))
        return Work(
            (*parts.resources(), *_managed(managers, accounts)),
            tuple(parts.proofs()),
            tuple(parts.warnings()),
            amendments=tuple(amendments),
        )

    def _desk(self, inventory: Inventory) -> str | None:
        """Where the leaver sits by now; the site's files may have dropped the person."""
        person = inventory.people.get(self.person)
        return own_desk(inventory, self.person, self.desk if person is None else person.workplace)


_PLAIN = (
    *("person", "login", "name", "day", "forward_to", "forward_login"),
    *("reply", "reply_subject", "keep", "successor", "desk", "workstation"),
)
_LISTS = ("addresses", "extensions", "reports", "licensed")
_ALWAYS = frozenset({"person", "login", "name", "day"})


@dataclass(frozen=True)
class _Parts:
    """Everything that leaving comes to, system by system."""

    asked: Offboard
    inventory: Inventory
    settings: Leavers

    def resources(self) -> Iterator[Resource]:
        """The account first: what it opens is closed after it."""
        asked, inventory = self.asked, self.inventory
        closed = frozenset({asked.account})
        yield Resource("directory.user", "directory", asked.login, self._account())
        yield Resource("directory.password", "directory", asked.login, Password(random=True), closed)
        yield Resource("directory.all_groups", "directory", asked.login, AllGroups(groups=()), closed)
        yield from self._mail(closed)
        desk = asked.desks(inventory)[asked.person]
        gone = tuple(self._software())
        yield from gone
        if desk is not None:  # the port last: behind it the PC cannot be reached any more
            pc = frozenset(resource.address for resource in gone)
            yield from (replace(port, requires=port.requires | pc) for port in left_desk(inventory, desk))
        yield from silenced(inventory, desk, asked.extensions)
        if inventory.phones is not None and inventory.phones.exchange.control is not None:
            for number in asked.extensions:
                after = frozenset({Address("phones.subscriber", "phones", number)})
                yield Resource("phones.registrations", "exchange", number, None, after)
        if asked.home is not None:
            yield archived_home(inventory, asked.home, closed)

    def _account(self) -> User:
        """Disabled, in the leavers' unit under a name that nobody else has there, out of the address book's way."""
        fields: dict[str, Any] = {
            "ou": self.settings.ou,
            "name": leavers_name(self.asked.name, self.asked.person),
            "employee_id": self.asked.person,
            "office": None,
            "telephone": None,
            "ip_phone": None,
            "enabled": False,
        }
        if self.asked.home is not None:
            fields |= {"home_folder": None, "home_drive": None}
        return User(**fields)

    def _software(self) -> Iterator[Resource]:
        """What the leaver's licence seats were for goes from the PC that it was seen on."""
        pc = self.asked.workstation
        if pc in self.inventory.workstations:
            known = [name for name in self.asked.licensed if name in self.inventory.software]
            yield from removal_resources(self.inventory, str(pc), known)

    def _mail(self, closed: frozenset[Address]) -> Iterator[Resource]:
        asked, mail = self.asked, self.inventory.mail
        rules = rules_of(asked.forward_to, asked.reply, asked.reply_subject)
        if rules is not None or mail.sieve is not None:
            yield Resource("mail.rules", "mail", asked.login, rules)
        if mail.administration is not None:
            requires = closed | {Address("directory.password", "directory", asked.login)}
            yield Resource("mail.sessions", "doveadm", asked.login, None, requires)

    def proofs(self) -> Iterator[Proof]:
        """Nobody gets in, mail arrives, telephones are refused."""
        asked = self.asked
        yield from shut_out(self.inventory, asked.login)
        yield from mail_finds_its_way(self.inventory, asked)
        desk = asked.desks(self.inventory)[asked.person]
        if desk is not None:
            yield from released(left_desk(self.inventory, desk))
        if self.inventory.phones is not None:
            yield from hung_up(asked.extensions)

    def warnings(self) -> Iterator[str]:
        """What the admin should know."""
        asked, inventory = self.asked, self.inventory
        person = inventory.people.get(asked.person)
        if person is None:
            yield f"{asked.person} is not in the site's people: only what the directory and the ledger know is done"
        if inventory.mail.administration is None:
            yield "open mail sessions are not ended: the site does not say how (mail: administration)"
        if asked.extensions and (inventory.phones is None or inventory.phones.exchange.control is None):
            yield "telephones that are registered stay so until they sign in anew (phones: exchange: control)"
        desk = asked.desk if person is None else person.workplace
        if desk is not None and asked.desks(inventory)[asked.person] is None:
            yield f"others sit at {desk} too: its port stays as it is"
        elif desk is not None and not any(left_desk(inventory, desk)):
            yield f"no patch cable is known at {desk}, so there is no port to release"
        if asked.licensed and asked.workstation is None:
            listed, at = ", ".join(asked.licensed), inventory.workstation_at.get(desk or "", "PC")
            yield (
                f"{listed} stays where it is installed (the PC did not answer, is shared, or the last day lies ahead), "
                f"though {asked.person}'s licence seats are given back; `provision install {' '.join(asked.licensed)} "
                f"--for {at} --remove` removes it when the PC is in the network"
            )
        keep = self.settings.keep if asked.keep is None else asked.keep
        gone = self.settings.erased_at(date.fromisoformat(asked.day), asked.keep, inventory.time_zone)
        yield (
            f"account, mailbox and home folder are kept {keep} days: when this is done, their deletion is asked for, "
            f"not before {gone:%Y-%m-%d %H:%M}, and {self.settings.erase_approval} has to approve it"
        )


def leavers_of(inventory: Inventory) -> Leavers:
    """The site's settings. Raises :class:`RequestError` when it has none."""
    if inventory.leavers is None:
        raise RequestError(
            "the site does not say where leavers' accounts go; add `leavers:` with ou and erase_approval to it "
            "(docs/leavers.md)"
        )
    return inventory.leavers


def leavers_name(name: str, person: str) -> str:
    """``Anna Petrova (E1042)``: nobody else in the leavers' unit is called so."""
    behind = f" ({person})"
    return f"{name[: CN_LIMIT - len(behind)].rstrip()}{behind}"


def rules_of(forward_to: str | None, reply: str | None, subject: str | None) -> MailRules | None:
    """The mail rules of a leaver; ``None`` when nothing is asked for. Raises :class:`RequestError`."""
    if forward_to is None and reply is None and subject is None:
        return None
    try:
        return MailRules(forward_to=forward_to, keep_copy=True, reply=reply, reply_subject=subject)
    except ValidationError as exc:
        said = "; ".join(error["msg"].removeprefix("Value error, ") for error in exc.errors())
        raise RequestError(said) from exc


def refuse_rules(inventory: Inventory, forward_to: str | None, reply: str | None) -> None:
    """Raises :class:`RequestError` when mail is to be forwarded or answered and the site does not say where rules are
    kept."""
    if (forward_to or reply) and inventory.mail.sieve is None:
        raise RequestError(
            "the site does not say where mail rules are kept, so nothing can be forwarded or answered; add mail: sieve "
            "to it (docs/mail-rules.md)"
        )


def _managed(managers: Sequence[NewManager], accounts: Accounts) -> Iterator[Resource]:
    """The manager in the account of each report, where both have one."""
    for one in managers:
        login = accounts.logins.get(one.report)
        manager = None if one.manager is None else accounts.logins.get(one.manager)
        if login is not None and (manager is not None or one.manager is None):
            yield Resource("directory.user", "directory", login, User(manager=manager, employee_id=one.report))
