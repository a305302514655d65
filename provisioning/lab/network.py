"""The lab's network: switching by Open vSwitch, DHCP by dnsmasq, and a cable to every desk.

Everything lives in network namespaces, so that two labs never meet: userspace Open vSwitch claims the device
name
``ovs-netdev`` in its namespace, and two daemons in one namespace would fight over it::

    pl<N>-net       ovsdb-server, ovs-vswitchd; one bridge a switch, one core bridge between their uplinks
    pl<N>-dhcp      dnsmasq, with one access port of the core bridge for each VLAN that has a subnet
    pl<N>-<desk>    one PC: eth0 is the far end of a cable that begins in a switch port

Every switch port is a veth pair (a cable). The far end lies about, down, until a PC is plugged in: then the port has
carrier, as on a real switch. The kernel needs no VLAN or Open vSwitch module for any of this.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.lab.namespaces import add_namespace, disable_checksum_offload, namespaces
from provisioning.lab.process import Daemon, run, wait_for

_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_LEASE_TIME = "1h"


@dataclass(frozen=True)
class SwitchPlan:
    """One switch: its ports in the device's spelling and order; `uplinks` are those of them that lead to the
    core."""

    name: str
    ports: tuple[str, ...]
    uplinks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """A PC plugged into a switch port."""

    name: str
    mac: str
    switch: str
    port: str


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
        self.leases = folder / "dnsmasq.leases"
        self.reservations = folder / "reservations"
        self.namespace = f"pl{number}-net"
        self._prefix = f"pl{number}-"
        self._switches = {plan.name: plan for plan in switches}
        self._subnets = {vlan: subnet for vlan, subnet in sorted(vlans.items()) if subnet is not None}
        self._desks = {desk.name: desk for desk in desks}
        self._database = Daemon(folder, "ovsdb-server")
        self._forwarding = Daemon(folder, "ovs-vswitchd")
        self._dhcp = Daemon(folder, "dnsmasq")
        self._desk_host = Daemon(folder, "desk-host")

    # -- names
    # ------------------------------------------------------------------------------------------------------

    def bridge(self, switch: str) -> str:
        """Name of the bridge that is the switch's data plane."""
        return f"{self._prefix}s{list(self._switches).index(switch)}"

    def devices(self, switch: str) -> dict[str, str]:
        """Port in the device's spelling → network device on the bridge. The n-th port is OpenFlow port n."""
        index = list(self._switches).index(switch)
        return {port: f"s{index}p{i}" for i, port in enumerate(self._switches[switch].ports, 1)}

    def desk_namespace(self, desk: str) -> str:
        """Network namespace of a PC."""
        return f"{self._prefix}{desk}"

    @property
    def database_socket(self) -> Path:
        """Where ovs-vsctl reaches this lab's own ovsdb-server."""
        return self.folder / "db.sock"

    @property
    def control_socket(self) -> Path:
        """Where ovs-appctl reaches this lab's own ovs-vswitchd."""
        return self.folder / "vswitchd.ctl"

    @property
    def _core(self) -> str:
        return f"{self._prefix}core"

    # -- up, down, running
    # ------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Start everything; what a crash left behind is cleared away first. Raises :class:`LabError`."""
        if self.running():
            return
        self.down()
        self.folder.mkdir(parents=True, exist_ok=True)
        add_namespace(self.namespace)
        self._start_forwarding()
        self._build_bridges()
        self._start_dhcp()
        for desk in self._desks.values():
            self._plug(desk)
        self._start_desk_host()

    def down(self) -> None:
        """Stop everything and leave no process, namespace, device or lease behind."""
        for daemon in (self._desk_host, self._dhcp, self._forwarding, self._database):
            daemon.stop()
        for name in namespaces():
            if name.startswith(self._prefix):
                run(["ip", "netns", "delete", name], check=False)
        for path in Path("/sys/class/net").glob(f"{self._prefix}*"):
            run(["ip", "link", "delete", path.name], check=False)
        for pattern in (
            "*.sock",
            "*.ctl",
            "*.mgmt",
            "*.snoop",
            "conf.db",
            ".conf.db.~lock~",
            "dnsmasq.leases",
        ):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

    def running(self) -> bool:
        """Whether all daemons run and the namespaces exist."""
        daemons = (self._database, self._forwarding, self._dhcp, self._desk_host)
        wanted = {self.namespace, f"{self._prefix}dhcp", *map(self.desk_namespace, self._desks)}
        return all(daemon.pid for daemon in daemons) and wanted <= set(namespaces())

    @property
    def reload_dhcp(self) -> Sequence[str]:
        """The command that makes the DHCP server read its reservations again."""
        return ["sh", "-c", f"kill -HUP $(cut -d ' ' -f 1 {self.folder}/dnsmasq.pid)"]

    def plug(self, desk: Desk) -> None:
        """Plug one more PC into a switch port while the network runs."""
        self._plug(desk)
        self._desks[desk.name] = desk
        self._write_desks()

    def unplug(self, name: str) -> None:
        """Pull a PC's cable: its port loses carrier, and the PC is gone."""
        desk = self._desks.pop(name)
        device = self.devices(desk.switch)[desk.port]
        self._write_desks()
        run(
            [
                "ip",
                "-n",
                self.desk_namespace(name),
                "link",
                "set",
                "eth0",
                "down",
                "netns",
                self.namespace,
                "name",
                f"{device}o",
            ]
        )
        run(["ip", "netns", "delete", self.desk_namespace(name)])

    # -- parts
    # ------------------------------------------------------------------------------------------------------

    def _start_forwarding(self) -> None:
        database = self.folder / "conf.db"
        env = {"OVS_RUNDIR": str(self.folder), "OVS_LOGDIR": str(self.folder), "OVS_DBDIR": str(self.folder)}
        inside = ["ip", "netns", "exec", self.namespace]
        run(["ovsdb-tool", "create", str(database), _SCHEMA])
        self._database.start(
            [
                *inside,
                "ovsdb-server",
                str(database),
                f"--remote=punix:{self.database_socket}",
                f"--unixctl={self.folder}/ovsdb.ctl",
                "-vconsole:warn",
                "-vsyslog:off",
            ],
            env=env,
        )
        wait_for("ovsdb-server", self.database_socket.exists)
        self._vsctl(["--no-wait", "init"])
        self._forwarding.start(
            [
                *inside,
                "ovs-vswitchd",
                f"unix:{self.database_socket}",
                f"--unixctl={self.control_socket}",
                "-vconsole:warn",
                "-vsyslog:off",
            ],
            env=env,
        )
        wait_for("ovs-vswitchd", self.control_socket.exists)

    def _build_bridges(self) -> None:
        links, words = ["link set lo up"], list(_bridge(self._core))
        for name, plan in self._switches.items():
            bridge, devices = self.bridge(name), self.devices(name)
            words += _bridge(bridge)
            for number, (port, device) in enumerate(devices.items(), 1):
                words += ["--", "add-port", bridge, device]
                settings = [f"ofport_request={number}"]
                if port in plan.uplinks[:1]:
                    settings += ["type=patch", f"options:peer={device}c"]
                    words += [
                        "--",
                        "set",
                        "interface",
                        device,
                        *settings,
                        "--",
                        "add-port",
                        self._core,
                        f"{device}c",
                        "--",
                        "set",
                        "interface",
                        f"{device}c",
                        "type=patch",
                        f"options:peer={device}",
                    ]
                    continue
                links += [f"link add {device} type veth peer name {device}o", f"link set {device} up"]
                words += ["--", "set", "interface", device, *settings]
                if port not in plan.uplinks:
                    words += ["--", "set", "port", device, "vlan_mode=access", "tag=1"]
        run(["ip", "-n", self.namespace, "-batch", "-"], stdin="\n".join(links))
        self._vsctl(words[1:])

    def _start_dhcp(self) -> None:
        namespace = f"{self._prefix}dhcp"
        add_namespace(namespace)
        for vlan, subnet in self._subnets.items():
            near, far = f"{self._prefix}v{vlan}", f"{self._prefix}c{vlan}"
            run(["ip", "link", "add", near, "type", "veth", "peer", "name", far])
            disable_checksum_offload(near)
            run(["ip", "link", "set", far, "up", "netns", self.namespace])
            run(["ip", "link", "set", near, "netns", namespace, "name", f"v{vlan}", "up"])
            gateway = next(subnet.hosts())
            run(["ip", "-n", namespace, "address", "add", f"{gateway}/{subnet.prefixlen}", "dev", f"v{vlan}"])
            self._vsctl(["add-port", self._core, far, "--", "set", "port", far, "vlan_mode=access", f"tag={vlan}"])
        self.reservations.mkdir(exist_ok=True)
        config = self.folder / "dnsmasq.conf"
        config.write_text("\n".join(self._dhcp_settings()) + "\n")
        self._dhcp.start(["ip", "netns", "exec", namespace, "dnsmasq", f"--conf-file={config}"])

    def _dhcp_settings(self) -> Iterable[str]:
        # no-ping: the address would otherwise be probed for 3 s. user=root: the lease file is in our folder.
        yield from (
            "keep-in-foreground",
            "port=0",
            "user=root",
            "no-ping",
            "dhcp-authoritative",
            "log-facility=-",
            "pid-file=",
        )
        yield f"dhcp-leasefile={self.leases}"
        yield f"dhcp-hostsdir={self.reservations}"
        for vlan, subnet in self._subnets.items():
            first = subnet[min(100, subnet.num_addresses // 2)]
            yield f"interface=v{vlan}"
            yield f"dhcp-range=set:vlan{vlan},{first},{subnet[-2]},{subnet.netmask},{_LEASE_TIME}"
            yield f"dhcp-option=tag:vlan{vlan},option:router,{next(subnet.hosts())}"

    def _plug(self, desk: Desk) -> None:
        device, namespace = self.devices(desk.switch)[desk.port], self.desk_namespace(desk.name)
        add_namespace(namespace)
        run(
            [
                "ip",
                "-n",
                self.namespace,
                "link",
                "set",
                f"{device}o",
                "address",
                desk.mac,
                "netns",
                namespace,
                "name",
                "eth0",
            ]
        )
        run(["ip", "-n", namespace, "link", "set", "eth0", "up"])

    def _start_desk_host(self) -> None:
        self._write_desks()
        self._desk_host.start(
            [
                "ip",
                "netns",
                "exec",
                self.namespace,
                sys.executable,
                "-m",
                "provisioning.lab.desk_host",
                str(self.folder / "desks.json"),
            ]
        )

    def _write_desks(self) -> None:
        desks = [
            {"namespace": self.desk_namespace(desk.name), "port": self.devices(desk.switch)[desk.port]}
            for desk in self._desks.values()
        ]
        partial = self.folder / "desks.partial"
        partial.write_text(json.dumps(desks))
        partial.rename(self.folder / "desks.json")

    def _vsctl(self, words: Sequence[str]) -> None:
        run(["ovs-vsctl", "--timeout=20", f"--db=unix:{self.database_socket}", *words])


def _bridge(name: str) -> list[str]:
    return ["--", "add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"]
