"""What somebody has of the firm's: equipment, licence seats, extensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from provisioning.ledger import Allocation, CustodyRecord
from provisioning.site import Inventory

LICENCE, EXTENSION = "licence:", "extension:"
"""What pools of allocations, and assets that are seats, begin with."""

Sort = Literal["pc", "equipment", "licence", "extension", "other"]

_ORDER: tuple[Sort, ...] = ("pc", "equipment", "other", "licence", "extension")


@dataclass(frozen=True)
class Held:
    """One thing that somebody has. `name` is what the site calls it, `number` what is written on it; without `since`
    (UTC) nobody booked it: it stands at the person's desk."""

    sort: Sort
    name: str
    number: str
    what: str
    since: str | None = None
    document: str | None = None

    @property
    def is_equipment(self) -> bool:
        """Whether it is carried back; seats and extensions are given back by the programs that gave them."""
        return self.sort in {"pc", "equipment", "other"}

    @property
    def sentence(self) -> str:
        """For whoever offboards its holder."""
        if self.sort == "licence":
            return f"given back with this: a licence seat of {self.name}"
        if self.sort == "extension":
            return f"given back with this: the extension {self.name}"
        booked = f"booked since {self.since[:10]}" if self.since else "not booked: it stands at the desk"
        return f"to be returned: {self.number} ({', '.join(filter(None, (self.what, booked)))})"

    def to_plain(self) -> dict[str, Any]:
        """For JSON documents."""
        return asdict(self)


def asset_of(site: Inventory, name: str) -> str | None:
    """The asset that a name means: an asset tag, a PC's name, a device; ``None`` for anything else."""
    if name in site.workstations:
        return site.workstations[name].asset_tag
    known = {pc.asset_tag for pc in site.workstations.values()} | site.equipment.keys()
    return name if name in known else None


def assets(site: Inventory) -> Iterator[str]:
    """Every name that :func:`asset_of` knows."""
    for name, pc in site.workstations.items():
        yield from (pc.asset_tag, name)
    yield from site.equipment


def described(site: Inventory, asset: str) -> str:
    """``WS-0042, EliteDesk 800 G9`` for an asset tag, ``telephone SIP-T46U`` for a device."""
    for name, pc in site.workstations.items():
        if pc.asset_tag == asset:
            return ", ".join(filter(None, (name, pc.model)))
    if asset in site.equipment:
        return _device(site, asset).what
    return "licence seat" if asset.startswith(LICENCE) else ""


def held(
    site: Inventory, person: str, records: Sequence[CustodyRecord], taken: Mapping[str, str],
    allocated: Iterable[Allocation],
) -> list[Held]:  # fmt: skip
    """All that a person has to give back: what is booked (`records`), what stands at the desk and nobody was booked for
    (`taken`: asset → holder), licence seats and extensions (`allocated` to the person). The site need not know the
    person (any more)."""
    found = [_booked(site, one) for one in records]
    desk = site.people[person].workplace if person in site.people else None
    if desk is not None and not site.workplaces[desk].shared:
        pc, telephone = site.workstation_at.get(desk), site.telephone_at.get(desk)
        if pc is not None and (tag := site.workstations[pc].asset_tag) not in taken:
            found.append(Held("pc", pc, tag, described(site, tag)))
        if telephone is not None and telephone not in taken:
            found.append(_device(site, telephone))
    licences = {one.name for one in found if one.sort == "licence"}
    for one in allocated:
        pool, _, name = one.pool.partition(":")
        if f"{pool}:" == LICENCE and name not in licences:
            found.append(Held("licence", name, "", "", one.at))
        elif f"{pool}:" == EXTENSION:
            found.append(Held("extension", one.item, "", "", one.at))
    return sorted(found, key=lambda one: (_ORDER.index(one.sort), one.name))


def _booked(site: Inventory, one: CustodyRecord) -> Held:
    said = {"since": one.at, "document": one.document}
    if one.asset.startswith(LICENCE):
        return Held("licence", one.asset.removeprefix(LICENCE).partition("/")[0], "", "", **said)
    if one.asset in site.equipment:
        device = _device(site, one.asset)
        return Held("equipment", device.name, device.number, device.what, **said)
    pc = next((name for name, pc in site.workstations.items() if pc.asset_tag == one.asset), None)
    return Held("pc" if pc else "other", pc or one.asset, one.asset, described(site, one.asset), **said)


def _device(site: Inventory, name: str) -> Held:
    device = site.equipment[name]
    return Held("equipment", name, name, " ".join(filter(None, (device.kind, device.model))))
