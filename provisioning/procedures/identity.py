"""Who is who: the login, the common name and the mail addresses of people, without collisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from provisioning.connections.distinguished_names import canonical, relative_name
from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.site import Inventory
from provisioning.site.naming import login_candidates, mail_addresses, numbered_login

CANDIDATES_LOOKED_UP = 40
"""How many login candidates of one person are looked up in the directory, before the one with the person's number."""

_NOBODY = ""

NOTHING: Mapping[str, str] = MappingProxyType({})
"""No names at all."""


@dataclass(frozen=True)
class Identity:
    """The names that one person goes by. `addresses`: by the site's patterns, the primary one first; `kept`: addresses
    that the account has beside them (of a former name, for example), which mail may still come to; `home_folder`: where
    the account's home folder is (empty: it has none yet).
    """

    login: str
    display_name: str
    common_name: str
    addresses: tuple[str, ...]
    kept: tuple[str, ...] = ()
    home_folder: str = ""

    @property
    def proxy_addresses(self) -> tuple[str, ...]:
        """All addresses in the directory's form: ``SMTP:`` the primary one, ``smtp:`` the others."""
        primary, *aliases = self.addresses
        return tuple(sorted([f"SMTP:{primary}", *(f"smtp:{alias}" for alias in (*aliases, *self.kept))]))


def candidates(inventory: Inventory, key: str) -> Iterator[str]:
    """Logins that this person might get, the best first."""
    person = inventory.person(key)
    if person.login:
        yield person.login
        return
    policy = inventory.directory.logins
    every = login_candidates(person.given_name, person.family_name, policy, inventory.naming.transliteration)
    yield (best := next(every))
    yield from islice(every, CANDIDATES_LOOKED_UP - 1)
    yield numbered_login(best, key, policy)


def possible_addresses(inventory: Inventory, key: str, logins: Iterable[str]) -> set[str]:
    """Mail addresses that this person might get with one of `logins`."""
    person, transliteration = inventory.person(key), inventory.naming.transliteration

    def addresses(login: str, *patterns: str) -> tuple[str, ...]:
        return mail_addresses(person.given_name, person.family_name, login, patterns, transliteration)

    first, *others = (*logins, _NOBODY)
    if first == _NOBODY:
        return set()
    # Most patterns give the same whatever the login: they are filled in once, not for each of forty logins.
    of_login = [one for one in inventory.mail.addresses if addresses("a", one) != addresses("b", one)]
    found = set(addresses(first, *inventory.mail.addresses))
    return found.union(*(addresses(login, *of_login) for login in others[:-1])) if of_login else found


def display_name(inventory: Inventory, key: str) -> str:
    """The name as people read it."""
    person = inventory.person(key)
    return f"{person.given_name} {person.family_name}"


def identify(
    inventory: Inventory,
    people: Iterable[str],
    accounts: Accounts,
    *,
    reserved: Mapping[str, str] | None = None,
    new_logins: bool = False,
) -> dict[str, Identity]:
    """An identity for each of `people`, in order. Who has an account keeps its login (unless `new_logins`); what others
    have is left to them, and so is what is `reserved`: login or mail address, in small letters → person that had it
    (left out: what `accounts` say).

    Raises :class:`RequestError` when a login that the site fixes belongs to somebody else, or nothing is free.
    """
    register = _Register(inventory, accounts, accounts.reserved if reserved is None else reserved, new_logins)
    return {key: register.identity(key) for key in people}


class _Register:
    """What is whose: each name or address and the number of the person who has it."""

    def __init__(self, inventory: Inventory, accounts: Accounts, reserved: Mapping[str, str], new_logins: bool) -> None:
        self._inventory = inventory
        self._own = NOTHING if new_logins else accounts.logins
        self._had = {account.employee_id: account for account in accounts.found if account.employee_id}
        self._reserved = reserved
        self._logins = dict(reserved)
        self._logins |= {person.login: key for key, person in inventory.people.items() if person.login}
        self._names: dict[str, str] = {}
        self._units: dict[str, str] = {}
        self._addresses = dict(reserved)
        for account in accounts.found:
            owner = account.employee_id or _NOBODY
            self._names[account.dn.casefold()] = owner
            self._addresses |= dict.fromkeys(account.addresses, owner)
            for login in (account.login, account.principal.partition("@")[0]):
                if login:
                    self._logins[login.casefold()] = owner

    def identity(self, key: str) -> Identity:
        person = self._inventory.person(key)
        login = self._own.get(key) or self._free_login(key)
        self._logins[login.casefold()] = key
        name = display_name(self._inventory, key)
        common_name = name
        if not self._take(self._names, self._dn(key, name), key):
            common_name = f"{name} ({key})"
            self._take(self._names, self._dn(key, common_name), key)
        site = self._inventory
        wanted = mail_addresses(
            person.given_name, person.family_name, login, site.mail.addresses, site.naming.transliteration
        )
        addresses = tuple(address for address in wanted if self._take(self._addresses, address, key))
        if not addresses:
            raise RequestError(
                f"all mail addresses of person {key} ({', '.join(wanted)}) belong to others; "
                "add a pattern with {login} to mail.addresses"
            )
        had = self._had.get(key)
        kept = tuple(address for address in had.addresses if address not in addresses) if had is not None else ()
        return Identity(login, name, common_name, addresses, kept, self._home_folder(key))

    def _home_folder(self, key: str) -> str:
        """Where the account's home folder is, if it is called by the person's login, or by one that was theirs: nobody
        is given another one's folder because of a wrong attribute."""
        account = self._had.get(key)
        folder = account.home_folder if account is not None else ""
        name = folder.rpartition("\\")[2].casefold()
        own = account is not None and (name == account.login.casefold() or self._reserved.get(name) == key)
        return folder if own else ""

    def _free_login(self, key: str) -> str:
        for login in candidates(self._inventory, key):
            if self._logins.get(login, key) == key:
                return login
        if fixed := self._inventory.people[key].login:
            raise RequestError(
                f"login {fixed!r} of person {key} belongs to another account in the directory; "
                f"change `login` in the site, or set employeeID {key} on that account if it is the same person"
            )
        raise RequestError(f"no login is free for person {key}; give one as `login` in the site")

    def _dn(self, key: str, name: str) -> str:
        ou = self._inventory.profiles[self._inventory.people[key].profile].ou
        if ou not in self._units:
            self._units[ou] = canonical(ou).casefold()
        return f"{relative_name('CN', name).casefold()},{self._units[ou]}"

    @staticmethod
    def _take(taken: dict[str, str], what: str, key: str) -> bool:
        return taken.setdefault(what, key) == key
