"""From configured ports to the bridge that forwards the frames, and back: carrier and MAC table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from provisioning.lab.process import run
from provisioning.lab.switch.config import PortConfig

_DOWN, _TAG, _UP = range(3)  # the order in which one flush carries things out


@dataclass(frozen=True)
class MacEntry:
    """A line of the MAC table."""

    vlan: int
    mac: str
    port: str


class DataPlane:
    """One bridge. Port changes are collected and carried out by :meth:`flush`, many in one call, never out
    of order."""

    def __init__(self, namespace: str, database: str, control: str, bridge: str, devices: Mapping[str, str]) -> None:
        self._namespace = namespace
        self._vsctl = ["ovs-vsctl", "--timeout=10", f"--db=unix:{database}"]
        self._appctl = ["ovs-appctl", "--timeout=10", "-t", control]
        self._bridge = bridge
        self._devices = dict(devices)
        self._pending: dict[str, dict[int, PortConfig]] = {}

    def set_link(self, port: str, *, up: bool) -> None:
        """Shut the port or open it."""
        self._add(port, _UP if up else _DOWN, PortConfig())

    def set_vlans(self, port: str, config: PortConfig) -> None:
        """Put the port into its VLANs."""
        self._add(port, _TAG, config)

    def _add(self, port: str, phase: int, config: PortConfig) -> None:
        if any(phase < later for later in self._pending.get(port, ())):
            self.flush()
        self._pending.setdefault(port, {})[phase] = config

    def flush(self) -> None:
        """Carry out what was collected: first what goes down, then VLANs, then what comes up."""
        pending, self._pending = self._pending, {}
        words: list[str] = []
        for port, phases in pending.items():
            if _TAG in phases:
                words += ["--", "set", "port", self._devices[port], *_vlan_columns(phases[_TAG])]
        self._link([p for p, phases in pending.items() if _DOWN in phases], "down")
        if words:
            run([*self._vsctl, *words[1:]])
        self._link([p for p, phases in pending.items() if _UP in phases], "up")

    def _link(self, ports: list[str], state: str) -> None:
        present = self._links() if ports else {}
        lines = [f"link set {self._devices[port]} {state}" for port in ports if self._devices[port] in present]
        if lines:
            run(["ip", "-n", self._namespace, "-batch", "-"], stdin="\n".join(lines))

    def _links(self) -> dict[str, bool]:
        links = json.loads(run(["ip", "-n", self._namespace, "-json", "link", "show"]).stdout)
        return {link["ifname"]: "LOWER_UP" in link["flags"] for link in links}

    def carriers(self) -> dict[str, bool]:
        """Port → whether something is plugged in and the link is up. A patch port (the uplink in use) always
        is."""
        links = self._links()
        patched = set(self._ofports().values()) - links.keys()
        return {port: links.get(device, device in patched) for port, device in self._devices.items()}

    def mac_table(self) -> list[MacEntry]:
        """What the bridge has learned, on ports that are up; sorted."""
        carriers, devices = self.carriers(), {device: port for port, device in self._devices.items()}
        numbers = {number: devices[device] for number, device in self._ofports().items() if device in devices}
        entries = []
        for line in run([*self._appctl, "fdb/show", self._bridge]).stdout.splitlines()[1:]:
            number, vlan, mac, _age = line.split()
            port = numbers.get(number)
            if port is not None and carriers[port]:
                entries.append(MacEntry(int(vlan) or 1, mac, port))
        order = list(self._devices)
        return sorted(entries, key=lambda entry: (entry.vlan, entry.mac, order.index(entry.port)))

    def _ofports(self) -> dict[str, str]:
        rows = json.loads(run([*self._vsctl, "--format=json", "--columns=name,ofport", "list", "interface"]).stdout)[
            "data"
        ]
        mine = set(self._devices.values())
        return {str(number): name for name, number in rows if name in mine}


def _vlan_columns(config: PortConfig) -> list[str]:
    if config.mode == "trunk":
        return ["vlan_mode=trunk", "tag=[]", "trunks=[]"]
    if config.voice_vlan:
        return ["vlan_mode=native-untagged", f"tag={config.access_vlan}", f"trunks={config.voice_vlan}"]
    return ["vlan_mode=access", f"tag={config.access_vlan}", "trunks=[]"]
