"""Proofs about a desk's connection: its MAC address on its port, its lease in the right subnet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, ClassVar

from provisioning.errors import RejectedError
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.switch.tables import mac_table, telephones

if TYPE_CHECKING:
    from provisioning.connections.shell import ShellSession
    from provisioning.connections.switch import SwitchSession

__all__ = ["DESK_ON_PORT", "LEASE", "Lease", "LeaseProof", "PortProof", "leases"]

_POLL = 0.5  # seconds


@dataclass(frozen=True)
class Lease:
    """One lease. `expires` is in seconds since 1970, 0 for never."""

    expires: int
    mac: str
    address: IPv4Address


def leases(text: str) -> list[Lease]:
    """The leases in a dnsmasq lease file (``EXPIRY MAC ADDRESS NAME CLIENT-ID`` a line; DHCPv6 lines are
    passed over)."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0].isdecimal() and words[2].count(".") == 3:
            found.append(Lease(int(words[0]), words[1].lower().rpartition("-")[2], IPv4Address(words[2])))
    return found


@dataclass(frozen=True)
class PortProof:
    """``network.port`` {interface, mac, vlan} on ``switch:NAME``: the switch has learned the MAC address
    there."""

    name: str = "network.port"
    aloof_from: ClassVar[frozenset[str]] = frozenset({"windows"})
    patience: float = 15.0  # seconds: a PC speaks up within that after its port came up

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        interface, mac, vlan = (proof.parameters[name] for name in ("interface", "mac", "vlan"))

        def look() -> tuple[bool, str]:
            with sessions.session(proof.target) as session:
                return self._look(session, interface, mac, int(vlan))

        return _settled(proof, look, self.patience)

    def _look(self, session: SwitchSession, interface: str, mac: str, vlan: int) -> tuple[bool, str]:
        here, where = mac_table(session, interface), f"{session.name} {interface}"
        vlans = sorted(entry.vlan for entry in here if entry.mac == mac and entry.vlan is not None)
        if vlan in vlans:
            return True, f"{mac} is on {where} in VLAN {vlan}"
        if vlans:
            return False, f"{mac} is on {where}, but in VLAN {vlans[0]} instead of {vlan}"
        phones = telephones(session.inventory, ((entry.mac, entry.vlan) for entry in here))
        if others := sorted({entry.mac for entry in here} - phones):
            told = f"{where} sees {', '.join(others)} instead of {mac}"
            return False, f"{told}; is another device plugged in, or the patch cable in another port?"
        if phones:
            told = f"{where} sees only a telephone ({', '.join(sorted(phones))})"
            return False, f"{told}; is the PC switched on and plugged into it?"
        return False, f"{where} sees no device at all; is the PC switched on and plugged in?"


@dataclass(frozen=True)
class LeaseProof:
    """``network.lease`` {mac, subnet} on ``dhcp``: the DHCP server has a running lease for the MAC address
    in the subnet."""

    name: str = "network.lease"
    aloof_from: ClassVar[frozenset[str]] = frozenset({"windows"})
    patience: float = 20.0  # seconds

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        mac, subnet = str(proof.parameters["mac"]), IPv4Network(str(proof.parameters["subnet"]))

        def look() -> tuple[bool, str]:
            with sessions.session(proof.target) as session:
                return self._look(session, mac, subnet)

        return _settled(proof, look, self.patience)

    def _look(self, session: ShellSession, mac: str, subnet: IPv4Network) -> tuple[bool, str]:
        try:
            text = session.read_file(session.dhcp.leases)
        except RejectedError as exc:
            return False, exc.message
        running = [
            lease for lease in leases(text) if lease.mac == mac and (lease.expires == 0 or lease.expires > time.time())
        ]
        for lease in running:
            if lease.address in subnet:
                return True, f"{mac} has the lease {lease.address} in {subnet}"
        if running:
            return False, f"{mac} has the lease {running[-1].address}, which is not in {subnet}"
        return False, f"{mac} has no lease; is it switched on and set to DHCP, and does its VLAN reach the DHCP server?"


def _settled(proof: Proof, look: Callable[[], tuple[bool, str]], patience: float) -> ProofResult:
    """Look until it holds or `patience` seconds have passed; the target is free for others between two
    looks."""
    deadline = time.monotonic() + patience
    while True:
        passed, detail = look()
        if passed or time.monotonic() >= deadline:
            return ProofResult(proof, passed, detail)
        time.sleep(_POLL)


DESK_ON_PORT = PortProof()
LEASE = LeaseProof()
