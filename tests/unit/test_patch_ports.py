"""What a port is to be: one state for desks, devices and port profiles; and what the ledger lays over the site."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.errors import RequestError
from provisioning.intake import ports
from provisioning.ledger import NewPatchOrder
from provisioning.procedures.approvals import grounds
from provisioning.procedures.base import Accounts
from provisioning.procedures.equipment import connect_equipment
from provisioning.procedures.onboard import onboard
from provisioning.procedures.ports import description, desk_port, equipment_port, profile_port
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.port_names import block_of, natural, unit_of
from provisioning.site.port_profiles import PortProfile
from tests.conftest import EXAMPLE
from tests.unit.conftest import Place
from tests.unit.test_patch_orders import ORDER, begin


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def with_profiles(site: Inventory, desk_ports: str | None = None, /, **profiles: Any) -> Inventory:
    network = site.network.model_copy(
        update={
            "port_profiles": {name: PortProfile.model_validate(words) for name, words in profiles.items()},
            "desk_ports": desk_ports,
        }
    )
    return site.model_copy(update={"network": network})


BASE = {
    "description": "B-204-3 B2-04C WS-0042",
    "enabled": True,
    "mode": "access",
    "access_vlan": 20,
    "voice_vlan": 120,
}


def test_without_a_profile_a_desk_gets_description_and_vlans(example: Inventory) -> None:
    assert desk_port(with_profiles(example), "B-204-3", "staff").to_plain() == BASE


def test_the_example_secures_every_desk_port_and_remembers_no_former_pc(example: Inventory) -> None:
    assert desk_port(example, "B-204-3", "staff").to_plain() == BASE | {
        "portfast": True,
        "bpduguard": True,
        "storm_control": 5.0,
        "security_maximum": 3,
        "security_violation": "restrict",
        "security_sticky": False,
    }


def test_the_desk_profile_is_laid_over_every_desk_port_in_one_resource(example: Inventory) -> None:
    site = with_profiles(
        example,
        "desk",
        desk={"portfast": "true", "security_maximum": "3", "security_violation": "restrict", "speed": "auto",
              "dot1x": "off", "storm_control": "5", "duplex": "full", "power": "true", "access_vlan": "guests"},
    )  # fmt: skip
    state = desk_port(site, "B-204-3", "staff")
    assert state.to_plain() == BASE | {
        "portfast": True,
        "security_maximum": 3,
        "security_violation": "restrict",
        "speed": None,
        "dot1x": None,
        "storm_control": 5.0,
        "duplex": "full",
        "power": True,
    }, "the VLAN is the person's; what the profile leaves out is not managed"
    (port,) = [r for r in onboard("E1042").compile(site, Accounts()).resources if r.kind == "switch.port"]
    assert port.desired == state


def test_a_profile_may_word_the_description_and_name_a_voice_vlan(example: Inventory) -> None:
    site = with_profiles(example, "d", d={"description": "{outlet}:{workplace}", "voice_vlan": "guests"})
    state = desk_port(site, "B-204-2", "staff")
    assert (state.description, state.voice_vlan) == ("B2-04B:B-204-2", 90)
    assert description("{workplace} {outlet} {workstation}", outlet="O-1") == "O-1"


def test_a_device_gets_its_own_profile(example: Inventory) -> None:
    device = example.equipment["printer-sales"].model_copy(update={"port_profile": "printer"})
    site = example.model_copy(update={"equipment": {"printer-sales": device}})
    state = equipment_port(site, "printer-sales")
    assert state.to_plain() == {
        "description": "B-204 B2-06C printer-sales",
        "enabled": True,
        "mode": "access",
        "access_vlan": 30,
        "voice_vlan": None,
        "portfast": True,
        "bpduguard": True,
        "security_maximum": 1,
        "security_violation": "restrict",
    }
    assert connect_equipment(site, "printer-sales").compile(site, Accounts()).resources[-1].desired == state


def test_an_access_point_gets_a_trunk_whose_list_is_merged(example: Inventory) -> None:
    state = profile_port(example, "access-point", "B2-01B")
    assert state.to_plain() == {
        "description": "B2-01B access-point",
        "enabled": True,
        "mode": "trunk",
        "native_vlan": 20,
        "allowed_vlans": {"20": True, "90": True},
        "power": True,
    }
    there = SwitchPort(mode="trunk", native_vlan=20, allowed_vlans={20: True, 30: True, 90: True}, power=True)
    assert "allowed_vlans[30]" not in state.differences(there), "a VLAN that is not named is left alone"


def test_a_profile_that_says_no_vlan_is_no_purpose(example: Inventory) -> None:
    with pytest.raises(RequestError, match="port profile printer names no VLAN"):
        profile_port(example, "printer", "B2-01B")


def test_every_protected_vlan_that_a_port_would_carry_needs_approval(example: Inventory) -> None:
    port = Address("switch.port", "switch:sw-b2-1", "GigabitEthernet1/0/2")

    def asked(before: SwitchPort, after: SwitchPort) -> dict[str, tuple[str, ...]]:
        return dict(grounds(example, [Change(port, before, after)], {}))

    access = SwitchPort(mode="access", access_vlan=20)
    said = ("port GigabitEthernet1/0/2 of sw-b2-1 (nobody known) gets the VLAN management",)
    for state in (
        {"access_vlan": 99},
        {"voice_vlan": 99},
        {"native_vlan": 99},
        {"allowed_vlans": {20: True, 99: True}},
    ):
        assert asked(access, SwitchPort.model_validate(state)) == {"network": said, "security": said}
    trunk = SwitchPort(mode="trunk", native_vlan=99, allowed_vlans={99: True})
    assert asked(trunk, SwitchPort(native_vlan=99, allowed_vlans={99: True, 20: True})) == {}, "it had it already"
    assert asked(trunk, SwitchPort(allowed_vlans={99: None})) == {}, "taking it away needs nobody"


@pytest.mark.parametrize(
    ("port", "unit", "block"),
    [
        ("GigabitEthernet1/0/7", 1, ("GigabitEthernet1/0/", 7)),
        ("GigabitEthernet12/0/48", 12, ("GigabitEthernet12/0/", 48)),
        ("TenGigabitEthernet2/1/1", 2, ("TenGigabitEthernet2/1/", 1)),
        ("ge-0/0/7", 0, ("ge-0/0/", 7)),
        ("10GE1/0/3", 1, ("10GE1/0/", 3)),
        ("1/1/7", 1, ("1/1/", 7)),
        ("Ethernet7", None, ("Ethernet", 7)),
        ("FastEthernet0/3", None, ("FastEthernet0/", 3)),
        ("A7", None, ("A", 7)),
        ("7", None, ("", 7)),
        ("uplink", None, ("uplink", 0)),
    ],
)
def test_what_the_name_of_a_port_says(port: str, unit: int | None, block: tuple[str, int]) -> None:
    assert (unit_of(port), block_of(port)) == (unit, block)


def test_ports_are_ordered_by_their_numbers() -> None:
    names = ["Gi1/0/10", "Gi1/0/9", "Gi2/0/1", "Gi1/1/1"]
    assert sorted(names, key=natural) == ["Gi1/0/9", "Gi1/0/10", "Gi1/1/1", "Gi2/0/1"]


# -------------------------------------------------------------------------------------------- over the site


def order(outlet: str, port: str, switch: str = "sw-b2-1") -> NewPatchOrder:
    return ORDER.__class__(**{**vars(ORDER), "outlet": outlet, "switch": switch, "switch_port": port})


def test_what_the_ledger_gave_out_is_laid_over_outlets_that_the_files_leave_open(
    example: Inventory, place: Place
) -> None:
    ledger = place.open()
    assert ports.wired(example, ledger.port_holders()) is example
    begin(ledger, order("B2-01B", "GigabitEthernet1/0/2"))
    wired = ports.wired(example, ledger.port_holders())
    assert (wired.outlets["B2-01B"].switch, wired.outlets["B2-01B"].switch_port) == ("sw-b2-1", "GigabitEthernet1/0/2")
    assert example.outlets["B2-01B"].switch is None
    assert {k: v for k, v in wired.outlets.items() if k != "B2-01B"} == {
        k: v for k, v in example.outlets.items() if k != "B2-01B"
    }


def test_where_the_files_say_something_the_ledger_is_silent(example: Inventory, place: Place) -> None:
    ledger = place.open()
    begin(ledger, order("B2-01A", "GigabitEthernet1/0/20"))  # the files have it on 1
    begin(ledger, order("B2-01B", "gigabitethernet1/0/3"))  # the files gave 3 to B2-02A
    begin(ledger, order("B2-08C", "GigabitEthernet1/0/21", "sw-gone"))
    begin(ledger, order("B2-99Z", "GigabitEthernet1/0/22"))
    assert ports.wired(example, ledger.port_holders()).outlets == example.outlets


def test_an_order_that_stands_is_not_opened_again(place: Place) -> None:
    ledger = place.open()
    assert ports.to_open(None, [ORDER], changes=False) == (ORDER,)
    assert ports.to_open(ledger, [ORDER], changes=False) == (ORDER,)
    begin(ledger, ORDER)
    assert ports.to_open(ledger, [ORDER], changes=False) == ()
    assert ports.to_open(ledger, [ORDER], changes=True) == (ORDER,), "the port was changed by somebody else"
    other = order("B2-01B", "GigabitEthernet1/0/14", "sw-1")
    assert ports.to_open(ledger, [other], changes=False) == (other,)
    ledger.close_patch_order(1, {"detail": "it lies"})
    assert ports.to_open(ledger, [ORDER], changes=False) == ()
    ledger.take_back_patch_orders(1)
    assert ports.to_open(ledger, [ORDER], changes=False) == (ORDER,)


def test_where_the_files_name_the_port_only_a_change_is_ordered(place: Place) -> None:
    named = ORDER.__class__(**{**vars(ORDER), "allocate": False})
    assert ports.to_open(place.open(), [named], changes=False) == ()
    assert ports.to_open(place.open(), [named], changes=True) == (named,)
