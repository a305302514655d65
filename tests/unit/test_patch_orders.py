"""Patch orders in the ledger: written with their run, one open order an outlet, one holder a port."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from provisioning.errors import LedgerError, RequestError
from provisioning.ledger import Ledger, NewPatchOrder
from provisioning.resources.base import Proof, ProofResult
from tests.unit.conftest import Place

ORDER = NewPatchOrder(
    outlet="B2-01B",
    closet="C-B2",
    panel="P1",
    panel_port=2,
    switch="sw-1",
    switch_port="GigabitEthernet1/0/13",
    purpose="B-201-2",
    vlan=20,
    expected_mac="02:00:5e:10:00:42",
    cable={"colour": "blue", "metres": 0.5},
    label="B2-01B sw-1 Gi1/0/13",
)
PORT = ("sw-1", "GigabitEthernet1/0/13")
PROOF = {"detail": "WS-0042 is on Gi1/0/13", "mac": "02:00:5e:10:00:42", "vlan": 20}


def begin(ledger: Ledger, *orders: NewPatchOrder) -> int:
    return ledger.begin("patch", {"procedure": "patch"}, [], orders=orders).id


def test_an_order_and_its_port_come_with_the_run(place: Place) -> None:
    ledger = place.open()
    run = begin(ledger, ORDER)
    (order,) = place.open().patch_orders()
    assert (order.number, order.state, order.run_id, order.cable) == (1, "open", run, {"colour": "blue", "metres": 0.5})
    assert (order.switch, order.switch_port, order.expected_mac, order.vlan) == (*PORT, ORDER.expected_mac, 20)
    assert ledger.port_holders() == {PORT: "B2-01B"}
    assert [(a.pool, a.run_id) for a in ledger.allocations(holder="B2-01B")] == [("port:sw-1", run)]


def test_a_port_of_somebody_else_stops_the_run_before_it_begins(place: Place) -> None:
    ledger = place.open()
    begin(ledger, ORDER)
    with pytest.raises(RequestError, match="was given to another outlet since this was planned; patch again"):
        begin(ledger, replace(ORDER, outlet="B2-08C"))
    assert (len(ledger.runs()), len(ledger.patch_orders())) == (1, 1)


def test_two_at_once_never_get_one_port(place: Place) -> None:
    """Eight outlets want the same port; one gets it, and the others hear of it."""
    ledger = place.open()
    met, refused = threading.Barrier(8), []

    def ask(number: int) -> None:
        met.wait()
        try:
            begin(ledger, replace(ORDER, outlet=f"O-{number}"))
        except RequestError as exc:
            refused.append(exc)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    (order,) = ledger.patch_orders()
    assert ledger.port_holders() == {PORT: order.outlet}


def test_the_same_outlet_again_takes_the_place_of_its_order(place: Place) -> None:
    ledger = place.open()
    begin(ledger, ORDER)
    second = begin(ledger, replace(ORDER, purpose="guest", expected_mac=None))
    new, old = ledger.patch_orders()
    assert (old.state, old.reason, new.state, new.purpose) == (
        "cancelled",
        "replaced by patch order 2",
        "open",
        "guest",
    )
    assert ledger.port_holders() == {PORT: "B2-01B"}
    ledger.take_back_patch_orders(second)
    new, old = ledger.patch_orders()
    assert (new.state, old.state, old.reason, old.closed) == ("cancelled", "open", None, None)
    assert ledger.port_holders() == {PORT: "B2-01B"}, "the first run gave it, and stands"


def test_closing_keeps_the_proof_and_tells_the_work_log(place: Place) -> None:
    ledger = place.open()
    run = begin(ledger, ORDER)
    closed = ledger.close_patch_order(1, PROOF)
    assert (closed.state, closed.proof, closed.reason) == ("closed", PROOF, None)
    assert closed.closed is not None
    assert ledger.close_patch_order(1, {"detail": "again"}) == closed, "twice is once"
    said = [entry.sentence for entry in ledger.worklog(run_id=run)]
    assert said == ["Patch order 1 closed: WS-0042 is on Gi1/0/13."]
    with pytest.raises(RequestError, match=r"patch order 1 is closed: the cable lies; `provision undo 1`"):
        ledger.cancel_patch_order(1, "why not")
    assert ledger.port_holders() == {PORT: "B2-01B"}


def test_cancelling_frees_the_port(place: Place) -> None:
    ledger = place.open()
    run = begin(ledger, ORDER)
    order = ledger.cancel_patch_order(1, "wall \0 torn down")
    assert (order.state, order.reason) == ("cancelled", "wall � torn down")
    assert ledger.port_holders() == {}
    assert ledger.cancel_patch_order(1, "again").reason == "wall � torn down"
    with pytest.raises(RequestError, match=r"is cancelled .*, so it cannot be closed"):
        ledger.close_patch_order(1, PROOF)
    assert [entry.sentence for entry in ledger.worklog(run_id=run)] == ["Patch order 1 cancelled: wall � torn down."]


def test_a_port_that_the_files_name_is_not_given_out(place: Place) -> None:
    ledger = place.open()
    begin(ledger, replace(ORDER, allocate=False))
    assert ledger.port_holders() == {}
    assert [order.state for order in ledger.patch_orders()] == ["open"]


def test_taking_a_run_back_cancels_and_frees(place: Place) -> None:
    ledger = place.open()
    begin(ledger, ORDER)
    ledger.close_patch_order(1, PROOF)
    other = begin(ledger, replace(ORDER, outlet="B2-08C", switch_port="GigabitEthernet1/0/14"))
    ledger.take_back_patch_orders(1)
    ledger.take_back_patch_orders(1)
    assert [(o.number, o.state, o.reason) for o in reversed(ledger.patch_orders())] == [
        (1, "cancelled", "run 1 was taken back"),
        (2, "open", None),
    ]
    assert ledger.port_holders() == {("sw-1", "GigabitEthernet1/0/14"): "B2-08C"}
    assert [o.number for o in ledger.patch_orders(run_id=other)] == [2]
    assert [o.number for o in ledger.patch_orders() if o.state == "closed"] == []
    assert [o.number for o in ledger.patch_orders(states=["open"])] == [2]


def test_a_licence_seat_of_the_run_is_not_freed_with_its_ports(place: Place) -> None:
    ledger = place.open()
    run = ledger.begin("t", {}, [], orders=[ORDER], seats=[("licence:crm", ("1",), "E1")])
    ledger.take_back_patch_orders(run.id)
    assert [a.pool for a in ledger.allocations()] == ["licence:crm"]


def test_an_order_that_does_not_exist(place: Place) -> None:
    with pytest.raises(LedgerError, match="has no patch order 7; `provision orders --all` lists them"):
        place.open().patch_order(7)


def test_when_a_mac_address_was_first_proven_on_its_port(place: Place) -> None:
    """The first proof that held counts; other addresses, other proofs and failed ones do not."""
    ledger, mac = place.open(), "02:00:5e:10:00:42"

    def proven(mac: str, *, passed: bool = True, kind: str = "network.port", port: str = PORT[1]) -> int:
        run = ledger.begin("onboard", {}, [])
        proof = Proof(kind, "switch:sw-1", "on its port", {"interface": port, "mac": mac, "vlan": 20})
        ledger.prove(run.id, [ProofResult(proof, passed, "seen")])
        return run.id

    assert ledger.first_seen(mac) is None
    proven(mac, passed=False)
    proven("02:00:5e:10:00:43")
    proven(mac, kind="network.lease")
    assert ledger.first_seen(mac) is None
    run = proven(mac)
    proven(mac, port="GigabitEthernet1/0/14")
    found = ledger.first_seen(mac)
    assert found is not None
    assert (found.switch, found.port, found.run_id) == (*PORT, run)
