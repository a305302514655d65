"""The ``show`` commands about who is at the ends of the cables, and who is signed in."""

from __future__ import annotations

import time

from provisioning.lab.switch.clock import ago
from provisioning.lab.switch.dataplane import MacEntry
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.interfaces import short_name
from provisioning.lab.switch.neighbours import CDP, LLDP, Neighbour

# Addresses that a Catalyst takes itself: CDP, PVST, the bridge group and its relatives, broadcast.
_OWN = ("0100.0ccc.cccc", "0100.0ccc.cccd", *(f"0180.c200.00{n:02x}" for n in range(17)), "ffff.ffff.ffff")
_RULE = "-" * 48


def mac_address_table(
    device: Device,
    port: str | None = None,
    *,
    address: str | None = None,
    vlan: int | None = None,
    dynamic: bool = False,
) -> str:
    """``show mac address-table [dynamic] [interface X] [address M] [vlan N]``."""
    lines = ["          Mac Address Table", "-" * 43, "", "Vlan    Mac Address       Type        Ports"]
    lines.append("----    -----------       --------    -----")
    if port is None and vlan is None and not dynamic:
        lines += [f" All    {mac}    STATIC      CPU" for mac in _OWN if address in {None, mac}]
    for entry in device.plane.mac_table():
        secure = device.config.ports[entry.port].security
        if dynamic and secure:
            continue
        if port in {None, entry.port} and address in {None, dots(entry.mac)} and vlan in {None, entry.vlan}:
            lines.append(_mac_line(entry, secure=secure))
    return "\n".join([*lines, f"Total Mac Addresses for this criterion: {len(lines) - 5}"])


def _mac_line(entry: MacEntry, *, secure: bool) -> str:
    kind = "STATIC " if secure else "DYNAMIC"  # what port security learned counts as static
    return f"{entry.vlan:>4}    {dots(entry.mac)}    {kind}     {short_name(entry.port)}"


def dots(mac: str) -> str:
    """``0200.5e10.0042`` for ``02:00:5e:10:00:42``."""
    digits = mac.replace(":", "")
    return f"{digits[:4]}.{digits[4:8]}.{digits[8:]}"


def lldp_neighbors(device: Device, port: str | None = None) -> str:
    """``show lldp neighbors [X]``."""
    if "lldp run" not in device.config.settings:
        return "% LLDP is not enabled"
    found = device.neighbours.on(LLDP, port)
    lines = [
        "",
        "Capability codes:",
        "    (R) Router, (B) Bridge, (T) Telephone, (C) DOCSIS Cable Device",
        "    (W) WLAN Access Point, (P) Repeater, (S) Station, (O) Other",
        "",
        "Device ID           Local Intf     Hold-time  Capability      Port ID",
    ]
    for each in found:
        name = (each.name or each.chassis)[:20]
        able = each.capabilities[1]
        lines.append(f"{name:<20}{short_name(each.port):<15}{each.hold:<11}{able:<16}{each.remote_port}")
    return "\n".join([*lines, "", f"Total entries displayed: {len(found)}"])


def lldp_neighbors_detail(device: Device, port: str | None = None) -> str:
    """``show lldp neighbors [X] detail``."""
    if "lldp run" not in device.config.settings:
        return "% LLDP is not enabled"
    found = device.neighbours.on(LLDP, port)
    parts = [line for each in found for line in _lldp(each)]
    return "\n".join([*parts, "", f"Total entries displayed: {len(found)}"])


def _lldp(each: Neighbour) -> list[str]:
    able, enabled = each.capabilities
    lines = [
        _RULE,
        f"Local Intf: {short_name(each.port)}",
        f"Chassis id: {each.chassis}",
        f"Port id: {each.remote_port}",
    ]
    lines.append(f"Port Description: {each.port_description}" if each.port_description else _absent("Port Description"))
    lines += [f"System Name: {each.name}" if each.name else _absent("System Name"), ""]
    if each.description:
        lines += ["System Description: ", *each.description.splitlines(), ""]
    else:
        lines += [_absent("System Description"), ""]
    lines.append(f"Time remaining: {max(0, int(each.expires - time.monotonic()))} seconds")
    lines.append(f"System Capabilities: {able}" if able else _absent("System Capabilities"))
    lines.append(f"Enabled Capabilities: {enabled}" if enabled else _absent("Enabled Capabilities"))
    lines += ["Management Addresses:", f"    IP: {each.address}"] if each.address else [_absent("Management Addresses")]
    lines += ["Auto Negotiation - not supported", "Physical media capabilities - not advertised"]
    lines += ["Media Attachment Unit type - not advertised"]
    lines.append(f"Vlan ID: {each.vlan}" if each.vlan is not None else "Vlan ID: - not advertised")
    lines += [f"Peer Source MAC: {each.mac}", ""]
    return lines + (_med(each) if each.med_class else [])


def _med(each: Neighbour) -> list[str]:
    lines = [
        "MED Information:",
        "",
        "    MED Codes:",
        "          (NP) Network Policy, (LI) Location Identification",
        "          (PS) Power Source Entity, (PD) Power Device",
        "          (IN) Inventory",
        "",
        *(f"    {name}: {value}" for name, value in each.inventory),
        "    Capabilities: NP, PD, IN",
        f"    Device type: Endpoint Class {'I' * each.med_class}",
    ]
    if each.voice_vlan is None:
        lines.append("    Network Policies - not advertised")
    else:
        lines.append(f"    Network Policy(Voice): VLAN {each.voice_vlan}, tagged, Layer-2 priority: 5, DSCP: 46")
    if each.watts:
        lines.append(f"    PD device, Power source: PSE, Power Priority: High, Wattage: {each.watts:.1f}")
    return [*lines, "    Location - not advertised", ""]


def _absent(what: str) -> str:
    return f"{what} - not advertised"


def cdp_neighbors_detail(device: Device, port: str | None = None) -> str:
    """``show cdp neighbors [X] detail``."""
    if "no cdp run" in device.config.settings:
        return "% CDP is not enabled"
    found = device.neighbours.on(CDP, port)
    lines: list[str] = []
    for each in found:
        lines += ["-------------------------", f"Device ID: {each.name}", "Entry address(es): "]
        lines += [f"  IP address: {each.address}"] if each.address else []
        lines += [
            f"Platform: {each.platform},  Capabilities: {each.capabilities[0]} ",
            f"Interface: {each.port},  Port ID (outgoing port): {each.remote_port}",
            f"Holdtime : {max(0, int(each.expires - time.monotonic()))} sec",
            "",
            "Version :",
            *(each.description.splitlines() or [""]),
            "",
            "advertisement version: 2",
            f"Peer Source MAC: {each.mac}",
            "Duplex: full",
        ]
        lines += [f"Power drawn: {each.watts:.3f} Watts"] if each.watts else []
        lines += ["Management address(es): ", ""]
    return "\n".join([*lines, "", f"Total cdp entries displayed : {len(found)}"])


def ip_arp(device: Device) -> str:
    """``show ip arp``."""
    lines = ["Protocol  Address          Age (min)  Hardware Addr   Type   Interface"]
    for vlan, svi in sorted(device.config.svis.items()):
        if svi.address is None or svi.shutdown:
            continue
        rows = [(svi.address.ip, "-", device.mac(64))]
        now = time.monotonic()
        for address, (mac, heard) in device.arp.entries.items():
            if address in svi.address.network:
                rows.append((address, str(int(now - heard) // 60), mac))
        for address, age, mac in sorted(rows):
            lines.append(f"Internet  {address!s:<15} {age:>10}   {mac}  ARPA   Vlan{vlan}")
    return "\n".join(lines) if len(lines) > 1 else ""


def ip_interface_brief(device: Device) -> str:
    """``show ip interface brief``."""
    lines = ["Interface              IP-Address      OK? Method Status                Protocol"]
    carriers = device.plane.carriers()
    for vlan, svi in sorted(device.config.svis.items()):
        address, method = (str(svi.address.ip), "NVRAM ") if svi.address else ("unassigned", "NVRAM ")
        lines.append(_brief(f"Vlan{vlan}", address, method, up=not svi.shutdown, shut=svi.shutdown))
    for port, config in device.config.ports.items():
        up = carriers[port] and not config.shutdown
        lines.append(_brief(port, "unassigned", "unset ", up=up, shut=config.shutdown))
    return "\n".join(lines)


def _brief(name: str, address: str, method: str, *, up: bool, shut: bool) -> str:
    state = "administratively down" if shut else "up" if up else "down"
    return f"{name:<22} {address:<15} YES {method} {state:<21} {'up' if up else 'down':<8}"


def users(device: Device, number: int | None) -> str:
    """``show users``; the asking session has line `number`."""
    lines = ["    Line       User       Host(s)              Idle       Location"]
    for line, session in sorted(device.lines.items()):
        mark = "*" if line == number else " "
        idle = ago(0 if line == number else time.monotonic() - session.since)
        lines.append(f"{mark}{line + 1:>3} vty {line:<5} {session.user:<10} {'idle':<20} {idle} {session.peer}")
    return "\n".join([*lines, "", "  Interface    User               Mode         Idle     Peer Address"])
