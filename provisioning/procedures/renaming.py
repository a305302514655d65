"""What changes when a person gets another name: by marriage, or because it was misspelt. Pure; nothing is looked up.

The login stays unless a new one is asked for, since profiles, licences and habits hang on it. The primary mail address
follows the name; every address that the account ever had stays with it as an alias, so mail to the former name arrives,
and nobody else gets an address or a login that was somebody's (:attr:`Renaming.reserved`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.identity import Identity, display_name, identify
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.user import CN_LIMIT
from provisioning.site import Inventory
from provisioning.site.people import Person


@dataclass(frozen=True)
class Renaming:
    """One person's names before and after. `changes` has, in the words of the account (``directory.user``) and of the
    mailbox, only what becomes different: field → (before, after).
    """

    person: str
    account: Account
    identity: Identity
    changes: Mapping[str, tuple[str, str]]

    @property
    def primary(self) -> str:
        """The primary mail address from now on."""
        return self.identity.addresses[0]

    @property
    def aliases(self) -> tuple[str, ...]:
        """All other addresses, those of the former name among them."""
        return (*self.identity.addresses[1:], *self.identity.kept)

    @property
    def new_login(self) -> bool:
        return self.account.login.casefold() != self.identity.login.casefold()

    @property
    def reserved(self) -> Mapping[str, str]:
        """Login or address that was this person's → person. To be written down for ever, and given to
        :func:`~provisioning.procedures.identity.identify`: an account may go, what people wrote to it does not.
        """
        logins = (self.account.login, self.account.principal.partition("@")[0]) if self.new_login else ()
        return dict.fromkeys((name.casefold() for name in (*self.account.addresses, *logins) if name), self.person)


def with_names(inventory: Inventory, key: str, given: str | None = None, family: str | None = None) -> Inventory:
    """The site with other names for one person; a name that is left out stays.

    Raises :class:`RequestError` for a person whom the site does not have, and for names that it could not have.
    """
    person = inventory.person(key)
    names = {"given_name": given, "family_name": family}
    try:
        named = Person.model_validate(
            {
                **person.model_dump(exclude_unset=True),
                **{field: name for field, name in names.items() if name is not None},
            }
        )
    except ValidationError as exc:
        first = exc.errors()[0]
        field = str(first["loc"][0]).replace("_", " ")
        raise RequestError(f"person {key} cannot have this {field}: {_reason(first['type'], first['msg'])}") from None
    if len(name := f"{named.given_name} {named.family_name}") > CN_LIMIT:
        raise RequestError(
            f"the name {name!r} of person {key} has {len(name)} characters; a directory takes {CN_LIMIT}: shorten it"
        )
    return inventory.model_copy(update={"people": {**inventory.people, key: named}})


def renamed(
    before: Inventory,
    after: Inventory,
    key: str,
    accounts: Accounts,
    *,
    new_login: bool = False,
    reserved: Mapping[str, str] | None = None,
) -> Renaming:
    """What becomes of one person's account when the site goes from `before` to `after` (:func:`with_names`; the same
    site twice when the personnel office has changed the name already: the account then tells what was before).

    `accounts` must have the person's account and whoever has names that `after` may give. With `new_login` the login
    policy makes a new one; a login that the site fixes stays. Raises :class:`RequestError` when there is no account,
    or more than one, or when everything that the new name could give belongs to others.
    """
    account = account_of(key, accounts)
    identity = identify(after, (key,), accounts, reserved=reserved, new_logins=new_login)[key]
    old, new = before.person(key), after.person(key)
    domain = after.directory.domain
    login = identity.login != account.login and new_login
    pairs = {
        "login": (account.login, identity.login),
        "user_principal_name": (account.principal, f"{identity.login}@{domain}" if login else account.principal),
        "given_name": (old.given_name, new.given_name),
        "family_name": (old.family_name, new.family_name),
        "name": (account.name, identity.common_name),
        "display_name": (display_name(before, key), identity.display_name),
        "addresses": (", ".join(sorted(account.addresses)), ", ".join(sorted((*identity.addresses, *identity.kept)))),
    }
    return Renaming(key, account, identity, {field: pair for field, pair in pairs.items() if pair[0] != pair[1]})


def account_of(key: str, accounts: Accounts) -> Account:
    """The account of a person. Raises :class:`RequestError` unless there is exactly one."""
    mine = [account for account in accounts.found if account.employee_id == key]
    if not mine:
        raise RequestError(f"person {key} has no account that could be renamed; `provision onboard {key}` makes one")
    if len(mine) > 1:
        raise RequestError(
            f"{len(mine)} accounts carry the number {key} ({', '.join(account.login for account in mine)}); leave "
            "employeeID to the one that is the person's"
        )
    return mine[0]


def _reason(kind: str, message: str) -> str:
    if kind.endswith("too_short"):
        return "it is empty"
    if kind.endswith("too_long"):
        return "it is longer than 200 characters"
    return message.removeprefix("Value error, ")
