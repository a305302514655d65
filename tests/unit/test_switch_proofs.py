"""Lease files, and what proofs say when they do not hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.resources.base import Proof
from provisioning.resources.switch.proofs import LeaseProof, PortProof, leases

MAC = "02:00:5e:10:00:42"
SOON = int(time.time()) + 3600


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
        ("", False, "no device at all"),
    ],
)
def test_port_proof(row: str, passed: bool, says: str) -> None:
    sessions = Sessions(show=lambda command: row, name="sw", switch=SimpleNamespace(dialect="ios"))
    proof = Proof("network.port", "switch:sw", "port", {"interface": "GigabitEthernet1/0/7", "mac": MAC, "vlan": 20})
    result = PortProof(patience=0).check(sessions, proof)
    assert result.passed is passed
    assert says in result.detail
