"""Secret references: their forms, where they lead, and what is said when they lead nowhere."""

from __future__ import annotations

import builtins
import pickle
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from pydantic import TypeAdapter, ValidationError

from provisioning.errors import SecretError
from provisioning.secrets import Secrets
from provisioning.secrets.passwords import generate_password
from provisioning.site.base import FileReference, Reference, SecretReference
from provisioning.site.directory import PasswordPolicy
from provisioning.site.secret_sources import SecretSources


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path, tmp_path / "handover")


# ---------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    "text",
    ["env:NAME", "file:a/b", "file:~/x", "vault:group_vars/all/vault.yml#directory.password", "vault:v.yml#list.0",
     "keyring:provisioning/svc", "keyring:https://vault/x/svc@corp", "hashicorp:office/dc#password"],
)  # fmt: skip
def test_references(text: str) -> None:
    reference = TypeAdapter(SecretReference).validate_python(text)
    assert isinstance(reference, Reference)
    assert f"{reference.scheme}:{reference.where}" == text


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", "env:", "file:", "vault:file", "vault:#key", "vault:f#a..b", "vault:f#", "keyring:service",
     "keyring:/user", "hashicorp:path", "hashicorp:#f", "hashicorp:/a#f", "hashicorp:a//b#f", "hashicorp:a?b#f",
     "env:A\nB", "http:x"],
)  # fmt: skip
def test_what_is_no_reference_is_not_repeated(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(SecretReference).validate_python(text)
    message = refused.value.errors()[0]["msg"]
    assert message == (
        "this is not a secret reference; expected env:VARIABLE, file:PATH, vault:FILE#key.path, keyring:SERVICE/USER "
        "or hashicorp:PATH#field"
    )


def test_a_keytab_must_be_a_file() -> None:
    with pytest.raises(ValidationError, match="expected file:PATH"):
        TypeAdapter(FileReference).validate_python("env:KEYTAB")


@pytest.mark.parametrize(
    "settings",
    [
        {"ansible_vault_password": "vault:a.yml#b"},
        {"hashicorp": {"address": "https://v", "token": "hashicorp:a#b"}},
        {"ansible_vault_password": "hashicorp:a#b", "hashicorp": {"address": "https://v", "token": "vault:a#b"}},
        {"hashicorp": {"address": "https://v"}},
        {"hashicorp": {"address": "https://v", "token": "env:A", "approle": {"role_id": "r", "secret_id": "env:B"}}},
        {"hashicorp": {"address": "http://v", "token": "env:A"}},
    ],
)
def test_sources_that_cannot_work(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SecretSources.model_validate(settings)


# --------------------------------------------------------------------------------------------- env and file


def test_environment(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "s3cret ")
    assert secrets.resolve("env:PLANTED").get_secret_value() == "s3cret "
    monkeypatch.setenv("PLANTED", "")
    with pytest.raises(SecretError, match="env:PLANTED: the environment variable PLANTED is not set; export it"):
        secrets.resolve("env:PLANTED")


def test_files(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("пароль\r\n", encoding="utf-8")
    assert secrets.resolve("file:f").get_secret_value() == "пароль"
    assert secrets.resolve(f"file:{tmp_path}/f").get_secret_value() == "пароль"
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    for name, cause in [("none", "No such file"), ("empty", "it is empty"), ("latin", "not UTF-8"), (".", "directory")]:
        with pytest.raises(SecretError, match=f"^file:{name}: .*{cause}.*; create it with mode 0600"):
            secrets.resolve(f"file:{name}")


def test_a_value_in_place_of_a_reference_is_not_repeated(secrets: Secrets) -> None:
    with pytest.raises(SecretError, match="not a secret reference") as refused:
        secrets.resolve("hunter2")
    assert "hunter2" not in str(refused.value)


def test_secrets_stay_in_their_process(secrets: Secrets) -> None:
    with pytest.raises(TypeError, match="resolve it there"):
        pickle.dumps(secrets)


# -------------------------------------------------------------------------------------------------- keyring


class MemoryKeyring(KeyringBackend):
    """A keyring of the library's own kind, kept in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.fault: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.fault:
            raise self.fault
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before, ours = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_keyring(secrets: Secrets, ring: MemoryKeyring) -> None:
    keyring.set_password("provisioning/office", "svc", "s3cret")
    assert secrets.resolve("keyring:provisioning/office/svc").get_secret_value() == "s3cret"
    with pytest.raises(SecretError, match=r"^keyring:provisioning/none: .*`keyring set provisioning none`"):
        secrets.resolve("keyring:provisioning/none")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (keyring.errors.NoKeyringError("x"), "no keyring for this user; start one"),
        (keyring.errors.KeyringLocked("x"), "locked; unlock it"),
        (RuntimeError("hunter2"), "the keyring gave RuntimeError"),
    ],
)
def test_keyrings_that_fail(secrets: Secrets, ring: MemoryKeyring, fault: Exception, sentence: str) -> None:
    ring.fault = fault
    with pytest.raises(SecretError, match=sentence) as failed:
        secrets.resolve("keyring:a/b")
    assert "hunter2" not in str(failed.value)


def test_a_machine_without_a_keyring(secrets: Secrets) -> None:
    before = keyring.get_keyring()
    from keyring.backends.fail import Keyring  # noqa: PLC0415

    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(SecretError, match="this machine has no keyring for this user"):
            secrets.resolve("keyring:a/b")
    finally:
        keyring.set_keyring(before)


# --------------------------------------------------------------------------------------------------- extras


@pytest.mark.parametrize(
    ("library", "reference", "extra"),
    [
        ("keyring", "keyring:a/b", "keyring"),
        ("hvac", "hashicorp:a#b", "hashicorp"),
        ("ansible", "vault:v.yml#b", "vault"),
    ],
)
def test_a_missing_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, reference: str, extra: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **words: Any) -> Any:
        if name.partition(".")[0] == library:
            raise ImportError(name)
        return real(name, *rest, **words)

    sources = SecretSources.model_validate(
        {"ansible_vault_password": "env:P", "hashicorp": {"address": "https://127.0.0.1:1", "token": "env:P"}}
    )
    (tmp_path / "v.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    monkeypatch.setenv("P", "x")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SecretError, match=rf"^{reference}: .*install provisioning\[{extra}\]"):
        Secrets(tmp_path, tmp_path, sources).resolve(reference)


@pytest.mark.parametrize("reference", ["vault:v.yml#b", "hashicorp:a#b"])
def test_a_source_that_the_site_does_not_describe(secrets: Secrets, reference: str) -> None:
    with pytest.raises(SecretError, match=rf"^{reference}: the site does not say .* add `secrets: "):
        secrets.resolve(reference)


@pytest.mark.parametrize("reference", ["vault:v.yml#b", "hashicorp:a#b"])
def test_the_reference_behind_a_reference_is_named(tmp_path: Path, reference: str) -> None:
    sources = SecretSources.model_validate(
        {"ansible_vault_password": "env:NOT_SET", "hashicorp": {"address": "https://v", "token": "env:NOT_SET"}}
    )
    with pytest.raises(SecretError, match=rf"^{reference}: .*env:NOT_SET: the environment variable NOT_SET is not set"):
        Secrets(tmp_path, tmp_path, sources).resolve(reference)


# --------------------------------------------------------------------------------------------------- policy


def test_passwords_follow_the_policy() -> None:
    policy = PasswordPolicy(length=20, groups_of=5, symbols="%&", without="abcABC012")
    for _ in range(50):
        password = generate_password(policy).get_secret_value()
        assert [len(group) for group in password.split("-")] == [5, 5, 5, 5]
        letters = set(password.replace("-", ""))
        assert not letters & set("abcABC012")
        assert letters <= set(string.ascii_letters + string.digits + "%&")
        assert all(letters & set(kind) for kind in policy.classes)
    assert len({generate_password(policy).get_secret_value() for _ in range(50)}) == 50


def test_a_policy_may_do_without_symbols() -> None:
    password = generate_password(PasswordPolicy(symbols="", groups_of=0)).get_secret_value()
    assert len(password) == 16
    assert password.isalnum()


def test_a_policy_that_leaves_too_little() -> None:
    with pytest.raises(ValidationError, match="fewer than 5 characters"):
        PasswordPolicy(without="234567")
