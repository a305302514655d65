"""Secrets planted in every kind of reference and every flow, and looked for everywhere else."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
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

ROOT = Path(__file__).parent.parent.parent

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


# The program that crashes with a password in a local variable, in a frame of ours. `crash` alone shows what a program
# would leave that does nothing about it.
CRASHING = """
import faulthandler, os, sys
from pathlib import Path
from provisioning.cli import main, program
from provisioning.secrets import Secrets

def crash(**_):
    value = Secrets(Path(sys.argv[1]), Path(sys.argv[1])).resolve("file:planted").get_secret_value()
    os.abort()

faulthandler.enable()
program.PROGRAM.main = crash
main() if sys.argv[2] == "protected" else crash()
"""


@pytest.mark.parametrize("how", ["protected", "bare"])
def test_a_crash_leaves_no_core_file_and_no_value_in_the_traceback(tmp_path: Path, how: str) -> None:
    canaries = Canaries({"planted": f"canary-in-memory-{how}"})
    site, scratch = tmp_path / "site", tmp_path / "scratch"
    site.mkdir()
    scratch.mkdir()
    (site / "planted").write_text(canaries.values["planted"])
    done = subprocess.run(
        ["bash", "-c", 'ulimit -c unlimited && exec "$@"', "-", sys.executable, "-c", CRASHING, str(site), how],
        cwd=scratch, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGABRT, done.stderr
    assert "Fatal Python error: Aborted" in done.stderr
    assert "in crash" in done.stderr
    assert canaries.in_text(done.stdout + done.stderr) == []
    found = canaries.in_files(scratch)
    if how == "protected":
        assert found == []
        assert list(scratch.iterdir()) == []
    elif not found:
        pytest.skip("this machine writes no core files into the working folder (/proc/sys/kernel/core_pattern)")


def test_no_other_process_of_the_same_user_may_read_the_memory() -> None:
    """The attribute that keeps a core file from being handed to a program keeps debuggers away as well."""
    code = (
        "import ctypes, resource; from provisioning.cli import core_files; core_files.forbid()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))"  # PR_GET_DUMPABLE
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0 0 0\n"


VAULT_READER = """
import sys
from pathlib import Path
from ansible.utils.display import Display
from provisioning.secrets import Secrets
from provisioning.site.secret_sources import SecretSources

Display().verbosity = 6
secrets = Secrets(Path(sys.argv[1]), Path(sys.argv[1]), SecretSources(ansible_vault_password="env:VP"))
for reference in ("vault:whole.yml#deep.password", "vault:single.yml#password"):
    print(len(secrets.resolve(reference).get_secret_value()) if sys.argv[2] == "right" else "", flush=True)
    try:
        secrets.resolve(reference + ".none")
    except Exception as exc:
        print(exc)
Display().vvvvv("ansible speaks")
"""


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_ansible_core_tells_nothing_however_talkative(tmp_path: Path, password: str) -> None:
    """ansible-core opens the vault files. It has settings of its own that make it print and log."""
    canaries = Canaries({"whole": "canary-whole-пароль", "single": "canary-single-пароль", "vault password": PASSWORD})
    (tmp_path / "whole.yml").write_text(sealed(f"deep: {{password: {canaries.values['whole']}}}"))
    (tmp_path / "single.yml").write_text(f"password: {inline(canaries.values['single'])}")
    if password == "wrong":
        canaries.values["wrong password"] = "canary-of-another-file"
    talkative = {"ANSIBLE_DEBUG": "1", "ANSIBLE_VERBOSITY": "5", "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log")}
    environment = {**os.environ, **talkative, "VP": canaries.values.get("wrong password", PASSWORD)}
    words = [sys.executable, "-X", "dev", "-W", "ignore", "-c", VAULT_READER, str(tmp_path), password]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    told = done.stdout + done.stderr
    if password == "right":
        assert str(len(canaries.values["whole"])) in done.stdout.splitlines(), told
        assert "Decrypt successful" in told, "ansible-core was not asked to talk"
        assert "there is no none below deep.password" in told
        assert "ansible speaks" in told
        assert "ansible speaks" in (tmp_path / "ansible.log").read_text()
    else:
        assert "cannot be decrypted" in told
    assert canaries.in_text(told) == []
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
