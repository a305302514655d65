"""Whether the cable lies: every way in which it does not is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.ledger import PatchOrder
from provisioning.procedures.patch_proof import Look, device_of, judge
from provisioning.resources.switch.occupancy import Seen
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.conftest import EXAMPLE
from tests.unit.closet import gi

PC, OTHER, STRANGER = "02:00:5e:10:00:42", "02:00:5e:10:00:43", "02:aa:00:00:00:01"
ORDER = PatchOrder(
    number=3, outlet="B2-01B", closet="C-B2", panel="P1", panel_port=2, switch="sw-b2-1", switch_port=gi(7),
    purpose="B-204-3", vlan=20, expected_mac=PC, cable={"colour": None, "metres": 1.0}, label="x", state="open",
    opened="2026-11-23T06:00:00.000+00:00", who="anna", closed=None, reason=None, proof=None, run_id=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def sees(*macs: tuple[str, str, int | None], up: tuple[str, ...] = (), trunks: tuple[str, ...] = (gi(23),)) -> Seen:
    links = frozenset({*up, *(port for port, _, _ in macs)})
    return Seen(links, frozenset(trunks), tuple(macs), {gi(7): "1000"})


def said(site: Inventory, here: Seen, there: Seen | None = None, before: Seen | None = None) -> str:
    switches = {"sw-b2-1": here} | ({"sw-b2-2": there} if there else {})
    verdict = judge(site, ORDER, Look(switches, {"sw-b2-1": before} if before else {}))
    assert not verdict.good
    assert not verdict.proof
    return verdict.sentence


def test_the_right_device_on_the_right_port_is_the_proof(example: Inventory) -> None:
    verdict = judge(example, ORDER, Look({"sw-b2-1": sees((gi(7), PC, 20))}))
    assert (verdict.good, verdict.sentence) == (True, "WS-0042 is on Gi1/0/7 of sw-b2-1 in VLAN 20")
    assert verdict.proof == {
        "detail": verdict.sentence, "switch": "sw-b2-1", "port": gi(7), "mac": PC, "vlan": 20, "speed": "1000"
    }  # fmt: skip


def test_a_telephone_beside_the_pc_does_not_matter(example: Inventory) -> None:
    seen = sees((gi(7), STRANGER, 120), (gi(7), PC, 20), (gi(23), PC, 20))
    assert judge(example, ORDER, Look({"sw-b2-1": seen})).good


def test_a_telephone_without_its_pc_is_named(example: Inventory) -> None:
    for vlans in ((120,), (20, 120)):
        here = sees(*((gi(7), STRANGER, vlan) for vlan in vlans))
        assert said(example, here) == f"Gi1/0/7 is up with a telephone alone ({STRANGER}); expected WS-0042 behind it"


def test_a_switch_that_tells_no_vlan_is_believed(example: Inventory) -> None:
    verdict = judge(example, ORDER, Look({"sw-b2-1": sees((gi(7), PC, None))}))
    assert (verdict.good, verdict.sentence) == (True, "WS-0042 is on Gi1/0/7 of sw-b2-1")


def test_the_wrong_device_is_named(example: Inventory) -> None:
    assert said(example, sees((gi(7), OTHER, 20))) == "Gi1/0/7 is up with the MAC of WS-0043; expected WS-0042"
    assert said(example, sees((gi(7), STRANGER, 20))) == f"Gi1/0/7 is up with the MAC of {STRANGER}; expected WS-0042"


def test_the_wrong_socket_is_named(example: Inventory) -> None:
    empty = sees()
    assert (
        said(example, sees((gi(9), PC, 20)), before=empty) == "WS-0042 is on Gi1/0/9: the cable is in the wrong socket"
    )
    elsewhere = said(example, sees((gi(23), PC, 20)), sees((gi(4), PC, 20), (gi(24), PC, 20), trunks=(gi(24),)), empty)
    assert elsewhere == "WS-0042 is on Gi1/0/4 of sw-b2-2: the cable is in the wrong socket"


def test_a_device_where_it_always_was_is_not_plugged_in_wrongly(example: Inventory) -> None:
    there = sees((gi(12), PC, 20))
    expected = "WS-0042 is on Gi1/0/12 (outlet B2-04C): the cable is in the wrong socket, or was not moved yet"
    assert said(example, there) == expected
    assert said(example, there, before=there) == expected


def test_an_address_behind_an_uplink_is_nowhere_in_this_closet(example: Inventory) -> None:
    assert said(example, sees((gi(23), PC, 20))) == "Gi1/0/7 has no link; expected WS-0042"


def test_the_wrong_vlan_is_named(example: Inventory) -> None:
    assert said(example, sees((gi(7), PC, 1))) == "WS-0042 is on Gi1/0/7, but in VLAN 1 instead of 20"


def test_a_link_without_a_word_is_named(example: Inventory) -> None:
    assert said(example, sees(up=(gi(7),))) == "Gi1/0/7 is up, but no device has spoken there yet; expected WS-0042"


def test_where_nobody_is_expected_the_link_counts(example: Inventory) -> None:
    order = replace(ORDER, expected_mac=None, vlan=90)
    assert judge(example, order, Look({"sw-b2-1": sees()})).sentence == "Gi1/0/7 has no link"
    up = judge(example, order, Look({"sw-b2-1": sees(up=(gi(7),))}))
    assert (up.good, up.sentence, up.proof["mac"]) == (True, "Gi1/0/7 of sw-b2-1 is up", None)
    spoke = judge(example, order, Look({"sw-b2-1": sees((gi(7), STRANGER, 90))}))
    assert (spoke.sentence, spoke.proof["vlan"]) == (f"Gi1/0/7 of sw-b2-1 is up with {STRANGER}", 90)


def test_whose_an_address_is(example: Inventory) -> None:
    assert [device_of(example, mac) for mac in (PC, "02:00:5e:10:30:11", STRANGER)] == [
        "WS-0042", "printer-sales", STRANGER
    ]  # fmt: skip
