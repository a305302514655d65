"""A port that changes its mode and back again has its VLANs back, on families that keep one set of them."""

from __future__ import annotations

import pytest

from provisioning.dialects import load
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.state import SwitchPort

DESK = SwitchPort(mode="access", access_vlan=20, voice_vlan=120, native_vlan=None, allowed_vlans=None, description="x")
AP = SwitchPort(mode="trunk", native_vlan=99, allowed_vlans={30: True})


def test_a_change_of_mode_remembers_the_vlans() -> None:
    change = Change(Address("switch.port", "switch:sw", "7"), AP.view_of(DESK), AP)
    undone = change.inverse().after
    assert undone is not None
    assert (undone.access_vlan, undone.voice_vlan, undone.native_vlan) == (20, 120, None)
    assert undone.allowed_vlans == {30: None}
    assert "description" not in undone.managed()


def test_a_change_within_a_mode_is_about_its_own_fields() -> None:
    assert SwitchPort(mode="access", access_vlan=30).view_of(DESK).managed() == ["mode", "access_vlan"]


@pytest.mark.parametrize(
    ("family", "port", "lines"),
    [
        ("procurve", "7", ["vlan 20 untagged 7", "vlan 120 tagged 7", "no vlan 30 tagged 7"]),
        ("junos", "ge-0/0/7", ["set interfaces ge-0/0/7 unit 0 family ethernet-switching vlan members 20"]),
        ("vrp", "GigabitEthernet0/0/7", ["port hybrid pvid vlan 20",
             "voice-vlan 120 enable", "undo port trunk pvid vlan"]),
        ("ovs", "p7", ["ovs-vsctl set port p7 tag=20", "ovs-vsctl set port p7 vlan_mode=native-untagged trunks=120"]),
    ],
)  # fmt: skip
def test_taking_it_back_types_them_again(family: str, port: str, lines: list[str]) -> None:
    """On such a device a trunk reads with no VLANs of a desk, or with its native one in their place."""
    trunk = SwitchPort(
        mode="trunk", native_vlan=99, access_vlan=99, voice_vlan=None, allowed_vlans={30: True, 99: True}
    )
    wanted = AP.view_of(DESK).laid_over(trunk)
    typed = load(family).port_lines(port, trunk.fields(), wanted.fields())
    assert [line for line in lines if line not in typed] == []
