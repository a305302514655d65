"""From changes that a plan would make, and from what was seen on a PC, to findings with a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provisioning.procedures.audit import Finding, area_of
from provisioning.procedures.audit_pcs import PcFinding
from provisioning.procedures.line_places import Place, Places
from provisioning.reports.words import NOTHING, field_words, kind_words, short, short_pair
from provisioning.resources.base import Address, Change, State
from provisioning.site import Inventory

__all__ = ["Whose", "drift", "on_pc"]

_NOT_SET = "not set"
_NAMED = 3
"""Fields that a sentence names."""


@dataclass(frozen=True)
class Whose:
    """Whose things are whose: `people` by address, and what the site has on switch ports."""

    inventory: Inventory
    people: Mapping[Address, str]
    places: Places
    at_desk: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def about(self, address: Address) -> frozenset[str]:
        """The names of the site that have to do with something: what an audit of a name looks for."""
        names = {address.key}
        if person := self.people.get(address):
            names |= {person, *filter(None, (self.inventory.people[person].workplace,))}
        system, _, name = address.target.partition(":")
        if name:
            names.add(name)
        if system == "windows":
            pc = self.inventory.workstations.get(name)
            desk = pc.workplace if pc is not None else None
            names |= {*self.at_desk.get(desk or "", ()), *filter(None, (desk,))}
        if (place := self._place(address)) is not None:
            names |= set(filter(None, (place.desk, place.device, place.outlet)))
        return frozenset(names)

    def at(self, pc: str) -> str:
        """Who sits at the desk of a PC; nothing where nobody or several people do."""
        known = self.inventory.workstations.get(pc)
        people = self.at_desk.get((known.workplace if known is not None else None) or "", ())
        return people[0] if len(people) == 1 else ""

    def device(self, address: Address) -> str | None:
        """The PC or device that a port or a reserved address is for."""
        if address.kind == "network.reservation":
            return self.places.names.get(address.key)
        if address.kind != "switch.port" or (place := self._place(address)) is None:
            return None
        return place.device or None

    def _place(self, address: Address) -> Place | None:
        system, _, name = address.target.partition(":")
        return self.places.at(name, address.key) if system == "switch" else None

    def command(self, address: Address) -> str:
        """The narrowest command that repairs it."""
        system, _, name = address.target.partition(":")
        if system == "windows" and name in self.inventory.workstations:
            return f"provision audit {name} --repair"
        if person := self.people.get(address):
            return f"provision audit {person} --repair"
        place = self._place(address)
        thing = (place.desk or place.device) if place is not None else ""
        return f"provision audit {thing} --repair" if thing else "provision audit --repair"


def drift(changes: Iterable[Change[State]], whose: Whose) -> Iterator[Finding]:
    """What a plan of the whole site would change, one finding a thing."""
    for change in changes:
        address = change.address
        differences = change.differences()
        expected, found, said = "", "", []
        for name, (old, new) in list(differences.items())[:_NAMED]:
            was, should = (_NOT_SET if one == NOTHING else one for one in short_pair(old, new))
            said.append(f"{field_words(name)} is {was}, expected {should}")
            expected, found = (should, was) if len(differences) == 1 else ("", "")
        if len(differences) > _NAMED:
            said.append(f"{len(differences) - _NAMED} more")
        subject = address.key if ":" not in address.target else f"{address.target.partition(':')[2]} {address.key}"
        person = whose.people.get(address)
        whom = person or whose.device(address)
        thing = f"{kind_words(address.kind)} {short(subject)}{f' ({whom})' if whom else ''}"
        sort = {"create": "missing", "update": "drift", "delete": "too much"}[change.action]
        sentence = f"{thing}: {'; '.join(said)}"
        if change.action != "update":
            sentence = f"{thing} {'is missing' if sort == 'missing' else 'is there and should not be'}"
            expected, found = ("there", "missing") if sort == "missing" else ("gone", "there")
        locked = change.action == "update" and "enabled" in differences
        yield Finding(
            area_of(address.kind), sort, subject, "fault" if locked else "warning",
            sentence, expected, found, whose.command(address), address, whose.about(address), person or "",
        )  # fmt: skip


def on_pc(
    name: str, findings: Iterable[PcFinding], repairable: Mapping[str, Address], whose: Whose
) -> Iterator[Finding]:
    """What was found on a PC. `repairable`: package as it is shown → what a plan would change for it."""
    target = f"windows:{name}"
    for one in findings:
        address = one.address or (repairable.get(one.package) if one.sort == "outdated" else None)
        area = area_of(one.kind) if one.kind else "software"
        repair = whose.command(address) if address else _ADVICE.get(one.sort, "look at it")
        yield Finding(
            area, one.sort, name, "remark" if one.sort == "restart due" else "warning", f"{name}: {_words(one)}",
            one.expected, one.found, repair, address, whose.about(Address("", target, name)), whose.at(name),
        )  # fmt: skip


_ADVICE = {
    "not approved": "uninstall it, or write it into the software catalogue or windows: tolerated",
    "newer": "write the newer version into the catalogue, or `provision onboard PERSON --allow-downgrade`",
    "outdated": "`provision onboard PERSON --with PACKAGE` brings the catalogue's version, or uninstall it",
}


def _words(finding: PcFinding) -> str:
    detail = short(finding.detail) if finding.detail else ""
    expected = f", expected {short(finding.expected)}" if finding.expected else ""
    thing = short(finding.thing)
    if finding.kind:  # a setting
        thing = f"{kind_words(finding.kind)} {thing}"
        if not finding.found and not expected:
            return f"{thing}: not as it should be: {detail}" if detail else f"{thing} is missing"
        found = short(finding.found) if finding.found else "not there"
        return f"{thing}: {detail} is {found}{expected or ', expected not to be there'}"
    more = f" ({detail})" if detail else ""
    version = "" if not finding.found or finding.thing.endswith(finding.found) else f" {short(finding.found)}"
    return f"{thing}{version} {_IS[finding.sort]}{expected}{more}"


_IS = {
    "not approved": "is not approved", "missing": "is missing", "outdated": "is outdated", "newer": "is newer",
    "restart due": "is due", "drift": "drifted",
}  # fmt: skip
