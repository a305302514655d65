"""The adapters against real HTTPS servers: a small Service Manager that insists on the documented forms, a webhook."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.servicedesk import Desk, Entry, open_desk
from provisioning.connections.servicedesk.webhook import sign, verify
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.lab.certificates import LabAuthority
from provisioning.secrets import Secrets
from provisioning.site.base import Credential, Endpoint
from provisioning.site.servicedesk import ServiceManagerDesk, WebhookDesk
from tests.https_server import Asked, Serving, serving

PASSWORD = "Пароль-of-the-operator"
KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def entry(number: int, *, again: bool = False) -> Entry:
    return Entry(
        key=f"abcdef012345-{number:x}", thread="abcdef012345", title='carol began to onboard "Анна" Петрова',
        text=f"Sentence {number}.", who="carol", at="2026-11-23T08:00:00.000+00:00", again=again,
    )  # fmt: skip


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    (tmp_path / "key").write_text(KEY + "\n")
    return Secrets(tmp_path, tmp_path / "handover")


# ---------------------------------------------------------------------------------------------- Service Manager


@dataclass
class ServiceManager:
    """Incidents as the Web Services Guide has them. `lose` answers are lost after the work is done; `refuse` is what
    the business rules say."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    lose: int = 0
    refuse: str | None = None

    def answer(self, asked: Asked) -> tuple[int, Any] | None:
        token = base64.b64encode(f"operator:{PASSWORD}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {token}":
            return 401, {"Messages": ["Not Authorized."], "ReturnCode": -4}
        if asked.method != "GET" and not asked.headers["content-type"].startswith("application/json"):
            return 415, {}
        done = self._work(asked)
        if asked.method != "GET" and self.lose:
            self.lose -= 1
            return None
        return done

    def _work(self, asked: Asked) -> tuple[int, Any]:
        match asked.method, asked.path.removeprefix("/SM/9/rest/incidents").strip("/"):
            case "GET", "":
                return self._found(asked)
            case "POST", "":
                return self._create(asked.plain)
            case "GET", number if number in self.records:
                return 200, self._single(number)
            case "PUT", number if number in self.records:
                return self._update(number, asked.plain)
        return 404, {"Messages": ["No (more) records found"], "ReturnCode": 9}

    def _found(self, asked: Asked) -> tuple[int, Any]:
        wanted = re.fullmatch(r'Title="([^"]*)"', asked.query["query"])
        assert wanted, asked.query
        assert asked.query["view"] == "expand"
        found = [{"Incident": r} for r in self.records.values() if r["Title"] == wanted[1]]
        if not found:
            return 404, {"Messages": ["No (more) records found"], "ReturnCode": 9}
        return 200, {
            "@totalcount": len(found),
            "@start": 1,
            "@count": 1,
            "ReturnCode": 0,
            "Messages": [],
            "content": found,
        }

    def _create(self, plain: Any) -> tuple[int, Any]:
        if self.refuse:
            return 400, {"Messages": [self.refuse], "ReturnCode": 71}
        (record,) = plain.values()
        assert list(plain) == ["Incident"]
        assert isinstance(record["Description"], list)
        number = f"IM{10001 + len(self.records)}"
        self.records[number] = {**record, "IncidentID": number, "Status": "Open", "JournalUpdates": []}
        return 200, self._single(number)

    def _update(self, number: str, plain: Any) -> tuple[int, Any]:
        (change,) = plain.values()
        record = self.records[number]
        journal = change.pop("JournalUpdates", [])
        if journal:
            record["JournalUpdates"] += ["11/23/26 08:00:00 Europe (operator):", *journal]
        record.update(change)
        return 200, self._single(number)

    def _single(self, number: str) -> Any:
        return {"Messages": [], "ReturnCode": 0, "Incident": self.records[number]}


@pytest.fixture
def manager() -> ServiceManager:
    return ServiceManager()


@pytest.fixture
def server(tmp_path: Path, manager: ServiceManager) -> Iterator[Serving]:
    with serving(tmp_path, manager.answer) as running:
        yield running


@pytest.fixture
def settings(server: Serving) -> ServiceManagerDesk:
    return ServiceManagerDesk(
        kind="service_manager",
        server=server.endpoint,
        trust=server.trust,
        timeout=2,
        credential=Credential(user="operator", password="file:password"),
        fields={"AssignmentGroup": "Workplaces", "Service": "Workplace"},
        closing={"Status": "Resolved", "ClosureCode": "Fulfilled"},
    )


@pytest.fixture
def desk(settings: ServiceManagerDesk, secrets: Secrets) -> Iterator[Desk]:
    with closing(open_desk(settings, secrets)) as opened:
        yield opened


def test_service_manager_gets_a_record_journal_updates_and_an_end(desk: Desk, manager: ServiceManager) -> None:
    number = desk.open(entry(1))
    desk.note(number, entry(2))
    desk.end(number, entry(2))
    (record,) = manager.records.values()
    assert number == record["IncidentID"] == "IM10001"
    assert record["Title"] == "carol began to onboard 'Анна' Петрова [abcdef012345]"
    assert record["AssignmentGroup"] == "Workplaces"
    assert record["Description"] == ["Sentence 1.", "(2026-11-23 08:00 UTC, carol) [abcdef012345-1]"]
    assert record["JournalUpdates"][1:] == ["Sentence 2.", "(2026-11-23 08:00 UTC, carol) [abcdef012345-2]"]
    assert (record["Status"], record["ClosureCode"], record["Solution"]) == ("Resolved", "Fulfilled", ["Sentence 2."])


def test_service_manager_has_once_what_was_sent_twice(desk: Desk, manager: ServiceManager, server: Serving) -> None:
    manager.lose = 1
    with pytest.raises(UnreachableError):
        desk.open(entry(1))
    number = desk.open(entry(1, again=True))
    manager.lose = 1
    with pytest.raises(UnreachableError):
        desk.note(number, entry(2))
    desk.note(number, entry(2, again=True))
    desk.end(number, entry(2))
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    desk.end(number, entry(2, again=True))
    assert [asked for asked in server.asked if asked.method == "PUT"] == puts
    assert len(manager.records) == 1
    assert manager.records[number]["JournalUpdates"].count("Sentence 2.") == 1


def test_what_service_managers_rules_refuse_is_said_in_their_words(desk: Desk, manager: ServiceManager) -> None:
    manager.refuse = "Affected\x1b[31m Service is required"
    with pytest.raises(RejectedError, match=r"refused \(HTTP 400: Affected *\[31m Service is required"):
        desk.open(entry(1))


def test_an_operator_whom_service_manager_does_not_know(desk: Desk, secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("another\n")
    with pytest.raises(CredentialError, match="HTTP 401") as caught:
        desk.open(entry(1))
    assert "another" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, RejectedError),
        (404, RejectedError),
        (429, UnreachableError),
        (503, UnreachableError),
        (403, CredentialError),
    ],
)
def test_statuses_become_our_errors(tmp_path: Path, secrets: Secrets, status: int, expected: type[Exception]) -> None:
    with (
        serving(tmp_path, lambda _: (status, {"message": "no"})) as server,
        closing(open_desk(webhook_settings(server), secrets)) as desk,
        pytest.raises(expected),
    ):
        desk.open(entry(1))


# ------------------------------------------------------------------------------------------------------ webhook


def webhook_settings(server: Serving) -> WebhookDesk:
    return WebhookDesk(
        kind="webhook", server=server.endpoint, trust=server.trust, timeout=2, path="/hooks/desk", key="file:key"
    )


@dataclass
class Receiver:
    """A receiver as it should be: verifies, and drops what it has."""

    taken: dict[str, Any] = field(default_factory=dict)
    lose: int = 0

    def answer(self, asked: Asked) -> tuple[int, Any] | None:
        now = float(asked.headers["webhook-timestamp"])
        if asked.path != "/hooks/desk" or not verify(asked.headers, asked.body, KEY, now=now):
            return 400, {"message": "who are you?"}
        self.taken.setdefault(asked.headers["webhook-id"], asked.plain)
        if self.lose:
            self.lose -= 1
            return None
        return 200, {}


def test_the_webhook_is_signed_and_can_be_told_apart_when_it_comes_twice(tmp_path: Path, secrets: Secrets) -> None:
    receiver = Receiver(lose=1)
    with serving(tmp_path, receiver.answer) as server, closing(open_desk(webhook_settings(server), secrets)) as desk:
        with pytest.raises(UnreachableError):
            desk.open(entry(1))
        thread = desk.open(entry(1, again=True))
        desk.note(thread, entry(2))
        desk.end(thread, entry(2))
        assert len(server.asked) == 4
        assert server.asked[0].headers["host"] == f"{server.endpoint.host}:{server.endpoint.port}"
    assert [(key, message["type"]) for key, message in receiver.taken.items()] == [
        ("abcdef012345-1", "worklog.opened"),
        ("abcdef012345-2", "worklog.noted"),
        ("abcdef012345-2-end", "worklog.ended"),
    ]
    assert receiver.taken["abcdef012345-2"]["data"] == {
        "entry": "abcdef012345-2",
        "thread": "abcdef012345",
        "title": entry(2).title,
        "text": "Sentence 2.",
        "who": "carol",
    }


def test_the_signature_is_that_of_the_standard_webhooks_convention() -> None:
    # The example of the convention's own libraries: one known answer pins the form.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"now": 1000.0 + 299}, True),
        ({"now": 1000.0 + 301}, False),
        ({"now": 1000.0 - 301}, False),
        ({"body": b"{}"}, False),
        ({"key": "another"}, False),
        ({"id": "2"}, False),
        ({"timestamp": "1001"}, False),
        ({"timestamp": "x"}, False),
        ({"timestamp": ""}, False),
        ({"signature": "v1,"}, False),
        ({"signature": "v1,AAAA v1,ж"}, False),
    ],
)
def test_what_a_receiver_takes(change: dict[str, Any], good: bool) -> None:
    body, key = b'{"a": 1}', "a plain text as key"
    headers = {"webhook-id": "1", "webhook-timestamp": "1000", "webhook-signature": sign(key, "1", "1000", body)}
    headers |= {f"webhook-{name}": value for name, value in change.items() if name in {"id", "timestamp", "signature"}}
    now = change.get("now", 1000.0)
    assert verify(headers, change.get("body", body), change.get("key", key), now=now) is good


# ---------------------------------------------------------------------------------------------------------- TLS


def test_another_authoritys_certificate_is_not_trusted(tmp_path: Path, secrets: Secrets) -> None:
    other = LabAuthority(tmp_path / "other").up()
    with serving(tmp_path, Receiver().answer) as server:
        settings = webhook_settings(server).model_copy(update={"trust": other})
        with (
            closing(open_desk(settings, secrets)) as desk,
            pytest.raises(TrustError, match="check service_desk: trust"),
        ):
            desk.open(entry(1))
        assert not server.asked


def test_a_certificate_for_another_name_is_not_trusted(tmp_path: Path, secrets: Secrets) -> None:
    with serving(tmp_path, Receiver().answer) as server:
        other = server.endpoint.model_copy(update={"host": "other.corp.example"})
        settings = webhook_settings(server).model_copy(update={"server": other})
        with closing(open_desk(settings, secrets)) as desk, pytest.raises(TrustError, match=r"other\.corp\.example"):
            desk.open(entry(1))
        assert not server.asked


def test_the_machines_proxy_and_netrc_have_no_say(
    tmp_path: Path, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    receiver = Receiver()
    with serving(tmp_path, receiver.answer) as server, closing(open_desk(webhook_settings(server), secrets)) as desk:
        desk.open(entry(1))
        assert "authorization" not in server.asked[0].headers
    assert receiver.taken


def test_nobody_there(tmp_path: Path, secrets: Secrets) -> None:
    with serving(tmp_path, Receiver().answer) as server:
        settings = webhook_settings(server)
    nobody = Endpoint(host="desk.corp.example", port=9, address="127.0.0.1")
    with (
        closing(open_desk(settings.model_copy(update={"server": nobody}), secrets)) as desk,
        pytest.raises(UnreachableError, match="Connection refused"),
    ):
        desk.open(entry(1))
