"""Mail rules on the lab's Dovecot (Pigeonhole), and the end of real sessions: IMAP, and a registered telephone."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from pathlib import Path

import pytest

from provisioning.connections.pool import Pool
from provisioning.engine import planner
from provisioning.engine.run import carry_out
from provisioning.engine.undo import to_take_back
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Address, Proof, Resource
from provisioning.resources.directory.user import User
from provisioning.resources.mail import proofs
from provisioning.resources.mail.rules import MailRules
from provisioning.resources.phones.subscriber import Subscriber
from provisioning.resources.registry import PROOFS
from provisioning.site import Inventory
from tests.lab.accounts import Account, account
from tests.lab.test_mail import sign_in

pytestmark = pytest.mark.lab

REPLY = 'Guten Tag,\n\nich bin nicht mehr bei uns. "Fragen" an \\Kollegen\\:\n.\nПривет 你好'
SUBJECT = "Nicht mehr da – Прощай"


def mailbox(login: str) -> dict[str, list[str]]:
    return {"mail": [f"{login}@corp.example"], "proxyAddresses": [f"SMTP:{login}@corp.example"]}


@pytest.fixture
def leaver(pool: Pool, inventory: Inventory) -> Iterator[Account]:
    with account(pool, inventory, "left.test", mailbox("left.test")) as person:
        yield person


@pytest.fixture
def heir(pool: Pool, inventory: Inventory) -> Iterator[Account]:
    with account(pool, inventory, "heir.test", mailbox("heir.test")) as person:
        yield person


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "l.sqlite")
    yield opened
    opened.close()


def made_so(ledger: Ledger, pool: Pool, *resources: Resource) -> RunRecord:
    """Plan and carry out; everything must be verified."""
    run = ledger.begin("test", {}, planner.compare(resources, planner.read(resources, pool)))
    return verified(carry_out(ledger, run.id, pool, lambda _: None))


def taken_back(ledger: Ledger, pool: Pool, run: RunRecord) -> None:
    begun, unread = to_take_back(run.changes, pool)
    assert not unread
    back = ledger.begin("undo", {}, planner.inverse(begun), undoes=run.id)
    verified(carry_out(ledger, back.id, pool, lambda _: None))


def verified(run: RunRecord) -> RunRecord:
    assert {str(r.change.address): (r.state, r.error) for r in run.changes if r.state != "verified"} == {}
    return run


def proved(pool: Pool, kind: str, **parameters: object) -> tuple[bool, str]:
    result = PROOFS[kind].check(pool, Proof(kind, "mail", kind, parameters))
    return result.passed, result.detail


def written_to(inventory: Inventory, sender: str, to: str) -> None:
    """A person's own mail program sends a message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "Rechnung"
    message["Message-ID"] = "<question-1@corp.example>"
    message.set_content("?")
    at = inventory.mail.smtp
    with smtplib.SMTP(at.connect_to, at.port, "here", timeout=15) as smtp:
        smtp._host = at.host  # type: ignore[attr-defined]  # what STARTTLS verifies
        smtp.starttls(context=ssl.create_default_context(cafile=str(inventory.mail.trust)))
        smtp.send_message(message)


def first_message(inventory: Inventory, person: Account) -> Message:
    """The first message in the INBOX, as the person's own mail program reads it."""
    with sign_in(inventory, person.login, person.password) as own:
        deadline = time.monotonic() + 20
        while own.select("INBOX")[1] == [b"0"]:
            assert time.monotonic() < deadline, "no message came"
            time.sleep(0.2)
        found = own.fetch("1", "(RFC822)")[1][0]
    assert isinstance(found, tuple)
    return message_from_bytes(found[1])


def test_mail_is_forwarded_and_senders_are_told_in_their_own_script(
    pool: Pool, inventory: Inventory, ledger: Ledger, leaver: Account, heir: Account
) -> None:
    with pool.session("mail") as session, session.sieve(leaver.login) as scripts:
        scripts.put("sortiert é", "keep;\n")
        scripts.activate("sortiert é")
    rules = MailRules(forward_to="heir.test@corp.example", keep_copy=True, reply=REPLY, reply_subject=SUBJECT)
    run = made_so(ledger, pool, Resource("mail.rules", "mail", leaver.login, rules))

    asked = {"address": "left.test@corp.example", "login": leaver.login}
    passed, said = proved(pool, "mail.forwarding", to=heir.login, keep_copy=True, **asked)
    assert passed, said
    for _ in range(2):  # each check is a sender of its own, so none is left without an answer
        passed, said = proved(pool, "mail.reply", address=asked["address"], kept_in=[leaver.login, heir.login])
        assert passed, said
    with account(pool, inventory, "sender.test", mailbox("sender.test")) as sender:
        written_to(inventory, "sender.test@corp.example", "left.test@corp.example")
        answer = first_message(inventory, sender)
        assert str(make_header(decode_header(answer["Subject"]))) == SUBJECT
        text = answer.get_payload(decode=True)
        assert isinstance(text, bytes)
        assert text.decode("utf-8").replace("\r\n", "\n").strip() == REPLY
        assert answer["In-Reply-To"] == "<question-1@corp.example>"
        assert answer["Auto-Submitted"].startswith("auto-replied")

    taken_back(ledger, pool, run)
    with pool.session("mail") as session, session.sieve(leaver.login) as scripts:
        assert scripts.scripts() == {"sortiert é": True}, "theirs is active again, ours is gone"


def test_the_proofs_of_mail_rules_can_fail(
    pool: Pool, leaver: Account, heir: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "PATIENCE", 0.5)
    asked = {"address": "left.test@corp.example", "login": leaver.login}
    passed, said = proved(pool, "mail.forwarding", to=heir.login, keep_copy=True, **asked)
    assert (passed, "did not reach the INBOX of heir.test" in said) == (False, True), said
    passed, said = proved(pool, "mail.reply", address=asked["address"], kept_in=[leaver.login])
    assert (passed, "nobody answered a message" in said) == (False, True), said


def test_a_leaver_is_cut_off_who_signs_in_after_the_plan_was_made(
    pool: Pool, inventory: Inventory, ledger: Ledger, leaver: Account, heir: Account
) -> None:
    shut = Resource("directory.user", "directory", leaver.login, User(enabled=False))
    ends = Resource("mail.sessions", "doveadm", leaver.login, None, frozenset({shut.address}))
    planned = planner.compare([shut, ends], planner.read([shut, ends], pool))
    assert len(planned) == 2, "nobody is signed in, and the end of sessions is planned all the same"
    own, other = (sign_in(inventory, who.login, who.password) for who in (leaver, heir))
    run = ledger.begin("test", {}, planned)
    verified(carry_out(ledger, run.id, pool, lambda _: None))
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        own.select("INBOX")
    own.shutdown()
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        sign_in(inventory, leaver.login, leaver.password)
    assert other.select("INBOX")[0] == "OK", "nobody else is cut off"
    other.logout()


def test_a_registered_telephone_is_signed_out(pool: Pool, ledger: Ledger) -> None:
    extension = "1903"
    subscriber = Resource("phones.subscriber", "phones", extension, Subscriber(holder="E1042"))
    made_so(ledger, pool, subscriber)
    try:
        with pool.session("registrar") as phone, pool.session("exchange") as exchange:
            kept = phone.secrets.phone_passwords.current(extension)
            assert kept is not None
            contact = "sip:1903@127.0.0.1:5099"
            assert phone.register(extension, kept.password, contact=contact).status == 200
            assert exchange.contacts(extension) == (contact,)
        gone = Resource("phones.subscriber", "phones", extension, None)
        ends = Resource("phones.registrations", "exchange", extension, None, frozenset({gone.address}))
        run = made_so(ledger, pool, gone, ends)
        assert [r.change.address for r in run.changes] == [
            Address("phones.subscriber", "phones", extension),
            Address("phones.registrations", "exchange", extension),
        ]
        with pool.session("exchange") as exchange:
            assert exchange.contacts(extension) == ()
    finally:
        made_so(ledger, pool, Resource("phones.subscriber", "phones", extension, None))
