"""The lab's domain controller: a real Samba AD DC on an address of its own.

It answers LDAPS, LDAP, Kerberos and DNS on the standard ports of `address`. Everything it owns lies in one
folder. What a site finds in its directory before anybody is onboarded is planted by
:mod:`provisioning.lab.directory_seed`.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from provisioning.lab import file_shares
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.process import Daemon, run, speaks_tls, wait_for

LDAPS_PORT = 636
KERBEROS_PORT = 88
_SERVICES = "rpc, ldap, cldap, kdc, dns"  # what nobody asks for here (SMB, WINS, replication) stays off


class DomainController:
    """One AD domain with one domain controller.

    `folder` is its own (removed by :meth:`down`), `address` a loopback address that :meth:`up` adds and
    :meth:`down` removes. The certificate for `host` is signed by `authority`.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        authority: LabAuthority,
        *,
        host: str = "dc1.corp.example",
        domain: str = "corp.example",
        netbios: str = "CORP",
        shares: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.address = address
        self.authority = authority
        self.host = host
        self.domain = domain
        self.realm = domain.upper()
        self.shares = tuple(shares)
        self.netbios = netbios
        self.base_dn = ",".join(f"DC={label}" for label in domain.split("."))
        self.krb5_conf = folder / "krb5.conf"
        self.admin_password = folder / "administrator.password"
        self.smb_conf = folder / "etc" / "smb.conf"
        self._daemon = Daemon(folder / "run", "domain-controller")
        self._provisioned = folder / ".provisioned"
        self._added_address = folder.with_name(folder.name + ".address")

    @property
    def provisioned_at(self) -> float:
        """When the domain was made (seconds since 1970); what was exported from an earlier one is
        worthless."""
        return self._provisioned.stat().st_mtime

    def up(self) -> None:
        """Provision the domain on first use (about 10 s), start the server, wait until LDAPS answers."""
        if self.running():
            return
        self._add_address()
        if not self._provisioned.exists():
            self._provision()
        for name in ("run", "ncalrpc", "winbindd", "ntp_signd", "log"):
            (self.folder / name).mkdir(exist_ok=True)
        self._write_settings()
        words = ["samba", "--foreground", f"--configfile={self.smb_conf}"]
        self._daemon.start(file_shares.namespaced(words, self.folder, self.shares) if self.shares else words)
        wait_for(f"the domain controller on {self.address}", self.running, daemons=[self._daemon])

    def down(self) -> None:
        """Stop the server, remove its folder and, where :meth:`up` added it, its address."""
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._added_address.exists():
            run(["ip", "addr", "del", f"{self.address}/8", "dev", "lo"], check=False)
            self._added_address.unlink()

    def running(self) -> bool:
        """Whether our server runs and answers LDAPS with a certificate that the lab's authority signed."""
        if self._daemon.pid is None:
            return False
        return speaks_tls(self.address, LDAPS_PORT, self.authority.certificate, self.host)

    def samba_tool(self, *words: str, stdin: str | None = None) -> str:
        """Run samba-tool on this domain's own database; gives its output. `words` must hold no secret."""
        return run(["samba-tool", *words, f"--configfile={self.smb_conf}"], stdin=stdin).stdout

    def _add_address(self) -> None:
        # Samba binds an interface's addresses, not any address of 127/8: without this it would listen
        # nowhere, silently.
        if f" {self.address}/" in run(["ip", "-4", "addr", "show", "dev", "lo"]).stdout:
            return
        self._added_address.parent.mkdir(parents=True, exist_ok=True)
        self._added_address.touch()
        run(["ip", "addr", "add", f"{self.address}/8", "dev", "lo"])

    def _provision(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o755)
        words = [
            "samba-tool",
            "domain",
            "provision",
            f"--realm={self.realm}",
            f"--domain={self.netbios}",
            "--server-role=dc",
            "--dns-backend=SAMBA_INTERNAL",
            "--backend-store=mdb",
            f"--host-name={self.host.partition('.')[0]}",
            f"--host-ip={self.address}",
            f"--targetdir={self.folder}",
            "--option=vfs objects = dfs_samba4 acl_xattr xattr_tdb",
            "--option=bind interfaces only=yes",
            f"--option=interfaces={self.address}/32",
            "--quiet",
        ]
        # No --adminpass: arguments can be read by every process. The random one that it makes is replaced
        # below.
        run(words)
        self._write_settings()
        password = secrets.token_urlsafe(18) + "aA1!"
        write_secret(self.admin_password, password)
        self.samba_tool("user", "setpassword", "Administrator", stdin=f"{password}\n{password}\n")
        self._provisioned.touch()

    def _write_settings(self) -> None:
        files = self.authority.issue([self.host], [self.address], self.folder / "tls", "dc")
        folder = self.folder
        options: dict[str, object] = {
            "workgroup": self.netbios,
            "realm": self.realm,
            "netbios name": self.host.partition(".")[0].upper(),
            "server role": "active directory domain controller",
            "server services": _SERVICES,
            "interfaces": f"{self.address}/32",
            "bind interfaces only": "yes",
            "dns forwarder": "none",
            "private dir": folder / "private",
            "lock directory": folder,
            "state directory": folder / "state",
            "cache directory": folder / "cache",
            "binddns dir": folder / "bind-dns",
            "pid directory": folder / "run",
            "ncalrpc dir": folder / "ncalrpc",
            "winbindd socket directory": folder / "winbindd",
            "ntp signd socket directory": folder / "ntp_signd",
            "log file": folder / "log" / "samba.log",
            "max log size": 10000,
            "vfs objects": "dfs_samba4 acl_xattr xattr_tdb",
            "tls certfile": files.certificate,
            "tls keyfile": files.key,
            "tls cafile": self.authority.certificate,
            "tls verify peer": "no_check",
            "prefork children": 2,
            "ldap server require strong auth": "yes",
        }
        sections = ""
        if self.shares:
            more, sections = file_shares.settings(self.shares, self.folder)
            options |= more | {"server services": f"{_SERVICES}, {file_shares.SERVICES}"}
        lines = "".join(f"\t{name} = {value}\n" for name, value in options.items())
        self.smb_conf.parent.mkdir(exist_ok=True)
        self.smb_conf.write_text(f"[global]\n{lines}{sections}", encoding="utf-8")
        self.krb5_conf.write_text(self._krb5(), encoding="utf-8")

    def _krb5(self) -> str:
        return (
            f"[libdefaults]\n\tdefault_realm = {self.realm}\n"
            "\tdns_lookup_kdc = false\n\tdns_lookup_realm = false\n"
            "\trdns = false\n\tdns_canonicalize_hostname = false\n\tforwardable = true\n"
            f"[realms]\n\t{self.realm} = {{\n"
            f"\t\tkdc = {self.address}\n\t\tadmin_server = {self.address}\n\t}}\n"
            f"[domain_realm]\n\t.{self.domain} = {self.realm}\n\t{self.domain} = {self.realm}\n"
        )


def write_secret(path: Path, value: str) -> None:
    """Write a secret to a new file with mode 0600, without a line break (OpenLDAP's ``-y`` would send it
    too)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value)
