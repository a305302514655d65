"""Printers, local groups, mail settings and equipment on the lab's real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.autoconfig import open_session
from provisioning.connections.openers import OPENERS
from provisioning.connections.pool import Pool
from provisioning.engine import planner
from provisioning.engine.run import carry_out
from provisioning.engine.undo import to_take_back
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office
from provisioning.ledger import Ledger
from provisioning.procedures.base import Accounts
from provisioning.procedures.equipment import connect_equipment
from provisioning.procedures.pc_settings import PcSettings
from provisioning.procedures.publish import publication_proofs, published
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.intranet.document import DOCUMENT, Document
from provisioning.resources.mail.proofs import AUTOCONFIG
from provisioning.resources.network.reservation import Reservation
from provisioning.resources.registry import KINDS, PROOFS
from provisioning.resources.switch.proofs import LeaseProof
from provisioning.resources.windows.exports import export
from provisioning.resources.windows.policy_proofs import POLICIES_READ_BACK
from provisioning.resources.windows.printer import CONNECTIONS, PRINTER, PROVIDER, PrinterConnection
from provisioning.resources.windows.registry import REGISTRY, RegistryKey, RegistryValue
from provisioning.resources.windows.time_zone import KEY, TIME_ZONE, TimeZone
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from tests.mail_formats import AUTODISCOVER, CONFIG, faults

pytestmark = pytest.mark.lab

PC = "windows:WS-0043"


def changed(kind: str, target: str, key: str, before: object, after: object) -> Change[Any]:
    return Change(Address(kind, target, key), before, after)


def test_a_printer_connection_is_what_printui_would_have_written(pool: Pool) -> None:
    share, state = "\\\\print.corp.example\\B2 Lab", PrinterConnection(provider=PROVIDER)
    with pool.session(PC) as session:
        (made,) = PRINTER.apply(session, [changed("windows.printer", PC, share, None, state)])
        values = export(session, [CONNECTIONS])[CONNECTIONS][f"{CONNECTIONS}\\,,print.corp.example,B2 Lab"]
        again = PRINTER.read(session, [share.upper()])
        (gone,) = PRINTER.apply(session, [changed("windows.printer", PC, share, state, None)])
        left = PRINTER.read(session, [share])
    assert (made.error, gone.error) == (None, None)
    assert {name: value.data for name, value in values.items()} == {
        "Server": "\\\\print.corp.example",
        "Printer": share,
        "Provider": "win32spl.dll",
        "LocalConnection": 1,
    }
    assert again == {share.upper(): state}
    assert left == {}


@pytest.mark.parametrize("share", ["print\\q", "\\\\print\\a,b", "\\\\print\\a\\b", "\\\\print\\", '\\\\pr"int\\q'])
def test_names_that_would_be_another_key_are_refused(pool: Pool, share: str) -> None:
    with pool.session(PC) as session:
        change = changed("windows.printer", PC, share, None, PrinterConnection(provider=PROVIDER))
        (outcome,) = PRINTER.apply(session, [change])
    assert "is not a shared printer" in str(outcome.error)


def test_a_running_spooler_is_restarted_and_a_stopped_one_left_alone(pool: Pool) -> None:
    with pool.session(PC) as session:
        share, state = "\\\\print\\spooled", PrinterConnection(provider=PROVIDER)
        for running in (True, False):
            session.run(["sc", "start" if running else "stop", "Spooler"])
            (outcome,) = PRINTER.apply(session, [changed("windows.printer", PC, share, None, state)])
            assert outcome.error is None
            stopped_now = session.run(["sc", "stop", "Spooler"]).exit_code == 0
            assert stopped_now is running
        PRINTER.apply(session, [changed("windows.printer", PC, share, state, None)])


def test_a_pc_that_moves_changes_the_sites_printers_and_no_others(
    pool: Pool, inventory: Inventory, tmp_path: Path
) -> None:
    """Another department's connection and a person's own stay where they are."""
    foreign, own = (
        "\\\\other.corp.example\\Plotter",
        "HKU\\.DEFAULT\\Printers\\Connections\\,,print.corp.example,B2-Offices",
    )
    state = PrinterConnection(provider=PROVIDER)
    nothing = RegistryKey(values={"Server": None})
    hers = RegistryKey(values={"Server": RegistryValue(type="REG_SZ", data="\\\\print.corp.example")})
    ledger = Ledger(tmp_path / "l.sqlite")

    def sit(room: str) -> dict[str, str]:
        settings = PcSettings(inventory, "WS-0043", room, ["https://intranet.corp.example/"])
        wanted = [resource for resource in settings.resources() if resource.kind == "windows.printer"]
        run = ledger.begin("sit", {}, planner.compare(wanted, planner.read(wanted, pool)))
        run = carry_out(ledger, run.id, pool, lambda _: None)
        assert {record.state for record in run.changes} <= {"verified"}
        return {record.change.key: record.change.action for record in run.changes}

    with pool.session(PC) as session:
        PRINTER.apply(session, [changed("windows.printer", PC, foreign, None, state)])
        REGISTRY.apply(session, [changed("windows.registry", PC, own, nothing, hers)])
    try:
        sit("B-201")
        offices, sales = "\\\\print.corp.example\\B2-Offices", "\\\\print.corp.example\\B2-Sales"
        assert sit("B-204") == {offices: "delete", sales: "create"}
        assert sit("B-204") == {}
        with pool.session(PC) as session:
            assert PRINTER.read(session, [offices, sales, foreign]) == {sales: state, foreign: state}
            assert REGISTRY.read(session, [own])[own].values == hers.values
    finally:
        sit("nowhere")
        with pool.session(PC) as session:
            PRINTER.apply(session, [changed("windows.printer", PC, foreign, state, None)])
            REGISTRY.apply(session, [changed("windows.registry", PC, own, hers, nothing)])
        ledger.close()


def test_wine_has_no_local_groups_and_says_so(pool: Pool) -> None:
    """The real script in the PC's real script host: nothing is made up."""
    with pytest.raises(RejectedError, match="no local group with the SID S-1-5-32-544"), pool.session(PC) as session:
        KINDS["windows.local_group"].read(session, ["S-1-5-32-544"])


def test_a_time_zone_that_the_pc_does_not_know(pool: Pool) -> None:
    with pool.session(PC) as session:
        before = TIME_ZONE.read(session, [KEY])[KEY]
        for name in ("Mars Standard Time", 'a" & shutdown'):
            (outcome,) = TIME_ZONE.apply(session, [changed("windows.time_zone", PC, KEY, before, TimeZone(name=name))])
            assert name in str(outcome.error)
        assert TIME_ZONE.read(session, [KEY])[KEY] == before


def test_a_value_of_the_wrong_type_on_the_pc_is_named_with_key_and_value(pool: Pool) -> None:
    key = "HKLM\\SOFTWARE\\Policies\\Contract\\Types"
    empty, wrong = (
        RegistryKey(values={"a": None, "b": None}),
        RegistryKey(values={"a": RegistryValue(type="REG_SZ", data="4"), "b": RegistryValue(type="REG_DWORD", data=1)}),
    )
    proof = Proof("windows.policy", PC, "p", {"keys": {key: {"a": {"type": "REG_DWORD", "data": 4}}}})
    with pool.session(PC) as session:
        REGISTRY.apply(session, [changed("windows.registry", PC, key, empty, wrong)])
    result = POLICIES_READ_BACK.check(pool, proof)
    with pool.session(PC) as session:
        REGISTRY.apply(session, [changed("windows.registry", PC, key, wrong, empty)])
    assert not result.passed
    assert result.detail == f"on WS-0043: {key}: a is of type REG_SZ ('4'), expected REG_DWORD (4)"


def test_mail_programs_find_their_servers_once_the_documents_are_published(pool: Pool, inventory: Inventory) -> None:
    (proof,) = publication_proofs(inventory)
    documents = {r.key: r.desired for r in published(inventory)}
    with pool.session("web") as session:
        assert DOCUMENT.read(session, list(documents)) == documents, "the lab's office has them already"
    making = [changed("intranet.document", "web", key, None, after) for key, after in documents.items()]
    with pool.session("web") as session:
        DOCUMENT.apply(session, [changed("intranet.document", "web", key, None, None) for key in documents])
    assert "answers with status 404" in AUTOCONFIG.check(pool, proof).detail
    with pool.session("web") as session:
        assert [outcome.error for outcome in DOCUMENT.apply(session, making)] == [None] * 3
    result = AUTOCONFIG.check(pool, proof)
    assert result.passed, result.detail
    with pool.session("autoconfig") as session:
        config = session.fetch("https://autoconfig.corp.example/mail/config-v1.1.xml?emailaddress=a%40corp.example")
        discover = session.fetch("https://autodiscover.corp.example/autodiscover/autodiscover.xml", body=b"<x/>")
    assert (faults(config.body, CONFIG), faults(discover.body, AUTODISCOVER)) == ([], [])
    path = "/mail/config-v1.1.xml"
    with pool.session("web") as session:
        wrong = Document(text=str(documents[path].text).replace("993", "143"))  # type: ignore[union-attr]
        DOCUMENT.apply(session, [changed("intranet.document", "web", path, None, wrong)])
    assert "tells imap at mail.corp.example:143 (tls) instead of" in AUTOCONFIG.check(pool, proof).detail
    with pool.session("web") as session:
        DOCUMENT.apply(session, making)


def test_who_answers_in_the_web_servers_place_is_not_believed(inventory: Inventory, tmp_path: Path) -> None:
    def fetch(**changes: object) -> None:
        site = inventory.model_copy(update={"intranet": inventory.intranet.model_copy(update=changes)})
        session = open_session("autoconfig", site, Secrets.of(site))
        session.fetch("https://autoconfig.corp.example/mail/config-v1.1.xml")

    with pytest.raises(TrustError, match=r"autoconfig\.corp\.example is not trusted"):
        fetch(trust=LabAuthority(tmp_path).up())
    with pytest.raises(UnreachableError, match=r"autoconfig\.corp\.example does not answer"):
        fetch(address=str(inventory.intranet.address).rpartition(".")[0] + ".250")
    with pytest.raises(TrustError, match=r"other\.corp\.example is not trusted"):
        open_session("autoconfig", inventory, Secrets.of(inventory)).fetch("https://other.corp.example/")


def test_the_web_server_lets_nobody_write_outside_of_its_pages(pool: Pool, inventory: Inventory) -> None:
    with pool.session("web") as session:
        for key in ("/../../escape", "/a/../../b", "relative", "/a b", "/.hidden"):
            (outcome,) = DOCUMENT.apply(session, [changed("intranet.document", "web", key, None, Document(text=""))])
            assert "is not the path of a document" in str(outcome.error)
        with pytest.raises(RejectedError, match="no such folder for this account"):
            session.write_file("/etc/passwd", "")
    wrong = inventory.model_copy(deep=True)
    assert wrong.intranet.files is not None
    assert wrong.network.dhcp is not None
    mixed = wrong.intranet.files.model_copy(
        update={"credential": wrong.intranet.files.credential.model_copy(update={"user": "root"})}
    )
    site = wrong.model_copy(update={"intranet": wrong.intranet.model_copy(update={"files": mixed})})
    with pytest.raises(CredentialError), Pool(site, Secrets.of(site), OPENERS).session("web"):
        pass


def test_equipment_gets_its_port_and_its_address_and_loses_both_again(
    pool: Pool, inventory: Inventory, office: Office, tmp_path: Path
) -> None:
    """The lab's printer asks for an address as soon as its port lets it."""
    work = connect_equipment(inventory, "printer-sales").compile(inventory, Accounts())
    ledger = Ledger(tmp_path / "l.sqlite")
    try:
        changes = planner.compare(work.resources, planner.read(work.resources, pool))
        assert [change.address.kind for change in changes] == ["network.reservation", "switch.port"]
        run = ledger.begin("equipment", {}, changes)
        run = carry_out(ledger, run.id, pool, lambda _: None)
        assert {record.state for record in run.changes} == {"verified"}
        for proof in work.proofs:
            result = PROOFS[proof.kind].check(pool, proof)
            assert result.passed, result.detail
        assert planner.compare(work.resources, planner.read(work.resources, pool)) == []

        # Another address: dnsmasq knows it once it was told, and the device gets it when its port comes up again.
        mac, kind = inventory.equipment["printer-sales"].mac, KINDS["network.reservation"]
        first, second = Reservation(address="10.20.30.11", host="prn"), Reservation(address="10.20.30.99", host="prn")
        with pool.session("dhcp") as session:
            assert kind.apply(session, [changed(kind.name, "dhcp", mac, first, second)])[0].error is None
        device = next(desk for desk in office._desks() if desk.mac == mac)
        office.network.unplug(device.name)
        office.network.plug(device)
        moved = Proof("network.lease", "dhcp", "moved", {"mac": mac, "subnet": "10.20.30.99/32"})
        assert LeaseProof().check(pool, moved).passed
        with pool.session("dhcp") as session:
            kind.apply(session, [changed(kind.name, "dhcp", mac, second, work.resources[0].desired)])

        begun, unread = to_take_back(run.changes, pool)
        assert not unread
        back = ledger.begin("undo", {}, planner.inverse(begun), undoes=run.id)
        back = carry_out(ledger, back.id, pool, lambda _: None)
        assert {record.state for record in back.changes} == {"verified"}
        with pool.session("dhcp") as session:
            assert kind.read(session, [mac]) == {}
    finally:
        ledger.close()
