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
from functools import cached_property
from pathlib import Path
from typing import Protocol

from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.colleagues import furnish, intranet_group_dn
from provisioning.lab.directory import DomainController
from provisioning.lab.file_server import FileHost
from provisioning.lab.lookup import DirectoryLookup
from provisioning.lab.mail import MailServer
from provisioning.lab.network import Desk, Network, SwitchPlan
from provisioning.lab.servicedesk import RequestTracker
from provisioning.lab.ssh_service import ensure_password
from provisioning.lab.switch.service import Switches, SwitchHost
from provisioning.lab.web import IntranetServer
from provisioning.lab.windows import WindowsPc, WindowsPcs
from provisioning.site import Inventory
from provisioning.site.load import load

ROOT = Path("/var/lib/provisioning-lab")
_EXAMPLE_PREFIX, _EXAMPLE_FOLDER = "127.77.0.", "/provisioning-lab/0/"
_DESK_PORTS = tuple(f"GigabitEthernet1/0/{n}" for n in range(1, 25))


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


def write_site(source: Path, destination: Path, number: int) -> None:
    """Copy the example site for lab `number`: its addresses and lab paths follow the number.

    Raises :class:`LabError` when the destination holds something already or cannot be written.
    """
    try:
        if destination.exists() and any(destination.iterdir()):
            raise LabError(f"{destination} is not empty; name a new folder")
        shutil.copytree(source, destination, dirs_exist_ok=True)
    except OSError as exc:
        raise LabError(f"{destination} cannot be written ({exc.strerror or exc}); name a new folder") from exc
    for file in [*destination.glob("*.yml"), *destination.glob("*.csv")]:
        text = file.read_text(encoding="utf-8")
        text = text.replace(_EXAMPLE_PREFIX, f"127.77.{number}.").replace(
            _EXAMPLE_FOLDER, f"/provisioning-lab/{number}/"
        )
        file.write_text(text, encoding="utf-8")


def standing(number: int) -> Office | None:
    """The lab that was started as `number`, from the copy of its site that it keeps; ``None`` when there is none."""
    site = ROOT / str(number) / "site"
    return Office(site, number) if site.exists() else None


class Office:
    """The lab of the site in `site_folder`, whose addresses must be those of lab `number`."""

    def __init__(self, site_folder: Path, number: int = 0) -> None:
        if not 0 <= number <= 255:
            raise LabError(f"lab number {number} does not exist; choose one from 0 to 255")
        self.site_folder = site_folder
        self.number = number
        self.folder = ROOT / str(number)
        self.secrets = self.folder / "secrets"

    @cached_property
    def inventory(self) -> Inventory:
        """The site that this lab plays."""
        inventory = load(self.site_folder)
        address = inventory.directory.server.connect_to
        if not address.startswith(f"127.77.{self.number}."):
            raise LabError(
                f"the site {self.site_folder} has its directory at {address}, "
                f"lab {self.number} would be at 127.77.{self.number}.x; "
                f"`provision lab site DIR --number {self.number}` writes a copy of the example site that fits"
            )
        return inventory

    def up(self, progress: Callable[[str], None]) -> None:
        """Start what does not run. Safe to call again; `progress` gets one line a server."""
        self._keep_site()
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        for name in ("svc-provision", "svc-mail", "svc-check", "svc-web", "switch", "dhcp", "windows"):
            ensure_password(self.secrets / name)
        self.authority.up()
        with ThreadPoolExecutor(3, "lab") as workers:
            lines = [
                workers.submit(line, progress) for line in (self._accounts_line, self._network_line, self._windows_line)
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
        with _said(progress, "mail", "Postfix, Dovecot"):
            self.mail.up()
        with _said(progress, "intranet", "Apache"):
            self.web.up()

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

    def _services(self) -> Sequence[tuple[str, Service, str]]:
        site = self.inventory
        on_demand: list[tuple[str, Service, str]] = []
        if self.desk.folder.exists():
            on_demand.append(("service desk", self.desk, self.desk.address))
        return [
            *on_demand,
            ("directory", self.dc, str(site.directory.server.address)),
            ("mail", self.mail, str(site.mail.smtp.address)),
            ("intranet", self.web, str(site.intranet.address)),
            ("network", self.network, self.network.namespace),
            ("switches", self.switches, ", ".join(str(s.ssh.address) for s in site.network.switches.values())),
            ("dhcp", self.dhcp_host, str(site.network.dhcp.ssh.address) if site.network.dhcp else "-"),
            ("windows", self.pcs, ", ".join(str(ws.address) for ws in site.workstations.values() if ws.address)),
        ]

    # -- the servers, built from the site -----------------------------------------------------------------------------

    @cached_property
    def authority(self) -> LabAuthority:
        """The lab's certification authority; ``ca.pem`` is the site's trust anchor."""
        return LabAuthority(self.folder)

    @cached_property
    def dc(self) -> DomainController:
        directory = self.inventory.directory
        return DomainController(
            self.folder / "dc",
            directory.server.connect_to,
            self.authority,
            host=directory.server.host,
            domain=directory.domain,
            netbios=directory.netbios_domain,
        )

    @cached_property
    def _lookup(self) -> DirectoryLookup:
        directory = self.inventory.directory
        return DirectoryLookup(
            address=directory.server.connect_to,
            base_dn=directory.base_dn,
            user=f"svc-mail@{directory.domain}",
            password=self.secrets / "svc-mail",
            trust=self.authority.certificate,
        )

    @cached_property
    def mail(self) -> MailServer:
        mail = self.inventory.mail
        domains = sorted({pattern.partition("@")[2] for pattern in mail.addresses})
        return MailServer(
            self.folder / "mail",
            mail.smtp.connect_to,
            self.authority,
            self._lookup,
            reader_password=self.secrets / "mail-check",
            reader=mail.check_reader.user,
            host=mail.smtp.host,
            domains=domains,
        )

    @cached_property
    def web(self) -> IntranetServer:
        intranet = self.inventory.intranet
        return IntranetServer(
            self.folder / "web",
            str(intranet.address),
            self.authority,
            self._lookup,
            group=intranet_group_dn(self.inventory),
            keytab=self.secrets / "intranet.keytab",
            krb5_conf=self.dc.krb5_conf,
            host=intranet.url.split("/")[2],
            title=self.inventory.directory.company or "Intranet",
        )

    @cached_property
    def desk(self) -> RequestTracker:
        """The service desk. A site need not name one; the lab's is always the same."""
        return RequestTracker(
            self.folder / "desk",
            f"127.77.{self.number}.60",
            self.authority,
            token_file=self.secrets / "service-desk",
        )

    @cached_property
    def network(self) -> Network:
        network = self.inventory.network
        plans = [
            SwitchPlan(name, tuple(dict.fromkeys((*_DESK_PORTS, *switch.uplinks))), switch.uplinks)
            for name, switch in network.switches.items()
        ]
        subnets = {vlan.id: vlan.subnet for vlan in network.vlans.values()}
        return Network(self.folder / "dhcp", self.number, plans, subnets, list(self._desks()))

    @cached_property
    def switches(self) -> Switches:
        network = self.inventory.network
        hosts = [
            SwitchHost(
                name,
                switch.ssh.host,
                switch.ssh.connect_to,
                tuple(dict.fromkeys((*_DESK_PORTS, *switch.uplinks))),
                switch.uplinks,
                switch.ssh.port,
            )
            for name, switch in network.switches.items()
        ]
        user = next(iter(network.switches.values())).credential.user
        vlans = {vlan.id: name for name, vlan in network.vlans.items()}
        return Switches(
            self.folder / "switches", hosts, self.network, vlans, user=user, password_file=self.secrets / "switch"
        )

    @cached_property
    def dhcp_host(self) -> FileHost:
        dhcp = self.inventory.network.dhcp
        if dhcp is None:
            raise LabError(f"the site {self.site_folder} has no network.dhcp; the lab needs it")
        return FileHost(
            self.folder / "dhcp-host",
            dhcp.ssh.host,
            dhcp.ssh.connect_to,
            {dhcp.leases: self.network.leases},
            user=dhcp.credential.user,
            password_file=self.secrets / "dhcp",
            port=dhcp.ssh.port,
        )

    @cached_property
    def pcs(self) -> WindowsPcs:
        windows = self.inventory.windows
        machines = [
            WindowsPc(name, ws.host, ws.address) for name, ws in self.inventory.workstations.items() if ws.address
        ]
        return WindowsPcs(
            self.folder / "windows",
            machines,
            user=windows.credential.user,
            password=self.secrets / "windows",
            authority=self.authority,
        )

    def _desks(self) -> Iterator[Desk]:
        for name, ws in self.inventory.workstations.items():
            if ws.address is None or ws.workplace is None:
                continue
            outlet = self.inventory.outlets[self.inventory.workplaces[ws.workplace].outlet]
            if outlet.switch and outlet.switch_port:
                yield Desk(name, ws.mac, outlet.switch, outlet.switch_port)


@contextmanager
def _said(progress: Callable[[str], None], name: str, what: str) -> Iterator[None]:
    progress(f"{name}: starting {what} …")
    yield
    progress(f"{name}: up")
