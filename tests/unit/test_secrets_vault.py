"""Ansible Vault files, written by Ansible's own library and by its own command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from provisioning.errors import SecretError
from provisioning.secrets import Secrets
from provisioning.site.secret_sources import SecretSources

PASSWORD = "the vault's own password"


def sealed(text: str, vault_id: str | None = None) -> str:
    lib = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    return str(lib.encrypt(text.encode(), secret=VaultSecret(PASSWORD.encode()), vault_id=vault_id).decode())


def inline(text: str) -> str:
    return "!vault |\n" + "".join(f"    {line}\n" for line in sealed(text).splitlines())


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    monkeypatch.setenv("VAULT_PASSWORD", PASSWORD)
    sources = SecretSources(ansible_vault_password="env:VAULT_PASSWORD")
    return Secrets(tmp_path, tmp_path / "handover", sources)


def test_a_file_that_is_encrypted_as_a_whole(secrets: Secrets, tmp_path: Path) -> None:
    text = "---\ndirectory:\n  password: пароль-1\n  accounts: [{name: a, password: p-0}]\n"
    for vault_id in (None, "prod"):
        (tmp_path / "vault.yml").write_text(sealed(text, vault_id))
        assert secrets.resolve("vault:vault.yml#directory.password").get_secret_value() == "пароль-1"
        assert secrets.resolve("vault:vault.yml#directory.accounts.0.password").get_secret_value() == "p-0"


def test_single_values(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "all.yml").write_text(f"domain: corp.example\nnested:\n  password: {inline('s3cret')}")
    assert secrets.resolve("vault:all.yml#nested.password").get_secret_value() == "s3cret"
    with pytest.raises(SecretError, match=r"domain stands in .*all.yml in clear; encrypt it"):
        secrets.resolve("vault:all.yml#domain")


def test_a_single_value_inside_an_encrypted_file(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "v.yml").write_text(sealed(f"password: {inline('s3cret')}"))
    assert secrets.resolve("vault:v.yml#password").get_secret_value() == "s3cret"


def test_what_the_command_ansible_vault_writes(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text(PASSWORD + "\n")
    command = [str(Path(sys.executable).parent / "ansible-vault"), "encrypt_string", "--vault-password-file",
               str(tmp_path / "pass"), "--stdin-name", "password"]  # fmt: skip
    done = subprocess.run(command, input="s3cret", text=True, capture_output=True, check=True, timeout=60)
    (tmp_path / "v.yml").write_text(done.stdout)
    assert secrets.resolve("vault:v.yml#password").get_secret_value() == "s3cret"


def test_the_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text(PASSWORD + " \n")  # as Ansible: white space round it does not count
    (tmp_path / "v.yml").write_text(sealed("password: s3cret"))
    secrets = Secrets(tmp_path, tmp_path, SecretSources(ansible_vault_password="file:pass"))
    assert secrets.resolve("vault:v.yml#password").get_secret_value() == "s3cret"


CLEAR = {
    "number": ("password: 12345", "password", r"is not a text \(int\); put it in quotes"),
    "mapping": ("password: {a: b}", "password", r"is not a text \(dict\)"),
    "empty": ("password: ''", "password", "is empty"),
    "template": ("password: '{{ vault_password }}'", "password", "is a template; refer to the variable"),
    "no key": ("a: {b: canary-value}", "a.c", "there is no c below a"),
    "no list item": ("a: [canary-value]", "a.1", "there is no 1 below a"),
    "not a mapping": ("canary-value", "a", "there is no a in"),
    "broken": ("a: b\ncanary-value: [", "a", r"is not valid YAML in line 2"),
    "tag": ("a: !canary-value b", "a", r"is not valid YAML in line 1"),
    "date": ("a: 2026-99-99", "a", "is not valid YAML"),
    "anchor": ("a: *canary-value", "a", r"is not valid YAML in line 1"),
}


@pytest.mark.parametrize("case", CLEAR)
def test_values_that_are_no_secrets(secrets: Secrets, tmp_path: Path, case: str) -> None:
    text, key, sentence = CLEAR[case]
    (tmp_path / "v.yml").write_text(sealed(text))
    with pytest.raises(SecretError, match=rf"^vault:v.yml#{key}: .*{sentence}") as refused:
        secrets.resolve(f"vault:v.yml#{key}")
    assert "canary-value" not in str(refused.value)


def test_another_password(secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.yml").write_text(sealed("password: s3cret"))
    (tmp_path / "i.yml").write_text(f"password: {inline('s3cret')}")
    monkeypatch.setenv("VAULT_PASSWORD", "wrong")
    for file in ("v.yml", "i.yml"):
        with pytest.raises(SecretError, match=r"cannot be decrypted: the vault password is another one"):
            secrets.resolve(f"vault:{file}#password")


@pytest.mark.parametrize(
    "content",
    ["$ANSIBLE_VAULT;1.1;AES256\nzz\n", "$ANSIBLE_VAULT;9\n", "$ANSIBLE_VAULT;1.1;AES256\n", "$ANSIBLE_VAULT;"],
)
def test_a_damaged_file(secrets: Secrets, tmp_path: Path, content: str) -> None:
    (tmp_path / "v.yml").write_text(content)
    with pytest.raises(SecretError, match="cannot be decrypted"):
        secrets.resolve("vault:v.yml#password")


def test_a_changed_file_is_noticed(secrets: Secrets, tmp_path: Path) -> None:
    text = sealed("password: s3cret")
    (tmp_path / "v.yml").write_text(text[:-10] + ("0" if text[-10] != "0" else "1") + text[-9:])
    with pytest.raises(SecretError, match="cannot be decrypted"):
        secrets.resolve("vault:v.yml#password")


def test_no_file(secrets: Secrets) -> None:
    with pytest.raises(SecretError, match=r"vault:none.yml#a: .*none.yml cannot be read \(No such file"):
        secrets.resolve("vault:none.yml#a")
