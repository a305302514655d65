"""The output of the ``show`` commands, in the columns of a Catalyst switch."""

from __future__ import annotations

import re
import time

from provisioning.lab.switch.device import Device
from provisioning.lab.switch.interfaces import short_name


def version(device: Device) -> str:
    """``show version``."""
    name, mac = device.config.hostname, device.mac(0).replace(".", "").upper()
    ports = [port[:2] for port in device.config.ports]
    whole = ":".join(mac[i : i + 2] for i in range(0, 12, 2))
    return "\n".join(
        [
            "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E8, RELEASE SOFTWARE (fc2)",
            "Technical Support: http://www.cisco.com/techsupport",
            "",
            "ROM: Bootstrap program is C2960X boot loader",
            "",
            f"{name} uptime is {_uptime(device)}",
            "System returned to ROM by power-on",
            'System image file is "flash:/c2960x-universalk9-mz.152-7.E8.bin"',
            "",
            "cisco WS-C2960X-24PS-L (APM86XXX) processor (revision A0) with 524288K bytes of memory.",
            f"Processor board ID FCW{mac[6:]}",
            f"{len(device.config.svis)} Virtual Ethernet interfaces",
            f"{ports.count('Gi')} Gigabit Ethernet interfaces",
            f"{ports.count('Te')} Ten Gigabit Ethernet interfaces",
            "",
            f"Base ethernet MAC Address       : {whole}",
            "Model number                    : WS-C2960X-24PS-L",
            f"System serial number            : FCW{mac[6:]}",
            "",
            "Configuration register is 0xF",
        ]
    )


def stamp() -> str:
    """The time of a change: ``05:30:11 UTC Mon Nov 23 2026``."""
    return time.strftime("%H:%M:%S UTC %a %b %e %Y", time.gmtime())


def _uptime(device: Device) -> str:
    minutes = int(time.monotonic() - device.started) // 60
    days, rest = divmod(minutes, 1440)
    return (
        f"{days} days, {rest // 60} hours, {rest % 60} minutes" if days else f"{rest // 60} hours, {rest % 60} minutes"
    )


def running_config(device: Device) -> str:
    """``show running-config``."""
    text = device.config.text()
    stamp = f"!\n! Last configuration change at {device.changed}\n" if device.faults.stamped and device.changed else ""
    return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n{stamp}{text}\n"


def running_config_interface(device: Device, port: str) -> str:
    """``show running-config interface X``."""
    return _alone(device.config.section(port))


def running_config_svi(device: Device, vlan: int) -> str:
    """``show running-config interface VlanN``."""
    if vlan not in device.config.svis:
        return f"{' ' * 7}^\n% Invalid input detected at '^' marker."
    return _alone(device.config.svi_section(vlan))


def _alone(section: list[str]) -> str:
    text = "\n".join(["!", *section, "end"])
    return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n{text}\n"


def logging(device: Device) -> str:
    """``show logging``."""
    head = [
        "Syslog logging: enabled (0 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns)",
        f"    Buffer logging:  level debugging, {len(device.log)} messages logged, xml disabled,",
        "                    filtering disabled",
        "",
        "Log Buffer (4096 bytes):",
        "",
    ]
    return "\n".join([*head, *device.log])


def etherchannel_summary(device: Device) -> str:
    """``show etherchannel summary``."""
    groups: dict[int, list[str]] = {}
    for port, config in device.config.ports.items():
        for line in config.extra:
            if line.startswith("channel-group "):
                groups.setdefault(int(line.split()[1]), []).append(short_name(port))
    lines = [
        "Flags:  D - down        P - bundled in port-channel",
        "        I - stand-alone s - suspended",
        "        H - Hot-standby (LACP only)",
        "        R - Layer3      S - Layer2",
        "        U - in use      f - failed to allocate aggregator",
        "",
        "        M - not in use, minimum links not met",
        "        u - unsuitable for bundling",
        "        w - waiting to be aggregated",
        "        d - default port",
        "",
        "",
        f"Number of channel-groups in use: {len(groups)}",
        f"Number of aggregators:           {len(groups)}",
        "",
        "Group  Port-channel  Protocol    Ports",
        "------+-------------+-----------+-----------------------------------------------",
    ]
    for number, members in sorted(groups.items()):
        lines.append(f"{number:<6} {f'Po{number}(SU)':<13} {'LACP':<11} {'    '.join(f'{m}(P)' for m in members)}")
    return "\n".join(lines)


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
