"""Moving people and PCs to other desks: one of them, two who swap, a whole department in one plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from provisioning.errors import RequestError
from provisioning.ledger.books import STORE, CustodyTransfer
from provisioning.procedures.base import Accounts, Expectation, Fact, Work
from provisioning.procedures.desk_custody import desk_assets
from provisioning.procedures.extensions import Extension
from provisioning.procedures.join import computer_account, expected_member
from provisioning.procedures.leaving_proofs import released
from provisioning.procedures.move_phones import given_extensions, persons_phone, vacant_phone
from provisioning.procedures.move_ports import desk_proofs, desk_resource, released_port
from provisioning.procedures.move_seating import Leg, amendments, conflicts, seated, without_account
from provisioning.procedures.packages import package_proofs, package_resources
from provisioning.procedures.patch import Patch
from provisioning.procedures.pc_settings import PcSettings
from provisioning.procedures.reservations import reservation
from provisioning.resources.base import Proof, Resource
from provisioning.resources.directory.user import User
from provisioning.site import Inventory


@dataclass(frozen=True)
class Move:
    """People and PCs to be moved, each from its desk to another one, all at once.

    `patches` are the ports that were picked for outlets without a cable; their patch orders are opened with the run.
    """

    legs: tuple[Leg, ...]
    patches: tuple[Patch, ...] = ()

    @property
    def title(self) -> str:
        if len(self.legs) > 3:
            people = sum(leg.person is not None for leg in self.legs)
            pcs = len(self.legs) - people
            alone = f"{pcs} PC{'s' * (pcs > 1)}"
            return f"move {people} people{f' and {alone}' * bool(pcs)}" if people else f"move {alone}"
        if len(self.legs) == 2 and (self.legs[0].source, self.legs[1].source) == (self.legs[1].to, self.legs[0].to):
            one, other = self.legs
            return f"swap {one.who} at {one.source} and {other.who} at {other.source}"
        return "move " + ", ".join(
            f"{leg.who} {f'from {leg.source} ' if leg.source else ''}to {leg.to}" for leg in self.legs
        )

    @property
    def persons(self) -> tuple[str, ...]:
        return tuple(leg.person for leg in self.legs if leg.person is not None)

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002
        return self.persons

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {leg.person: leg.to for leg in self.legs if leg.person is not None}

    def asks(self, inventory: Inventory) -> frozenset[Fact]:
        """Who has which extension, and who has the PCs and phones that stay behind."""
        return frozenset({"held extensions", "custody"} if inventory.phones is not None else {"custody"})

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "move",
            "persons": list(self.persons),
            "legs": [leg.to_plain() for leg in self.legs],
            "patches": [patch.to_plain() for patch in self.patches],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Move:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(tuple(map(Leg.from_plain, plain["legs"])), tuple(map(Patch.from_plain, plain["patches"])))

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        """The same before the run and while it goes on. Raises :class:`RequestError` for desks that others have by
        now, for people without an account, and for VLANs that are not known."""
        if found := next(conflicts(inventory, self.legs), None):
            raise RequestError(found.sentence)
        if missing := [leg for leg in self.legs if leg.person is not None and leg.person not in accounts.logins]:
            raise RequestError("\n".join(without_account(str(leg.person), leg.to) for leg in missing))
        after = seated(inventory, self.legs)
        patched = [patch.compile(after, accounts) for patch in self.patches]
        outlets = dict(after.outlets)
        for patch in self.patches:
            ends = {"switch": patch.switch, "switch_port": patch.port}
            outlets[patch.outlet] = outlets[patch.outlet].model_copy(update=ends)
        moved = _Moved(self, inventory, after.model_copy(update={"outlets": outlets}), accounts)
        resources = moved.resources()
        return Work(
            tuple(resources),
            tuple(dict.fromkeys(moved.proofs())),
            (*(said for work in patched for said in work.warnings), *moved.warnings()),
            expected=tuple(dict.fromkeys(moved.expected())),
            orders=tuple(order for work in patched for order in work.orders),
            amendments=amendments(inventory, self.legs),
            custody=tuple(dict.fromkeys(moved.custody())),
        )


@dataclass(frozen=True)
class _Moved:
    """A move and the site before and `after` it. (While the move is carried out, both are the same.)"""

    move: Move
    before: Inventory
    after: Inventory
    accounts: Accounts

    @cached_property
    def ordered(self) -> frozenset[str]:
        """The outlets whose cables are still to be laid."""
        return frozenset(patch.outlet for patch in self.move.patches)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The desks that somebody or something comes to."""
        return tuple(dict.fromkeys(leg.to for leg in self.move.legs))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The desks that are left, and that nobody comes to. A shared one is its other people's, and stays as it is."""
        left = dict.fromkeys(leg.source for leg in self.move.legs if leg.source is not None)
        return tuple(d for d in left if d not in self.targets and not self.after.workplaces[d].shared)

    @cached_property
    def extensions(self) -> Mapping[str, Extension]:
        return given_extensions(self.after, self.move.persons, self.accounts)

    def sitting_at(self, desk: str) -> tuple[str, ...]:
        return tuple(
            key for key, person in self.after.people.items() if person.workplace == desk and person.left is None
        )

    @cached_property
    def taken_over(self) -> tuple[tuple[str, str], ...]:
        """Person and PC, where somebody takes the PC that stands at the new desk."""
        return tuple(
            (leg.person, workstation)
            for leg in self.move.legs
            if leg.person is not None
            and (workstation := self.after.workstation_at.get(leg.to)) is not None
            and workstation != leg.workstation
        )

    # -- resources

    def resources(self) -> list[Resource]:
        """Ports do not wait for PCs, which may be on their way; PCs are seen to at their new desks."""
        found = [*self._accounts(), *self._reservations()]
        reserved = frozenset(r.address for r in found if r.kind == "network.reservation")
        ports = {desk: desk_resource(self.after, desk, reserved) for desk in self.targets}
        found += ports.values()
        at = {f"windows:{self.after.workstation_at.get(desk)}": port.address for desk, port in ports.items()}
        for one in self._pcs():
            behind = frozenset({at[one.target]}) if one.target in at else frozenset()
            found.append(replace(one, requires=one.requires | behind))
        for desk in self.sources:
            if self.sitting_at(desk):
                found.append(desk_resource(self.after, desk, frozenset()))
                continue
            if (port := self._released(desk)) is not None:
                found.append(port)
            found += vacant_phone(self.after, desk)
        return found

    def _released(self, desk: str) -> Resource | None:
        return released_port(self.after, self.after.workplaces[desk].outlet)

    def _accounts(self) -> Iterator[Resource]:
        for leg in self.move.legs:
            if leg.person is None:
                continue
            login, person = self.accounts.logins[leg.person], self.after.people[leg.person]
            extension = self.extensions.get(leg.person)
            known = {
                "telephone": person.phone or (extension.telephone if extension else None),
                "ip_phone": extension.number if extension else None,
            }
            fields: dict[str, Any] = {"employee_id": leg.person, "office": leg.to}
            user = User(**fields, **{name: value for name, value in known.items() if value})
            account = Resource("directory.user", "directory", login, user)
            yield account
            if (phone := persons_phone(self.after, leg.person, extension)) is not None:
                yield from phone.resources(frozenset({account.address}))

    def _reservations(self) -> Iterator[Resource]:
        for desk in self.targets:
            if (name := self.after.workstation_at.get(desk)) is not None:
                workstation = self.after.workstations[name]
                yield from reservation(self.after, workstation.mac, workstation.fixed_address, name)

    def _pcs(self) -> Iterator[Resource]:
        """Where each PC is, and the printers there; for who takes over a PC, all that the profile gives."""
        taken = {workstation: person for person, workstation in self.taken_over}
        carried = {leg.workstation: leg.to for leg in self.move.legs if leg.workstation is not None}
        for name, desk in carried.items():
            yield computer_account(self.after, name)
            if name not in taken:
                settings = PcSettings(self.after, name, self.after.workplaces[desk].room, [""])
                yield from (r for r in settings.resources() if r.kind == "windows.printer")
        for person, name in self.taken_over:
            profile = self.after.profiles[self.after.people[person].profile]
            yield from self._settings(person, name).resources()
            yield from package_resources(self.after, name, profile.software)

    def _settings(self, person: str, workstation: str) -> PcSettings:
        intranet, profile = self.after.intranet, self.after.profiles[self.after.people[person].profile]
        room = self.after.workplaces[str(self.after.people[person].workplace)].room
        pages = [intranet.pages[page].url for page in profile.pages] or [intranet.url]
        return PcSettings(self.after, workstation, room, pages)

    # -- proofs, sentences, custody

    def proofs(self) -> Iterator[Proof]:
        for desk in self.targets:
            if self.after.workplaces[desk].outlet not in self.ordered:
                yield from desk_proofs(self.after, desk)
        for desk in self.sources:
            if not self.sitting_at(desk) and (port := self._released(desk)) is not None:
                yield from released([port])
        for person, workstation in self.taken_over:
            profile = self.after.profiles[self.after.people[person].profile]
            yield from package_proofs(self.after, workstation, profile.software)
            yield from self._settings(person, workstation).proofs()
        for person in self.move.persons:
            if (phone := persons_phone(self.after, person, self.extensions.get(person))) is not None:
                yield from phone.proofs()

    def expected(self) -> Iterator[Expectation]:
        for _, workstation in self.taken_over:
            yield expected_member(self.after, workstation)

    def warnings(self) -> Iterator[str]:
        site = self.after
        for desk in self.targets:
            if site.workplaces[desk].outlet in self.ordered:
                yield (
                    f"{desk}: the cable of outlet {site.workplaces[desk].outlet} is still to be laid: "
                    "`provision orders close N --wait` proves its PC there"
                )
        for desk in self.sources:
            if (name := site.workstation_at.get(desk)) is not None and not self.sitting_at(desk):
                yield f"{name} stays at {desk}, where nobody sits any more: its port is released, so it has no network"
        for leg in self.move.legs:
            if leg.person is not None:
                yield from self._of_person(leg)

    def _of_person(self, leg: Leg) -> Iterator[str]:
        person, site = str(leg.person), self.after
        pc = site.workstation_at.get(leg.to)
        if pc is None:
            yield f"{person} has no PC at {leg.to}: none went along, and none stands there"
        elif pc != leg.workstation:
            former = _former(self.before, leg, pc)
            data = f"`provision transfer-data {former} {pc} --profile {self.accounts.logins[person]}` brings the data"
            yield f"{person} takes {pc} at {leg.to}; {data if former else 'nothing is brought there'}"
        phone = persons_phone(site, person, self.extensions.get(person))
        if phone is not None:
            yield from phone.warnings()
            if site.telephone_at.get(leg.to) is None:
                yield f"no telephone stands at {leg.to}: extension {phone.extension.number} of {person} rings nowhere"

    def custody(self) -> Iterator[CustodyTransfer]:
        """What stands at a desk is the person's who has it; what stands at a desk that nobody has, nobody's."""
        for desk in (*self.targets, *self.sources):
            people = self.sitting_at(desk)
            for asset in desk_assets(self.after, desk):
                if len(people) == 1:
                    yield CustodyTransfer(asset, people[0])
                elif self.accounts.custody.get(asset) in self.after.people:
                    yield CustodyTransfer(asset, STORE)


def _former(before: Inventory, leg: Leg, now: str) -> str | None:
    """The PC that somebody had at the old desk, where another one is taken over."""
    found = before.workstation_at.get(leg.source or "")
    return None if found == now else found
