"""Rename: somebody is called otherwise, by marriage or because the name was misspelt, and mail goes on arriving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioning.ledger.books import Amendment
from provisioning.procedures.base import Accounts, Fact, Work
from provisioning.procedures.extensions import Extension, choose
from provisioning.procedures.onboard import onboard, refuse_leavers
from provisioning.procedures.phones import PersonsPhone
from provisioning.procedures.renaming import Renaming, renamed, with_names
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.directory.login import Login
from provisioning.resources.directory.user import User
from provisioning.resources.mail.mailbox import Mailbox
from provisioning.site import Inventory

_ALWAYS = frozenset({"directory.sign_in", "mail.delivery"})
"""Proofs of onboarding that a new name needs, whatever else."""


@dataclass(frozen=True)
class Rename:
    """Another name for one person. A name that is left out is what the site says: where the personnel office has
    changed the files already, both are. With `new_login` the login policy makes a new login, or the one that the site
    fixes is taken."""

    person: str
    given: str | None = None
    family: str | None = None
    new_login: bool = False

    @property
    def title(self) -> str:
        names = " ".join(filter(None, (self.given, self.family)))
        return f"rename {self.person}{f' to {names}' if names else ''}{' with a new login' if self.new_login else ''}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        """The person."""
        inventory.person(self.person)
        return (self.person,)

    def desks(self, inventory: Inventory) -> dict[str, str | None]:
        """The person at their desk."""
        return {self.person: inventory.person(self.person).workplace}

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """Whose names are taken for ever, which extension the person has; for a new login, which groups."""
        extensions: frozenset[Fact] = frozenset({"extensions"} if inventory.phones is not None else ())
        groups: frozenset[Fact] = frozenset({"groups"} if self.new_login else ())
        return extensions | groups | {"reserved"}

    @property
    def new_logins(self) -> frozenset[str]:
        """The person, where a new login is asked for."""
        return frozenset({self.person} if self.new_login else ())

    def foreseen(self, inventory: Inventory) -> Inventory:
        """The site with the new name. A login that the site fixes belongs to the former name, so it is given up for a
        new one; where nobody names the new name here, the files have it, and their login is the new one."""
        after = with_names(inventory, self.person, self.given, self.family)
        person = after.people[self.person]
        if self.new_login and (self.given or self.family) and person.login is not None:
            person = person.model_copy(update={"login": None})
        return after.model_copy(update={"people": {**after.people, self.person: person}})

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """Raises :class:`RequestError` for people who have left or have no account, and for names that are not to be
        had."""
        refuse_leavers(inventory, (self.person,))
        after = self.foreseen(inventory)
        found = renamed(inventory, after, self.person, accounts, new_login=self.new_login)
        bearer = _Bearer(after, found, accounts)
        return Work(
            tuple(bearer.resources()),
            tuple(dict.fromkeys(bearer.proofs())),
            tuple(bearer.warnings(login_asked=self.new_login)),
            amendments=tuple(self._amendments(inventory, found)),
            reserved=dict(found.reserved),
        )

    def _amendments(self, inventory: Inventory, found: Renaming) -> Iterator[Amendment]:
        for field, name in (("given_name", self.given), ("family_name", self.family)):
            if name is not None:
                yield Amendment("people", self.person, field, name)
        if self.new_login and inventory.people[self.person].login is not None:
            yield Amendment("people", self.person, "login", found.identity.login)

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "rename",
            "persons": [self.person],
            "given": self.given,
            "family": self.family,
            "new_login": self.new_login,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Rename:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        (person,) = plain["persons"]
        return cls(person, plain["given"], plain["family"], plain["new_login"] is True)


def rename(
    inventory: Inventory, person: str, *, given: str | None = None, family: str | None = None, new_login: bool = False
) -> Rename:
    """A request to call `person` (a key of the site's people) by other names. Without any, what the site's files say is
    carried into the systems. Nothing happens until it is planned and applied.

    Raises :class:`RequestError` for an unknown person, one who has left, and for names that nobody can have.
    """
    refuse_leavers(inventory, (person,))
    request = Rename(person, given, family, new_login)
    named = request.foreseen(inventory).people[person]
    return replace(
        request,
        given=None if given is None else named.given_name,
        family=None if family is None else named.family_name,
    )


@dataclass(frozen=True)
class _Bearer:
    """The person with the new name. `after` is the site with it."""

    after: Inventory
    found: Renaming
    accounts: Accounts

    @property
    def key(self) -> str:
        return self.found.person

    @property
    def login(self) -> str:
        """The login until now: by it the account is known until the very last change."""
        return self.found.account.login

    def resources(self) -> Iterator[Resource]:
        """The account's names, the mailbox's addresses, the telephone's display; the login last of all."""
        person, identity = self.after.people[self.key], self.found.identity
        user = User(
            name=identity.common_name,
            given_name=person.given_name,
            family_name=person.family_name,
            display_name=identity.display_name,
        )
        account = Resource("directory.user", "directory", self.login, user)
        named = [account]
        if self.found.account.addresses:
            box = Mailbox(mail=self.found.primary, proxy_addresses=identity.proxy_addresses)
            named.append(Resource("mail.mailbox", "directory", self.login, box, frozenset({account.address})))
        yield from named
        yield from self._telephone(account.address)
        if self.found.new_login:
            name = f"{identity.login}@{self.after.directory.domain}"
            state = Login(login=identity.login, user_principal_name=name)
            yield Resource("directory.login", "directory", self.key, state, frozenset(r.address for r in named))

    def proofs(self) -> Iterator[Proof]:
        """What onboarding proves of the account, and that mail to every address arrives: the former ones as well."""
        wanted = _ALWAYS | self._of_the_login
        if self._extension is not None:
            wanted |= {"phones.registration"}
        if not self.found.account.addresses:
            wanted -= {"mail.delivery"}
        folder = self.found.account.home_folder.casefold()
        for proof in self._onboarded().proofs:
            elsewhere = proof.kind == "files.visit" and not folder.endswith(str(proof.parameters["path"]).casefold())
            if proof.kind in wanted and not elsewhere:
                yield proof
        if "mail.delivery" in wanted:
            login = self.found.identity.login
            for address in self.found.aliases:
                said = f"mail to {address} arrives and is read"
                yield Proof("mail.delivery", "mail", said, {"login": login, "address": address})

    @property
    def _of_the_login(self) -> frozenset[str]:
        """What the account can do so far, it must be able to do with another login: the intranet, the home folder."""
        if not self.found.new_login:
            return frozenset()
        groups = {group.casefold() for group in self.accounts.groups.get(self.login, ())}
        intranet = {"intranet.access"} if self.after.intranet.group.casefold() in groups else set[str]()
        return frozenset(intranet | ({"files.visit"} if self.found.account.home_folder else set()))

    def warnings(self, *, login_asked: bool) -> Iterator[str]:
        """What the admin should know."""
        login, former = self.found.identity.login, self.login
        if not self.found.account.addresses:
            yield f"{former} has no mail address, and gets none by this; `provision onboard {self.key}` gives one"
        if self.found.new_login:
            home = self.found.account.home_folder
            yield (
                f"{self.key} signs in as {login} from then on, with the same password; profile folders on PCs (Users\\"
                f"{former}) {f'and the home folder {home} keep their names' if home else 'keep their name'}"
            )
            yield (
                f"a mail server that keeps mailboxes by login must be told that {former} is {login} now (docs/renaming."
                "md): new mail arrives, but mail and rules of before would be left under the former login"
            )
        elif login_asked:
            yield f"{self.key} keeps the login {login}: it is the best one for the new name, or fixed by the site"

    @property
    def _extension(self) -> Extension | None:
        """The extension that the person has. Nobody gets one, or loses one, because of a name."""
        if self.after.phones is None:
            return None
        held = {
            n for of_range in self.accounts.numbering.held.values() for n, who in of_range.items() if who == self.key
        }
        if not held:
            return None
        found = choose(self.after, (self.key,), self.accounts.numbering).get(self.key)
        return replace(found, former=()) if found is not None and found.number in held else None

    def _telephone(self, account: Address) -> Iterator[Resource]:
        extension, phones = self._extension, self.after.phones
        if extension is None or phones is None:
            return
        desk = self.after.people[self.key].workplace
        phone = PersonsPhone(self.after, phones, self.key, extension, self.found.identity.display_name, desk)
        shows = {"phones.configuration"} | ({"phones.subscriber"} if phones.exchange.adapter != "kamailio" else set())
        yield from (r for r in phone.resources(frozenset({account})) if r.kind in shows)

    def _onboarded(self) -> Work:
        """What onboarding would ask of the person as they are called then; without a desk, which a name has nothing to
        do with."""
        person = self.after.people[self.key].model_copy(update={"workplace": None})
        site = self.after.model_copy(update={"people": {**self.after.people, self.key: person}})
        identity, former = self.found.identity, self.found.account
        account = replace(
            former,
            login=identity.login,
            addresses=tuple(sorted((*identity.addresses, *identity.kept))),
            principal=f"{identity.login}@{site.directory.domain}" if self.found.new_login else former.principal,
        )
        reserved = {**self.accounts.reserved, **self.found.reserved}
        found = tuple(account if one is former else one for one in self.accounts.found)
        return onboard(self.key).compile(site, replace(self.accounts, found=found, reserved=reserved))
