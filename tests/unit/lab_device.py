"""A lab switch without a bridge, for unit tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioning.lab.switch.dataplane import DataPlane, MacEntry
from provisioning.lab.switch.device import Device, Settings
from provisioning.lab.switch.terminal import Terminal

PORTS = {f"GigabitEthernet1/0/{i}": f"s0p{i}" for i in range(1, 25)} | {"TenGigabitEthernet1/1/1": "s0p25"}
UPLINK = "TenGigabitEthernet1/1/1"
G7, G8 = "GigabitEthernet1/0/7", "GigabitEthernet1/0/8"
MAC = "02:00:5e:10:00:a1"


class NoPlane(DataPlane):
    """A data plane without a bridge: G7 and the uplink are up, one PC was learned, the gateway is on the uplink."""

    def flush(self) -> None:
        self._pending = {}

    def carriers(self) -> dict[str, bool]:
        return {port: port in {G7, UPLINK} for port in self._devices}

    def counters(self) -> dict[str, Mapping[str, int]]:
        return {G7: {"rx_packets": 100, "rx_bytes": 6400, "tx_packets": 200, "tx_bytes": 12800, "rx_crc_err": 3}}

    def mac_table(self) -> list[MacEntry]:
        return [MacEntry(20, MAC, G7), MacEntry(99, "02:00:5e:10:00:fe", UPLINK)]


def made(folder: Path, name: str = "sw-b2-1") -> Device:
    """A switch in its delivered state, its files in `folder`."""
    (folder / "password").write_text("secret word\n")
    settings = Settings(
        name="sw", hostname=name, address="", port=22, user="netops", password_file=str(folder / "password"),
        folder=str(folder), ports=PORTS, uplinks=[UPLINK], vlans={"20": "staff", "120": "voice"},
        namespace="", database="", control="", bridge="",
        management={"vlan": "99", "address": "10.255.99.11/24", "gateway": "10.255.99.1", "device": "s0cpu"},
    )  # fmt: skip
    device = Device(settings)
    device.plane = NoPlane("", "", "", "", PORTS)
    return device


def typed(terminal: Terminal, *lines: str) -> list[str]:
    """What the switch answers to each line."""
    return [terminal.type(line) for line in lines]
