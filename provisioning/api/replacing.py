"""Looking at two PCs before one takes the place of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.api.old_pc import OldPc, data_of, dead_pc, look_at, windows_of
from provisioning.engine.events import Listener
from provisioning.engine.planner import TargetSessions
from provisioning.errors import RequestError, TargetError
from provisioning.procedures.install_scope import listed, people_at
from provisioning.procedures.join import computer_name
from provisioning.procedures.replace import OLD_TO, OldTo, Replace
from provisioning.resources.directory.accounts import read_accounts
from provisioning.resources.registry import KINDS
from provisioning.site import Inventory
from provisioning.site.inventory import nearest
from provisioning.site.workplaces import Workstation

if TYPE_CHECKING:
    from provisioning.api.site import Site
    from provisioning.ledger import Ledger

__all__ = ["OLD_TO", "OldTo", "replace_request"]

_ALL = 1_000_000


def replace_request(
    site: Site,
    old: str,
    new: str,
    reason: str,
    *,
    keep_name: bool = False,
    old_to: OldTo = "repair",
    data: bool = True,
    listener: Listener | None = None,
) -> Replace:
    """A request to put the PC `new` in the place of `old` (asset tags or names), with what there is at the old one at
    the moment; where that does not answer, with what the ledger and the archives know. Changes nothing.

    Raises :class:`~provisioning.errors.RequestError` for PCs that the site does not have or that cannot be taken, and
    :class:`~provisioning.errors.TargetError` when the directory does not answer.
    """
    inventory = site.wired
    if not reason.strip():
        raise RequestError("a replacement needs a reason: say what is wrong with the old one, whoever repairs it asks")
    one, other = _old(site, inventory, old), _named(inventory, new)[0]
    _refuse(site, inventory, one, other, keep_name=keep_name)
    desk = inventory.workstations[one].workplace or ""
    people, called = people_at(inventory, one), computer_name(inventory, one)
    with site.reading(listener, f"replacing {one}") as pool:
        with pool.session("directory") as session:
            logins = {a.employee_id: a.login for a in read_accounts(session, employee_ids=people) if a.employee_id}
            account = called in KINDS["directory.computer"].read(session, [called])
        look = _Look(site, inventory, pool, one, other)
        found = look.old([logins[key] for key in people if key in logins] if data else [])
    software, notes = look.software(people, found)
    carried = data_of(site, found, logins.values(), one, other) if data else ((), ("no data is brought (--no-data)",))
    fixed = inventory.workstations[one].fixed_address
    return Replace(
        one,
        other,
        desk,
        people,
        reason.strip(),
        called,
        keep_name,
        old_to,
        None if fixed is None else str(fixed),
        account,
        software,
        carried[0],
        (*notes, *carried[1]),
    )


def _named(inventory: Inventory, text: str) -> list[str]:
    """The PCs that are called so: by asset tag, in the site's files, or in the domain. Raises :class:`RequestError`."""
    folded = text.casefold()

    def names(key: str, ws: Workstation) -> set[str]:
        return {name.casefold() for name in (key, ws.asset_tag, ws.computer_name) if name}

    found = [key for key, ws in inventory.workstations.items() if folded in names(key, ws)]
    if not found:
        known = [*inventory.workstations, *(ws.asset_tag for ws in inventory.workstations.values())]
        raise RequestError(f"the site has no workstation with the name or asset tag {text!r}{nearest(text, known)}")
    return sorted(found, key=lambda key: (key.casefold() != folded, key))


def _old(site: Site, inventory: Inventory, text: str) -> str:
    """The PC that is to go. Of two that are called so (one took over the name) it is the one at a desk."""
    found = _named(inventory, text)
    standing = [key for key in found if inventory.workstations[key].workplace is not None]
    if standing:
        return standing[0]
    name = found[0]
    raise RequestError(_in_store(site, name) or f"{name} stands at no desk (it is in store), so nobody misses it")


def _in_store(site: Site, name: str) -> str | None:
    """What to say of a PC that was replaced already."""
    for run in site.ledger.runs(_ALL) if site.has_ledger else ():
        if run.request.get("procedure") == "replace" and run.request.get("old") == name and run.state != "undone":
            more = "" if run.state == "done" else f", which is {run.state}; `provision resume {run.id}` goes on with it"
            return f"{name} was replaced by {run.request.get('new')} already, by run {run.id}{more}"
    return None


def _refuse(site: Site, inventory: Inventory, old: str, new: str, *, keep_name: bool) -> None:
    if old == new:
        raise RequestError(f"{old} cannot take its own place; name another PC, from the store")
    ws = inventory.workstations[new]
    if ws.workplace is not None:
        people = [f"{key} {_name(inventory, key)}" for key in people_at(inventory, new)]
        of = f" of {listed(people)}" if people else ""
        raise RequestError(
            f"{new} is in use: it stands at {ws.workplace}{of}; take one from the store{_free(site, inventory)}"
        )
    holder = site.ledger.holders().get(ws.asset_tag) if site.has_ledger else None
    if holder in inventory.people:
        raise RequestError(
            f"{new} ({ws.asset_tag}) is in the hands of {holder} {_name(inventory, holder)}; have it back first"
        )
    if holder in {"repair", "scrap"}:
        words = "out for repair" if holder == "repair" else "scrapped"
        raise RequestError(
            f"{new} ({ws.asset_tag}) is {words}, says the ledger; take another one{_free(site, inventory)}"
        )
    user = next((key for key, one in inventory.workstations.items() if key != new and one.computer_name == new), None)
    if user is not None and not keep_name:
        raise RequestError(
            f"the name {new} belongs to {user} in the domain by now; --keep-name gives {new} the name of {old}"
        )


def _name(inventory: Inventory, person: str) -> str:
    one = inventory.people[person]
    return f"{one.given_name} {one.family_name}"


def _free(site: Site, inventory: Inventory) -> str:
    held = site.ledger.holders() if site.has_ledger else {}
    free = [
        key
        for key, ws in inventory.workstations.items()
        if held.get(ws.asset_tag, "store") == "store" and ws.workplace is None
    ]
    return f": {listed(free)}" if free else "; the site has none there"


@dataclass(frozen=True)
class _Look:
    """What can be seen at the old PC and at the new one."""

    site: Site
    inventory: Inventory
    pool: TargetSessions
    one: str
    other: str

    def old(self, logins: Sequence[str]) -> OldPc:
        """The old PC as it answers, or as the ledger remembers it. Raises :class:`RequestError` when the new one is of
        another sort."""
        try:
            found = look_at(self.inventory, self.pool, self.one, logins)
        except TargetError as exc:
            return dead_pc(self._ledger, self.inventory, self.one, exc.message)
        self._refuse_other_sort(found)
        return found

    @property
    def _ledger(self) -> Ledger | None:
        return self.site.ledger if self.site.has_ledger else None

    def _refuse_other_sort(self, found: OldPc) -> None:
        if found.sort is None:
            return
        try:
            sort = windows_of(self.pool, self.other)
        except TargetError:  # it may be switched off still: the run waits for it
            return
        if sort is not None and sort != found.sort:
            raise RequestError(
                f"{self.one} runs Windows {found.sort}, {self.other} Windows {sort}; take one of the same sort"
            )

    def software(self, people: Sequence[str], found: OldPc) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The optional packages that come along, and sentences about them."""
        site = self.inventory
        profiles = [site.profiles[site.people[key].profile] for key in people]
        usual = {name for profile in profiles for name in profile.software}
        optional = {name for profile in profiles for name in profile.optional_software}
        extra = [name for name in found.packages if name not in usual and not self._is_required(name, usual)]
        good = [name for name in extra if site.software[name].approved and (name in optional or not people)]
        needed = {r for name in good for r in site.software[name].requires}
        bad = [name for name in extra if name not in good and name not in needed]
        notes = []
        if found.error is not None:
            known = f"its optional packages come from the ledger: {listed(good)}"
            known = known if good else "the ledger knows of no optional packages there"
            notes.append(f"{self.one} does not answer ({found.error}); {known}")
        elif good:
            notes.append(f"optional packages that {self.one} has now come along: {listed(good)}")
        if bad:
            whose = listed(sorted({site.people[key].profile for key in people})) or "anybody there"
            notes.append(f"not brought along, because it is not approved for {whose}: {listed(bad)}")
        return tuple(good), tuple(notes)

    def _is_required(self, name: str, usual: set[str]) -> bool:
        return any(name in self.inventory.software[one].requires for one in usual)
