"""Sessions and registrations that are ended: what is asked over HTTPS, and what is made of the answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.doveadm import DoveadmSession
from provisioning.connections.doveadm import open_session as open_doveadm
from provisioning.connections.exchange_control import ExchangeControl
from provisioning.connections.exchange_control import open_session as open_exchange
from provisioning.engine.planner import Reading, compare, inverse, lasting
from provisioning.errors import (
    CredentialError,
    ProvisioningError,
    RejectedError,
    RequestError,
    TrustError,
    UnreachableError,
)
from provisioning.resources.base import Address, Change, Resource
from provisioning.resources.directory.user import User
from provisioning.resources.mail.sessions import SESSIONS, MailSessions
from provisioning.resources.phones.registrations import REGISTRATIONS, Registrations
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.mail import MailAdministration
from provisioning.site.phones import ExchangeControl as ControlSettings
from tests.conftest import EXAMPLE
from tests.https_server import Asked, Serving, serving

KEY = "canary-key"
ADDRESS = Address("mail.sessions", "doveadm", "anna")
Answerer = Callable[[Asked], tuple[int, Any] | None]


def site(folder: Path, there: Serving) -> tuple[Inventory, Secrets]:
    (folder / "key").write_text(KEY)
    inventory = load(EXAMPLE)
    assert inventory.phones is not None
    administration = MailAdministration.model_validate({"server": there.endpoint, "key": f"file:{folder / 'key'}"})
    control = ControlSettings.model_validate(
        {
            "server": there.endpoint,
            "credential": {"user": "svc", "password": f"file:{folder / 'key'}"},
            "trust": there.trust,
        }
    )
    exchange = inventory.phones.exchange.model_copy(update={"control": control})
    return inventory.model_copy(
        update={
            "mail": inventory.mail.model_copy(update={"administration": administration, "trust": there.trust}),
            "phones": inventory.phones.model_copy(update={"exchange": exchange}),
        }
    ), Secrets(folder, folder / "handover")


def doveadm(folder: Path, there: Serving) -> DoveadmSession:
    return open_doveadm("doveadm", *site(folder, there))


def exchange(folder: Path, there: Serving) -> ExchangeControl:
    return open_exchange("exchange", *site(folder, there))


def test_sessions_are_seen_and_ended(tmp_path: Path) -> None:
    signed_in = {"anna": 2, "anna.x": 7}

    def answer(asked: Asked) -> tuple[int, Any]:
        ((command, words, tag),) = asked.plain
        rows = [{"username": name, "connections": str(n), "service": "imap"} for name, n in signed_in.items()]
        if command == "kick":
            if not signed_in.pop(words["mask"][0], 0):
                return 200, [["error", {"type": "exitCode", "exitCode": 68}, tag]]
            rows = [{"result": "kicked"}]
        return 200, [["doveadmResponse", rows, tag]]

    with serving(tmp_path, answer) as there:
        session = doveadm(tmp_path, there)
        assert SESSIONS.read(session, ["anna", "bo"]) == {"anna": MailSessions()}
        change = Change(ADDRESS, MailSessions(), None)
        assert SESSIONS.apply(session, [change])[0].error is None
        assert SESSIONS.read(session, ["anna"]) == {}
        assert SESSIONS.apply(session, [change])[0].error is None, "whoever has none is fine"
        assert signed_in == {"anna.x": 7}
    first = there.asked[0]
    key = base64.b64encode(KEY.encode()).decode()
    assert (first.path, first.headers["authorization"]) == ("/doveadm/v1", f"X-Dovecot-API {key}")
    assert first.plain == [["who", {"mask": ["anna"]}, "provision"]]


@pytest.mark.parametrize("login", ["*", "a?", "", "a b", "../x"])
def test_a_mask_would_end_everybodys_sessions(tmp_path: Path, login: str) -> None:
    with serving(tmp_path, lambda _: (200, [])) as there:
        with pytest.raises(RejectedError, match="is not a login that can be asked for"):
            doveadm(tmp_path, there).end_sessions(login)
        assert there.asked == []


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((401, {}), CredentialError, r"refuses our sign-in \(HTTP 401\); correct mail: administration"),
        ((503, {}), UnreachableError, "cannot answer just now"),
        ((200, [["error", {"exitCode": 75}, "provision"]]), RejectedError, "refuses to carry out 'who'"),
        ((200, {"\x1b": 1}), RejectedError, "refuses to carry out 'who'"),
        (None, UnreachableError, "does not answer"),
    ],
)
def test_what_doveadm_answers_otherwise(
    tmp_path: Path, answer: tuple[int, Any] | None, error: type[ProvisioningError], said: str
) -> None:
    with serving(tmp_path, lambda _: answer) as there, pytest.raises(error, match=said) as refused:
        doveadm(tmp_path, there).sessions("anna")
    assert KEY not in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with serving(tmp_path, lambda _: (200, [])) as there, serving(tmp_path / "other", lambda _: None) as other:
        stranger = Serving(there.endpoint, other.trust)
        with pytest.raises(TrustError, match="is not trusted"):
            doveadm(tmp_path, stranger).sessions("anna")
        assert there.asked == []


def test_telephones_are_seen_and_signed_out(tmp_path: Path) -> None:
    registered = {"1042@corp.example": "sip:1042@192.0.2.7"}

    def answer(asked: Asked) -> tuple[int, Any]:
        method, (table, who) = asked.plain["method"], asked.plain["params"]
        assert table == "location"
        if method == "ul.rm":
            registered.pop(who, None)
            return 200, {"jsonrpc": "2.0", "result": {}, "id": 1}
        if who not in registered:
            return 500, {"error": {"code": 500, "message": "AOR not found in location table"}, "id": 1}
        return 200, {"result": {"AoR": who, "Contacts": [{"Contact": {"Address": registered[who]}}]}, "id": 1}

    with serving(tmp_path, answer) as there:
        session = exchange(tmp_path, there)
        assert REGISTRATIONS.read(session, ["1042", "1043"]) == {"1042": Registrations()}
        change = Change(Address("phones.registrations", "exchange", "1042"), Registrations(), None)
        assert REGISTRATIONS.apply(session, [change])[0].error is None
        assert REGISTRATIONS.read(session, ["1042"]) == {}
    basic = base64.b64encode(f"svc:{KEY}".encode()).decode()
    assert (there.asked[0].path, there.asked[0].headers["authorization"]) == ("/RPC", f"Basic {basic}")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, {"error": {"code": 500, "message": "Domain table not found"}}), "refuses ul.rm for 1042@corp.example"),
        ((200, {"hello": 1}), "is none of JSON-RPC"),
    ],
)
def test_what_the_exchange_answers_otherwise(tmp_path: Path, answer: tuple[int, Any], said: str) -> None:
    with serving(tmp_path, lambda _: answer) as there:
        session = exchange(tmp_path, there)
        change = Change(Address("phones.registrations", "exchange", "1042"), Registrations(), None)
        assert said in str(REGISTRATIONS.apply(session, [change])[0].error)
        with pytest.raises(RejectedError, match="is not an extension"):
            session.contacts("1042@elsewhere")


def test_a_site_that_says_nothing_is_told_what_to_add(tmp_path: Path) -> None:
    inventory = load(EXAMPLE)
    assert inventory.phones is not None
    quiet = inventory.model_copy(
        update={"mail": inventory.mail.model_copy(update={"administration": None}), "phones": None}
    )
    secrets = Secrets(tmp_path, tmp_path)
    with pytest.raises(RequestError, match="add mail: administration"):
        open_doveadm("doveadm", quiet, secrets)
    with pytest.raises(RequestError, match="add phones: exchange: control"):
        open_exchange("exchange", quiet, secrets)


def test_sessions_are_ended_whenever_the_account_is_shut_and_never_begun() -> None:
    """Nobody has a session while the plan is made: whoever signs in until then is cut off all the same."""
    account = Address("directory.user", "directory", "anna")
    shut = Resource(*_of(account), User(enabled=False))
    ends = Resource("mail.sessions", "doveadm", "anna", None, frozenset({account}))
    reading = Reading({account: User(enabled=True), ADDRESS: None}, {})
    planned = compare([shut, ends], reading)
    assert [(c.address, c.action) for c in planned] == [(account, "update"), (ADDRESS, "delete")]
    assert list(lasting(planned)) == ["open mail sessions of anna are ended; programs sign in anew, if they may"]
    assert [c.after for c in inverse(planned) if c.address == ADDRESS] == [None]
    nothing = Reading({account: User(enabled=False), ADDRESS: None}, {})
    assert compare([shut, ends], nothing) == []


def _of(address: Address) -> tuple[str, str, str]:
    return address.kind, address.target, address.key
