"""Restarts of a PC, who is signed in, files both ways, and the transports of WinRM: against the lab."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.api.self_check import self_check
from provisioning.connections import windows_transfer
from provisioning.connections.pull import Offer, command, offered
from provisioning.connections.windows import WindowsSession, open_session
from provisioning.errors import CredentialError, RejectedError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office
from provisioning.resources.windows.assumptions import ASSUMPTIONS
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.windows import PullServer, Restart

pytestmark = pytest.mark.lab

NAME = "WS-0043"
TARGET = f"windows:{NAME}"
SID = "S-1-5-21-7-8-9-1109"
PORT = 8437


def opened(inventory: Inventory, tmp_path: Path, **settings: object) -> WindowsSession:
    windows = inventory.windows.model_copy(update=settings)
    changed = inventory.model_copy(update={"windows": windows})
    return open_session(TARGET, changed, Secrets(inventory.folder, tmp_path))


def policy(inventory: Inventory, **settings: object) -> Restart:
    return inventory.windows.restart.model_copy(update=settings)


@pytest.fixture
def somebody(office: Office) -> Iterator[str]:
    office.pcs.sign_in(NAME, SID, "анна")
    yield "CORP\\анна"
    office.pcs.sign_out(NAME, SID)


@pytest.fixture
def pull(office: Office, inventory: Inventory, tmp_path: Path) -> PullServer:
    files = LabAuthority(office.folder).issue(["localhost"], ["127.0.0.1"], tmp_path, "pull")
    return PullServer.model_validate(
        {
            "host": "localhost",
            "address": "127.0.0.1",
            "port": PORT,
            "certificate": files.certificate,
            "key": f"file:{files.key}",
            "larger_than": 0,
        }
    )


def test_restart_is_a_real_one(inventory: Inventory, tmp_path: Path) -> None:
    session = opened(inventory, tmp_path)
    path = session.write("stays.txt", b"over the restart")
    session.run(["reg", "add", "HKLM\\SOFTWARE\\Kept", "/v", "x", "/d", "y", "/f"])
    before = session.boot_identity()
    assert session.boot_identity() == before
    after = session.restart(reason='a test with "quotes", 100% and é')
    assert after != before
    assert after == session.boot_identity()
    assert session.read("stays.txt") == b"over the restart"
    assert session.run(["reg", "query", "HKLM\\SOFTWARE\\Kept"]).exit_code == 0
    assert path.endswith("stays.txt")
    session.run(["reg", "delete", "HKLM\\SOFTWARE\\Kept", "/f"])
    session.close()


def test_somebody_signed_in_wait(inventory: Inventory, tmp_path: Path, office: Office, somebody: str) -> None:
    session = opened(inventory, tmp_path, restart=policy(inventory, when_signed_in="wait", patience=1))
    assert [one.account for one in session.logged_on()] == [somebody]
    before = session.boot_identity()
    with pytest.raises(UnreachableError, match=r"CORP.анна did not sign out within 1 s, so it was not restarted"):
        session.restart(reason="x")
    assert session.boot_identity() == before
    session.inventory = session.inventory.model_copy(
        update={"windows": inventory.windows.model_copy(update={"restart": policy(inventory, patience=60)})}
    )
    leaving = threading.Timer(1.0, lambda: office.pcs.sign_out(NAME, SID))
    leaving.start()
    assert session.restart(reason="x") != before
    leaving.join()
    session.close()


def test_somebody_signed_in_warn_and_force(inventory: Inventory, tmp_path: Path, office: Office, somebody: str) -> None:
    session = opened(inventory, tmp_path, restart=policy(inventory, when_signed_in="warn", patience=3))
    began, before = time.monotonic(), session.boot_identity()
    after = session.restart(reason="x")
    assert after != before
    assert time.monotonic() - began > 3
    assert session.logged_on() == ()
    office.pcs.sign_in(NAME, SID, "анна")
    session.inventory = inventory  # the policy is wait, but force is asked for
    assert session.restart(reason="x", force=True) != after
    session.close()


def test_a_pc_that_does_not_come_back_and_one_that_is_going_down(
    inventory: Inventory, tmp_path: Path, office: Office
) -> None:
    session = opened(inventory, tmp_path)
    session.run(["shutdown", "/r", "/t", "600"])
    with pytest.raises(RejectedError, match="a shutdown is scheduled there already"):
        session.restart(reason="x")
    assert session.run(["shutdown", "/a"]).exit_code == 0
    assert session.run(["shutdown", "/a"]).exit_code == 1116
    session.run(["shutdown", "/s", "/t", "1"])
    time.sleep(4)
    with pytest.raises(UnreachableError):
        session.run(["hostname"])
    session.close()
    office.pcs.power_on(NAME)
    session = opened(inventory, tmp_path, timeout=1)
    with pytest.raises(UnreachableError, match="was told to restart and was not back after 0 s"):
        session.restart(reason="x", wait=0.1)
    time.sleep(8)
    assert session.run(["hostname"]).exit_code == 0
    session.close()


def test_credssp_and_kerberos_without_a_ticket(inventory: Inventory, tmp_path: Path) -> None:
    session = opened(inventory, tmp_path, transport="credssp", credssp=True)
    assert session.run(["hostname"]).stdout.strip() == NAME
    session.close()
    (tmp_path / "wrong").write_text("not-it")
    credential = inventory.windows.credential.model_copy(update={"password": f"file:{tmp_path / 'wrong'}"})
    session = opened(inventory, tmp_path, transport="credssp", credssp=True, credential=credential)
    with pytest.raises(CredentialError):
        session.run(["hostname"])
    session.close()
    session = opened(inventory, tmp_path, transport="kerberos")
    with pytest.raises(CredentialError, match=r"provisioning\[kerberos\]"):
        session.run(["hostname"])
    session.close()


def test_a_command_that_writes_without_end_is_cut(inventory: Inventory, tmp_path: Path) -> None:
    session = opened(inventory, tmp_path, output_limit=1)
    noise = session.write("noise.cmd", b"@echo off\r\n:a\r\ntype C:\\windows\\system.ini\r\ngoto a\r\n")
    with pytest.raises(RejectedError, match=r"wrote more than 1 MiB and was ended"):
        session.run([noise])
    assert session.run(["hostname"]).exit_code == 0
    session.close()


def test_files_go_over_https_when_the_site_says_so(inventory: Inventory, tmp_path: Path, pull: PullServer) -> None:
    big = tmp_path / "ein 'großer' Файл.bin"
    big.write_bytes(os.urandom(3_000_000))
    session = opened(inventory, tmp_path, pull=pull)
    session.put(big, "Файл и Co (1).bin")
    assert session.read("Файл и Co (1).bin") == big.read_bytes()
    (transfer,) = session.transfers
    assert (transfer.way, transfer.octets) == ("https", 3_000_000)
    assert transfer.speed > 0
    with pytest.raises(RejectedError, match="not a plain file name"):
        session.put(big, "a & b.bin")
    session.close()


def test_a_broken_transfer_goes_on_where_it_stopped(inventory: Inventory, tmp_path: Path, pull: PullServer) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(2_000_000))
    session = opened(inventory, tmp_path, pull=pull)
    path = session.write("big.bin", big.read_bytes()[:1_500_000])
    peer = str(inventory.workstations[NAME].address)
    with offered(big, pull, peer) as offer:
        assert session.run(command(offer, path)).exit_code == 0
        assert session.read("big.bin") == big.read_bytes()
        other = Offer(offer.url + "x", offer.token, offer.file, offer.peer)
        assert session.run(command(other, session.path("other.bin"))).exit_code == 22, "nobody guesses the path"
    assert session.run(command(offer, session.path("late.bin"))).exit_code == 7, "nobody listens any more"
    with offered(big, pull, "127.0.0.99") as offer:
        assert session.run(command(offer, session.path("elsewhere.bin"))).exit_code == 22, "for another PC"
    session.close()


def test_another_content_than_was_sent_is_not_used(
    inventory: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(b"a" * 100)
    session = opened(inventory, tmp_path)
    monkeypatch.setattr(windows_transfer, "sha256_on_pc", lambda *_: ["0" * 64])
    with pytest.raises(RejectedError, match="arrived with another content"):
        session.put(tmp_path / "a.bin", "a.bin")
    assert session.read("a.bin") is None
    session.close()


def test_a_certificate_that_the_pc_does_not_trust(inventory: Inventory, tmp_path: Path, pull: PullServer) -> None:
    files = LabAuthority(tmp_path / "other").issue(["localhost"], ["127.0.0.1"], tmp_path / "other", "pull")
    pull = pull.model_copy(update={"certificate": files.certificate, "key": f"file:{files.key}"})
    (tmp_path / "a.bin").write_bytes(b"a" * 100)
    session = opened(inventory, tmp_path, pull=pull)
    with pytest.raises(RejectedError, match=r"does not trust the certificate of windows\.pull"):
        session.put(tmp_path / "a.bin", "a.bin")
    session.close()


def test_self_check_against_wine(site: Site) -> None:
    rows = self_check(site, NAME)
    assert [row.name for row in rows] == [one.name for one in ASSUMPTIONS]
    assert {row.name: (row.verdict, row.detail) for row in rows if row.verdict not in {"holds", "not in Wine"}} == {}
    named = {one.name for one in ASSUMPTIONS if one.not_in_wine}
    assert {row.name for row in rows if row.verdict == "not in Wine"} <= named
