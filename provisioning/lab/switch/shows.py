"""The output of the ``show`` commands, in the columns of a Catalyst switch."""

from __future__ import annotations

import re

from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.interfaces import short_name


def version(device: Device) -> str:
    """``show version``."""
    return (
        "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E, lab on Open vSwitch\n"
        f"{device.config.hostname} uptime is 1 week, 2 days\n"
        f"{len(device.config.ports)} Ethernet interfaces\nConfiguration register is 0xF"
    )


def running_config(device: Device) -> str:
    """``show running-config``."""
    text = device.config.text()
    return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n{text}\n"


def running_config_interface(device: Device, port: str) -> str:
    """``show running-config interface X``."""
    text = "\n".join(["!", *device.config.section(port), "end"])
    return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n{text}\n"


def interfaces_status(device: Device) -> str:
    """``show interfaces status``."""
    carriers = device.plane.carriers()
    lines = ["", "Port      Name               Status       Vlan       Duplex  Speed Type"]
    for port, config in device.config.ports.items():
        status = "disabled" if config.shutdown else "connected" if carriers[port] else "notconnect"
        vlan = "trunk" if config.mode == "trunk" else str(config.access_vlan)
        pace = "a-full a-1000" if status == "connected" else "  auto   auto"
        lines.append(
            f"{short_name(port):<9} {(config.description or '')[:18]:<18} "
            f"{status:<12} {vlan:<10} {pace} 10/100/1000BaseTX"
        )
    return "\n".join(lines)


def switchport(device: Device, port: str) -> str:
    """``show interfaces X switchport``."""
    config = device.config.ports[port]
    return "\n".join(
        [
            f"Name: {short_name(port)}",
            "Switchport: Enabled",
            f"Administrative Mode: {_administrative_mode(config)}",
            f"Operational Mode: {_operational_mode(device, port, config)}",
            f"Access Mode VLAN: {_vlan(device, config.access_vlan)}",
            "Trunking Native Mode VLAN: 1 (default)",
            f"Voice VLAN: {_vlan(device, config.voice_vlan)}",
        ]
    )


def _vlan(device: Device, number: int | None) -> str:
    return "none" if number is None else f"{number} ({device.config.vlans.get(number, 'Inactive')})"


def _administrative_mode(config: PortConfig) -> str:
    return {"access": "static access", None: "dynamic auto"}.get(config.mode, str(config.mode))


def _operational_mode(device: Device, port: str, config: PortConfig) -> str:
    if config.shutdown or not device.plane.carriers()[port]:
        return "down"
    return "trunk" if config.mode == "trunk" else "static access"


def mac_address_table(device: Device, port: str | None = None) -> str:
    """``show mac address-table [interface X]``."""
    entries = [entry for entry in device.plane.mac_table() if port in {None, entry.port}]
    lines = ["          Mac Address Table", "-" * 43, "", "Vlan    Mac Address       Type        Ports"]
    lines.append("----    -----------       --------    -----")
    for entry in entries:
        digits = entry.mac.replace(":", "")
        lines.append(
            f"{entry.vlan:>4}    {digits[:4]}.{digits[4:8]}.{digits[8:]}    DYNAMIC     {short_name(entry.port)}"
        )
    return "\n".join([*lines, f"Total Mac Addresses for this criterion: {len(entries)}"])


def vlan_brief(device: Device) -> str:
    """``show vlan brief``."""
    lines = [
        "",
        "VLAN Name                             Status    Ports",
        "---- " + "-" * 32 + " --------- " + "-" * 31,
    ]
    for number, name in sorted(device.config.vlans.items()):
        ports = [
            short_name(port)
            for port, config in device.config.ports.items()
            if config.mode != "trunk" and number in {config.access_vlan, config.voice_vlan}
        ]
        rows = [", ".join(ports[i : i + 4]) for i in range(0, len(ports), 4)] or [""]
        lines.append(f"{number:<4} {name:<32} {'active':<9} {rows[0]}".rstrip())
        lines += [f"{'':47} {row}" for row in rows[1:]]
    return "\n".join(lines)


def filtered(output: str, pipe: str) -> str | None:
    """What ``| include RE``, ``exclude``, ``begin`` or ``section`` leaves of `output`; ``None`` for another
    filter."""
    word, _, pattern = pipe.strip().partition(" ")
    lines = output.split("\n")
    names = [name for name in ("include", "exclude", "begin", "section") if word and name.startswith(word.lower())]
    try:
        seek = re.compile(pattern.strip())
    except re.error:
        return None
    match names:
        case ["include"]:
            kept = [line for line in lines if seek.search(line)]
        case ["exclude"]:
            kept = [line for line in lines if not seek.search(line)]
        case ["begin"]:
            first = next((i for i, line in enumerate(lines) if seek.search(line)), len(lines))
            kept = lines[first:]
        case ["section"]:
            kept = _sections(lines, seek)
        case _:
            return None
    return "\n".join(kept)


def _sections(lines: list[str], seek: re.Pattern[str]) -> list[str]:
    kept, inside = [], False
    for line in lines:
        inside = (inside and line.startswith(" ")) or bool(seek.search(line))
        if inside:
            kept.append(line)
    return kept
