"""What the intranet session refuses by itself, how it asks for tickets, and what the proof makes of a
status."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.connections.intranet import IntranetSession
from provisioning.errors import RejectedError, TrustError, UnreachableError
from provisioning.resources.base import Proof
from provisioning.resources.intranet.proofs import ACCESS
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.intranet import Intranet

URL = "https://intranet.corp.example/"


class Recorded(IntranetSession):
    """An intranet session whose programs are not run: their words are kept, `answers` holds what each
    gives."""

    answers: dict[str, tuple[int, str, str]]
    words: list[list[str]]

    def _run(self, words: Sequence[str], tickets: str) -> subprocess.CompletedProcess[str]:
        self.words.append(list(words))
        code, out, err = self.answers.get(words[0], (0, "", ""))
        return subprocess.CompletedProcess(list(words), code, out, err)


def recorded(
    folder: Path, principal: str = "svc-check", answers: dict[str, tuple[int, str, str]] | None = None
) -> Recorded:
    check = {
        "kdc": {"host": "dc1.corp.example", "port": 88, "address": "127.77.255.1"},
        "principal": principal,
        "keytab": "file:keytab",
        "outsider": "outsider",
    }
    intranet = Intranet.model_validate({"url": URL, "address": "127.77.255.2", "group": "Readers", "check": check})
    parts: dict[str, Any] = {
        "folder": folder,
        "intranet": intranet,
        "directory": SimpleNamespace(domain="corp.example"),
    }
    inventory = Inventory.model_construct(**parts)
    session = Recorded("intranet", inventory, Secrets(folder, folder))
    session.answers, session.words = {"curl": (0, "200", ""), **(answers or {})}, []
    return session


def test_another_account_delegates_and_the_service_itself_does_not(tmp_path: Path) -> None:
    for principal, delegates in [
        ("svc-check", True),
        ("HTTP/intranet.corp.example", False),
        ("http/intranet.corp.example@CORP.EXAMPLE", False),
    ]:
        session = recorded(tmp_path, principal)
        assert session.open(URL, "a.b") == 200
        session.close()
        kvno = session.words[0]
        assert ("-P" in kvno) is delegates
        assert kvno[kvno.index("-U") + 1] == "a.b"
        assert kvno[-1] == "HTTP/intranet.corp.example"


def test_the_page_is_asked_for_at_the_sites_address_under_its_name(tmp_path: Path) -> None:
    session = recorded(tmp_path)
    session.open(f"{URL}sales/", "a.b")
    session.close()
    curl = session.words[1]
    assert curl[curl.index("--resolve") + 1] == "intranet.corp.example:443:127.77.255.2"
    assert curl[-2:] == ["--", f"{URL}sales/"]
    assert "--insecure" not in curl


def test_the_kerberos_settings_name_the_sites_kdc_and_nothing_else(tmp_path: Path) -> None:
    session = recorded(tmp_path)
    text = (session.folder / "krb5.conf").read_text()
    session.close()
    assert "kdc = 127.77.255.1:88" in text
    assert "dns_lookup_kdc = false" in text
    assert not session.folder.exists()


@pytest.mark.parametrize("login", ["", "-P", "a b", "a\nb", "../a"])
def test_what_is_no_login_gets_no_ticket(tmp_path: Path, login: str) -> None:
    session = recorded(tmp_path)
    with pytest.raises(RejectedError, match="is not a login"):
        session.open(URL, login)
    session.close()
    assert session.words == []


@pytest.mark.parametrize(
    ("program", "answer", "error", "match"),
    [
        (
            "kvno",
            (1, "", "one\nPassword has expired\x07\n"),
            RejectedError,
            r"in the name of a\.b \(Password has expired \)",
        ),
        ("curl", (60, "", "curl: (60) self-signed"), TrustError, "is not trusted"),
        ("curl", (7, "", "curl: (7) refused"), UnreachableError, "does not answer"),
        ("curl", (28, "", "curl: (28) timeout"), UnreachableError, "does not answer"),
        ("curl", (47, "", "curl: (47) redirects"), RejectedError, "could not be opened"),
        ("curl", (0, "", ""), RejectedError, "could not be opened"),
    ],
)
def test_exit_codes_become_our_errors(
    tmp_path: Path, program: str, answer: tuple[int, str, str], error: type[Exception], match: str
) -> None:
    session = recorded(tmp_path, "svc-check", {program: answer})
    with pytest.raises(error, match=match):
        session.open(URL, "a.b")
    session.close()


@pytest.mark.parametrize(
    ("status", "admitted", "passed", "detail"),
    [
        (200, True, True, "opens for a.b"),
        (403, True, False, "check that a.b is in Readers"),
        (401, True, False, "check that a.b is in Readers"),
        (404, True, False, "neither a page nor a refusal"),
        (403, False, True, "is refused to a.b"),
        (401, False, True, "is refused to a.b"),
        (200, False, False, "should be turned away"),
        (500, False, False, "neither a page nor a refusal"),
    ],
)
def test_access(status: int, admitted: bool, passed: bool, detail: str) -> None:
    result = ACCESS.check(_Answering(lambda: status), _proof(admitted))
    assert result.passed is passed
    assert detail in result.detail


def test_a_person_without_a_ticket_is_not_taken_for_turned_away() -> None:
    def refuse() -> int:
        raise RejectedError("intranet", "no ticket")

    assert ACCESS.check(_Answering(refuse), _proof(False)).detail == "no ticket"
    assert not ACCESS.check(_Answering(refuse), _proof(False)).passed


def _proof(admitted: bool) -> Proof:
    return Proof("intranet.access", "intranet", "n", {"login": "a.b", "url": URL, "admitted": admitted})


class _Answering:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.inventory = SimpleNamespace(intranet=SimpleNamespace(group="Readers"))

    def open(self, url: str, as_login: str) -> int:
        assert (url, as_login) == (URL, "a.b")
        return int(self.answer())

    @contextmanager
    def session(self, target: str) -> Iterator[_Answering]:
        assert target == "intranet"
        yield self
