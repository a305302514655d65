"""The scripts in examples/: short, on the public API only, and they do what they say."""

from __future__ import annotations

import ast
import importlib.util
import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import provisioning
from provisioning.api import Site
from tests.unit.requests_desk import Desk, desk

__all__ = ["desk"]

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
OFFICE = "hires: {columns: {person: Nr, given_name: Vorname, family_name: Name, department: Abt, profile: Stelle}}\n"
EXPORT = "Nr;Vorname;Name;Abt;Stelle;Gehalt\n2001;Zoë;Weiß;Vertrieb;sales;1,5\nE1042;;;;;\n2002;Jan;Roth;IT;slaes;2\n"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_is_short_and_uses_public_names_only(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert file.name in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    ours = [
        (node.module, {alias.name for alias in node.names})
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("provisioning")
    ]
    assert [module for module, _ in ours] == ["provisioning"]
    assert ours[0][1] <= set(provisioning.__all__)


def test_hires_from_an_export(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.folder / "hires.yml").write_text(OFFICE, encoding="utf-8")
    export, people = tmp_path / "export.csv", desk.folder / "people.csv"
    export.write_bytes(EXPORT.encode("cp1252"))
    before = people.read_bytes()
    main = script("hires_from_hr").main
    assert main([str(desk.folder), str(export)]) == 3
    said = capsys.readouterr().out
    assert "new: 2001: Zoë Weiß, sales in Vertrieb" in said
    assert f"{export}:4: there is no profile 'slaes'; did you mean 'sales'?" in said
    assert (people.read_bytes(), desk.touched) == (before, False)

    assert main([str(desk.folder), str(export), "--go"]) == 3
    said = capsys.readouterr().out
    assert ("2001: proven" in said, "E1042: unchanged" in said, "2002: failed" in said) == (True, True, True)
    assert people.read_bytes() == before + "2001,Zoë,Weiß,Vertrieb,sales,,,,,\n".encode()
    assert main([str(desk.folder), str(export), "--go"]) == 3
    assert people.read_bytes().count(b"2001") == 1

    assert main([str(tmp_path / "none"), str(export)]) == 1
    assert "there is no such folder" in capsys.readouterr().err


def answers(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    given = iter(words)
    monkeypatch.setattr("builtins.input", lambda _: next(given))


@pytest.mark.parametrize(
    ("words", "code", "touched", "expected"),
    [
        (("Анна Петрова", "B-204-2", "y"), 0, True, "done."),
        (("hart william", "B-204-2", "n"), 0, False, "Nothing was changed."),
        (("E1042", "B-204-22"), 1, False, "did you mean 'B-204-2'?"),
        (("Nobody", "B-204-2"), 1, False, "the site has no person"),
    ],
)
def test_a_move_at_reception(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    words: Sequence[str],
    code: int,
    touched: bool,
    expected: str,
) -> None:
    answers(monkeypatch, *words)
    assert script("reception_move").main([str(desk.folder)]) == code
    said = capsys.readouterr()
    assert expected in said.out + said.err
    assert desk.touched is touched


class PostOffice:
    """An SMTP server that keeps what it gets."""

    sent: list[tuple[str, int, EmailMessage]]

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._to = host, port

    def __enter__(self) -> PostOffice:
        return self

    def __exit__(self, *_: object) -> None: ...

    def ehlo(self) -> tuple[int, bytes]:
        return 250, b"mail"

    def has_extn(self, _: str) -> bool:
        return False

    def send_message(self, mail: EmailMessage) -> None:
        type(self).sent.append((*self._to, mail))


@pytest.fixture
def mailed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, EmailMessage]]:
    PostOffice.sent = []
    monkeypatch.setattr(smtplib, "SMTP", PostOffice)
    return PostOffice.sent


@pytest.mark.parametrize(
    ("clean", "whole", "words", "code", "mails"),
    [
        (True, True, (), 0, 0),
        (True, True, ("--always",), 0, 1),
        (False, True, (), 2, 1),
        (False, False, (), 3, 1),
        (True, False, (), 3, 1),
    ],
)
def test_the_nightly_audit(
    desk: Desk,
    mailed: list[tuple[str, int, EmailMessage]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    clean: bool,
    whole: bool,
    words: Sequence[str],
    code: int,
    mails: int,
) -> None:
    finding = SimpleNamespace(severity="fault", sentence="port 7 is in the wrong VLAN", repair="provision apply")
    report = SimpleNamespace(
        is_clean=clean, is_whole=whole, site="corp.example", at=datetime(2027, 1, 4, 5, 30, tzinfo=UTC),
        findings=() if clean else (finding,),
        unread=() if whole else (SimpleNamespace(what="sw-b2-1", reason="it does not answer"),),
    )  # fmt: skip
    monkeypatch.setattr(Site, "audit", lambda *_: report)
    main = script("nightly_audit_mail").main
    assert (
        main([str(desk.folder), "--from", "a@x.example", "--to", "b@x.example", "--to", "c@x.example", *words]) == code
    )
    assert len(mailed) == mails
    for host, port, mail in mailed:
        assert (host, port, mail["To"]) == ("mail.corp.example", 25, "b@x.example, c@x.example")
        body = mail.get_content()
        assert ("wrong VLAN\n    provision apply" in body) is not clean
        assert ("not judged: sw-b2-1: it does not answer" in body) is not whole


def test_a_mail_server_that_is_down_is_an_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(smtplib, "SMTP", down)
    empty = SimpleNamespace(is_clean=True, is_whole=True, site="x", at=datetime.now(UTC), findings=(), unread=())
    monkeypatch.setattr(Site, "audit", lambda *_: empty)
    main = script("nightly_audit_mail").main
    assert main([str(desk.folder), "--from", "a@x.example", "--to", "b@x.example", "--always"]) == 1
