"""From configured ports to the bridge that forwards the frames, and back: carrier and MAC table."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.lab.process import run
from provisioning.lab.switch.config import PortConfig

_DOWN, _TAG, _UP = range(3)  # the order in which one flush carries things out
_NOWHERE = 4095  # a VLAN number that no port of ours uses and Open vSwitch takes


@dataclass(frozen=True)
class MacEntry:
    """A line of the MAC table."""

    vlan: int
    mac: str
    port: str


class DataPlane:
    """One bridge. Port changes are collected and carried out by :meth:`flush`, many in one call, never out
    of order."""

    def __init__(
        self,
        namespace: str,
        database: str,
        control: str,
        bridge: str,
        devices: Mapping[str, str],
        *,
        uplinks: Collection[str] = (),
    ) -> None:
        self._namespace = namespace
        self._vsctl = ["ovs-vsctl", "--timeout=10", f"--db=unix:{database}"]
        self._appctl = ["ovs-appctl", "--timeout=10", "-t", control]
        self._bridge = bridge
        self._devices = dict(devices)
        self._uplinks = frozenset(uplinks)
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
                columns = _vlan_columns(phases[_TAG], uplink=port in self._uplinks)
                words += ["--", "set", "port", self._devices[port], *columns]
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
        patched = {row["name"] for row in self._interfaces()} - links.keys()
        return {port: links.get(device, device in patched) for port, device in self._devices.items()}

    def counters(self) -> dict[str, Mapping[str, int]]:
        """Port → what Open vSwitch counts on it (``rx_packets``, ``rx_bytes``, ``rx_errors``, ``rx_crc_err`` …; see
        ovs-vswitchd.conf.db(5), Interface)."""
        devices = {device: port for port, device in self._devices.items()}
        return {devices[row["name"]]: dict(row["statistics"][1]) for row in self._interfaces()}

    def mac_table(self) -> list[MacEntry]:
        """What the bridge has learned, on ports that are up; sorted."""
        rows, links = self._interfaces(), self._links()
        devices = {device: port for port, device in self._devices.items()}
        numbers = {row["ofport"]: devices[row["name"]] for row in rows if links.get(row["name"], True)}
        entries = []
        for line in run([*self._appctl, "fdb/show", self._bridge]).stdout.splitlines()[1:]:
            number, vlan, mac, _age = line.split()
            port = numbers.get(int(number)) if number.isdecimal() else None
            if port is not None:
                entries.append(MacEntry(int(vlan) or 1, mac, port))
        order = list(self._devices)
        return sorted(entries, key=lambda entry: (entry.vlan, entry.mac, order.index(entry.port)))

    def forget(self) -> None:
        """Empty the MAC table."""
        run([*self._appctl, "fdb/flush", self._bridge])

    def _interfaces(self) -> list[dict[str, Any]]:
        words = ["--format=json", "--columns=name,ofport,statistics", "list", "interface"]
        answer = json.loads(run([*self._vsctl, *words]).stdout)
        rows = [dict(zip(answer["headings"], row, strict=True)) for row in answer["data"]]
        mine = set(self._devices.values())
        return [row for row in rows if row["name"] in mine]


def _vlan_columns(config: PortConfig, *, uplink: bool) -> list[str]:
    """How Open vSwitch says it (ovs-vswitchd.conf.db(5), Port, VLAN configuration)."""
    if config.port_control == "force-unauthorized":
        return ["vlan_mode=access", f"tag={_NOWHERE}", "trunks=[]"]
    if config.mode == "trunk":
        allowed = config.allowed_vlans
        # An empty list would mean every VLAN.
        trunks = "[]" if allowed is None else ",".join(map(str, sorted(allowed))) or str(_NOWHERE)
        # Frames of VLAN 1 are tagged between the lab's switches.
        tagged = uplink and config.native_vlan == 1
        if tagged or (allowed is not None and config.native_vlan not in allowed):
            return ["vlan_mode=trunk", "tag=[]", f"trunks={trunks}"]
        return ["vlan_mode=native-untagged", f"tag={config.native_vlan}", f"trunks={trunks}"]
    if config.voice_vlan:
        return ["vlan_mode=native-untagged", f"tag={config.access_vlan}", f"trunks={config.voice_vlan}"]
    return ["vlan_mode=access", f"tag={config.access_vlan}", "trunks=[]"]
