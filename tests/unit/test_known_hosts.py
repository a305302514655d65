"""Which host keys of a known_hosts file are trusted for a server, and that the file is parsed only when it changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest

from provisioning.connections import ssh
from provisioning.connections.ssh import trust_known
from provisioning.errors import TrustError
from provisioning.site.base import Endpoint

KEY, OTHER = (paramiko.ECDSAKey.generate() for _ in range(2))
RSA = paramiko.RSAKey.generate(1024)


def line(names: str, key: paramiko.PKey = KEY) -> str:
    return f"{names} {key.get_name()} {key.get_base64()}\n"


def trusted(path: Path, host: str, port: int = 22) -> list[str]:
    client = paramiko.SSHClient()
    trust_known(client, "switch:sw", path, Endpoint(host=host, port=port))
    name = host if port == 22 else f"[{host}]:{port}"
    return [key.get_base64() for key in (client.get_host_keys().lookup(name) or {}).values()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def test_names_and_ports(path: Path) -> None:
    path.write_text(line("sw-1,10.0.0.1") + "# a comment\n\n" + line("[sw-1]:2216", OTHER))
    assert trusted(path, "sw-1") == trusted(path, "10.0.0.1") == [KEY.get_base64()]
    assert trusted(path, "sw-1", 2216) == [OTHER.get_base64()]
    assert trusted(path, "sw-2") == trusted(path, "10.0.0.1", 2216) == []


def test_hashed_names(path: Path) -> None:
    hashed = paramiko.HostKeys.hash_host("[sw-1]:2216")
    path.write_text(line(hashed) + line("|1|abc|def", OTHER) + line("|1|" + hashed.split("|")[3] * 2 + "|x", OTHER))
    assert trusted(path, "sw-1", 2216) == [KEY.get_base64()]
    assert trusted(path, "sw-1") == []


def test_every_kind_of_key_and_the_first_of_each_kind(path: Path) -> None:
    path.write_text(line("sw-1", RSA) + line(paramiko.HostKeys.hash_host("sw-1"), KEY) + line("sw-1", OTHER))
    assert trusted(path, "sw-1") == [RSA.get_base64(), KEY.get_base64()]
    assert dict(paramiko.HostKeys(str(path)).lookup("sw-1") or {}) == {RSA.get_name(): RSA, KEY.get_name(): KEY}


@pytest.mark.parametrize("marker", ["@revoked", "@cert-authority"])
def test_a_line_with_a_marker_is_not_trusted(path: Path, marker: str) -> None:
    path.write_text(f"{marker} {line('sw-1')}{marker} {line('*')}")
    assert trusted(path, "sw-1") == []


def test_no_other_key_is_accepted(path: Path) -> None:
    path.write_text(line("sw-1"))
    client = paramiko.SSHClient()
    trust_known(client, "switch:sw", path, Endpoint(host="sw-2", port=22))
    with pytest.raises(ssh.UnknownHostKeyError):
        client._policy.missing_host_key(client, "sw-2", KEY)  # type: ignore[attr-defined] # paramiko's own


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"sw-1 ssh-ed25519 AAAA=x\n"])
def test_a_file_that_cannot_be_read(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrustError, match=r"known_hosts cannot be read; write the host key of the server into it"):
        trusted(path, "sw-1")


def test_it_is_parsed_once_and_again_when_it_was_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[Path] = []
    real = ssh._KnownHosts

    def parse(file: Path) -> ssh._KnownHosts:
        parsed.append(file)
        return real(file)

    monkeypatch.setattr(ssh, "_KnownHosts", parse)
    path.write_text(line("sw-1"))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: trusted(path, "sw-1"), range(32)))
    assert (found, parsed) == ([[KEY.get_base64()]] * 32, [path])
    path.write_text(line("sw-1", OTHER))
    assert trusted(path, "sw-1") == [OTHER.get_base64()]
    replacement = path.with_suffix(".new")
    replacement.write_text(line("sw-1", KEY))
    replacement.rename(path)
    assert trusted(path, "sw-1") == [KEY.get_base64()]
    assert parsed == [path] * 3
    path.unlink()
    with pytest.raises(TrustError):
        trusted(path, "sw-1")
