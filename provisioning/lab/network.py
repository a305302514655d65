"""The lab's network: switching by Open vSwitch, DHCP by dnsmasq, and a cable to every desk.

Everything lives in network namespaces, so that two labs never meet: userspace Open vSwitch claims the device
name
``ovs-netdev`` in its namespace, and two daemons in one namespace would fight over it::

    pl<N>-net       ovsdb-server, ovs-vswitchd; one bridge a switch, one core bridge between their uplinks
    pl<N>-<switch>  the same for a switch that is an Open vSwitch host itself: its own daemons, one bridge ``br0``
    pl<N>-dhcp      dnsmasq, with one access port of the core bridge for each VLAN that has a subnet
    pl<N>-<desk>    one PC: eth0 is the far end of a cable that begins in a switch port

Every switch port is a veth pair (a cable). The far end lies about, down, until a PC is plugged in: then the port has
carrier, as on a real switch. The kernel needs no VLAN or Open vSwitch module for any of this.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

from provisioning.errors import LabError
from provisioning.lab.desks import Desk, read_desks, write_desks
from provisioning.lab.dhcp import DhcpServer
from provisioning.lab.forwarding import Forwarding, bridge_words
from provisioning.lab.namespaces import add_namespace, namespaces
from provisioning.lab.process import Daemon, run

__all__ = ["MANAGEMENT_VLAN", "Desk", "Network", "SwitchPlan"]

MANAGEMENT_VLAN = 99
"""Where the switches have their own addresses."""
_MANAGEMENT = IPv4Network("10.255.99.0/24")  # unless the site says otherwise


@dataclass(frozen=True)
class SwitchPlan:
    """One switch: its ports in the device's spelling and order; `uplinks` are those of them that lead to the
    core. A switch of the dialect ``ovs`` is an Open vSwitch host; its ports are named as there (at most 14
    characters)."""

    name: str
    ports: tuple[str, ...]
    uplinks: tuple[str, ...] = ()
    dialect: Literal["ios", "ovs"] = "ios"


class Network:
    """Switching, DHCP and desks of lab `number`, kept in `folder`. `vlans` maps VLAN numbers to their IPv4
    subnets."""

    def __init__(
        self,
        folder: Path,
        number: int,
        switches: Sequence[SwitchPlan],
        vlans: Mapping[int, IPv4Network | None],
        desks: Sequence[Desk] = (),
    ) -> None:
        self.folder = folder
        self.namespace = f"pl{number}-net"
        self._prefix = f"pl{number}-"
        self._switches = {plan.name: plan for plan in switches}
        self._subnets = {vlan: subnet for vlan, subnet in sorted(vlans.items()) if subnet is not None}
        self._desks = {desk.name: desk for desk in desks}
        self._management = self._subnets.get(MANAGEMENT_VLAN, _MANAGEMENT)
        self._main = Forwarding(folder, self.namespace)
        self._hosts = {
            plan.name: Forwarding(folder / plan.name, f"{self._prefix}{plan.name}")
            for plan in switches
            if plan.dialect == "ovs"
        }
        self._dhcp = DhcpServer(folder, self._prefix)
        self._desk_host = Daemon(folder, "desk-host")

    @property
    def leases(self) -> Path:
        """The lease file of the DHCP server."""
        return self._dhcp.leases

    @property
    def reservations(self) -> Path:
        """The folder of fixed addresses that it reads."""
        return self._dhcp.reservations

    # -- names

    def forwarding(self, switch: str) -> Forwarding:
        """The Open vSwitch that the switch's bridge is on: all IOS-style switches share one."""
        return self._hosts.get(switch, self._main)

    def bridge(self, switch: str) -> str:
        """Name of the bridge that is the switch's data plane."""
        return "br0" if switch in self._hosts else f"{self._prefix}s{self._index(switch)}"

    def devices(self, switch: str) -> dict[str, str]:
        """Port in the device's spelling → network device on the bridge. The n-th port is OpenFlow port n."""
        ports, index = self._switches[switch].ports, self._index(switch)
        if switch in self._hosts:
            return {port: port for port in ports}
        return {port: f"s{index}p{i}" for i, port in enumerate(ports, 1)}

    def _index(self, switch: str) -> int:
        return list(self._switches).index(switch)

    def management(self, switch: str) -> dict[str, str]:
        """The switch's own interface: VLAN, address with its prefix, gateway, and the network device that is the
        switch's end of the cable from its bridge."""
        index, hosts = self._index(switch), list(self._management.hosts())
        address = f"{hosts[10 + index]}/{self._management.prefixlen}"
        said = {"vlan": str(MANAGEMENT_VLAN), "address": address, "gateway": str(hosts[0])}
        return {**said, "device": f"s{index}cpu"}

    def desk_namespace(self, desk: str) -> str:
        """Network namespace of a PC."""
        return f"{self._prefix}{desk}"

    @property
    def database_socket(self) -> Path:
        """Where ovs-vsctl reaches the ovsdb-server of the IOS-style switches."""
        return self._main.database_socket

    @property
    def control_socket(self) -> Path:
        """Where ovs-appctl reaches their ovs-vswitchd."""
        return self._main.control_socket

    @property
    def _core(self) -> str:
        return f"{self._prefix}core"

    # -- up, down, running

    def up(self) -> None:
        """Start everything; what a crash left behind is cleared away first. Raises :class:`LabError`."""
        if self.running():
            return
        self.down()
        self.folder.mkdir(parents=True, exist_ok=True)
        for forwarding in self._forwardings:
            forwarding.up()
        self._build_bridges()
        self._dhcp.up({MANAGEMENT_VLAN: self._management, **self._subnets}, self._subnets, self._main, self._core)
        for desk in self._desks.values():
            self._plug(desk)
        self._start_desk_host()

    @property
    def _forwardings(self) -> Sequence[Forwarding]:
        return [self._main, *self._hosts.values()]

    def down(self) -> None:
        """Stop everything and leave no process, namespace, device or lease behind."""
        self._desk_host.stop()
        self._dhcp.down()
        for forwarding in reversed(self._forwardings):
            forwarding.down()
        for name in namespaces():
            if name.startswith(self._prefix):
                run(["ip", "netns", "delete", name], check=False)
        for path in Path("/sys/class/net").glob(f"{self._prefix}*"):
            run(["ip", "link", "delete", path.name], check=False)

    def running(self) -> bool:
        """Whether all daemons run and the namespaces exist."""
        wanted = set(map(self.desk_namespace, self._desks))
        daemons = self._dhcp.running() and self._desk_host.pid is not None
        return daemons and wanted <= set(namespaces()) and all(each.running() for each in self._forwardings)

    @property
    def reload_dhcp(self) -> Sequence[str]:
        """The command that makes the DHCP server read its reservations again."""
        return self._dhcp.reload

    # -- cables

    def look(self) -> None:
        """See where the cables are, which another process may have moved since the lab was started."""
        ends = {
            (self.forwarding(switch).namespace, device): (switch, port)
            for switch in self._switches
            for port, device in self.devices(switch).items()
        }
        for place in read_desks(self.folder / "desks.json"):
            switch, port = ends[place.home, place.port]
            if place.name in self._desks:
                self._desks[place.name] = replace(self._desks[place.name], switch=switch, port=port)

    def plug(self, desk: Desk) -> None:
        """Plug one more PC into a switch port while the network runs. Raises :class:`LabError` when a cable is there
        already."""
        self._refuse_taken(desk)
        self._plug(desk)
        self._desks[desk.name] = desk
        self._write_desks()

    def unplug(self, name: str) -> None:
        """Pull a PC's cable: its port loses carrier, and the PC is gone."""
        desk = self._desk(name)
        del self._desks[name]
        self._write_desks()
        self._pull(desk)
        run(["ip", "netns", "delete", self.desk_namespace(name)])

    def move(self, name: str, switch: str, port: str) -> None:
        """Put a PC's cable into another port; the PC stays on and keeps its address until it notices."""
        before = self._desk(name)
        after = replace(before, switch=switch, port=port)
        self._refuse_taken(after)
        self._pull(before)
        self._lay(after)
        self._desks[name] = after
        self._write_desks()

    def swap(self, one: str, other: str) -> None:
        """Exchange the cables of two PCs: the mistake that a technician makes."""
        first, second = self._desk(one), self._desk(other)
        self._pull(first)
        self._pull(second)
        for desk, place in ((first, second), (second, first)):
            self._desks[desk.name] = replace(desk, switch=place.switch, port=place.port)
            self._lay(self._desks[desk.name])
        self._write_desks()

    def _desk(self, name: str) -> Desk:
        if name not in self._desks:
            raise LabError(f"the lab has no desk {name!r}; it has {', '.join(sorted(self._desks))}")
        return self._desks[name]

    def _refuse_taken(self, desk: Desk) -> None:
        if desk.switch not in self._switches or desk.port not in self.devices(desk.switch):
            raise LabError(f"the lab has no port {desk.port} on a switch {desk.switch}")
        for other in self._desks.values():
            if (other.switch, other.port) == (desk.switch, desk.port):
                raise LabError(f"{desk.switch} {desk.port} is taken by {other.name}; unplug or move it first")

    # -- parts

    def _build_bridges(self) -> None:
        words = list(bridge_words(self._core))
        words += ["--", "set", "open_vswitch", ".", "other_config:stats-update-interval=1000"]
        links = ["link set lo up"]
        for name in self._switches:
            if name not in self._hosts:
                self._add_ports(name, links, words)
                self._add_management(name, links, words)
        self._main.links(links)
        self._main.vsctl(words[1:])
        for name, forwarding in self._hosts.items():
            self._join(name, forwarding)

    def _add_ports(self, name: str, links: list[str], words: list[str]) -> None:
        plan, bridge = self._switches[name], self.bridge(name)
        words += bridge_words(bridge)
        for number, (port, device) in enumerate(self.devices(name).items(), 1):
            words += ["--", "add-port", bridge, device]
            settings = ["--", "set", "interface", device, f"ofport_request={number}"]
            if name not in self._hosts and port in plan.uplinks[:1]:
                words += [*settings, "type=patch", f"options:peer={device}c"]
                words += ["--", "add-port", self._core, f"{device}c"]
                words += ["--", "set", "interface", f"{device}c", "type=patch", f"options:peer={device}"]
                continue
            words += settings
            if not (name in self._hosts and port in plan.uplinks[:1]):
                links += [f"link add {device} type veth peer name {device}o", f"link set {device} up"]
            if port not in plan.uplinks:
                words += ["--", "set", "port", device, "vlan_mode=access", "tag=1"]

    def _add_management(self, name: str, links: list[str], words: list[str]) -> None:
        inner, outer = self.management(name)["device"], f"s{self._index(name)}m"
        links.append(f"link add {outer} type veth peer name {inner}")
        links += [f"link set {end} addrgenmode none up" for end in (outer, inner)]
        words += ["--", "add-port", self.bridge(name), outer]
        words += ["--", "set", "port", outer, "vlan_mode=access", f"tag={MANAGEMENT_VLAN}"]

    def _join(self, name: str, forwarding: Forwarding) -> None:
        """Build the bridge of an Open vSwitch host, and lay its uplink to the core."""
        links, words = ["link set lo up"], list[str]()
        self._add_ports(name, links, words)
        for uplink in self._switches[name].uplinks[:1]:
            far = f"s{self._index(name)}up"
            run(["ip", "-n", self.namespace, "link", "add", far, "type", "veth", "peer", "name", f"{far}o"])
            run(["ip", "-n", self.namespace, "link", "set", far, "up"])
            near = ["set", f"{far}o", "netns", forwarding.namespace, "name", uplink, "up"]
            run(["ip", "-n", self.namespace, "link", *near])
            self._main.vsctl(["add-port", self._core, far])
        forwarding.links(links)
        forwarding.vsctl(words[1:])

    def _plug(self, desk: Desk) -> None:
        add_namespace(self.desk_namespace(desk.name))
        self._lay(desk)

    def _lay(self, desk: Desk) -> None:
        """Put the loose end of the port's cable into the PC."""
        device, namespace = self.devices(desk.switch)[desk.port], self.desk_namespace(desk.name)
        link = ["ip", "-n", self.forwarding(desk.switch).namespace, "link", "set", f"{device}o"]
        run([*link, "address", desk.mac, "netns", namespace, "name", "eth0"])
        run(["ip", "-n", namespace, "link", "set", "eth0", "up"])

    def _pull(self, desk: Desk) -> None:
        """Pull the cable out of the PC; its end lies about again."""
        device, namespace = self.devices(desk.switch)[desk.port], self.desk_namespace(desk.name)
        home = self.forwarding(desk.switch).namespace
        run(["ip", "-n", namespace, "link", "set", "eth0", "down", "netns", home, "name", f"{device}o"])

    def _start_desk_host(self) -> None:
        self._write_desks()
        self._desk_host.start([sys.executable, "-m", "provisioning.lab.desk_host", str(self.folder / "desks.json")])

    def _write_desks(self) -> None:
        def place(desk: Desk) -> tuple[str, str, str, Desk]:
            home = self.forwarding(desk.switch).namespace
            return self.desk_namespace(desk.name), home, self.devices(desk.switch)[desk.port], desk

        write_desks(self.folder / "desks.json", map(place, self._desks.values()))
