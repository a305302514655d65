"""``vault:FILE#key.path``: values in Ansible Vault files, opened by ansible-core itself (an extra).

Both forms that Ansible has: a YAML file that is encrypted as a whole, and single values behind ``!vault``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from provisioning.errors import SecretError

HEADER = b"$ANSIBLE_VAULT;"


@dataclass(frozen=True)
class _Sealed:
    """A ``!vault`` value, still encrypted."""

    text: str


class _RefusedError(Exception):
    """What is wrong and what to do. It never leaves this file: the frames that it passed hold decrypted text."""


def read(reference: str, file: Path, key: str, password: SecretStr) -> SecretStr:
    """The text at `key` (names and list positions joined by dots) in `file`."""
    try:
        return _look_up(file, key, password)
    except _RefusedError as exc:
        sentence = str(exc)
    raise SecretError(f"{reference}: {sentence}")


def _look_up(file: Path, key: str, password: SecretStr) -> SecretStr:
    try:
        raw = file.read_bytes()
    except OSError as exc:
        raise _RefusedError(f"{file} cannot be read ({exc.strerror}); correct the reference") from None
    whole = raw.lstrip().startswith(HEADER)
    if whole:
        raw = _decrypt(str(file), raw, password)
    value = _walk(file, _parse(file, raw), key)
    if isinstance(value, _Sealed):
        value = _decrypt(f"{key} in {file}", value.text.encode(), password).decode("utf-8", "replace")
    elif not whole:
        raise _RefusedError(
            f"{key} stands in {file} in clear; encrypt it (`ansible-vault encrypt_string`, or `ansible-vault encrypt "
            "FILE`), and change that password, because it was readable"
        )
    if not isinstance(value, str):
        raise _RefusedError(f"{key} in {file} is not a text ({type(value).__name__}); put it in quotes")
    if not value.strip():
        raise _RefusedError(f"{key} in {file} is empty; put the secret there")
    if "{{" in value:
        raise _RefusedError(f"{key} in {file} is a template; refer to the variable that it takes its value from")
    return SecretStr(value.rstrip("\r\n"))


def _walk(file: Path, tree: Any, key: str) -> Any:
    """What stands at `key`. A refusal names the step that fails, and no other keys: they may be many."""
    done: list[str] = []
    for step in key.split("."):
        if isinstance(tree, dict) and step in tree:
            tree = tree[step]
        elif isinstance(tree, list) and step.isdecimal() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            place = f"below {'.'.join(done)} in {file}" if done else f"in {file}"
            raise _RefusedError(f"there is no {step} {place}; `ansible-vault view` shows what is there")
        done.append(step)
    return tree


def _parse(file: Path, raw: bytes) -> Any:
    """The file's YAML. A refusal names the line only: YAML's own messages quote the text around a mistake."""
    try:
        return yaml.load(raw, _Loader)  # noqa: S506  (a safe loader with one more tag)
    except (yaml.YAMLError, ValueError) as exc:
        mark = getattr(exc, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise _RefusedError(f"{file} is not valid YAML{line}; correct it with `ansible-vault edit`") from None


def _decrypt(what: str, sealed: bytes, password: SecretStr) -> bytes:
    try:
        from ansible.errors import AnsibleError  # noqa: PLC0415  (optional, and half a second to import)
        from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415
    except ImportError:
        raise _RefusedError("vault references need ansible-core; install provisioning[vault]") from None
    # Ansible strips the white space round a password that it reads from a file, so it is done here too.
    key = VaultSecret(password.get_secret_value().strip().encode())
    try:
        return bytes(VaultLib([("default", key)]).decrypt(sealed))
    except (AnsibleError, ValueError):
        raise _RefusedError(
            f"{what} cannot be decrypted: the vault password is another one, or the file is damaged; check "
            "`secrets: ansible_vault_password` in the site"
        ) from None


class _Loader(yaml.SafeLoader):
    """YAML with ``!vault``; any other tag of Ansible's is refused as unknown."""


def _sealed(loader: yaml.SafeLoader, node: yaml.Node) -> _Sealed:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.MarkedYAMLError(problem="a !vault value is a text", problem_mark=node.start_mark)
    return _Sealed(str(loader.construct_scalar(node)))


_Loader.add_constructor("!vault", _sealed)
_Loader.add_constructor("!vault-encrypted", _sealed)
