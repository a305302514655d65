"""A new job: what the old job profile gave is withdrawn, what the new one gives is given, in one plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioning.errors import RequestError
from provisioning.ledger.books import Amendment
from provisioning.procedures.base import Accounts, Fact, Work
from provisioning.procedures.extensions import Extension, choose
from provisioning.procedures.identity import identify
from provisioning.procedures.onboard import onboard, refuse_leavers
from provisioning.procedures.packages import with_requirements
from provisioning.procedures.withdrawal import Withdrawal
from provisioning.site import Inventory
from provisioning.site.inventory import unknown
from provisioning.site.people import Person


@dataclass(frozen=True)
class Reassign:
    """Another job for one person: the profile, and what goes with it. `former` is the profile until now; what else is
    left out stays as it is, but for a title of one's own, which goes with the old job. `keep` are packages of the old
    profile that stay, as the new one offers them too."""

    person: str
    profile: str
    former: str
    department: str | None = None
    job_title: str | None = None
    manager: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        to = f" from {self.former} to {self.profile}" if self.profile != self.former else ""
        said = {"department": self.department, "title": self.job_title, "manager": self.manager}
        beside = ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
        return f"reassign {self.person}{to}{f' ({beside})' if beside else ''}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """The person and the manager to be."""
        manager = self.manager or inventory.person(self.person).manager
        return (self.person, manager) if manager is not None and manager != self.person else (self.person,)

    def desks(self, inventory: Inventory) -> dict[str, str | None]:
        """The person at their desk."""
        return {self.person: inventory.person(self.person).workplace}

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """What onboarding asks for."""
        return onboard(self.person).asks(inventory)

    @property
    def new_logins(self) -> frozenset[str]:
        """Nobody: a login stays, whatever the job."""
        return frozenset()

    def foreseen(self, inventory: Inventory) -> Inventory:
        """The site with the new job. A telephone number of the old profile's range is not the new one's."""
        person = inventory.person(self.person)
        new: dict[str, str | None] = {"profile": self.profile}
        said = {"department": self.department, "title": self.job_title, "manager": self.manager}
        new |= {field: value for field, value in said.items() if value is not None}
        if self.job_title is None and person.profile != self.profile:
            new["title"] = None
        if person.phone is not None and self._number_goes(inventory, person.phone):
            new["phone"] = None
        changed = person.model_copy(update=new)
        return inventory.model_copy(update={"people": {**inventory.people, self.person: changed}})

    def _number_goes(self, inventory: Inventory, number: str) -> bool:
        """Whether a telephone number is an extension of the old profile's range, and not one of the new one's."""
        ranges = [_range_of(inventory, profile) for profile in (self.former, self.profile)]
        phones = inventory.phones
        if phones is None or ranges[0] is None or ranges[0] == ranges[1]:
            return False
        return phones.ranges[ranges[0]].extension_in(number) is not None

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises :class:`RequestError` for people who have left or have no account, managers who go round in a circle,
        a profile that is no longer the former one, packages that cannot be kept, and what onboarding refuses."""
        self.check(inventory)
        if self.person not in accounts.logins:
            raise RequestError(f"{self.person} has no account yet; `provision onboard {self.person}` makes one")
        after = self.foreseen(inventory)
        given = onboard(self.person, software=self.keep).compile(after, accounts)
        identity = identify(after, (self.person,), accounts)[self.person]
        withdrawal = Withdrawal(
            after, self.person, identity, self.former, self.profile, self.keep, tuple(self._numbers(accounts))
        )
        number = choose(after, (self.person,), accounts.numbering).get(self.person)
        amendments, resources = tuple(self._amendments(inventory, after, number)), withdrawal.resources(given.resources)
        if self.profile == self.former:  # the account says who somebody's manager is; desk and PC stay out of it
            account = tuple(resource for resource in resources if resource.kind == "directory.user")
            signs_in = tuple(proof for proof in given.proofs if proof.kind == "directory.sign_in")
            return Work(account, signs_in, amendments=amendments)
        return replace(
            given,
            resources=resources,
            proofs=tuple(dict.fromkeys((*given.proofs, *withdrawal.proofs()))),
            warnings=(*self._warnings(inventory.people[self.person]), *given.warnings, *withdrawal.warnings()),
            amendments=amendments,
        )

    def _numbers(self, accounts: Accounts) -> Iterator[str]:
        """The extensions that the person has."""
        for of_range in accounts.numbering.held.values():
            yield from (number for number, holder in of_range.items() if holder == self.person)

    def check(self, inventory: Inventory) -> None:
        """Raises :class:`RequestError` for what :meth:`compile` refuses of the site alone."""
        refuse_leavers(inventory, (self.person,))
        for profile in (self.former, self.profile):
            if profile not in inventory.profiles:
                unknown("profile", profile, inventory.profiles)
        if (now := inventory.person(self.person).profile) not in {self.former, self.profile}:
            raise RequestError(
                f"{self.person} has the profile {now} by now, neither {self.former} nor {self.profile}; ask again"
            )
        if self.manager is not None:
            refuse_leavers(inventory, (self.manager,))
            _refuse_circle(inventory, self.person, self.manager)
        old = inventory.profiles[self.former]
        had = with_requirements(inventory, (*old.software, *old.optional_software))
        for package in self.keep:
            if package not in inventory.software:
                unknown("package", package, inventory.software)
            if package not in had:
                raise RequestError(
                    f"package {package} is none of the profile {self.former} of {self.person}: there is nothing to keep"
                )

    def _amendments(self, inventory: Inventory, after: Inventory, number: Extension | None) -> Iterator[Amendment]:
        person, new = inventory.people[self.person], after.people[self.person]
        said = {"department": self.department, "title": self.job_title, "manager": self.manager}
        changed: dict[str, str | None] = {"profile": self.profile}
        changed |= {field: value for field, value in said.items() if value is not None}
        if new.title != person.title:
            changed["title"] = new.title
        if person.phone is not None and new.phone is None:
            changed["phone"] = None if number is None else number.telephone
        for field, value in changed.items():
            yield Amendment("people", self.person, field, value)

    def _warnings(self, person: Person) -> Iterator[str]:
        if self.profile == self.former:
            return
        if self.department is None:
            yield f"{self.person} stays in the department {person.department}; --department names another"
        if self.job_title is None and person.title is not None and person.profile != self.profile:
            yield f"the title {person.title!r} of {self.person} goes with the old job; --title names another"

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "reassign",
            "persons": [self.person],
            "profile": self.profile,
            "former": self.former,
            "department": self.department,
            "title": self.job_title,
            "manager": self.manager,
            "keep": list(self.keep),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Reassign:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        (person,) = plain["persons"]
        return cls(
            person, plain["profile"], plain["former"], plain["department"], plain["title"], plain["manager"],
            tuple(plain["keep"]),
        )  # fmt: skip


def reassign(
    inventory: Inventory,
    person: str,
    profile: str | None = None,
    *,
    former: str | None = None,
    department: str | None = None,
    title: str | None = None,
    manager: str | None = None,
    keep: Sequence[str] = (),
) -> Reassign:
    """A request to give `person` another job: a job `profile`, `department`, `title`, `manager`; what is left out
    stays. `former` is for a site whose files say the new profile already. Nothing happens until it is planned and
    applied.

    Raises :class:`RequestError` for unknown names, people who have left, managers who go round in a circle, packages
    that cannot be kept, and when nothing at all is asked for.
    """
    now = inventory.person(person).profile
    texts = {"department": department, "title": title}
    for name, text in texts.items():
        if text is not None and (not text.strip() or text != text.strip() or not text.isprintable() or len(text) > 200):
            raise RequestError(f"the {name} {text!r} cannot be one; expected 1 to 200 printable characters")
    if profile is None and former is None and manager is None and not any(texts.values()):
        raise RequestError(
            f"nothing is to change for {person}; name --profile, --department, --title or --manager (or --from, when "
            "the site's files have the new profile already)"
        )
    request = Reassign(person, profile or now, former or now, department, title, manager, tuple(dict.fromkeys(keep)))
    request.check(inventory)
    return request


def _refuse_circle(inventory: Inventory, person: str, manager: str) -> None:
    """Nobody is the manager of their own manager."""
    walk: list[str] = [person]
    one: str | None = manager
    while one is not None and one not in walk:
        walk.append(one)
        one = inventory.people[one].manager if one in inventory.people else None
    if one == person:
        circle = " → ".join((*walk, person))
        raise RequestError(f"{manager} cannot be the manager of {person}: the managers would go round ({circle})")


def _range_of(inventory: Inventory, profile: str) -> str | None:
    """The range that a profile's class of telephone is numbered from."""
    phones, phone_class = inventory.phones, inventory.profiles[profile].phone_class
    return None if phones is None or phone_class is None else phones.classes[phone_class].range
