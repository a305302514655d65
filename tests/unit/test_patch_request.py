"""The request to patch: what it asks for, what it refuses, and that the ledger can keep it."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from typing import Any

import pytest

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.onboard import onboard
from provisioning.procedures.patch import Patch, purpose_of
from provisioning.procedures.registry import from_plain
from provisioning.procedures.together import Together
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.patching import Cable
from tests.conftest import EXAMPLE
from tests.unit.closet import gi

PATCH = Patch("B2-04C", "B-204-3", "sw-b2-1", gi(12), named=True, face=(gi(11), gi(12)), busy=(gi(11),))


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def changed(site: Inventory, section: str, key: str, **words: Any) -> Inventory:
    things = getattr(site, section)
    copy = site.model_copy(update={section: {**things, key: things[key].model_copy(update=words)}})
    vars(copy).pop("workstation_at", None)  # a copy takes what was worked out before along
    return copy


def test_it_asks_for_the_port_as_onboarding_does_and_for_an_order(example: Inventory) -> None:
    work = PATCH.compile(example, Accounts())
    (port,) = work.resources
    assert port in onboard("E1042").compile(example, Accounts()).resources
    assert work.proofs == (), "the cable does not lie yet"
    (order,) = work.orders
    assert (order.outlet, order.closet, order.panel, order.panel_port) == ("B2-04C", "C-B2", "P1", 12)
    assert (order.switch, order.switch_port, order.purpose, order.vlan) == ("sw-b2-1", gi(12), "B-204-3", 20)
    assert (order.expected_mac, order.allocate) == ("02:00:5e:10:00:42", False)
    assert (order.cable, order.label) == ({"colour": "blue", "metres": 1.0}, "B2-04C sw-b2-1 Gi1/0/12")


def test_the_ledger_keeps_it(example: Inventory) -> None:
    plain = json.loads(json.dumps(PATCH.to_plain()))
    assert from_plain(plain) == PATCH
    assert Together((PATCH,)).compile(example, Accounts()).orders == PATCH.compile(example, Accounts()).orders
    assert PATCH.title == "patch B2-04C to sw-b2-1 GigabitEthernet1/0/12 for B-204-3"
    with pytest.raises(RequestError, match="not one that this version wrote"):
        from_plain({"procedure": "patch", "outlet": "B2-04C"})


def test_a_device_and_a_port_profile(example: Inventory) -> None:
    printer = Patch("B2-06C", "printer-sales", "sw-b2-2", gi(7)).compile(example, Accounts())
    assert printer.orders[0].expected_mac == "02:00:5e:10:30:11"
    assert printer.orders[0].cable["colour"] == "green"
    guest = Patch("B2-01B", "guest", "sw-b2-1", gi(2)).compile(example, Accounts()).orders[0]
    assert (guest.purpose, guest.vlan, guest.expected_mac) == ("guest", 90, None)
    assert guest.cable["colour"] == "yellow", "by its VLAN"
    point = Patch("B2-01B", "access-point", "sw-b2-1", gi(2)).compile(example, Accounts()).orders[0]
    assert (point.vlan, point.cable["colour"]) == (None, "red")


@pytest.mark.parametrize(
    ("outlet", "to", "said"),
    [
        ("B2-04X", "B-204-3", "no outlet 'B2-04X'; did you mean 'B2-04"),
        ("B2-04C", "B-204-4", "no workplace, equipment or port profile 'B-204-4'; did you mean 'B-204-"),
        ("B2-04C", "geust", "did you mean 'guest'"),
        ("B2-04C", "E1042", "E1042 is a person; name the workplace: provision patch B2-04C --to B-204-3"),
        ("B2-04B", "B-204-3", "workplace B-204-3 is plugged into outlet B2-04C, not into B2-04B"),
        ("B2-04B", "printer-sales", "printer-sales is plugged into outlet B2-06C, not into B2-04B"),
        ("B2-04B", "B-204-2", "nobody has the workplace B-204-2, so its VLAN is not known"),
        ("B2-01B", "printer", "port profile printer names no VLAN"),
    ],
)
def test_what_it_cannot_mean(example: Inventory, outlet: str, to: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        purpose_of(example, outlet, to)


def test_people_of_one_desk_in_two_vlans(example: Inventory) -> None:
    site = changed(example, "people", "E1043", workplace="B-204-3", profile="it-support")
    assert purpose_of(site, "B2-04C", "B-204-3").vlan == "staff"
    site = changed(site, "profiles", "it-support", vlan="guests")
    with pytest.raises(RequestError, match=r"different VLANs \(E1043: guests, E1042: staff\)"):
        purpose_of(site, "B2-04C", "B-204-3")


def test_an_empty_desk_takes_the_vlan_of_the_desk_profile(example: Inventory) -> None:
    network = example.network.model_copy(update={"desk_ports": "guest"})
    site = example.model_copy(update={"network": network})
    assert purpose_of(site, "B2-04B", "B-204-2").vlan == "guests"


def test_a_port_that_became_somebody_elses(example: Inventory) -> None:
    with pytest.raises(RequestError, match="outlet B2-04C is patched to sw-b2-1 GigabitEthernet1/0/12 by now"):
        Patch("B2-04C", "B-204-3", "sw-b2-1", gi(13)).compile(example, Accounts())
    with pytest.raises(RequestError, match="belongs to outlet B2-01A by now; patch again"):
        Patch("B2-01B", "guest", "sw-b2-1", gi(1)).compile(example, Accounts())
    with pytest.raises(RequestError, match="no switch 'sw-b2-9'; did you mean 'sw-b2-"):
        Patch("B2-01B", "guest", "sw-b2-9", gi(1)).compile(example, Accounts())


def test_the_cable_is_as_long_as_it_must_be(example: Inventory) -> None:
    cable = Cable(lengths=(3, 0.5, 1, 2))
    assert [cable.length_for(units) for units in (None, 0, 1, 11, 12, 40, 60)] == [0.5, 0.5, 1, 1, 2, 3, 3]
    closet = example.closets["C-B2"].model_copy(update={"rack_units": {"P1": 60, "sw-b2-1": 1}})
    site = example.model_copy(update={"closets": {"C-B2": closet}})
    warned = Patch("B2-01B", "guest", "sw-b2-1", gi(2)).compile(site, Accounts()).warnings
    assert warned == (
        "from panel P1 to sw-b2-1 it takes 3.1 m of cable, and the longest in stock has 3 m (network: patching: cable: "
        "lengths)",
    )


def test_the_label_says_what_the_site_wants(example: Inventory) -> None:
    patching = example.network.patching.model_copy(
        update={"label": "{closet}/{panel}.{panel_port} {unit}:{port} {workplace} {switch}"}
    )
    site = example.model_copy(update={"network": example.network.model_copy(update={"patching": patching})})
    assert PATCH.compile(site, Accounts()).orders[0].label == "C-B2/P1.12 1:Gi1/0/12 B-204-3 sw-b2-1"


def test_a_workstation_elsewhere_is_not_expected(example: Inventory) -> None:
    site = changed(example, "workstations", "WS-0042", workplace=None, fixed_address=IPv4Address("10.20.20.42"))
    assert purpose_of(site, "B2-04C", "B-204-3").mac is None
