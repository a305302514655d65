"""The whole lab: every server that a site names, started from that site.

Lab number N uses the loopback addresses 127.77.N.x, the network namespaces ``pl<N>-…`` and the folder
``/var/lib/provisioning-lab/N``, so labs with different numbers run side by side.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from provisioning.lab.colleagues import furnish
from provisioning.lab.servers import ROOT, Servers
from provisioning.lab.shares_seed import furnish_shares
from provisioning.lab.ssh_service import ensure_password


class Service(Protocol):
    """What the office asks of each of its servers."""

    def up(self) -> None: ...

    def down(self) -> None: ...

    def running(self) -> bool: ...


@dataclass(frozen=True)
class Part:
    """One part of the office, as `provision lab status` shows it."""

    name: str
    running: bool
    address: str


def standing(number: int) -> Office | None:
    """The lab that was started as `number`, from the copy of its site that it keeps; ``None`` when there is none."""
    site = ROOT / str(number) / "site"
    return Office(site, number) if site.exists() else None


class Office(Servers):
    """The servers as one lab that is started, kept and stopped."""

    def up(self, progress: Callable[[str], None]) -> None:
        """Start what does not run. Safe to call again; `progress` gets one line a server."""
        self._keep_site()
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        for name in ("svc-provision", "svc-mail", "svc-check", "svc-web", "switch", "dhcp", "web", "windows", "phones"):
            ensure_password(self.secrets / name)
        self.authority.up()
        with ThreadPoolExecutor(3, "lab") as workers:
            lines = [
                workers.submit(line, progress)
                for line in (self._accounts_line, self._network_line, self._windows_line, self._phones_line)
            ]
        for line in lines:
            line.result()

    def start_desk(self, progress: Callable[[str], None]) -> None:
        """Start the service desk, which :meth:`up` leaves out."""
        self._keep_site()
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        with _said(progress, "service desk", "Request Tracker"):
            self.desk.up()

    def down(self, progress: Callable[[str], None]) -> None:
        """Stop everything and remove the lab's folder; only the template for new PCs stays in its cache."""
        if not self.folder.exists():
            return
        for name, service, _ in reversed(self._services()):
            service.down()
            progress(f"{name}: stopped")
        shutil.rmtree(self.folder)

    def status(self) -> list[Part]:
        """Every server and whether it runs."""
        up = self.folder.exists()
        return [Part(name, up and service.running(), address) for name, service, address in self._services()]

    def _keep_site(self) -> None:
        """Keep a copy of the site, so that the lab can be taken down when the original is gone."""
        _ = self.inventory  # a site that does not fit is refused before anything is written
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # the servers' own users pass through here
        kept = self.folder / "site"
        if self.site_folder != kept:
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(self.site_folder, kept)

    def _accounts_line(self, progress: Callable[[str], None]) -> None:
        with _said(progress, "directory", "Samba AD domain controller"):
            self.dc.up()
            furnish(self.dc, self.inventory, self.secrets)
            furnish_shares(self.dc, self.inventory, self.secrets)
        with _said(progress, "mail", "Postfix, Dovecot"):
            self.mail.up()
        with _said(progress, "intranet", "Apache"):
            self.web.up()
            if self.inventory.intranet.files is not None:
                self.web_host.up()

    def _network_line(self, progress: Callable[[str], None]) -> None:
        with _said(progress, "network", "Open vSwitch, dnsmasq, desks"):
            self.network.up()
        with _said(progress, "switches", "SSH command lines"):
            self.switches.up()
            self.dhcp_host.up()
            trusted = self.switches.known_hosts.read_text() + self.dhcp_host.known_hosts.read_text()
            (self.folder / "known_hosts").write_text(trusted)

    def _windows_line(self, progress: Callable[[str], None]) -> None:
        with _said(progress, "windows", "Wine PCs with WinRM and SMB"):
            self.pcs.up()

    def _phones_line(self, progress: Callable[[str], None]) -> None:
        if self.inventory.phones is None:
            return
        with _said(progress, "phones", "Kamailio"):
            self.telephony.up()
            if self.inventory.phones.files is not None:
                self.phone_files.mkdir(parents=True, exist_ok=True)
                self.phone_host.up()

    def _services(self) -> Sequence[tuple[str, Service, str]]:
        site = self.inventory
        on_demand: list[tuple[str, Service, str]] = []
        if self.desk.folder.exists():
            on_demand.append(("service desk", self.desk, self.desk.address))
        web_files: list[tuple[str, Service, str]] = []
        if site.intranet.files is not None:
            web_files.append(("intranet files", self.web_host, str(site.intranet.files.ssh.address)))
        phones: list[tuple[str, Service, str]] = []
        if site.phones is not None:
            phones.append(("phones", self.telephony, self.telephony.address))
            if site.phones.files is not None:
                phones.append(("phone files", self.phone_host, site.phones.files.ssh.connect_to))
        return [
            *on_demand,
            ("directory", self.dc, str(site.directory.server.address)),
            ("mail", self.mail, str(site.mail.smtp.address)),
            ("intranet", self.web, str(site.intranet.address)),
            *web_files,
            *phones,
            ("network", self.network, self.network.namespace),
            ("switches", self.switches, ", ".join(str(s.ssh.address) for s in site.network.switches.values())),
            ("dhcp", self.dhcp_host, str(site.network.dhcp.ssh.address) if site.network.dhcp else "-"),
            ("windows", self.pcs, ", ".join(str(ws.address) for ws in site.workstations.values() if ws.address)),
        ]


@contextmanager
def _said(progress: Callable[[str], None], name: str, what: str) -> Iterator[None]:
    progress(f"{name}: starting {what} …")
    yield
    progress(f"{name}: up")
