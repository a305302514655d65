"""Lease files, and what proofs say when they do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.dialects import load
from provisioning.resources.base import Proof
from provisioning.resources.switch.proofs import LeaseProof, PortProof, leases

MAC = "02:00:5e:10:00:42"
MAC_TABLE = """          Mac Address Table
-------------------------------------------

Vlan    Mac Address       Type        Ports
----    -----------       --------    -----
"""
PHONE = "  20    0004.f2aa.0001    DYNAMIC     Gi1/0/7\n 120    0004.f2aa.0001    DYNAMIC     Gi1/0/7"
SOON = 4_102_444_800  # 2100-01-01: the ids of tests must not change from process to process


class Sessions:
    """One prepared session, whatever the target."""

    def __init__(self, **what: Any) -> None:
        self._session = SimpleNamespace(**what)

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        yield self._session


def test_lease_file() -> None:
    text = f"{SOON} {MAC} 10.0.0.5 WS-0042 01:{MAC}\n0 06-02:00:5E:10:00:43 10.0.0.6 * *\n"
    text += "duid 00:01\n1 123 2001:db8::1 * 00\n\n"
    assert [(lease.expires, lease.mac, str(lease.address)) for lease in leases(text)] == [
        (SOON, MAC, "10.0.0.5"),
        (0, "02:00:5e:10:00:43", "10.0.0.6"),
    ]


@pytest.mark.parametrize(
    ("text", "passed", "says"),
    [
        (f"{SOON} {MAC} 10.0.20.5 * *", True, "10.0.20.5"),
        (f"0 {MAC} 10.0.20.5 * *", True, "10.0.20.5"),
        (f"1 {MAC} 10.0.20.5 * *", False, "no lease"),
        (f"{SOON} {MAC} 10.0.30.5 * *", False, "10.0.30.5, which is not in 10.0.20.0/24"),
        (f"{SOON} 02:00:5e:10:00:99 10.0.20.5 * *", False, "no lease"),
        ("", False, "no lease"),
    ],
)
def test_lease_proof(text: str, passed: bool, says: str) -> None:
    sessions = Sessions(read_file=lambda path: text, dhcp=SimpleNamespace(leases="/leases"))
    proof = Proof("network.lease", "dhcp", "lease", {"mac": MAC, "subnet": "10.0.20.0/24"})
    result = LeaseProof(patience=0).check(sessions, proof)
    assert result.passed is passed
    assert says in result.detail


@pytest.mark.parametrize(
    ("row", "passed", "says"),
    [
        ("  20    0200.5e10.0042    DYNAMIC     Gi1/0/7", True, "in VLAN 20"),
        ("  30    0200.5e10.0042    DYNAMIC     Gi1/0/7", False, "in VLAN 30 instead of 20"),
        ("  20    0200.5e10.0099    DYNAMIC     Gi1/0/7", False, "sees 02:00:5e:10:00:99 instead of"),
        ("  20    0200.5e10.0042    DYNAMIC     Gi1/0/8", False, "no device at all"),
        (" 120    0004.f2aa.0001    DYNAMIC     Gi1/0/7", False, "only a telephone (00:04:f2:aa:00:01)"),
        (f"{PHONE}\n  20    0200.5e10.0042    DYNAMIC     Gi1/0/7", True, "in VLAN 20"),
        (f"{PHONE}\n  20    0200.5e10.0099    DYNAMIC     Gi1/0/7", False, "sees 02:00:5e:10:00:99 instead of"),
        ("", False, "no device at all"),
    ],
)
def test_port_proof(row: str, passed: bool, says: str) -> None:
    vlans = {"voice": SimpleNamespace(id=120)}
    sessions = Sessions(
        show_all=lambda commands, optional: [MAC_TABLE + row for _ in commands],
        name="sw",
        dialect=load("ios"),
        inventory=SimpleNamespace(network=SimpleNamespace(voice_vlan="voice", vlans=vlans)),
    )
    proof = Proof("network.port", "switch:sw", "port", {"interface": "GigabitEthernet1/0/7", "mac": MAC, "vlan": 20})
    result = PortProof(patience=0).check(sessions, proof)
    assert result.passed is passed
    assert says in result.detail
