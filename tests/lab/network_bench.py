"""A small network of its own for the switch and network tests: two switches, two desks, DHCP. It runs beside
the lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from provisioning.connections import shell, switch
from provisioning.connections.pool import Pool
from provisioning.connections.switch import SwitchSession
from provisioning.lab.file_server import FileHost
from provisioning.lab.network import Desk, Network, SwitchPlan
from provisioning.lab.switch import Faults, Switches, SwitchHost
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site import network as site
from provisioning.site.base import Credential, Endpoint

PORTS = (*(f"GigabitEthernet1/0/{i}" for i in range(1, 25)), *(f"TenGigabitEthernet1/1/{i}" for i in (1, 2)))
UPLINKS = PORTS[-2:-1]  # TenGigabitEthernet1/1/2 is a trunk that only the device knows of
VLANS = {"staff": 20, "printers": 30, "voice": 120}
MAC_A, MAC_B = "02:00:5e:10:00:a1", "02:00:5e:10:00:b1"
LEASES = "/var/lib/misc/dnsmasq.leases"


@dataclass(frozen=True)
class Bench:
    """The running network and how a site describes it. Number 41 and up, so that no lab is in the way."""

    folder: Path
    number: int
    network: Network
    switches: Switches
    files: FileHost

    @classmethod
    def make(cls, folder: Path, number: int) -> Bench:
        subnets: dict[int, IPv4Network | None] = {vlan: IPv4Network(f"10.20.{vlan}.0/24") for vlan in VLANS.values()}
        plans = [SwitchPlan("sw-a", PORTS, PORTS[-2:]), SwitchPlan("sw-b", PORTS, PORTS[-2:])]
        desks = [Desk("pc-a", MAC_A, "sw-a", PORTS[6]), Desk("pc-b", MAC_B, "sw-b", PORTS[2])]
        network = Network(folder / "network", number, plans, subnets, desks)
        hosts = [
            SwitchHost(
                f"sw-{x}",
                f"sw-{x}.corp.example",
                f"127.77.{number}.{octet}",
                PORTS,
                PORTS[-2:],
                privileged=x == "a",
            )
            for x, octet in (("a", 21), ("b", 22))  # sw-b asks for the password again (`enable`)
        ]
        switches = Switches(
            folder / "switches",
            hosts,
            network,
            {vlan: name for name, vlan in VLANS.items()},
            user="netops",
            password_file=folder / "switch-password",
        )
        files = FileHost(
            folder / "files",
            "dhcp.corp.example",
            f"127.77.{number}.50",
            {LEASES: network.leases},
            user="netops",
            password_file=folder / "switch-password",
        )
        return cls(folder, number, network, switches, files)

    def up(self) -> None:
        self.network.up()
        self.switches.up()
        self.files.up()

    def down(self) -> None:
        self.files.down()
        self.switches.down()
        self.network.down()

    def inventory(self, **changes: object) -> Inventory:
        """What a site says about this network. `changes` are for the entries of both switches."""
        login = Credential(user="netops", password="file:switch-password")
        switches = {
            name: site.Switch.model_validate({
                "ssh": Endpoint(host=f"{name}.corp.example", port=22, address=self._address(octet)),
                "credential": login, "known_hosts": self.switches.known_hosts, "closet": "C",
                "uplinks": UPLINKS, **changes,
            })
            for name, octet in (("sw-a", 21), ("sw-b", 22))
        }  # fmt: skip
        dhcp = site.Dhcp(
            ssh=Endpoint(host="dhcp.corp.example", port=22, address=self._address(50)),
            credential=login,
            known_hosts=self.files.known_hosts,
            leases=LEASES,
        )
        vlans = {name: site.Vlan(id=vlan, subnet=IPv4Network(f"10.20.{vlan}.0/24")) for name, vlan in VLANS.items()}
        network = site.Network(vlans=vlans, switches=switches, voice_vlan="voice", dhcp=dhcp)
        said: dict[str, Any] = {"folder": self.folder, "network": network}
        return Inventory.model_construct(**said)

    def _address(self, octet: int) -> IPv4Address:
        return IPv4Address(f"127.77.{self.number}.{octet}")

    def pool(self, **changes: object) -> Pool:
        """Sessions to this network."""
        secrets = Secrets(self.folder, self.folder / "handover")
        return Pool(self.inventory(**changes), secrets, {"switch": switch.open_session, "dhcp": shell.open_session})

    def type(self, name: str, lines: Sequence[str]) -> None:
        """Configure a switch by hand."""
        with self.pool() as pool, pool.session(f"switch:{name}") as session:
            session.configure(lines)

    def section(self, session: SwitchSession, port: str) -> str:
        """The port's lines, byte for byte."""
        return session.show(f"show running-config interface {port}")


__all__ = ["LEASES", "MAC_A", "MAC_B", "PORTS", "UPLINKS", "VLANS", "Bench", "Faults"]
