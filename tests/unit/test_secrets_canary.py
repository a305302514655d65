"""Secrets planted in every kind of reference and every flow, and looked for everywhere else."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pyrage
import pytest

from provisioning.errors import ProvisioningError
from provisioning.secrets import Secrets, handing_over
from provisioning.secrets.letter import Letter
from provisioning.site.directory import PasswordPolicy
from provisioning.site.handover import Handover
from provisioning.site.secret_sources import SecretSources
from tests.canaries import Canaries
from tests.file_keyring import FileKeyring
from tests.unit.test_handover import LETTER, RECIPIENT
from tests.unit.test_handover_cli import Desk, desk
from tests.unit.test_secrets_hashicorp import Vault, address, authority, vault
from tests.unit.test_secrets_vault import PASSWORD, inline, sealed

__all__ = ["address", "authority", "desk", "vault"]  # fixtures

REFERENCES = {
    "environment": "env:PLANTED",
    "file": "file:planted",
    "vault file": "vault:whole.yml#deep.password",
    "vault value": "vault:single.yml#password",
    "keyring": "keyring:office/svc",
    "hashicorp": "hashicorp:office/dc#password",
}


@pytest.fixture
def canaries(vault: Vault) -> Canaries:
    values = {name: f"canary-{name.replace(' ', '-')}-пароль" for name in REFERENCES}
    return Canaries(
        values | {"vault password": PASSWORD, "token": next(iter(vault.tokens)), "secret id": vault.secret_id}
    )


@pytest.fixture
def secrets(  # noqa: PLR0917  (fixtures)
    tmp_path: Path, canaries: Canaries, vault: Vault, address: str, authority: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Secrets]:
    value = canaries.values
    site = tmp_path / "site"
    site.mkdir()
    (site / "planted").write_text(value["file"])
    (site / "whole.yml").write_text(sealed(f"deep: {{password: {value['vault file']}}}"))
    (site / "single.yml").write_text(f"password: {inline(value['vault value'])}")
    (site / "ring.json").write_text(json.dumps({"office/svc": value["keyring"]}))
    vault.kept["office/dc"]["password"] = value["hashicorp"]
    for name, text in {"PLANTED": value["environment"], "VP": PASSWORD, "TOKEN": value["token"]}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("FILE_KEYRING", str(site / "ring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())  # type: ignore[no-untyped-call]
    trust = authority.certificate  # type: ignore[attr-defined]
    sources = {
        "ansible_vault_password": "env:VP",
        "hashicorp": {"address": address, "trust": trust, "token": "env:TOKEN", "timeout": 1},
    }
    yield Secrets(site, tmp_path / "handover", SecretSources.model_validate(sources))
    keyring.set_keyring(before)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody logs, at the lowest level."""
    text, root = io.StringIO(), logging.getLogger()
    told = logging.StreamHandler(text)
    level = root.level
    root.addHandler(told)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(told)


def test_values_are_masked_and_not_logged(
    secrets: Secrets, canaries: Canaries, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, reference in REFERENCES.items():
        value = secrets.resolve(reference)
        assert value.get_secret_value() == canaries.values[name]
        assert canaries.in_text(f"{value} {value!r} {secrets!r} {vars(secrets)}") == []
    assert canaries.in_text(log.getvalue()) == []
    assert "GET /v1/secret/data/office/dc" in log.getvalue(), "nothing was listened to"
    assert canaries.in_text("".join(capfd.readouterr())) == []


def spoiled(secrets: Secrets, canaries: Canaries, vault: Vault, put: pytest.MonkeyPatch) -> Iterator[str]:
    """Every reference, each with a fault in front of it or behind it."""
    site, value = Path(secrets._base), canaries.values
    yield from ("vault:whole.yml#deep", "vault:whole.yml#deep.user", "hashicorp:office/dc#user", "hashicorp:office#x")
    (site / "planted").write_bytes(value["file"].encode() + b"\xff")
    yield REFERENCES["file"]
    for wrong in (
        f"a: {value['vault file']}\nb: [",
        f"password: !x {value['vault file']}",
        f"deep: {value['vault file']}",
    ):
        (site / "whole.yml").write_text(sealed(wrong))
        yield REFERENCES["vault file"]
    (site / "single.yml").write_text(f"password: {value['vault value']}")
    yield REFERENCES["vault value"]
    (site / "ring.json").write_text(f"{{ {value['keyring']}")
    yield REFERENCES["keyring"]
    for fault in ("sealed", "standby", "proxy", "kv1", "hang"):
        vault.fault = fault
        yield REFERENCES["hashicorp"]
    vault.fault = None
    put.setenv("TOKEN", "canary-another-token")
    yield REFERENCES["hashicorp"]
    (site / "single.yml").write_text(f"password: {inline(value['vault value'])}")
    put.setenv("VP", "canary-another-password")
    yield REFERENCES["vault value"]


def test_errors_hold_no_secret(  # noqa: PLR0917  (fixtures)
    secrets: Secrets,
    canaries: Canaries,
    vault: Vault,
    log: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    canaries.values |= {"another token": "canary-another-token", "another password": "canary-another-password"}
    count = 0
    for reference in spoiled(secrets, canaries, vault, monkeypatch):
        with pytest.raises(ProvisioningError) as failed:
            secrets.resolve(reference)
        assert canaries.in_exception(failed.value) == [], reference
        count += 1
    assert count == 17
    assert canaries.in_text(log.getvalue()) == []
    assert canaries.in_text("".join(capfd.readouterr())) == []


def test_an_application_that_is_refused_tells_nothing(  # noqa: PLR0917  (fixtures)
    tmp_path: Path, canaries: Canaries, vault: Vault, address: str, authority: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SID", vault.secret_id)
    settings = {"address": address, "trust": authority.certificate, "approle": {"role_id": "x", "secret_id": "env:SID"}}  # type: ignore[attr-defined]
    secrets = Secrets(tmp_path, tmp_path, SecretSources.model_validate({"hashicorp": settings}))
    with pytest.raises(ProvisioningError) as failed:
        secrets.resolve("hashicorp:office/dc#password")
    assert canaries.in_exception(failed.value) == []


@pytest.mark.parametrize("form", ["file", "age"])
def test_hand_over_leaves_nothing_behind(tmp_path: Path, form: str, log: io.StringIO) -> None:
    settings = {"folder": tmp_path / "handover", "form": form, "recipients": [RECIPIENT]}
    secrets = Secrets(tmp_path, Handover.model_validate(settings))
    canaries = Canaries({"password": secrets.issue_initial_password("anna", PasswordPolicy()).get_secret_value()})
    waiting = secrets.handover_file("anna")
    assert canaries.in_files(tmp_path, but=frozenset({waiting} if form == "file" else ())) == []
    told: list[str] = []
    ways = [
        handing_over.as_letter(LETTER, tmp_path / "none" / "letter.html"),
        handing_over.as_letter(Letter("x", "y", None, None, LETTER.day), tmp_path),
        handing_over.encrypted([], handing_over.into_file(tmp_path / "none" / "file")),
    ]
    for way in ways:
        with pytest.raises(ProvisioningError) as failed:
            handing_over.hand_over(secrets.waiting, "anna", "anna", way, told.append)
        assert canaries.in_exception(failed.value) == []
    sealed_file = tmp_path / "out.age"
    recipients = [RECIPIENT] if form == "file" else []
    last = handing_over.encrypted(recipients, handing_over.into_file(sealed_file))
    handing_over.hand_over(secrets.waiting, "anna", "anna", last, told.append)
    assert canaries.in_files(tmp_path) == []
    assert canaries.in_text("\n".join(told) + log.getvalue()) == []


def test_the_program_tells_nothing(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = desk.issue("anna")
    canaries, temporary = Canaries({"password": password}), tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "provisioning.cli", "-v", "--site", str(desk.folder), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return f"{done.returncode} {done.stdout} {done.stderr}"

    with canaries.watched_processes() as seen:
        told = [
            run("handover"),
            run("handover", "anna", "--letter", str(tmp_path / "none" / "x.html")),
            run("handover", "anna", "--show"),
            run("handover", "anna", "--age-recipient", str(pyrage.x25519.Identity.generate().to_public())),
            run("handover", "anna", "--age-recipient", RECIPIENT),
            run("secrets", "check"),
        ]
    assert [text[0] for text in told] == ["0", "1", "1", "0", "1", "1"], told
    assert seen == []
    assert canaries.in_text("\n".join(told)) == []
    assert canaries.in_files(tmp_path) == []


def test_the_search_finds_what_leaks() -> None:
    canaries = Canaries({"planted": "canary-planted"})

    def careless() -> None:
        try:
            b"canary-planted\xff".decode()
        except UnicodeDecodeError:
            raise ProvisioningError("harmless") from None

    with pytest.raises(ProvisioningError) as failed:
        careless()
    assert canaries.in_exception(failed.value) != []
    assert canaries.in_text("x canary-planted") == ["planted"]
    assert canaries.in_bytes("canary-planted".encode("utf-16-le")) == ["planted"]
    with canaries.watched_processes() as seen:
        subprocess.run(["sh", "-c", "sleep 0.3 # canary-planted"], check=True)
    assert seen
