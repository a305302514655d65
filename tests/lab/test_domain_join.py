"""Joining the domain on the lab: the blob is consumed by Samba offline, and the domain controller says whether both
sides know the same password."""

from __future__ import annotations

import base64
import stat
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.connections import cldap
from provisioning.connections.directory import Modify
from provisioning.connections.offline_join import as_file
from provisioning.connections.pool import Pool
from provisioning.connections.windows import WindowsSession, open_session
from provisioning.errors import RejectedError, RequestError
from provisioning.lab.laps import extend_schema
from provisioning.lab.office import Office
from provisioning.lab.windows import djoin
from provisioning.lab.windows.machine import Machine
from provisioning.procedures.join import computer_account
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.directory import joining, laps
from provisioning.resources.directory.computer import COMPUTER, Computer
from provisioning.resources.directory.computer_proofs import COMPUTER_SIGN_IN
from provisioning.resources.windows.domain_membership import DOMAIN_MEMBERSHIP, KEY, DomainMembership
from provisioning.site import Inventory
from tests.ledger_files import ledger_octets

pytestmark = pytest.mark.lab

NAME, OLD = "WS-0043", "WS-OLD43"
HOST = "ws-0043.corp.example"
TARGET = f"windows:{NAME}"
MEMBER = DomainMembership(domain="corp.example", computer_name=NAME)


@pytest.fixture
def accounts(pool: Pool, inventory: Inventory) -> Iterator[None]:
    """Two computer accounts, made with the site's delegated right, gone afterwards."""
    wanted = {NAME: computer_account(inventory, NAME).desired}
    wanted[OLD] = Computer(ou=inventory.directory.computers_ou, dns_host_name=f"{OLD.lower()}.corp.example")
    _apply(pool, dict.fromkeys(wanted))
    _apply(pool, wanted)
    yield
    _apply(pool, dict.fromkeys(wanted))


def _apply(pool: Pool, wanted: Mapping[str, object]) -> None:
    with pool.session("directory") as session:
        found = COMPUTER.read(session, list(wanted))
        changes = [
            Change(Address(COMPUTER.name, "directory", name), found.get(name), after)  # type: ignore[arg-type]
            for name, after in wanted.items()
            if found.get(name) != after
        ]
        assert [outcome.error for outcome in COMPUTER.apply(session, changes)] == [None] * len(changes)


@pytest.fixture
def machine(office: Office) -> Iterator[Machine]:
    found = Machine.load(office.folder / "windows" / NAME / "pc.json", "test")
    yield found
    djoin.complete(found)
    djoin.leave(found)
    djoin.complete(found)


def _issue(pool: Pool, name: str = NAME) -> bytes:
    with pool.session("directory") as session:
        return as_file(joining.issue(session, name, f"{name.lower()}.corp.example").data.get_secret_value())


def _djoin(machine: Machine, blob: bytes) -> int:
    file = machine.path(r"C:\windows\temp\blob.txt")
    file.write_bytes(blob)
    try:
        words = ["/requestODJ", "/loadfile", r"C:\windows\temp\blob.txt", "/windowspath", r"C:\windows", "/localos"]
        return djoin.djoin(machine, words).code
    finally:
        file.unlink()


def _joins(machine: Machine, blob: bytes) -> bool:
    assert _djoin(machine, blob) == 0
    djoin.complete(machine)
    trusted = djoin.trusted(machine)
    assert djoin.leave(machine) == 0
    djoin.complete(machine)
    return trusted


def test_samba_takes_the_blob_and_an_older_one_is_worth_nothing(pool: Pool, machine: Machine, accounts: None) -> None:
    first = _issue(pool)
    second = _issue(pool)
    assert not _joins(machine, first), "the password of the first blob was replaced by the second"
    assert _joins(machine, second)


def test_a_damaged_blob_is_refused(pool: Pool, machine: Machine, accounts: None) -> None:
    blob = _issue(pool)
    data = bytearray(base64.b64decode(blob.decode("utf-16").rstrip("\0")))
    for place in (0, 8, 0x20, 0x24, 0x28, 0x40, 0x48, 0xC4):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        assert _djoin(machine, as_file(bytes(damaged))) == 87, hex(place)
    for cut in (0, 10, len(data) // 2):
        assert _djoin(machine, as_file(bytes(data[:cut]))) == 87, cut
    assert _djoin(machine, blob[2:]) == 87
    assert _joins(machine, blob)


def test_without_the_locator(
    pool: Pool, machine: Machine, accounts: None, monkeypatch: pytest.MonkeyPatch, inventory: Inventory
) -> None:
    with pool.session("directory") as session:
        domain = joining.read_domain(session)
        told, located = joining.find_controller(session, domain)
        assert located
        monkeypatch.setattr(cldap, "ping", lambda address, domain: None)
        guessed, located = joining.find_controller(session, domain)
        assert not located
    assert (guessed.name, guessed.address, guessed.site) == (told.name, told.address, told.site)
    assert guessed.flags & told.flags == guessed.flags
    assert _joins(machine, _issue(pool))


def test_the_locator_answers_this_domain_only(inventory: Inventory) -> None:
    address = str(inventory.directory.server.address)
    found = cldap.ping(address, inventory.directory.domain)
    assert found is not None
    assert (found.host, found.forest, found.netbios_domain) == (inventory.directory.server.host, "corp.example", "CORP")
    assert cldap.ping(address, "other.example") is None


def test_no_account_and_a_disabled_one(pool: Pool, accounts: None) -> None:
    with pool.session("directory") as session:
        with pytest.raises(RejectedError, match="no computer account WS-9999"):
            joining.issue(session, "WS-9999", "ws-9999.corp.example")
        address = Address(COMPUTER.name, "directory", OLD)
        COMPUTER.apply(session, [Change(address, Computer(enabled=True), Computer(enabled=False))])
        with pytest.raises(RejectedError, match="disabled"):
            joining.issue(session, OLD, HOST)


def test_a_service_name_that_another_account_has(pool: Pool, accounts: None) -> None:
    """WS-OLD43 is the PC that WS-0043 replaces, and has its DNS name still."""
    with pool.session("directory") as session:
        joining.issue(session, OLD, HOST)
        condition = f"(sAMAccountName={NAME}$)"
        before = session.search(condition, ["pwdLastSet"])
        with pytest.raises(RejectedError, match=rf"account {OLD} .* HOST/{HOST}, which {NAME} needs; .*delete its"):
            joining.issue(session, NAME, HOST)
        assert session.search(condition, ["pwdLastSet"]) == before, "refused before the password was set"


def _run(office: Office, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(PROGRAM, ["--site", str(office.site_folder), *words])
    return result.exit_code, result.output + result.stderr


def test_a_replaced_pc_and_one_that_lost_its_trust(
    pool: Pool, office: Office, machine: Machine, accounts: None
) -> None:
    """By the command line: the new PC is a member as WS-OLD43; it takes WS-0043's place and account, then its trust is
    lost, and `--again` mends that. Undo leaves it a member: a password cannot be given back."""
    assert _djoin(machine, _issue(pool, OLD)) == 0
    djoin.complete(machine)
    with pool.session("directory") as session:
        (sid,) = session.search(f"(sAMAccountName={NAME}$)", ["objectSid"])
    code, said = _run(office, "join", NAME, "--yes")
    assert code == 0, said
    assert f"computer name: {OLD} → {NAME}" in said
    assert "which no undo takes back" in said
    assert djoin.trusted(machine)
    with pool.session("directory") as session:
        assert session.search(f"(sAMAccountName={NAME}$)", ["objectSid"]) == [sid], "the account is used again"

    time.sleep(1.5)  # the proof takes times that are less than a second apart for equal
    _issue(pool)
    assert not djoin.trusted(machine)
    code, said = _run(office, "join", NAME, "--yes")
    assert (code, f"provision join --again {NAME}" in said) == (3, True), said
    code, said = _run(office, "join", "--again", NAME, "--yes")
    assert code == 0, said
    assert djoin.trusted(machine)
    assert _run(office, "join", NAME, "--yes")[0] == 0
    run = Site.load(office.site_folder).runs(1)[0].id
    code, said = _run(office, "undo", str(run), "--yes")
    assert code == 0, said
    assert "which no undo takes back" in said
    assert djoin.trusted(machine)


def _membership(session: WindowsSession) -> DomainMembership:
    """Without the note that an earlier test's `--again` left."""
    found = DOMAIN_MEMBERSHIP.read(session, [KEY])[KEY]
    return DomainMembership(domain=found.domain, computer_name=found.computer_name)


def test_joins_under_another_name_and_leaves(
    pool: Pool, machine: Machine, accounts: None, inventory: Inventory, site: Site
) -> None:
    """A PC that was taken over from elsewhere: member as WS-OLD43, wanted as WS-0043."""
    assert _djoin(machine, _issue(pool, OLD)) == 0
    djoin.complete(machine)
    address = Address(DOMAIN_MEMBERSHIP.name, TARGET, KEY)
    proof = Proof(COMPUTER_SIGN_IN.name, "directory", "signs in", {"computer": NAME, "patience": 0})
    assert not COMPUTER_SIGN_IN.check(pool, proof).passed
    with closing(open_session(TARGET, inventory, site.secrets)) as session:
        before = _membership(session)
        assert before == DomainMembership(domain="corp.example", computer_name=OLD)
        (outcome,) = DOMAIN_MEMBERSHIP.apply(session, [Change(address, before, MEMBER)])
        assert outcome.error is None
        assert _membership(session) == MEMBER
        assert djoin.trusted(machine)
        assert session.read("join.txt") is None
        assert COMPUTER_SIGN_IN.check(pool, proof).passed
        (outcome,) = DOMAIN_MEMBERSHIP.apply(
            session, [Change(address, MEMBER, DomainMembership(domain=None, computer_name=OLD))]
        )
        assert outcome.error is None
        assert _membership(session) == DomainMembership(domain=None, computer_name=OLD)
        djoin.rename(machine, NAME)
        djoin.complete(machine)


def test_refusals(inventory: Inventory, site: Site) -> None:
    address = Address(DOMAIN_MEMBERSHIP.name, TARGET, KEY)
    with closing(open_session(TARGET, inventory, site.secrets)) as session:
        elsewhere = DomainMembership(domain="other.example")
        (outcome,) = DOMAIN_MEMBERSHIP.apply(session, [Change(address, DomainMembership(domain=None), elsewhere)])
        assert isinstance(outcome.error, RequestError)
        (outcome,) = DOMAIN_MEMBERSHIP.apply(session, [Change(address, MEMBER, DomainMembership(domain=None))])
        assert "2692" in str(outcome.error)  # NERR_SetupNotJoined: it is no member


def test_the_answer_file(
    office: Office, machine: Machine, accounts: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site.load(office.site_folder)
    file = tmp_path / "autounattend.xml"
    words = ["--site", str(office.site_folder), "unattend", NAME, "--output", str(file), "--yes"]
    result = CliRunner().invoke(PROGRAM, words)
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"BEGIN CERTIFICATE" in file.with_suffix(".pem").read_bytes()
    (found,) = ET.parse(file).getroot().iter("{urn:schemas-microsoft-com:unattend}AccountData")  # noqa: S314 - ours
    data = base64.b64decode(found.text or "", validate=True)
    assert _joins(machine, as_file(data)), "the blob of the answer file makes a member"
    before = file.read_bytes()
    refused = CliRunner().invoke(PROGRAM, words)
    assert (refused.exit_code, file.read_bytes()) == (1, before)
    assert "already; destroy it or name another file" in refused.output + refused.stderr
    shown = CliRunner().invoke(PROGRAM, [*words[:4], "--output", "-", "--yes"])
    assert ET.fromstring(shown.stdout_bytes).tag == "{urn:schemas-microsoft-com:unattend}unattend"  # noqa: S314 - ours
    said = [entry.sentence for entry in site.ledger.worklog()]
    assert any("offline-domain-join blob" in sentence and NAME in sentence for sentence in said)
    password = _texts_of(data)[2]
    kept = ledger_octets(office.folder)
    for secret in (password, found.text or "no text"):
        assert secret.encode() not in kept
        assert secret not in result.output + result.stderr + caplog.text


def _texts_of(data: bytes) -> list[str]:
    at, texts = 0xC0, []
    for _ in range(3):
        count = int.from_bytes(data[at : at + 4], "little")
        texts.append(data[at + 12 : at + 12 + 2 * count].decode("utf-16-le").rstrip("\0"))
        at += 12 + 2 * count
        at += -at % 4
    return texts


def test_laps(pool: Pool, office: Office, accounts: None, inventory: Inventory) -> None:
    extend_schema(office.dc)
    dn = f"CN={NAME},{inventory.directory.computers_ou}"
    with pool.session("directory") as session:
        with pytest.raises(RejectedError, match="no LAPS password"):
            laps.read(session, NAME)
        stored = '{"n":"Administrateur","t":"1d8161b41c41cde","p":"A6a3#7%eb!5"}'
        values = {"msLAPS-Password": [stored], "msLAPS-PasswordExpirationTime": ["133500000000000000"]}
        assert session.write([Modify(dn, values)]) == [None]
        found = laps.read(session, NAME)
        assert (found.account, found.password.get_secret_value()) == ("Administrateur", "A6a3#7%eb!5")
        assert str(found.expires) == "2024-01-17 21:20:00+00:00"
        assert "A6a3" not in repr(found)
        clear = {"msLAPS-Password": [], "msLAPS-EncryptedPassword": [b"\1" * 16]}
        assert session.write([Modify(dn, clear)]) == [None]
        with pytest.raises(RejectedError, match="encrypted"):
            laps.read(session, NAME)
