"""The servers of the lab, each built from what the site says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.colleagues import intranet_group_dn
from provisioning.lab.directory import DomainController
from provisioning.lab.file_server import FileHost
from provisioning.lab.file_shares import share_names
from provisioning.lab.lookup import DirectoryLookup
from provisioning.lab.mail import MailServer
from provisioning.lab.network import Desk, Network, SwitchPlan
from provisioning.lab.servicedesk import RequestTracker
from provisioning.lab.switch.service import Switches, SwitchHost
from provisioning.lab.telephony import Telephony
from provisioning.lab.web import IntranetServer
from provisioning.lab.windows.host import WindowsPc, WindowsPcs
from provisioning.procedures.equipment import behind_desk
from provisioning.procedures.publish import published
from provisioning.site import Inventory
from provisioning.site.load import load

ROOT = Path("/var/lib/provisioning-lab")
_DESK_PORTS: Mapping[Literal["ios", "ovs"], tuple[str, ...]] = {
    "ios": tuple(f"GigabitEthernet1/0/{n}" for n in range(1, 25)),
    "ovs": tuple(f"p{n}" for n in range(1, 25)),
}


class Servers:
    """What the site in `site_folder`, whose addresses must be those of lab `number`, names. Nothing is started here."""

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
            shares=share_names(self.inventory.files),
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
            other_names=self._mail_names(),
            documents={r.key: str(r.desired.to_plain()["text"]) for r in published(self.inventory) if r.desired},
        )

    def _mail_names(self) -> Sequence[str]:
        clients = self.inventory.mail.clients
        domains = clients.domains if clients is not None else ()
        return [f"{name}.{domain}" for domain in domains for name in ("autoconfig", "autodiscover")]

    @cached_property
    def web_host(self) -> FileHost:
        files = self.inventory.intranet.files
        if files is None:
            raise LabError(f"the site {self.site_folder} has no intranet.files")
        return FileHost(
            self.folder / "web-host",
            files.ssh.host,
            files.ssh.connect_to,
            {},
            user=files.credential.user,
            password_file=self.secrets / "web",
            port=files.ssh.port,
            folders={files.root: self.web.root},
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
    def telephony(self) -> Telephony:
        phones = self.inventory.phones
        if phones is None or phones.exchange.file is None:
            raise LabError(f"the site {self.site_folder} has no phones.exchange.file; the lab needs it")
        return Telephony(
            self.folder / "phones",
            phones.registrar.connect_to,
            self.authority,
            phones.exchange.file,
            host=phones.registrar.host,
            domain=phones.domain,
            control=self.secrets / "exchange",
        )

    @cached_property
    def phone_host(self) -> FileHost:
        """The server that desk phones fetch their files from."""
        files = self.inventory.phones.files if self.inventory.phones else None
        if files is None:
            raise LabError(f"the site {self.site_folder} has no phones.files")
        return FileHost(
            self.folder / "phone-host",
            files.ssh.host,
            files.ssh.connect_to,
            {},
            user=files.credential.user,
            password_file=self.secrets / "phones",
            port=files.ssh.port,
            folders={files.folder: self.phone_files},
        )

    @property
    def phone_files(self) -> Path:
        """Where the files of :attr:`phone_host` lie on this machine."""
        return self.folder / "phone-host" / "files"

    @cached_property
    def network(self) -> Network:
        network = self.inventory.network
        plans = [
            SwitchPlan(name, self._ports(name), switch.uplinks, self._dialect(name))
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
                self._ports(name),
                switch.uplinks,
                switch.ssh.port,
                dialect=self._dialect(name),
            )
            for name, switch in network.switches.items()
        ]
        user = next(iter(network.switches.values())).credential.user
        vlans = {vlan.id: name for name, vlan in network.vlans.items()}
        return Switches(
            self.folder / "switches", hosts, self.network, vlans, user=user, password_file=self.secrets / "switch"
        )

    def _dialect(self, name: str) -> Literal["ios", "ovs"]:
        dialect = self.inventory.network.switches[name].dialect
        for known in _DESK_PORTS:
            if dialect == known:
                return known
        raise LabError(f"switch {name!r} speaks {dialect}; the lab has switches that speak {' and '.join(_DESK_PORTS)}")

    def _ports(self, name: str) -> tuple[str, ...]:
        """The ports of a lab switch: 24 for desks, and its uplinks."""
        uplinks = self.inventory.network.switches[name].uplinks
        return tuple(dict.fromkeys((*_DESK_PORTS[self._dialect(name)], *uplinks)))

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
            folders={dhcp.reservations: self.network.reservations} if dhcp.reservations else {},
            commands={dhcp.reload: self.network.reload_dhcp} if dhcp.reload else {},
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
        for name, device in self.inventory.equipment.items():
            outlet = self.inventory.outlets[device.outlet]
            # Nothing here plays a telephone that passes a PC's frames on.
            if outlet.switch and outlet.switch_port and not behind_desk(self.inventory, device):
                yield Desk(name, device.mac, outlet.switch, outlet.switch_port)
        for name, ws in self.inventory.workstations.items():
            if ws.address is None or ws.workplace is None:
                continue
            outlet = self.inventory.outlets[self.inventory.workplaces[ws.workplace].outlet]
            if outlet.switch and outlet.switch_port:
                yield Desk(name, ws.mac, outlet.switch, outlet.switch_port, lldp=True)
