"""What mail programs are told: made, and read back as Thunderbird and Outlook understand it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.connections.autoconfig import Answer
from provisioning.resources.base import Proof
from provisioning.resources.mail import autoconfig
from provisioning.resources.mail.autoconfig import Told
from provisioning.resources.mail.proofs import AUTOCONFIG
from provisioning.site.mail import MailClients
from tests.mail_formats import AUTODISCOVER, CONFIG, faults

CLIENTS = MailClients.model_validate(
    {
        "domains": ["corp.example", "sales.example"],
        "incoming": {"server": {"host": "imap.corp.example", "port": 993}},
        "outgoing": {"server": {"host": "smtp.corp.example", "port": 587}, "security": "starttls"},
    }
)
SERVERS = (Told("imap", "imap.corp.example", 993, "tls"), Told("smtp", "smtp.corp.example", 587, "starttls"))


def other(**changes: Any) -> MailClients:
    return CLIENTS.model_copy(update=changes)


def test_both_documents_say_the_same_and_what_the_site_says() -> None:
    config = autoconfig.client_config(CLIENTS, 'Müller & "Söhne" <AG>').encode()
    assert autoconfig.read_config(config, "corp.example") == SERVERS
    assert autoconfig.read_config(config, "sales.example") == SERVERS
    assert autoconfig.read_autodiscover(autoconfig.autodiscover_answer(CLIENTS).encode()) == SERVERS
    assert autoconfig.expected(CLIENTS) == SERVERS


@pytest.mark.parametrize(
    "clients",
    [
        CLIENTS,
        other(user_name="local part", authentication="kerberos"),
        other(outgoing=CLIENTS.incoming, incoming=CLIENTS.outgoing),
    ],
)
def test_the_documents_have_the_structure_that_their_formats_publish(clients: MailClients) -> None:
    paths = autoconfig.documents(clients, 'Müller & "Söhne" <AG>')
    for path in autoconfig.CONFIG_PATHS:
        assert faults(paths[path].encode(), CONFIG) == []
    assert faults(paths[autoconfig.AUTODISCOVER_PATH].encode(), AUTODISCOVER) == []


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ("<port>993<", "<port>0993<", "port says '0993'"),
        ('type="imap"', 'type="imaps"', "type is 'imaps'"),
        (' version="1.1"', "", "has the attributes []"),
        ("<socketType>SSL</socketType>", "", "incomingServer has 0 socketType"),
        ("<displayName>x</displayName>", "<name>x</name>", "has a child name"),
        ("clientConfig", "clientconfig", "the root is clientconfig"),
    ],
)
def test_a_document_of_another_structure_is_seen(here: str, there: str, said: str) -> None:
    """Or the test above could not fail."""
    text = autoconfig.client_config(CLIENTS, "x")
    assert here in text
    assert any(said in fault for fault in faults(text.replace(here, there).encode(), CONFIG))


def test_how_people_sign_in() -> None:
    assert "<username>%EMAILADDRESS%</username>" in autoconfig.client_config(CLIENTS, "x")
    assert "<authentication>password-cleartext</authentication>" in autoconfig.client_config(CLIENTS, "x")
    kerberos = other(user_name="local part", authentication="kerberos")
    assert "<username>%EMAILLOCALPART%</username>" in autoconfig.client_config(kerberos, "x")
    assert autoconfig.client_config(kerberos, "x").count("<authentication>GSSAPI</authentication>") == 2
    assert "<SPA>on</SPA>" in autoconfig.autodiscover_answer(kerberos)
    assert "<SPA>off</SPA>" in autoconfig.autodiscover_answer(CLIENTS)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"<html>", "not XML"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><clientConfig version='1.1'/>", "document type"),
        (b"<clientConfig version='1.0'/>", "version 1.1"),
        (b"<clientConfig version='1.1'/>", "not for the domain"),
        (
            b"<clientConfig version='1.1'><emailProvider><domain>corp.example</domain></emailProvider></clientConfig>",
            "names no imap server",
        ),
        (
            autoconfig.client_config(CLIENTS, "x").replace("993", "many").encode(),
            "invalid literal",
        ),
    ],
)
def test_a_config_that_no_program_could_use(octets: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        autoconfig.read_config(octets, "corp.example")


def test_an_answer_that_outlook_could_not_use() -> None:
    with pytest.raises(ValueError, match="not an autodiscover answer"):
        autoconfig.read_autodiscover(b"<Autodiscover/>")
    text = autoconfig.autodiscover_answer(CLIENTS).replace("<Type>SMTP", "<Type>POP3")
    with pytest.raises(ValueError, match="names no SMTP server"):
        autoconfig.read_autodiscover(text.encode())


class Web:
    """Sessions to a web server that shows `documents` (path → text) as `content_type`."""

    def __init__(self, documents: dict[str, str], content_type: str = "text/xml") -> None:
        self.documents, self.content_type = documents, content_type
        self.inventory = SimpleNamespace(mail=SimpleNamespace(clients=CLIENTS))
        self.asked: list[tuple[str, bytes | None]] = []

    @contextmanager
    def session(self, target: str) -> Iterator[Web]:
        assert target == "autoconfig"
        yield self

    def fetch(self, url: str, *, body: bytes | None = None) -> Answer:
        self.asked.append((url, body))
        text = self.documents.get("/" + url.split("/", 3)[3].partition("?")[0])
        return Answer(404, "text/html", b"") if text is None else Answer(200, self.content_type, text.encode())


PROOF = Proof("mail.autoconfig", "autoconfig", "mail", {"domain": "sales.example"})
PUBLISHED = dict(autoconfig.documents(CLIENTS, "Nordwind"))


def test_the_proof_asks_what_thunderbird_and_outlook_ask() -> None:
    web = Web(PUBLISHED)
    result = AUTOCONFIG.check(web, PROOF)
    assert result.passed, result.detail
    assert [url for url, _ in web.asked] == [
        "https://autoconfig.sales.example/mail/config-v1.1.xml?emailaddress=somebody%40sales.example",
        "https://autodiscover.sales.example/autodiscover/autodiscover.xml",
    ]
    assert b"<EMailAddress>somebody@sales.example</EMailAddress>" in (web.asked[1][1] or b"")


@pytest.mark.parametrize(
    ("web", "said"),
    [
        (Web({}), "answers with status 404"),
        (Web(PUBLISHED, "text/plain"), "comes as text/plain"),
        (Web({**PUBLISHED, "/mail/config-v1.1.xml": "<a"}), "cannot be used"),
        (
            Web(dict(autoconfig.documents(other(outgoing=CLIENTS.incoming), "x"))),
            "tells smtp at imap.corp.example:993 (tls) instead of smtp.corp.example:587 (starttls)",
        ),
    ],
)
def test_the_proof_can_fail(web: Web, said: str) -> None:
    result = AUTOCONFIG.check(web, PROOF)
    assert not result.passed
    assert said in result.detail
