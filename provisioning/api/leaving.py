"""Looking at directory, ledger and PC before somebody leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from provisioning.connections.windows_power import logged_on
from provisioning.errors import ProvisioningError, RequestError
from provisioning.intake import leavers
from provisioning.intake.extensions import held_extensions
from provisioning.procedures.leaving_places import home_of, own_desk
from provisioning.procedures.offboard import Offboard, leavers_of, refuse_rules, rules_of
from provisioning.reports.holdings import Held
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.leaver_facts import find_account, managed_by
from provisioning.resources.directory.user import USER, User
from provisioning.resources.files.folder import FOLDER
from provisioning.resources.mail.mailbox import MAILBOX
from provisioning.resources.windows.package import PACKAGE
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.leavers import today

if TYPE_CHECKING:
    from provisioning.api.site import Site


@dataclass(frozen=True)
class Wishes:
    """What is asked for beside the leaving itself. `forward_to` and `successor` are people; `keep` is in days; `day` is
    the last day (today)."""

    day: date | None = None
    forward_to: str | None = None
    reply: str | None = None
    reply_subject: str | None = None
    keep: int | None = None
    successor: str | None = None


_NOTHING = Wishes()


def offboarding(site: Site, name: str, wishes: Wishes = _NOTHING) -> Offboard:
    """A request to offboard `name`: a person of the site, a login or an employee number that only the directory knows.
    Changes nothing.

    Raises :class:`~provisioning.errors.RequestError` for unknown names, for whoever has left already, and for what
    cannot be asked for; :class:`~provisioning.errors.TargetError` for the directory.
    """
    inventory = site.wired
    leavers_of(inventory)
    _check(inventory, wishes)
    with site.reading(purpose="an offboarding") as sessions:
        with sessions.session("directory") as session:
            account = _the_account(inventory, find_account(session, number_of(inventory, name)), name)
            user = USER.read(session, [account.login])[account.login]
            if site.has_ledger:
                leavers.refuse_under_way(site.ledger, account.employee_id)
            _refuse_left(site, inventory, account, user)
            forward = _forward(session, inventory, wishes.forward_to, account.employee_id)
            managed = managed_by(session, account.dn)
            mailbox = MAILBOX.read(session, [account.login])[account.login]
        home = home_of(inventory, user.home_folder)
        if home is not None:
            with suppress(ProvisioningError), sessions.session(home.target) as session:
                home = home if FOLDER.read(session, [home.path]) else None
    person = inventory.people.get(account.employee_id)
    desk = own_desk(inventory, account.employee_id, person.workplace if person is not None else None)
    licensed = leavers.licensed_packages(inventory, site.ledger, account.employee_id) if site.has_ledger else ()
    pc, there = _installed(site, desk, licensed) if wishes.day is None else (None, ())
    return Offboard(
        account.employee_id,
        account.login,
        user.display_name or account.name,
        (wishes.day or today(inventory.time_zone)).isoformat(),
        forward[0],
        forward[1],
        wishes.reply,
        wishes.reply_subject,
        wishes.keep,
        wishes.successor,
        desk,
        (mailbox.mail,) if mailbox.mail else (),
        _extensions(site, inventory, account.employee_id, user),
        home,
        tuple(sorted(number for number in managed.values() if number)),
        licensed if pc is None else there,
        pc,
    )


def has_account(site: Site, name: str) -> bool:
    """Whether the directory has an account with this login, or of this employee number. Raises
    :class:`~provisioning.errors.TargetError`."""
    with site.reading(purpose="an offboarding") as sessions, sessions.session("directory") as session:
        return bool(find_account(session, name))


def equipment_of(site: Site, person: str) -> tuple[Held, ...]:
    """What a leaver has to return."""
    return leavers.to_return(site.wired, site.ledger if site.has_ledger else None, person)


def still_open(site: Site, person: str) -> tuple[str, ...]:
    """Sentences about what is asked for, or under way, for a leaver."""
    return tuple(leavers.still_open(site.ledger, person)) if site.has_ledger else ()


def signed_in(site: Site, request: Offboard) -> Iterator[str]:
    """Sentences about the leaver's open session at the PC of the desk, where one is seen: nothing ends it but a
    restart. A PC that is off, or does not answer, has none that matters."""
    inventory = site.wired
    desk = request.desks(inventory)[request.person]
    pc = inventory.workstation_at.get(desk or "")
    if pc is None:
        return
    try:
        with site.reading(purpose="an offboarding") as sessions, sessions.session(f"windows:{pc}") as session:
            people = logged_on(session)
    except ProvisioningError:
        return
    if any(one.account.rpartition("\\")[2].casefold() == request.login.casefold() for one in people):
        yield (
            f"{request.login} is signed in at {pc} now: that session goes on until somebody signs it out or restarts "
            "the PC, but the released port cuts it off from everything else"
        )


def _installed(site: Site, desk: str | None, licensed: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The PC at the desk, where it answers, and those of the packages that are on it. One that is off is not waited
    for: a leaver's port is released at once."""
    inventory = site.wired
    pc = inventory.workstation_at.get(desk or "")
    if pc is None or not licensed or inventory.workplaces[str(desk)].shared:
        return None, ()
    names = {inventory.software[name].display_name: name for name in licensed}
    try:
        with site.reading(purpose="an offboarding") as sessions, sessions.session(f"windows:{pc}") as session:
            found = PACKAGE.read(session, list(names))
    except ProvisioningError:
        return None, ()
    return pc, tuple(name for shown, name in names.items() if shown in found)


def _check(inventory: Inventory, wishes: Wishes) -> None:
    """What can be refused before anybody is asked."""
    rules_of("nobody@example.org" if wishes.forward_to else None, wishes.reply, wishes.reply_subject)
    refuse_rules(inventory, wishes.forward_to, wishes.reply)
    for option, key in (("--forward-to", wishes.forward_to), ("--manager-of-reports", wishes.successor)):
        if key is not None:
            other = inventory.person(number_of(inventory, key))
            if other.left is not None:
                raise RequestError(f"{option} {key}: {key} has left on {other.left}; name somebody else")


def number_of(inventory: Inventory, name: str) -> str:
    """The employee number of a person that the site knows by it or by a fixed login; else the name itself."""
    if name in inventory.people:
        return name
    return next((key for key, one in inventory.people.items() if one.login == name), name)


def _the_account(inventory: Inventory, found: list[Account], name: str) -> Account:
    if not found:
        if (number := number_of(inventory, name)) in inventory.people:
            raise RequestError(
                f"{number} has no account in the directory, so there is nothing to offboard; whoever does not come at "
                "all is taken out of the site's people, and `provision requests` shows what is still asked for them"
            )
        raise RequestError(f"neither the site nor the directory has a person {name!r}{nearest(name, inventory.people)}")
    if len(found) > 1:
        raise RequestError(f"several accounts fit {name}: {', '.join(one.login for one in found)}; correct employeeID")
    if not found[0].employee_id:
        raise RequestError(
            f"the account {found[0].login} has no employeeID, so it is nobody's; set it to the person's number first"
        )
    return found[0]


def _refuse_left(site: Site, inventory: Inventory, account: Account, user: User) -> None:
    key = account.employee_id
    person = inventory.people.get(key)
    left = None if person is None else person.left
    runs = leavers.offboardings(site.ledger, key) if site.has_ledger else []
    there = (user.ou or "").casefold() == leavers_of(inventory).ou.casefold() and not user.enabled
    if any(run.state != "done" for run in runs) or (not there and not (runs and left)):
        return
    when = f"on {left}" if left is not None else "already: the account is among the leavers"
    if runs or left is not None:
        back = f"`provision reinstate {key}` brings them back"
    elif person is not None:
        back = f"no offboarding is known that could be given back; `provision onboard {key}` opens the account again"
    else:
        back = "there is nothing left to do"
    raise RequestError(f"{key} has left {when}; {back}")


def _forward(session: Any, inventory: Inventory, name: str | None, leaver: str) -> tuple[str | None, str | None]:
    """Address and login of whoever gets the mail."""
    if name is None:
        return None, None
    key = number_of(inventory, name)
    if key == leaver:
        raise RequestError(f"--forward-to {name}: that is the leaver; name somebody else")
    found = [one for one in find_account(session, key) if one.employee_id == key]
    mail = MAILBOX.read(session, [found[0].login])[found[0].login].mail if found else None
    if not mail:
        raise RequestError(f"--forward-to {name}: {key} has no mailbox; onboard {key} first, or name somebody else")
    return mail, found[0].login


def _extensions(site: Site, inventory: Inventory, person: str, user: User) -> tuple[str, ...]:
    """What the ledger gave out, and what the directory shows."""
    if inventory.phones is None:
        return ()
    ledger = site.ledger if site.has_ledger else None
    held = held_extensions(inventory.phones, ledger) if ledger is not None else {}
    found = {number for of_range in held.values() for number, holder in of_range.items() if holder == person}
    shown = user.ip_phone
    others = {number: holder for of_range in held.values() for number, holder in of_range.items()}
    if shown and shown.isascii() and shown.isdigit() and others.get(shown, person) == person:
        found.add(shown)
    return tuple(sorted(found))
