"""``find``: where something is on the network now, and whether the site says the same.

All switches are asked in parallel, at most :data:`~provisioning.engine.planner.MAX_TARGETS_AT_ONCE` at a time, each in
one write; of their answers only what is about the thing is kept. A switch that does not answer is named, and the rest
is answered. Nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from provisioning import dialects
from provisioning.api.readable import Remembering
from provisioning.engine.events import Listener
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions
from provisioning.errors import ProvisioningError, RequestError, TargetError
from provisioning.ledger.books import FirstSeen
from provisioning.procedures.sought import Device, Expected, Sought, device_with, foreign, sought
from provisioning.resources.switch.proofs import leases
from provisioning.resources.switch.sightings import Activity, Link, Neighbour, Power, Sighting, SwitchView, view
from provisioning.site import Inventory

__all__ = ["Finding", "Located", "Place", "PortSeen", "Verdict", "find"]

Verdict = Literal["agrees", "elsewhere", "other VLAN", "several places", "behind", "not seen", "no place in the site"]
"""``behind``: seen only through ports that lead on to other switches: its own did not answer, or is not in the site."""


_TOLD = 4  # switches


@dataclass(frozen=True)
class PortSeen:
    """A switch port as it is now. `macs` are (MAC address, VLAN, name in the site); `known` is false when the switch
    has no such port."""

    switch: str
    port: str
    link: Link | None = None
    power: Power | None = None
    activity: Activity | None = None
    neighbours: tuple[Neighbour, ...] = ()
    macs: tuple[tuple[str, int | None, str], ...] = ()
    known: bool = True


@dataclass(frozen=True)
class Place:
    """A port on which a device is seen, and the VLANs it is in there. `through` says why it is only on the way."""

    at: PortSeen
    vlans: tuple[int, ...]
    others: int = 0
    through: str | None = None


@dataclass(frozen=True)
class Located:
    """A device, where it is seen, and what that means. `first_seen` is when a run first proved it to be on its port."""

    device: Device
    verdict: Verdict
    places: tuple[Place, ...] = ()
    ways: tuple[Place, ...] = ()
    first_seen: FirstSeen | None = None


@dataclass(frozen=True)
class Finding:
    """The answer to a search. `strangers` are devices on the port that belong elsewhere; `unread` maps switches that
    did not answer to the reason."""

    sought: Sought
    located: tuple[Located, ...] = ()
    ports: tuple[PortSeen, ...] = ()
    strangers: tuple[Device, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether everything was found where the site says (or the site says nothing of it at all)."""
        if self.sought.nothing or self.strangers or not all(port.known for port in self.ports):
            return False
        fine = [one.verdict == "agrees" or _not_of_the_site(one) for one in self.located]
        return all(fine) and bool(fine or self.ports)

    def to_document(self) -> dict[str, Any]:
        """Plain data; ``docs/find.md`` describes it."""
        document = asdict(self)
        return {
            "sought": {name: document["sought"][name] for name in ("sort", "name", "title", "nothing")},
            "agrees": self.agrees,
            "devices": document["located"],
            "ports": document["ports"],
            "strangers": document["strangers"],
            "unread": dict(self.unread),
            "remarks": list(self.remarks),
        }


def _not_of_the_site(one: Located) -> bool:
    return one.verdict == "no place in the site" and one.device.sort == "device"


def find(site: Remembering, text: str, listener: Listener | None = None) -> Finding:
    """Where `text` (a person, PC, workplace, outlet, device, MAC or IPv4 address, ``switch:port``) is now.

    A switch that somebody is at work on is waited for (`listener` is told). Raises
    :class:`~provisioning.errors.RequestError` when `text` fits nothing in the site, or several things, and when no
    switch answers.
    """
    inventory = site.wired
    what = sought(inventory, text)
    if not (what.devices or what.ports or what.address):
        return Finding(what)
    with site.reading(listener, "a search") as pool:
        search = _Search(inventory, pool)
        if what.address is not None:
            what = search.resolved(what)
        if not (what.devices or what.ports):
            return Finding(what, unread=search.unread, remarks=tuple(search.remarks))
        found = search.answer(what)
    if site.has_ledger:
        dated = (replace(one, first_seen=site.ledger.first_seen(one.device.mac)) for one in found.located)
        return replace(found, located=tuple(dated))
    return found


class _Search:
    """One search: what the switches said so far, and what is to be told beside it."""

    def __init__(self, inventory: Inventory, pool: TargetSessions) -> None:
        self.inventory = inventory
        self.pool = pool
        self.unread: dict[str, str] = {}
        self.remarks: list[str] = []

    def resolved(self, what: Sought) -> Sought:
        """An address, with the device that has it: by the DHCP server's leases, else by the switches' ARP tables."""
        mac = self._leased(str(what.address))
        if mac is None:
            views = self._ask(self.inventory.network.switches, addresses={str(what.address)})
            mac = next((found[0] for one in views if (found := list(one.addresses.values()))), None)
        if mac is None:
            return replace(what, nothing="neither a lease nor an ARP table says which device has it")
        device = device_with(self.inventory, mac) or foreign(mac)
        return replace(what, devices=(device,), title=f"{what.title}, which {device.name} has")

    def _leased(self, address: str) -> str | None:
        if self.inventory.network.dhcp is None:
            return None
        try:
            with self.pool.session("dhcp") as session:
                found = leases(session.read_file(session.dhcp.leases))
        except ProvisioningError as exc:
            self.remarks.append(f"the DHCP server was not asked: {exc}")
            return None
        running = (one for one in found if one.expires == 0 or one.expires > time.time())
        return next((one.mac for one in running if str(one.address) == address), None)

    def answer(self, what: Sought) -> Finding:
        """Ask the switches, and judge what they say."""
        macs = {device.mac for device in what.devices}
        wanted = [(switch, self._full(switch, port)) for switch, port in what.ports]
        switches = self.inventory.network.switches if macs else dict.fromkeys(switch for switch, _ in wanted)
        views = {one.switch: one for one in self._ask(switches, macs=macs, ports=wanted)}
        ports = tuple(self._port(views[switch], port) for switch, port in wanted if switch in views)
        located = tuple(self._located(device, views) for device in what.devices)
        here = {mac for port in ports for mac, _, _ in port.macs} - macs
        strangers = tuple(one for mac in sorted(here) if (one := device_with(self.inventory, mac)))
        return Finding(what, located, ports, strangers, self.unread, tuple(dict.fromkeys(self.remarks)))

    def _ask(
        self,
        switches: Iterable[str],
        macs: Collection[str] = (),
        ports: Sequence[tuple[str, str]] = (),
        addresses: Collection[str] = (),
    ) -> list[SwitchView]:
        names = list(switches)

        def one(name: str) -> SwitchView | ProvisioningError:
            target = f"switch:{name}"
            try:
                with self.pool.session(target) as session:
                    return view(session, macs, [port for switch, port in ports if switch == name], addresses)
            except ProvisioningError as exc:
                return exc
            finally:
                self.pool.drop(target)

        workers = ThreadPoolExecutor(max(1, min(len(names), MAX_TARGETS_AT_ONCE)), "find")
        try:
            answers = list(zip(names, workers.map(one, names), strict=True))
        finally:
            workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead switch may take its whole timeout
        views = []
        for name, answer in answers:
            if isinstance(answer, ProvisioningError):
                self.unread[name] = answer.message if isinstance(answer, TargetError) else str(answer)
            else:
                views.append(answer)
                self.remarks += [f"{name}: {remark}" for remark in answer.remarks]
        if names and not views:
            raise _nobody({name: self.unread[name] for name in names})
        return views

    # -- judging -----------------------------------------------------------------------------------------

    def _full(self, switch: str, port: str) -> str:
        return dialects.load(self.inventory.network.switches[switch].dialect).full_name(port)

    def _port(self, seen: SwitchView, port: str) -> PortSeen:
        macs = [(entry.mac, entry.vlan, self._called(entry.mac)) for entry in seen.macs if entry.port == port]
        return PortSeen(
            seen.switch,
            port,
            seen.links.get(port),
            seen.power.get(port),
            seen.activity.get(port),
            tuple(one for one in seen.neighbours if one.port == port),
            tuple(macs),
            port in seen.links or bool(macs),
        )

    def _called(self, mac: str) -> str:
        device = device_with(self.inventory, mac)
        return device.name if device is not None else ""

    def _located(self, device: Device, views: Mapping[str, SwitchView]) -> Located:
        seen = [(one, s) for one in views.values() for s in one.sightings if s.mac == device.mac]
        expected = device.expected
        key = (expected.switch, self._full(expected.switch, expected.port)) if expected else None
        ends = _ends([sighting for _, sighting in seen], key)
        places = tuple(self._place(one, s) for one, s in seen if s in ends)
        ways = () if places else tuple(self._place(one, s) for one, s in seen)
        return Located(device, _verdict(expected, key, places, ways), places, ways)

    def _place(self, seen: SwitchView, sighting: Sighting) -> Place:
        through = sighting.way or (f"a trunk with {sighting.others} other addresses" if sighting.trunk else None)
        return Place(self._port(seen, sighting.port), sighting.vlans, sighting.others, through)


def _nobody(unread: Mapping[str, str]) -> ProvisioningError:
    """No switch said anything: nothing is known, and nothing can be said of where a thing is not."""
    told = list(unread.items())[:_TOLD]
    more = f" and {len(unread) - len(told)} more" if len(unread) > len(told) else ""
    if len(unread) > 1 and len({*unread.values()}) == 1:
        return RequestError(f"none of the {len(unread)} switches answered: {told[0][1]}")
    return RequestError(f"no switch answered: {'; '.join(f'{name}: {why}' for name, why in told)}{more}")


def _ends(seen: Sequence[Sighting], expected: tuple[str, str] | None) -> list[Sighting]:
    """Where a device is, of all ports that see it: those that lead nowhere else. A trunk is a place only if nothing
    better is there, and the site says so (an access point)."""
    own = [one for one in seen if one.way is None and not one.trunk]
    return own or [one for one in seen if one.way is None and (one.switch, one.port) == expected]


def _verdict(
    expected: Expected | None, key: tuple[str, str] | None, places: Sequence[Place], ways: Sequence[Place]
) -> Verdict:
    if not places:
        return "behind" if ways else "not seen"
    if len(places) > 1:
        return "several places"
    if expected is None:
        return "no place in the site"
    if (places[0].at.switch, places[0].at.port) != key:
        return "elsewhere"
    if expected.vlan is not None and places[0].vlans and expected.vlan not in places[0].vlans:
        return "other VLAN"
    return "agrees"
