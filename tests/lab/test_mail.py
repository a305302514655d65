"""Mail on the lab's Postfix and Dovecot, which look people up in the lab's directory."""

from __future__ import annotations

import imaplib
import secrets as randomness
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.connections.mail import MailSession, open_session
from provisioning.connections.pool import Pool
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.lookup import DirectoryLookup
from provisioning.lab.mail import MailServer
from provisioning.lab.office import Office
from provisioning.resources.base import Proof
from provisioning.resources.mail import proofs
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from tests.lab.accounts import Account, account

pytestmark = pytest.mark.lab

PRIMARY = "mail.test@corp.example"
ALIAS = "m.test@mail.corp.example"
MAILBOX = {
    "mail": [PRIMARY],
    "proxyAddresses": [f"SMTP:{PRIMARY}", f"smtp:{ALIAS}"],
    "maxStorage": [str(1 << 20)],
}


@pytest.fixture
def colleague(pool: Pool, inventory: Inventory) -> Iterator[Account]:
    """Somebody with a mailbox of 1 MiB and two addresses."""
    with account(pool, inventory, "mail.test", MAILBOX) as person:
        yield person


@pytest.fixture
def newcomer(pool: Pool, inventory: Inventory) -> Iterator[Account]:
    """The same, who must change the password first and so cannot sign in yet."""
    with account(pool, inventory, "mail.test", {**MAILBOX, "pwdLastSet": ["0"]}) as person:
        yield person


def session_to(inventory: Inventory, **changes: object) -> MailSession:
    """A mail session of a site that differs in its mail settings."""
    mail = inventory.mail.model_copy(update=changes)
    return open_session(
        "mail", inventory.model_copy(update={"mail": mail}), Secrets(inventory.folder, inventory.handover)
    )


def sign_in(inventory: Inventory, login: str, password: str) -> imaplib.IMAP4:
    """Sign in over IMAP on port 143 with STARTTLS, as a person's own mail program does."""
    imap = imaplib.IMAP4(inventory.mail.imap.connect_to, 143, timeout=15)
    imap.host = inventory.mail.imap.host  # what STARTTLS verifies
    imap.starttls(ssl.create_default_context(cafile=str(inventory.mail.trust)))
    try:
        imap.login(login, password)
    except imaplib.IMAP4.error:
        imap.shutdown()
        raise
    return imap


def token() -> str:
    return randomness.token_hex(8)


@pytest.mark.parametrize("address", [PRIMARY, ALIAS, ALIAS.upper().replace("CORP.EXAMPLE", "corp.example")])
def test_mail_to_every_address_is_read_though_the_password_must_be_changed(
    pool: Pool, newcomer: Account, address: str
) -> None:
    proof = Proof("mail.delivery", "mail", "mail arrives", {"login": newcomer.login, "address": address})
    result = proofs.DELIVERY.check(pool, proof)
    assert result.passed, result.detail


def test_the_test_message_is_removed_and_other_mail_is_not(inventory: Inventory, colleague: Account) -> None:
    session, kept, found = session_to(inventory), token(), token()
    session.send(PRIMARY, "kept", kept)
    session.send(PRIMARY, "found", found)
    assert session.find(colleague.login, found, patience=20)
    assert not session.find(colleague.login, found)
    with sign_in(inventory, colleague.login, colleague.password) as own:
        assert own.select("INBOX") == ("OK", [b"1"])
    assert session.find(colleague.login, kept, patience=20)


def test_a_message_in_somebody_elses_mailbox_does_not_count(
    pool: Pool, inventory: Inventory, colleague: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "PATIENCE", 1.0)
    other = {"mail": ["other.test@corp.example"], "proxyAddresses": ["SMTP:other.test@corp.example"]}
    with account(pool, inventory, "other.test", other):
        proof = Proof(
            "mail.delivery",
            "mail",
            "mail arrives",
            {"login": colleague.login, "address": "other.test@corp.example"},
        )
        result = proofs.DELIVERY.check(pool, proof)
    assert not result.passed
    assert "did not reach the INBOX of mail.test" in result.detail


def test_an_unknown_recipient_is_refused_with_550(inventory: Inventory) -> None:
    with pytest.raises(RejectedError, match=r"refuses mail to nobody@corp\.example \(550 "):
        session_to(inventory).send("nobody@corp.example", "nobody", token())


def test_mail_to_elsewhere_is_not_relayed(inventory: Inventory) -> None:
    with pytest.raises(RejectedError, match=r"\(554 "):
        session_to(inventory).send("somebody@elsewhere.example", "relay", token())


def test_the_owner_signs_in_with_the_directory_password_and_sees_the_quota(
    inventory: Inventory, colleague: Account
) -> None:
    with sign_in(inventory, colleague.login, colleague.password) as own:
        status, answer = own.getquotaroot("INBOX")
        assert status == "OK"
        assert answer[1] == [b"Mailbox (STORAGE 0 1024)"]  # KiB (RFC 2087)
        status, refusal = own.append("INBOX", "", "", b"Subject: big\r\n\r\n" + b"x" * (1 << 20) + b"\r\n")
        assert status == "NO"
        assert b"OVERQUOTA" in refusal[0]


def test_a_wrong_password_and_a_disabled_account_are_refused(
    pool: Pool, inventory: Inventory, colleague: Account
) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        sign_in(inventory, colleague.login, "not the password")
    gone = {"mail": ["gone.test@corp.example"], "userAccountControl": ["514"]}
    with (
        account(pool, inventory, "gone.test", gone) as left,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        sign_in(inventory, left.login, left.password)


def test_a_newcomer_cannot_sign_in_before_the_password_is_changed(inventory: Inventory, newcomer: Account) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        sign_in(inventory, newcomer.login, newcomer.password)


def test_an_account_without_a_mailbox_is_told_apart(inventory: Inventory) -> None:
    with pytest.raises(RejectedError, match="check that 'svc-check' has one"):
        session_to(inventory).find("svc-check", token())


def test_another_authoritys_certificate_is_not_trusted(
    inventory: Inventory, colleague: Account, tmp_path: Path
) -> None:
    session = session_to(inventory, trust=LabAuthority(tmp_path).up())
    with pytest.raises(TrustError, match=r"mail\.corp\.example is not trusted"):
        session.send(PRIMARY, "trust", token())
    with pytest.raises(TrustError, match=r"mail\.corp\.example is not trusted"):
        session.find(colleague.login, token())


def test_a_certificate_for_another_name_is_not_trusted(inventory: Inventory, colleague: Account) -> None:
    named = {"host": "post.corp.example"}
    session = session_to(
        inventory,
        smtp=inventory.mail.smtp.model_copy(update=named),
        imap=inventory.mail.imap.model_copy(update=named),
    )
    with pytest.raises(TrustError, match=r"post\.corp\.example is not trusted"):
        session.send(PRIMARY, "name", token())
    with pytest.raises(TrustError, match=r"post\.corp\.example is not trusted"):
        session.find(colleague.login, token())


def test_a_wrong_reader_password_is_named_and_not_shown(
    inventory: Inventory, colleague: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_READER", "canary-not-the-password")
    reader = inventory.mail.check_reader.model_copy(update={"password": "env:WRONG_READER"})
    with pytest.raises(CredentialError, match=r"mail\.check_reader") as refused:
        session_to(inventory, check_reader=reader).find(colleague.login, token())
    error: BaseException | None = refused.value
    while error is not None:
        assert "canary" not in repr(error)
        error = error.__cause__ or error.__context__


def test_imap_with_starttls_works_as_well(inventory: Inventory, colleague: Account) -> None:
    session, sent = session_to(inventory, imap=inventory.mail.imap.model_copy(update={"port": 143})), token()
    session.send(PRIMARY, "starttls", sent)
    assert session.find(colleague.login, sent, patience=20)


def test_a_second_mail_server_runs_beside_the_first_and_leaves_nothing(office: Office, inventory: Inventory) -> None:
    directory = inventory.directory
    lookup = DirectoryLookup(
        directory.server.connect_to,
        directory.base_dn,
        f"svc-mail@{directory.domain}",
        office.secrets / "svc-mail",
        office.authority.certificate,
    )
    address = inventory.mail.smtp.connect_to.rpartition(".")[0] + ".31"
    folder = office.folder / "mail-second"
    second = MailServer(
        folder, address, office.authority, lookup, reader_password=folder.with_name("mail-second.reader")
    )
    at = {
        "smtp": inventory.mail.smtp.model_copy(update={"address": address}),
        "imap": inventory.mail.imap.model_copy(update={"address": address}),
    }
    second.up()
    try:
        second.up()
        assert second.running()
        assert second.reader_password.stat().st_mode & 0o777 == 0o600
        with pytest.raises(RejectedError, match=r"\(550 "):
            session_to(inventory, **at).send("nobody@corp.example", "nobody", token())
    finally:
        second.down()
        second.reader_password.unlink()
    assert not folder.exists()
    assert office.mail.running()
    with pytest.raises(UnreachableError, match=f"{address} port 25"):
        session_to(inventory, **at).send(PRIMARY, "down", token())
    with pytest.raises(UnreachableError, match=f"{address} port 993"):
        session_to(inventory, **at).find("mail.test", token())
