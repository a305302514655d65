"""Equipment: what the procedure asks for, reservations as files, and requests that go together."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.api.planning import to_check
from provisioning.errors import RejectedError, RequestError
from provisioning.procedures.base import Accounts
from provisioning.procedures.equipment import ConnectEquipment, connect_equipment
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.procedures.publish import Publish
from provisioning.procedures.registry import from_plain
from provisioning.procedures.together import Together
from provisioning.procedures.whole_site import whole_site
from provisioning.resources.base import Address, Change
from provisioning.resources.network.reservation import RESERVATION, Reservation, parse
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.conftest import EXAMPLE

MAC = "02:00:5e:10:30:11"


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def test_a_printer_gets_its_address_then_its_port_and_the_proof_of_both(example: Inventory) -> None:
    work = connect_equipment(example, "printer-sales").compile(example, Accounts())
    reservation, port = work.resources
    assert (reservation.kind, reservation.target, reservation.key) == ("network.reservation", "dhcp", MAC)
    assert reservation.desired == Reservation(address="10.20.30.11", host="prn-b2-sales")
    assert (port.target, port.key) == ("switch:sw-b2-2", "GigabitEthernet1/0/7")
    assert port.requires == {reservation.address}
    assert port.desired is not None
    assert port.desired.to_plain() == {
        "description": "B-204 B2-06C printer-sales",
        "enabled": True,
        "mode": "access",
        "access_vlan": 30,
        "voice_vlan": None,
    }
    lease, seen = work.proofs
    assert lease.parameters == {"mac": MAC, "subnet": "10.20.30.11/32"}
    assert seen.parameters == {"interface": "GigabitEthernet1/0/7", "mac": MAC, "vlan": 30}


def test_without_a_fixed_address_any_of_the_vlan_will_do(example: Inventory) -> None:
    device = example.equipment["printer-sales"].model_copy(update={"address": None})
    site = example.model_copy(update={"equipment": {"p": device}})
    work = connect_equipment(site, "p").compile(site, Accounts())
    assert [r.kind for r in work.resources] == ["switch.port"]
    assert work.proofs[0].parameters["subnet"] == "10.20.30.0/24"


def test_an_address_that_nobody_can_reserve_is_a_warning(example: Inventory) -> None:
    assert example.network.dhcp is not None
    dhcp = example.network.dhcp.model_copy(update={"reservations": None})
    site = example.model_copy(update={"network": example.network.model_copy(update={"dhcp": dhcp})})
    work = connect_equipment(site, "printer-sales").compile(site, Accounts())
    assert [r.kind for r in work.resources] == ["switch.port"]
    assert "nobody reserves 10.20.30.11" in work.warnings[0]


def test_names_that_the_site_does_not_have_and_outlets_without_a_cable(example: Inventory) -> None:
    with pytest.raises(RequestError, match="did you mean 'printer-sales'"):
        connect_equipment(example, "printer-sale").compile(example, Accounts())
    loose = example.equipment["printer-sales"].model_copy(update={"outlet": "B2-08C"})
    site = example.model_copy(update={"equipment": {"p": loose}})
    with pytest.raises(RequestError, match="outlet B2-08C of p has no trace"):
        connect_equipment(site, "p").compile(site, Accounts())
    assert connect_equipment(site).names == ()


def test_the_whole_site_is_one_request_that_the_ledger_can_keep(example: Inventory) -> None:
    request = whole_site(example)
    assert isinstance(request, Together)
    plain = json.loads(json.dumps(request.to_plain()))
    assert plain["persons"] == list(request.people(example))[: len(plain["persons"])]
    assert from_plain(plain) == request
    assert {type(part) for part in request.parts} == {Onboard, ConnectEquipment, Publish}
    assert (
        request.title == "onboard 12 people and connect printer-sales, scanner-accounting and publish the mail settings"
    )
    assert set(request.desks(example)) == set(plain["persons"])


def test_a_site_with_neither_equipment_nor_documents_is_onboarding_alone(example: Inventory) -> None:
    mail = example.mail.model_copy(update={"clients": None})
    assert isinstance(whole_site(example.model_copy(update={"equipment": {}, "mail": mail})), Onboard)


def test_what_is_published_is_nobodys_onboarding(example: Inventory) -> None:
    """Taking back somebody's onboarding must not take everybody's mail settings away; the proof stays."""
    work = onboard("E1042").compile(example, Accounts())
    assert not [r for r in work.resources if r.kind == "intranet.document"]
    assert [p.kind for p in work.proofs].count("mail.autoconfig") == 1
    published = Publish().compile(example, Accounts())
    assert {r.kind for r in published.resources} == {"intranet.document"}
    assert len(published.resources) == 3
    assert from_plain(Publish().to_plain()) == Publish()
    with pytest.raises(RequestError, match="nothing to publish; say in mail: clients"):
        Publish().compile(
            example.model_copy(update={"mail": example.mail.model_copy(update={"clients": None})}), Accounts()
        )


@pytest.mark.parametrize(
    ("text", "address", "host"),
    [
        (f"{MAC},10.20.30.11\n", "10.20.30.11", None),
        (f"# by hand\n\n  {MAC.upper()} , 10.20.30.11 , prn \n", "10.20.30.11", "prn"),
    ],
)
def test_reservations_as_dnsmasq_reads_them(text: str, address: str, host: str | None) -> None:
    assert parse(text, MAC) == Reservation(address=address, host=host)


@pytest.mark.parametrize(
    "text",
    ["", f"{MAC},10.20.30.11,a,infinite\n", f"{MAC},printer\n", "02:00:00:00:00:01,10.0.0.1\n", f"{MAC}\n{MAC}\n"],
)
def test_a_file_that_is_somebody_elses_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a reservation for|in place of an address"):
        parse(text, MAC)


class DhcpServer:
    """What the kind needs of a session."""

    target = "dhcp"

    def __init__(self, *, reservations: str | None = "/r", reload: str | None = "reload", ends_with: int = 0) -> None:
        self.dhcp = SimpleNamespace(reservations=reservations, reload=reload)
        self.files: dict[str, str] = {}
        self.reloads = 0
        self._ends_with = ends_with

    def read_if_there(self, path: str) -> str | None:
        return self.files.get(path)

    def write_file(self, path: str, text: str) -> None:
        self.files[path] = text

    def delete_file(self, path: str) -> None:
        self.files.pop(path, None)

    def run(self, command: str) -> int:
        assert command == "reload"
        self.reloads += 1
        return self._ends_with


def change(before: Reservation | None, after: Reservation | None, key: str = MAC) -> Change[Reservation]:
    return Change(Address("network.reservation", "dhcp", key), before, after)


A, B = Reservation(address="10.20.30.11", host="prn"), Reservation(address="10.20.30.12", host=None)


def test_a_batch_is_told_to_dnsmasq_once() -> None:
    server: Any = DhcpServer()
    other = "02:00:5e:10:30:12"
    outcomes = RESERVATION.apply(server, [change(None, A), change(None, B, other)])
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert server.files == {
        "/r/02-00-5e-10-30-11": f"{MAC},10.20.30.11,prn\n",
        "/r/02-00-5e-10-30-12": f"{other},10.20.30.12\n",
    }
    assert server.reloads == 1
    assert RESERVATION.read(server, [MAC, other]) == {MAC: A, other: B}


def test_what_dnsmasq_would_not_notice_is_refused() -> None:
    server: Any = DhcpServer(reload=None)
    assert [o.error for o in RESERVATION.apply(server, [change(None, A)])] == [None]
    for after in (B, None):
        (outcome,) = RESERVATION.apply(server, [change(A, after)])
        assert "network: dhcp: reload" in str(outcome.error)
    assert RESERVATION.read(server, [MAC]) == {MAC: A}


def test_a_reload_that_fails_is_the_error_of_the_whole_batch() -> None:
    server: Any = DhcpServer(ends_with=1)
    (outcome,) = RESERVATION.apply(server, [change(None, A)])
    assert isinstance(outcome.error, RejectedError)
    assert "'reload' ended with exit code 1" in str(outcome.error)


def test_no_folder_no_mac_no_host() -> None:
    with pytest.raises(RequestError, match="dhcp-hostsdir"):
        RESERVATION.read(DhcpServer(reservations=None), [MAC])  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="not a MAC address"):
        RESERVATION.read(DhcpServer(), ["../etc/passwd"])  # type: ignore[arg-type]
    server: Any = DhcpServer()
    (outcome,) = RESERVATION.apply(server, [change(None, Reservation(address="10.0.0.1", host="a,set:evil"))])
    assert "not a host name" in str(outcome.error)
    assert server.files == {}


def test_a_pc_with_a_fixed_address_has_it_from_the_dhcp_server(example: Inventory) -> None:
    fixed = example.workstations["WS-0042"].model_copy(update={"fixed_address": IPv4Address("10.20.20.42")})
    site = example.model_copy(update={"workstations": {**example.workstations, "WS-0042": fixed}})
    work = onboard("E1042").compile(site, Accounts())
    reserved = next(r for r in work.resources if r.kind == "network.reservation")
    assert (reserved.key, reserved.desired) == (fixed.mac, Reservation(address="10.20.20.42", host="WS-0042"))
    port = next(r for r in work.resources if r.kind == "switch.port")
    assert port.requires == {reserved.address}
    assert [p.parameters["subnet"] for p in work.proofs if p.kind == "network.lease"] == ["10.20.20.42/32"]


def test_what_can_be_checked(example: Inventory) -> None:
    assert to_check(example, ["printer-sales", "printer-sales"], None) == ConnectEquipment(("printer-sales",))
    both = to_check(example, ["E1038", "printer-sales", "B-204-1"], None)
    assert isinstance(both, Together)
    assert both.parts == (onboard("E1038"), ConnectEquipment(("printer-sales",)))
    assert to_check(example, ["E1038"], "B-204-3") == onboard("E1038", workplace="B-204-3")
    with pytest.raises(RequestError, match="equipment has no workplace"):
        to_check(example, ["printer-sales"], "B-204-3")
    with pytest.raises(RequestError, match="did you mean 'printer-sales'"):
        to_check(example, ["printer-sale"], None)
