"""The intranet on the lab's Apache: Kerberos says who comes, the directory says who is let in."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.connections.directory import Modify
from provisioning.connections.intranet import IntranetSession, open_session
from provisioning.connections.pool import Pool
from provisioning.errors import CredentialError, RejectedError, SecretError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office
from provisioning.resources.base import Proof
from provisioning.resources.intranet.proofs import ACCESS
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from tests.lab.accounts import Account, account, change

pytestmark = pytest.mark.lab


@pytest.fixture
def newcomer(pool: Pool, inventory: Inventory) -> Iterator[Account]:
    """Somebody who must change the password first and is in no group."""
    with account(pool, inventory, "web.test", {"pwdLastSet": ["0"]}) as person:
        yield person


@pytest.fixture
def group(pool: Pool, inventory: Inventory) -> str:
    """DN of the group that the intranet admits."""
    with pool.session("directory") as directory:
        return str(directory.search(f"(sAMAccountName={inventory.intranet.group})", ["cn"])[0].dn)


def session_to(inventory: Inventory, **changes: object) -> IntranetSession:
    """An intranet session of a site that differs in its intranet settings; those of `check` may be named
    directly."""
    known = type(inventory.intranet.check).model_fields
    check = inventory.intranet.check.model_copy(update={k: v for k, v in changes.items() if k in known})
    intranet = inventory.intranet.model_copy(
        update={"check": check, **{k: v for k, v in changes.items() if k not in known}}
    )
    return open_session(
        "intranet",
        inventory.model_copy(update={"intranet": intranet}),
        Secrets(inventory.folder, inventory.handover),
    )


def access(login: str, url: str, admitted: bool) -> Proof:
    return Proof("intranet.access", "intranet", "access", {"login": login, "url": url, "admitted": admitted})


def test_who_joins_the_group_is_let_in_at_once_and_who_leaves_is_turned_away(
    pool: Pool, inventory: Inventory, newcomer: Account, group: str
) -> None:
    url = inventory.intranet.url
    before = ACCESS.check(pool, access(newcomer.login, url, False))
    assert before.passed, before.detail
    change(pool, group, Modify(group, add={"member": [newcomer.dn]}))
    for page in [url, *(page.url for page in inventory.intranet.pages.values() if page.url.startswith(url))]:
        result = ACCESS.check(pool, access(newcomer.login, page, True))
        assert result.passed, result.detail
    change(pool, group, Modify(group, remove={"member": [newcomer.dn]}))
    after = ACCESS.check(pool, access(newcomer.login, url, True))
    assert not after.passed
    assert f"check that {newcomer.login} is in {inventory.intranet.group}" in after.detail


def test_the_outsider_is_turned_away(pool: Pool, inventory: Inventory) -> None:
    result = ACCESS.check(pool, access(inventory.intranet.check.outsider, inventory.intranet.url, False))
    assert result.passed, result.detail
    assert "403" in result.detail  # known and turned away; 401 would mean that the ticket was not accepted


def test_an_account_with_the_right_to_delegate_acts_for_others_as_well(
    pool: Pool, inventory: Inventory, office: Office, group: str
) -> None:
    session = session_to(inventory, principal="svc-check", keytab=f"file:{office.secrets}/svc-check.keytab")
    try:
        with account(pool, inventory, "web.other") as person:
            assert session.open(inventory.intranet.url, person.login) == 403
            change(pool, group, Modify(group, add={"member": [person.dn]}))
            assert session.open(inventory.intranet.url, person.login) == 200
        with (
            account(pool, inventory, "web.other", {"pwdLastSet": ["0"]}) as person,
            pytest.raises(RejectedError, match="who must change their password first"),
        ):
            session.open(inventory.intranet.url, person.login)
    finally:
        session.close()


def test_a_missing_page_is_neither_let_in_nor_turned_away(
    pool: Pool, inventory: Inventory, newcomer: Account, group: str
) -> None:
    change(pool, group, Modify(group, add={"member": [newcomer.dn]}))
    for admitted in (True, False):
        result = ACCESS.check(pool, access(newcomer.login, f"{inventory.intranet.url}missing/", admitted))
        assert not result.passed
        assert "404" in result.detail


def test_a_disabled_account_gets_no_ticket(pool: Pool, inventory: Inventory) -> None:
    with account(pool, inventory, "gone.test", {"userAccountControl": ["514"]}) as left:
        result = ACCESS.check(pool, access(left.login, inventory.intranet.url, False))
    assert not result.passed
    assert "check that the account is enabled" in result.detail


@pytest.mark.parametrize(("path", "status"), [("/", 401), ("/proxy.pac", 200)])
def test_without_a_ticket_only_the_proxy_settings_open(inventory: Inventory, path: str, status: int) -> None:
    host = inventory.intranet.url.split("/")[2]
    connection = http.client.HTTPSConnection(host, timeout=10)
    raw = socket.create_connection((str(inventory.intranet.address), 443), 10)
    connection.sock = ssl.create_default_context(cafile=str(inventory.intranet.trust)).wrap_socket(
        raw, server_hostname=host
    )
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.status == status
    if status == 200:
        assert answer.getheader("Content-Type") == "application/x-ns-proxy-autoconfig"
        assert b"FindProxyForURL" in body


def test_another_authoritys_certificate_is_not_trusted(inventory: Inventory, newcomer: Account, tmp_path: Path) -> None:
    session = session_to(inventory, trust=LabAuthority(tmp_path).up())
    try:
        with pytest.raises(TrustError, match="is not trusted"):
            session.open(inventory.intranet.url, newcomer.login)
    finally:
        session.close()


def test_a_page_of_another_server_is_not_opened(inventory: Inventory, newcomer: Account) -> None:
    session = session_to(inventory)
    try:
        with pytest.raises(RejectedError, match="is not a page of"):
            session.open("https://elsewhere.example/", newcomer.login)
    finally:
        session.close()


def test_a_web_server_that_is_down(inventory: Inventory, newcomer: Account) -> None:
    nobody = str(inventory.intranet.address).rpartition(".")[0] + ".250"
    session = session_to(inventory, address=nobody)
    try:
        with pytest.raises(UnreachableError, match="web server running"):
            session.open(inventory.intranet.url, newcomer.login)
    finally:
        session.close()


def test_a_kdc_that_is_down(inventory: Inventory) -> None:
    kdc = inventory.intranet.check.kdc
    with pytest.raises(UnreachableError, match="the KDC"):
        session_to(inventory, kdc=kdc.model_copy(update={"address": f"{kdc.connect_to.rpartition('.')[0]}.250"}))


def test_a_keytab_that_is_missing_or_wrong(inventory: Inventory, tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="export the keytab"):
        session_to(inventory, keytab=f"file:{tmp_path}/none")
    wrong = tmp_path / "wrong.keytab"
    wrong.write_bytes(b"\x05\x02")  # a keytab without any key
    with pytest.raises(CredentialError, match="no ticket"):
        session_to(inventory, keytab=f"file:{wrong}")


def test_tickets_are_private_and_do_not_outlive_the_session(inventory: Inventory) -> None:
    session = session_to(inventory)
    folder = session.folder
    try:
        assert folder.stat().st_mode & 0o777 == 0o700
        session.open(inventory.intranet.url, inventory.intranet.check.outsider)
    finally:
        session.close()
    assert not folder.exists()
