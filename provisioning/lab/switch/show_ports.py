"""The ``show`` commands about ports, in the columns of a Catalyst 2960-X."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from provisioning.lab.switch.clock import ago
from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.faults import PortFault
from provisioning.lab.switch.interfaces import short_name
from provisioning.lab.switch.vlans import ALL, format_vlans, wrapped

_MEDIA = {"Te": "SFP-10GBase-SR", "Gi": "10/100/1000BaseTX"}


@dataclass(frozen=True)
class PortView:
    """One port as it is now: what is configured, what the bridge says, what is wrong with the line."""

    name: str
    config: PortConfig
    up: bool
    fault: PortFault
    counts: Mapping[str, int]
    lost: int

    @property
    def status(self) -> str:
        """As in ``show interfaces status``."""
        if self.config.shutdown:
            return "disabled"
        if self.fault.error_disabled:
            return "err-disabled"
        return "connected" if self.up else "notconnect"

    @property
    def full_speed(self) -> int:
        """Mbit/s that the port is made for."""
        return 10_000 if self.name.startswith("Te") else 1000

    @property
    def speed(self) -> int:
        """Mbit/s of the link."""
        return self.config.speed or self.fault.speed or self.full_speed

    @property
    def duplex(self) -> str:
        """``full`` or ``half``, of the link."""
        return self.config.duplex or self.fault.duplex or "full"

    @property
    def media(self) -> str:
        """What is printed for the kind of socket."""
        return _MEDIA.get(self.name[:2], _MEDIA["Gi"])

    def count(self, name: str) -> int:
        """One of the bridge's counters."""
        return self.counts.get(name, 0)

    @property
    def crc(self) -> int:
        return self.count("rx_crc_err") + self.fault.crc

    @property
    def input_errors(self) -> int:
        fault = self.fault
        return self.count("rx_errors") + fault.crc + fault.align + fault.runts + fault.giants

    @property
    def drops(self) -> int:
        # The bridge counts a frame for every port without a link; a switch sends none there.
        return self.fault.output_discards


def views(device: Device) -> dict[str, PortView]:
    """Every port."""
    carriers, counters, faults = device.plane.carriers(), device.plane.counters(), device.faults
    made = {}
    for name, config in device.config.ports.items():
        seen, now = device.links.get(name), counters.get(name, {})
        base = device.cleared.get(name, {})
        fault = faults.port(name)
        up = carriers[name] and not config.shutdown and not fault.error_disabled
        counts = {key: max(0, value - base.get(key, 0)) for key, value in now.items()}
        made[name] = PortView(name, config, up, fault, counts, (seen.lost if seen else 0) + fault.flaps)
    return made


_STATUS = ("", "Port      Name               Status       Vlan       Duplex  Speed Type")


def status_of(device: Device, port: str) -> str:
    """``show interfaces Gi1/0/7 status``."""
    return "\n".join([*_STATUS, _status_line(views(device)[port])])


def status(device: Device, only: str | None = None) -> str:
    """``show interfaces status`` (``err-disabled``)."""
    lines = [*_STATUS]
    for view in views(device).values():
        if only is None or view.status == only:
            lines.append(_status_line(view))
    return "\n".join(lines)


def error_disabled(device: Device) -> str:
    """``show interfaces status err-disabled``."""
    lines = ["", "Port      Name               Status       Reason               Err-disabled Vlans"]
    for view in views(device).values():
        if view.status == "err-disabled":
            name = (view.config.description or "")[:18]
            lines.append(f"{short_name(view.name):<9} {name:<18} err-disabled {view.fault.error_disabled}")
    return "\n".join(lines) if len(lines) > 2 else ""


def _status_line(view: PortView) -> str:
    config, linked = view.config, view.status == "connected"
    vlan = "trunk" if trunking(view) else str(config.access_vlan)
    duplex = config.duplex or (f"a-{view.duplex}" if linked else "auto")
    pace = f"{view.speed // 1000}G" if view.speed >= 10_000 else str(view.speed)
    speed = str(config.speed) if config.speed else (f"a-{pace}" if linked else "auto")
    name = (config.description or "")[:18]
    return f"{short_name(view.name):<9} {name:<18} {view.status:<12} {vlan:<10} {duplex:>6} {speed:>6} {view.media}"


def trunking(view: PortView) -> bool:
    """Whether the port is a trunk right now: one that is down is shown in its access VLAN."""
    return view.config.mode == "trunk" and (view.up or not view.config.shutdown)


def descriptions(device: Device) -> str:
    """``show interfaces description``."""
    lines = ["Interface                      Status         Protocol Description"]
    for vlan, svi in sorted(device.config.svis.items()):
        state = "admin down     down    " if svi.shutdown else "up             up      "
        lines.append(f"Vl{vlan:<29}{state} {svi.description or ''}".rstrip())
    for view in views(device).values():
        state = "admin down     down    " if view.config.shutdown else "up             up      " if view.up else ""
        lines.append(
            f"{short_name(view.name):<31}{state or 'down           down    '} {view.config.description or ''}".rstrip()
        )
    return "\n".join(lines)


def interfaces(device: Device, port: str | None = None) -> str:
    """``show interfaces [X]``."""
    found = views(device)
    wanted = [found[port]] if port else list(found.values())
    parts = [] if port else [svi(device, vlan) for vlan in sorted(device.config.svis)]
    numbers = {name: i for i, name in enumerate(device.config.ports, 1)}
    return "\n".join([*parts, *(_interface(device, view, numbers[view.name]) for view in wanted)])


def _interface(device: Device, view: PortView, number: int) -> str:
    line = {"disabled": "administratively down"}.get(view.status, "up" if view.up else "down")
    kind = "Ten Gigabit Ethernet" if view.name.startswith("Te") else "Gigabit Ethernet"
    mac = device.mac(number)
    duplex = f"{view.duplex.capitalize()}-duplex" if view.up or view.config.duplex else "Auto-duplex"
    speed = f"{view.speed}Mb/s" if view.up or view.config.speed else "Auto-speed"
    seen = device.links.get(view.name)
    quiet = None if seen is None or not view.count("rx_packets") else 0
    sent = None if not view.count("tx_packets") else 0
    lines = [
        f"{view.name} is {line}, line protocol is {'up' if view.up else 'down'} ({view.status}) ",
        f"  Hardware is {kind}, address is {mac} (bia {mac})",
    ]
    lines += [f"  Description: {view.config.description}"] if view.config.description else []
    lines += [
        f"  MTU 1500 bytes, BW {(view.speed if view.up else 10) * 1000} Kbit/sec, DLY 10 usec, ",
        "     reliability 255/255, txload 1/255, rxload 1/255",
        "  Encapsulation ARPA, loopback not set",
        "  Keepalive set (10 sec)",
        f"  {duplex}, {speed}, media type is {view.media}",
        "  input flow-control is off, output flow-control is unsupported ",
        "  ARP type: ARPA, ARP Timeout 04:00:00",
        f"  Last input {ago(quiet)}, output {ago(sent)}, output hang never",
        f'  Last clearing of "show interface" counters {"00:00:00" if view.name in device.cleared else "never"}',
        f"  Input queue: 0/75/{view.fault.input_discards}/0 (size/max/drops/flushes); Total output drops: {view.drops}",
        "  Queueing strategy: fifo",
        "  Output queue: 0/40 (size/max)",
        "  5 minute input rate 0 bits/sec, 0 packets/sec",
        "  5 minute output rate 0 bits/sec, 0 packets/sec",
    ]
    return "\n".join(lines + _traffic(view))


def _traffic(view: PortView) -> list[str]:
    fault, collisions = view.fault, view.count("collisions") + view.fault.collisions
    groups = view.count("rx_multicast_packets")
    return [
        f"     {view.count('rx_packets')} packets input, {view.count('rx_bytes')} bytes, 0 no buffer",
        f"     Received {groups} broadcasts ({groups} multicasts)",
        f"     {fault.runts} runts, {fault.giants} giants, 0 throttles ",
        f"     {view.input_errors} input errors, {view.crc} CRC, {view.count('rx_frame_err') + fault.align} frame, "
        f"{view.count('rx_over_err')} overrun, 0 ignored",
        f"     0 watchdog, {groups} multicast, 0 pause input",
        "     0 input packets with dribble condition detected",
        f"     {view.count('tx_packets')} packets output, {view.count('tx_bytes')} bytes, 0 underruns",
        f"     {view.count('tx_errors') + fault.late_collisions} output errors, {collisions} collisions, "
        f"{view.lost} interface resets",
        "     0 unknown protocol drops",
        f"     0 babbles, {fault.late_collisions} late collision, 0 deferred",
        f"     {view.lost} lost carrier, 0 no carrier, 0 pause output",
        "     0 output buffer failures, 0 output buffers swapped out",
    ]


def svi(device: Device, vlan: int) -> str:
    """``show interfaces VlanN``."""
    config = device.config.svis[vlan]
    mac = device.mac(64)
    up = not config.shutdown
    lines = [
        f"Vlan{vlan} is {'up' if up else 'administratively down'}, line protocol is {'up' if up else 'down'} ",
        f"  Hardware is EtherSVI, address is {mac} (bia {mac})",
    ]
    lines += [f"  Description: {config.description}"] if config.description else []
    lines += [f"  Internet address is {config.address}"] if config.address else []
    return "\n".join(
        [
            *lines,
            "  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec, ",
            "     reliability 255/255, txload 1/255, rxload 1/255",
            "  Encapsulation ARPA, loopback not set",
            "  ARP type: ARPA, ARP Timeout 04:00:00",
        ]
    )


def link_times(device: Device) -> str:
    """``show interfaces link``: since when each link is up or down."""
    lines = ["", "Port           Name               Down Time      Up Time"]
    for view in views(device).values():
        seen = device.links.get(view.name)
        since = ago(time.monotonic() - seen.since) if seen else ago(time.monotonic() - device.started)
        down, up = ("00:00:00", since) if view.up else (since, "")
        lines.append(f"{short_name(view.name):<14} {(view.config.description or '')[:18]:<18} {down:<14} {up}".rstrip())
    return "\n".join(lines)


def switchport(device: Device, port: str | None = None) -> str:
    """``show interfaces [X] switchport``."""
    found = views(device)
    return "\n\n".join(_switchport(device, view) for name, view in found.items() if port in {None, name})


def _switchport(device: Device, view: PortView) -> str:
    config = view.config
    operational = "down" if not view.up else "trunk" if config.mode == "trunk" else "static access"
    admin = {"access": "static access", None: "dynamic auto"}.get(config.mode, str(config.mode))
    negotiation = "Off" if config.mode == "access" or "switchport nonegotiate" in config.extra else "On"
    allowed = "ALL" if config.allowed_vlans in {None, ALL} else ",\n     ".join(wrapped(config.allowed_vlans or ()))
    lines = [
        f"Name: {short_name(view.name)}",
        "Switchport: Enabled",
        f"Administrative Mode: {admin}",
        f"Operational Mode: {operational}",
        "Administrative Trunking Encapsulation: dot1q",
    ]
    if view.up:
        encapsulation = "dot1q" if config.mode == "trunk" else "native"
        lines.append(f"Operational Trunking Encapsulation: {encapsulation}")
    return "\n".join(
        [
            *lines,
            f"Negotiation of Trunking: {negotiation}",
            f"Access Mode VLAN: {_vlan(device, config.access_vlan)}",
            f"Trunking Native Mode VLAN: {_vlan(device, config.native_vlan)}",
            "Administrative Native VLAN tagging: enabled",
            f"Voice VLAN: {_vlan(device, config.voice_vlan)}",
            "Administrative private-vlan host-association: none ",
            "Administrative private-vlan mapping: none ",
            "Operational private-vlan: none",
            f"Trunking VLANs Enabled: {allowed or 'NONE'}",
            "Pruning VLANs Enabled: 2-1001",
            "Capture Mode Disabled",
            "Capture VLANs Allowed: ALL",
            "",
            "Protected: false",
            "Unknown unicast blocked: disabled",
            "Unknown multicast blocked: disabled",
            "Appliance trust: none",
        ]
    )


def _vlan(device: Device, number: int | None) -> str:
    return "none" if number is None else f"{number} ({device.config.vlans.get(number, 'Inactive')})"


def trunks(device: Device) -> str:
    """``show interfaces trunk``."""
    found = [view for view in views(device).values() if view.config.mode == "trunk" and view.up]
    if not found:
        return ""
    known = frozenset(device.config.vlans)
    lines = ["", "Port        Mode             Encapsulation  Status        Native vlan"]
    lines += [
        f"{short_name(v.name):<11} {'on':<16} {'802.1q':<14} {'trunking':<13} {v.config.native_vlan}" for v in found
    ]
    for title, within in (
        ("Vlans allowed on trunk", None),
        ("Vlans allowed and active in management domain", known),
        ("Vlans in spanning tree forwarding state and not pruned", known),
    ):
        lines += ["", f"Port        {title}"]
        for view in found:
            allowed = ALL if view.config.allowed_vlans is None else view.config.allowed_vlans
            shown = format_vlans(allowed if within is None else allowed & within) or "none"
            lines.append(f"{short_name(view.name):<11} {shown}")
    return "\n".join(lines)
