"""What the mail session refuses by itself, and what the proof of delivery makes of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.mail import MailSession, open_session
from provisioning.errors import RejectedError, SecretError, TrustError, UnreachableError
from provisioning.resources.base import Proof
from provisioning.resources.mail.proofs import DELIVERY
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.mail import Mail

TOKEN = "0123456789abcdef"


def site(folder: Path, **changes: Any) -> Inventory:
    """A site with nothing but mail, at an address where nobody listens."""
    nobody = {"host": "mail.corp.example", "address": "127.77.255.1"}
    settings = {
        "smtp": {**nobody, "port": 25},
        "imap": {**nobody, "port": 993},
        "addresses": ["{login}@corp.example"],
        "check_sender": "check@corp.example",
        "check_reader": {"user": "reader", "password": "file:reader"},
        **changes,
    }
    (folder / "reader").write_text("canary\n")
    parts: dict[str, Any] = {"folder": folder, "mail": Mail.model_validate(settings)}
    return Inventory.model_construct(**parts)


@pytest.fixture
def session(tmp_path: Path) -> MailSession:
    return open_session("mail", site(tmp_path), Secrets(tmp_path, tmp_path / "handover"))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "two@corp.example, three@corp.example",
        "a@corp.example\r\nRCPT TO:<b@corp.example>",
        "<a@corp.example>",
        "a b@corp.example",
    ],
)
def test_what_is_no_address_is_not_sent(session: MailSession, address: str) -> None:
    with pytest.raises(RejectedError, match="is not a mail address"):
        session.send(address, "subject", TOKEN)


@pytest.mark.parametrize("login", ["", "a\0b", "a*b", 'a"b', "a\r\nb"])
def test_what_is_no_login_is_not_asked_for(session: MailSession, login: str) -> None:
    with pytest.raises(RejectedError, match="is not a login"):
        session.find(login, TOKEN)


def test_a_token_cannot_carry_a_search(session: MailSession) -> None:
    with pytest.raises(RejectedError, match="is not a token"):
        session.find("somebody", 'x" ALL "')


def test_nobody_answers(session: MailSession) -> None:
    with pytest.raises(UnreachableError, match=r"127\.77\.255\.1 port 25"):
        session.send("a@corp.example", "subject", TOKEN)
    with pytest.raises(UnreachableError, match=r"127\.77\.255\.1 port 993"):
        session.find("a", TOKEN)


def test_a_trust_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=r"mail\.trust"):
        open_session("mail", site(tmp_path, trust=tmp_path / "none.pem"), Secrets(tmp_path, tmp_path))


def test_a_reader_without_a_password(tmp_path: Path) -> None:
    reader = {"user": "reader", "password": "file:none"}
    with pytest.raises(SecretError, match="none"):
        open_session("mail", site(tmp_path, check_reader=reader), Secrets(tmp_path, tmp_path))


class Answering:
    """A mail session that gives the answers of a case."""

    def __init__(self, refusal: Exception | None = None, found: bool = True) -> None:
        self.refusal, self.found, self.sent = refusal, found, ""

    def send(self, to: str, subject: str, token: str) -> None:
        if self.refusal:
            raise self.refusal
        self.sent = token

    def find(self, login: str, token: str, *, patience: float) -> bool:
        assert token == self.sent
        return self.found

    @contextmanager
    def session(self, target: str) -> Iterator[Answering]:
        assert target == "mail"
        yield self


@pytest.mark.parametrize(
    ("answering", "passed", "detail"),
    [
        (Answering(), True, "arrived in the INBOX of a.b"),
        (Answering(found=False), False, "did not reach the INBOX of a.b within 20 s"),
        (Answering(RejectedError("mail", "550 no such mailbox")), False, "550 no such mailbox"),
    ],
)
def test_delivery(answering: Answering, passed: bool, detail: str) -> None:
    result = DELIVERY.check(
        answering, Proof("mail.delivery", "mail", "n", {"login": "a.b", "address": "a.b@corp.example"})
    )
    assert result.passed is passed
    assert detail in result.detail


def test_a_lost_connection_is_the_caller_s_to_see() -> None:
    proof = Proof("mail.delivery", "mail", "n", {"login": "a.b", "address": "a.b@corp.example"})
    with pytest.raises(UnreachableError):
        DELIVERY.check(Answering(UnreachableError("mail", "gone")), proof)
