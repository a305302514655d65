"""Telephones on the lab's Kamailio: a new colleague's extension rings where the phone's own file says."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from provisioning.api import Site
from provisioning.connections.sip import SipClient
from provisioning.errors import TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office
from provisioning.lab.telephony import TLS_PORT, Telephony
from provisioning.site.base import Endpoint
from provisioning.site.phones import Transport
from tests.conftest import NUMBER
from tests.lab.admin import Admin, admin_of, directory_entries
from tests.ledger_files import ledger_octets

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

FILE = "02005e104043.cfg"  # of the telephone at B-204-3
ADDRESS = f"127.77.{NUMBER}.77"
CONTACT = "sip:1042@127.0.0.1:5099"


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    """Without a PC at the desk, which others test and which would take most of the time."""
    somebody = admin_of(office, tmp_path / "site")
    somebody.edit("workstations.csv", ",B-204-3", ",")
    yield somebody
    somebody.take_all_back()


def subscribers(office: Office) -> dict[str, tuple[str, str, str]]:
    """Extension → clear password, ha1, ha1b, by sqlite3 itself."""
    connection = sqlite3.connect(office.telephony.database)
    try:
        rows = connection.execute("SELECT username, password, ha1, ha1b FROM subscriber WHERE domain = 'corp.example'")
        return {user: tuple(rest) for user, *rest in rows}
    finally:
        connection.close()


def phone(office: Office, transport: Transport = "udp") -> SipClient:
    registrar = Endpoint(
        host="sip.corp.example", port=TLS_PORT if transport == "tls" else 5060, address=office.telephony.address
    )
    return SipClient("registrar", registrar, transport, "corp.example", office.authority.certificate)


def file_of_the_phone(office: Office) -> dict[str, str]:
    """What a phone reads."""
    lines = (office.phone_files / FILE).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!version:1.0.0.1"
    return dict(line.split(" = ", 1) for line in lines[1:])


def test_a_new_colleague_has_a_telephone_that_rings(office: Office, admin: Admin, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    planned = admin.here("plan", "onboard", "E1042")
    assert planned.code == 2, planned.err
    assert subscribers(office) == {}, "a plan changes nothing"
    done = admin.must("onboard", "E1042", "--yes", "--report", str(report))

    entries = file_of_the_phone(office)
    assert {name: entries[f"account.1.{name}"] for name in ("user_name", "display_name", "sip_server.1.address")} == {
        "user_name": "1042", "display_name": "Анна Петрова", "sip_server.1.address": "corp.example",
    }  # fmt: skip
    assert stat.S_IMODE((office.phone_files / FILE).stat().st_mode) == 0o640
    password = SecretStr(entries["account.1.password"])
    assert len(password.get_secret_value()) == 24
    clear, ha1, ha1b = subscribers(office)["1042"]
    assert clear == ""
    assert re.fullmatch("[0-9a-f]{32}", ha1)
    registers_everywhere(office, password)

    anna = directory_entries(office)["CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"]
    assert "telephoneNumber: +49 30 5550 1042" in anna
    assert "ipPhone: 1042" in anna
    secrets = (password.get_secret_value(), ha1, ha1b)
    written = report.read_text(encoding="utf-8")
    assert "kept:1042/E1042" in written
    ledger = ledger_octets(admin.folder).decode("latin-1")
    assert "kept:1042/E1042" in ledger
    for text in (planned.out, done.out, done.err, written, report.with_suffix(".html").read_text(), ledger):
        assert not any(secret in text for secret in secrets)

    proofs = [proof for proof in json.loads(written)["proofs"] if proof["kind"] == "phones.registration"]
    assert [proof["passed"] for proof in proofs] == [True, True]
    assert admin.here("plan", "onboard", "E1042").code == 0, "a second plan has nothing to do"
    assert admin.here("show", "extensions", "--output", "json").document == [
        {
            "extension": "1042",
            "range": "staff",
            "person": "E1042",
            "name": "Анна Петрова",
            "dialled": "+49 30 5550 1042",
        }
    ]
    taken_back(office, admin)


def registers_everywhere(office: Office, password: SecretStr) -> None:
    transports: tuple[Transport, ...] = ("udp", "tcp", "tls")
    for transport in transports:
        client = phone(office, transport)
        assert client.register("1042", SecretStr("wrong")).status == 401
        assert client.register("1043", password).status == 401
        assert client.register("1042", password, contact=CONTACT).contacts == (f"<{CONTACT}>;expires=60",)
        assert client.register("1042", password).contacts != (), "asking leaves the binding as it is"
        assert client.register("1042", password, contact=CONTACT, expires=0).contacts == ()
        client.close()


def taken_back(office: Office, admin: Admin) -> None:
    site = Site.load(admin.folder)
    given = site.ledger.allocations("extension:staff")
    assert [(one.item, one.holder) for one in given] == [("1042", "E1042")]
    admin.must("undo", "1", "--yes")
    assert subscribers(office) == {}
    assert not (office.phone_files / FILE).exists()
    assert site.secrets.phone_passwords.kept("1042") == ()
    assert site.ledger.allocations("extension:staff") == []
    site.ledger.close()


def test_the_password_that_the_exchange_lost_comes_back(office: Office, admin: Admin) -> None:
    """Somebody changed the subscriber by hand: the proof says so, the next run mends it, the phone is left alone."""
    admin.must("onboard", "E1042", "--yes")
    before = (office.phone_files / FILE).read_text(encoding="utf-8")
    connection = sqlite3.connect(office.telephony.database)
    connection.execute("UPDATE subscriber SET ha1 = 'by hand' WHERE username = '1042'")
    connection.commit()
    connection.close()
    failed = admin.here("check", "E1042")
    assert failed.code != 0
    assert "1042 does not register with corp.example on sip.corp.example (401" in failed.out
    mended = admin.must("onboard", "E1042", "--yes")
    assert "the SIP password of 1042 is replaced" in mended.out
    assert admin.here("check", "E1042").code == 0
    assert (office.phone_files / FILE).read_text(encoding="utf-8") == before


def test_the_lowest_free_extension_is_chosen_and_kept(office: Office, admin: Admin) -> None:
    """1001 to 1003 are fixed for others, 1004 is on the exchange without being in the ledger."""
    connection = sqlite3.connect(office.telephony.database)
    connection.execute("INSERT INTO subscriber (username, domain, ha1) VALUES ('1004', 'corp.example', 'x')")
    connection.commit()
    try:
        admin.hire("T1", "Aud", "Berg")
        admin.hire("T2", "Bo", "Dahl")
        admin.must("onboard", "T1", "T2", "--yes")
        assert {"1004", "1005", "1006"} <= subscribers(office).keys()
        assert admin.here("plan", "onboard", "T2").code == 0
        admin.must("undo", "1", "--yes")
        assert subscribers(office).keys() == {"1004"}, "what nobody here made stays"
    finally:
        connection.execute("DELETE FROM subscriber WHERE username = '1004'")
        connection.commit()
        connection.close()


def test_a_range_without_numbers_is_said_before_anything_is_touched(office: Office, admin: Admin) -> None:
    admin.hire("T1", "Aud", "Berg")
    admin.edit("phones.yml", 'first: "1000", last: "1999", reserved: ["1000"]', 'first: "1001", last: "1003"')
    for row in ("1007", "1011", "1015", "1019", "1023", "1028", "1033", "1038", "1042", "1043"):
        admin.edit("people.csv", f"+49 30 5550 {row}", "")
    refused = admin.run("onboard", "T1", "--yes")
    assert (refused.code, refused.err) == (
        1,
        "Error: no extension of the range staff (1001 to 1003) is left for T1: 3 belong to E1001, E1002, E1003; "
        "release one or extend phones: ranges: staff\n",
    )
    assert subscribers(office) == {}


def test_an_exchange_starts_quickly_and_leaves_nothing(tmp_path: Path) -> None:
    """And what does not answer, or shows a certificate that nobody trusts, is said."""
    authority = LabAuthority(tmp_path / "ca")
    exchange = Telephony(tmp_path / "phones", ADDRESS, authority, tmp_path / "phones" / "k.sqlite")
    began = time.monotonic()
    exchange.up()
    assert time.monotonic() - began < 2
    pid = int((tmp_path / "phones" / "kamailio.pid").read_text().split()[0])
    stranger = LabAuthority(tmp_path / "other").up()
    there = Endpoint(host="sip.corp.example", port=TLS_PORT, address=ADDRESS)
    with pytest.raises(TrustError, match=r"the certificate of sip\.corp\.example is not trusted"):
        SipClient("registrar", there, "tls", "corp.example", stranger).register("1", SecretStr("x"))
    exchange.down()
    assert not Path(f"/proc/{pid}").exists()
    assert not (tmp_path / "phones").exists()
    with pytest.raises(UnreachableError, match=r"nobody answers SIP at 127\.77\.[0-9]+\.77 port 5061/tls"):
        SipClient("registrar", there, "tls", "corp.example", stranger).register("1", SecretStr("x"))
