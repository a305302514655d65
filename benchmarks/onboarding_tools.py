"""Bare tools of the rows about one onboarding: other people's programs, signed in; SSH and WinRM in this process."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
from winrm.protocol import Protocol

from benchmarks import office_programs as theirs
from benchmarks.office_programs import PC, SWITCH
from benchmarks.onboarding_office import LOGIN
from provisioning.lab.office import Office


class Tools:
    """The tools of one contestant, whose files are in `folder` (mode 0600, as secrets are in some)."""

    def __init__(self, lab: Office, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._lab, self._folder = lab, folder
        self._provision = self._secret("svc-provision")
        self._files = self._sign_in_file("files.smb", "svc-files", self._secret("svc-files").read_text())
        self._deploy = self._sign_in_file("pc.smb", lab.inventory.windows.credential.user, self._pc_password())
        self._winrm: tuple[Protocol, str] | None = None
        self._krb = {"KRB5_CONFIG": str(self._krb5_conf()), "LC_ALL": "C.UTF-8"}
        (folder / "smb.conf").write_text(
            f"[global]\n realm = {self._domain.upper()}\n workgroup = {theirs.netbios(lab)}\n"
            f" client min protocol = SMB3\n lock directory = {folder}\n state directory = {folder}\n"
            f" cache directory = {folder}\n private dir = {folder}\n pid directory = {folder}\n"
            f" log file = {folder}/log\n"
        )

    def ldap(self, words: list[str], user: str, password: Path, file: Path | None) -> str:
        """One of OpenLDAP's programs, signed in."""
        server = self._lab.inventory.directory.server.connect_to
        signed = [*words, "-x", "-H", f"ldaps://{server}", "-D", user, "-y", str(password)]
        signed += ["-f", str(file)] if file else []
        return theirs.run(signed, check=file is not None, env={"LDAPTLS_CACERT": str(self._lab.authority.certificate)})

    def smb(self, program: str, share: str, *words: str) -> list[str]:
        """One of Samba's client programs as the account of the file servers."""
        there = f"//{self._lab.inventory.directory.server.connect_to}/{share}"
        return [program, "-A", str(self._files), "-m", "SMB3", there, *words]

    def curl(self, host: str, port: int, address: str, *words: str) -> list[str]:
        """curl, which is told where `host` is."""
        trust = ["--cacert", str(self._lab.authority.certificate), "--resolve", f"{host}:{port}:{address}"]
        return ["curl", "--disable", "--silent", "--show-error", *trust, *words]

    def sending(self, address: str, message: Path) -> list[str]:
        """What curl sends a message with."""
        mail = self._lab.inventory.mail
        url = f"smtp://{mail.smtp.host}:{mail.smtp.port}"
        sender = ["--ssl-reqd", "--mail-from", mail.check_sender, "--mail-rcpt", address]
        return [*sender, "--upload-file", str(message), url]

    def on_pc(self, line: str) -> str:
        """Run a command in the one WinRM shell; what it printed."""
        if self._winrm is None:
            windows, place = self._lab.inventory.windows, self._lab.inventory.workstations[PC].address
            protocol = Protocol(
                f"{windows.scheme}://{place}:{windows.port}/wsman", transport="ntlm", username=windows.credential.user,
                password=self._pc_password(), server_cert_validation="ignore",
            )  # fmt: skip
            self._winrm = protocol, protocol.open_shell(codepage=65001)
        protocol, shell = self._winrm
        command = protocol.run_command(shell, line)
        out, error, code = protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
        if code:
            raise SystemExit(f"{line} ended with {code}: {error[-500:]!r}")
        return str(out.decode("utf-8", "replace"))

    def _hang_up(self) -> None:
        if self._winrm is not None:
            self._winrm[0].close_shell(self._winrm[1])
            self._winrm = None

    def _type(self, lines: list[str], end: str) -> str:
        """One SSH connection, one write, read to the end."""
        host = self._lab.inventory.network.switches[SWITCH]
        password = (self._lab.secrets / "switch").read_text(encoding="utf-8").strip()
        with _transport(host.ssh.connect_to, host.ssh.port, host.credential.user, password) as raw:
            shell = raw.open_session()
            shell.get_pty(width=511)
            shell.invoke_shell()
            shell.settimeout(30)
            shell.sendall("".join(f"{line}\n" for line in ("terminal length 0", *lines)).encode())
            said = ""
            while said.count(f"{SWITCH}") <= len(lines) + 1 or not re.search(end, said):
                said += shell.recv(65536).decode().replace("\r", "")
            return said

    def _reader(self) -> Path:
        mail = self._lab.inventory.mail
        password = (self._lab.secrets / "mail-check").read_text(encoding="utf-8").strip()
        lines = [f'user = "{mail.check_reader.user}:{password}"', f'sasl-authzid = "{LOGIN}"']
        lines += ['login-options = "AUTH=PLAIN"', "sasl-ir"]
        return self._file("reader", "\n".join(lines) + "\n")

    def _krb5_conf(self) -> Path:
        realm, kdc = self._domain.upper(), self._lab.inventory.directory.server.connect_to
        return self._file(
            "krb5.conf",
            f"[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            " dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
            f"[realms]\n {realm} = {{\n  kdc = {kdc}:88\n }}\n"
            f"[domain_realm]\n .{self._domain} = {realm}\n {self._domain} = {realm}\n",
        )

    @property
    def _domain(self) -> str:
        return str(self._lab.inventory.directory.domain)

    def _secret(self, name: str) -> Path:
        return self._file(name, (self._lab.secrets / name).read_text(encoding="utf-8").strip())

    def _pc_password(self) -> str:
        return (self._lab.secrets / "windows").read_text(encoding="utf-8").strip()

    def _sign_in_file(self, name: str, user: str, password: str) -> Path:
        return self._file(name, f"username={user}\npassword={password}\n")

    def _file(self, name: str, text: str) -> Path:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        return file


@contextmanager
def sftp_to(address: str, port: int, user: str, password: Path) -> Iterator[paramiko.SFTPClient]:
    """An SFTP session."""
    with _transport(address, port, user, password.read_text(encoding="utf-8").strip()) as raw:
        opened = paramiko.SFTPClient.from_transport(raw)
        if opened is None:
            raise SystemExit(f"{address} has no SFTP")
        yield opened


@contextmanager
def _transport(address: str, port: int, user: str, password: str) -> Iterator[paramiko.Transport]:
    sock = socket.create_connection((address, port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw = paramiko.Transport(sock)
    try:
        raw.start_client()
        raw.auth_password(user, password)
        yield raw
    finally:
        raw.close()
