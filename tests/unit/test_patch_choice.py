"""Which port an outlet gets: free for the site, for the ledger and on the device; spread by policy, spare kept."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.errors import RequestError
from provisioning.procedures.port_choice import choose, switches_for
from provisioning.resources.switch.occupancy import Occupancy, occupancy, seen
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.closet import FakeSwitch, gi, switch

OUTLET = "B2-08C"  # panel P2, no cable


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def patching(site: Inventory, **words: Any) -> Inventory:
    changed = site.network.patching.model_copy(update=words)
    return site.model_copy(update={"network": site.network.model_copy(update={"patching": changed})})


def look(device: FakeSwitch, free_vlan: int | None = None, free_description: str | None = None) -> Occupancy:
    return occupancy(device, free_vlan=free_vlan, free_description=free_description)  # type: ignore[arg-type]


def all_free(name: str, ports: int = 24, units: int = 1) -> Occupancy:
    return Occupancy(name, {gi(n, unit): None for unit in range(1, units + 1) for n in range(1, ports + 1)})


# ------------------------------------------------------------------------------------------------ on the device


def test_a_switch_out_of_the_box_is_free_but_for_its_uplinks(example: Inventory) -> None:
    found = look(switch(example, "sw-b2-1"))
    assert found.free == tuple(gi(n) for n in range(1, 23))
    assert found.ports[gi(23)] == "uplink"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["description Server rack"], "described as 'Server rack'"),
        (["switchport access vlan 20"], "in VLAN 20"),
        (["switchport voice vlan 120"], "with voice VLAN 120"),
        (["switchport mode trunk"], "trunk"),
        (["channel-group 3 mode active"], "it belongs to port channel 3"),
        (["no switchport"], "its mode is routed"),
        (["switchport mode access"], None),
        (["switchport mode access", "shutdown"], None),
        (["switchport access vlan 999", "shutdown"], None),
        (["description UNUSED", "switchport access vlan 999"], None),
        (["description UNUSED floor 2"], "described as 'UNUSED floor 2'"),
        (["spanning-tree portfast"], None),
    ],
)
def test_what_a_port_is_set_to_says_whether_it_is_in_use(example: Inventory, lines: list[str], why: str | None) -> None:
    device = switch(example, "sw-b2-1")
    device.ports[gi(5)] = lines
    assert look(device, 999, "UNUSED").ports[gi(5)] == why


def test_what_is_plugged_in_says_so_as_well(example: Inventory) -> None:
    device = switch(example, "sw-b2-1")
    device.links.add(gi(2))
    device.plug(gi(3), "02:00:5e:10:00:99", 1)
    device.neighbours[gi(4)] = "ap-lobby"
    found = look(device)
    assert [found.ports[gi(n)] for n in (2, 3, 4, 5)] == [
        "its link is up",
        "02:00:5e:10:00:99 is on it",
        "ap-lobby is behind it",
        None,
    ]


def test_everything_is_asked_in_one_write(example: Inventory) -> None:
    device = switch(example, "sw-b2-1")
    look(device)
    assert device.looks == 1
    seen(device)  # type: ignore[arg-type]
    assert device.looks == 2


# -------------------------------------------------------------------------------------------------- for the site


def test_ports_of_outlets_are_never_picked_though_nothing_is_plugged_in(example: Inventory) -> None:
    both = {name: all_free(name) for name in ("sw-b2-2", "sw-b2-1")}
    chosen = choose(example, OUTLET, both, {})
    assert (chosen.switch, chosen.port) == ("sw-b2-2", gi(12)), "the site gives 1 to 11 to outlets"
    assert chosen.face == tuple(gi(n) for n in range(1, 25))


def test_spelling_does_not_hide_a_port(example: Inventory) -> None:
    one = example.outlets["B2-01A"].model_copy(update={"switch": "sw-b2-2", "switch_port": gi(12).lower()})
    site = example.model_copy(update={"outlets": {**example.outlets, "X": one}})
    assert choose(site, OUTLET, {"sw-b2-2": all_free("sw-b2-2")}, {}).port == gi(13)


def test_what_the_ledger_gave_out_is_taken(example: Inventory) -> None:
    held = {("sw-b2-2", gi(12)): "B2-01B", ("sw-b2-2", gi(13)): "B2-09X"}
    assert choose(example, OUTLET, {"sw-b2-2": all_free("sw-b2-2")}, held).port == gi(14)


def test_fill_goes_on_to_the_next_switch_when_only_the_spare_is_left(example: Inventory) -> None:
    found = {"sw-b2-2": all_free("sw-b2-2", 13), "sw-b2-1": all_free("sw-b2-1")}
    assert choose(example, OUTLET, found, {}).switch == "sw-b2-1", "12 and 13 are the two spare ones"
    assert choose(example, OUTLET, found, {}, spare=1).switch == "sw-b2-2"
    assert choose(patching(example, spare=1), OUTLET, found, {}).port == gi(12)


def test_even_takes_the_switch_and_the_unit_with_most_free_ports(example: Inventory) -> None:
    site = patching(example, spread="even")
    found = {"sw-b2-2": all_free("sw-b2-2", 20), "sw-b2-1": all_free("sw-b2-1", 24, units=3)}
    assert (choose(site, OUTLET, found, {}).switch, choose(site, OUTLET, found, {}).port) == ("sw-b2-1", gi(1, 2))
    held = {("sw-b2-1", gi(n, 2)): f"O-{n}" for n in range(1, 5)}
    assert choose(site, OUTLET, found, held).port == gi(1, 3)
    same = {"sw-b2-2": all_free("sw-b2-2"), "sw-b2-1": all_free("sw-b2-1")}
    assert choose(site, OUTLET, same, {}).switch == "sw-b2-2", "sw-b2-2 has one outlet less"


def test_fill_goes_through_a_stack_unit_by_unit_in_the_order_of_numbers(example: Inventory) -> None:
    held = {("sw-b2-1", gi(n)): f"O-{n}" for n in range(13, 23)}
    device = all_free("sw-b2-1", 22, units=2)
    chosen = choose(example, OUTLET, {"sw-b2-1": device}, held)
    assert chosen.port == gi(2), "the site gives 1 and 3 to 12"
    chosen = choose(example, OUTLET, {"sw-b2-1": device}, {**held, ("sw-b2-1", gi(2)): "O-2"})
    assert (chosen.port, len(chosen.face)) == (gi(1, 2), 22)


def test_the_panel_says_to_which_switches_it_goes(example: Inventory) -> None:
    assert switches_for(example, "B2-01B") == ("sw-b2-1", "sw-b2-2")
    assert switches_for(example, OUTLET) == ("sw-b2-2", "sw-b2-1")
    closet = example.closets["C-B2"].model_copy(update={"beside": {"P2": ("sw-b2-1",)}})
    site = example.model_copy(update={"closets": {"C-B2": closet}})
    assert switches_for(site, OUTLET) == ("sw-b2-1",)
    bare = site.model_copy(update={"network": site.network.model_copy(update={"switches": {}})})
    with pytest.raises(RequestError, match="closet C-B2 of outlet B2-01B has no switch"):
        switches_for(bare, "B2-01B")


def test_when_all_is_taken_it_is_said_who_has_what(example: Inventory) -> None:
    ports: dict[str, str | None] = {gi(n): None for n in range(1, 15)}
    ports |= {gi(13): "02:00:5e:10:00:99 is on it", gi(14): None, gi(23): "uplink"}
    held = {("sw-b2-2", gi(12)): "B2-01B"}
    with pytest.raises(RequestError) as refused:
        choose(example, OUTLET, {"sw-b2-2": Occupancy("sw-b2-2", ports)}, held)
    assert str(refused.value) == (
        "closet C-B2 has no free port for outlet B2-08C. sw-b2-2: 15 ports, 14 in use, 1 free and kept as spare "
        "(spare: 2); in use: Gi1/0/1 outlet B2-04D, Gi1/0/2 outlet B2-05A (B-205-1), Gi1/0/3 outlet B2-05B (B-205-2), "
        "Gi1/0/4 outlet B2-05C (scanner-accounting), Gi1/0/5 outlet B2-06A (B-206-1), Gi1/0/6 outlet B2-06B (B-206-2), "
        "Gi1/0/7 outlet B2-06C (printer-sales), Gi1/0/8 outlet B2-07A (B-207-1), Gi1/0/9 outlet B2-07B, Gi1/0/10 "
        "outlet B2-08A, Gi1/0/11 outlet B2-08B, Gi1/0/12 outlet B2-01B (ledger) and 2 more. "
        "Free a port (`provision undo` of its run), lower network: patching: spare, or add a switch"
    )
