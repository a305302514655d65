"""What can be typed under ``interface GigabitEthernet…``, and what the device answers when it does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provisioning.lab.switch.grammar import Rule, rules
from provisioning.lab.switch.vlans import ALL

if TYPE_CHECKING:
    from provisioning.lab.switch.terminal import Terminal

_KEPT = (
    "switchport nonegotiate",
    "switchport port-security aging time <number>",
    "spanning-tree guard root",
    "ip dhcp snooping trust",
    "channel-group <number> mode active",
    "channel-group <number> mode on",
    "channel-group <number> mode passive",
    "authentication host-mode multi-domain",
    "authentication host-mode multi-auth",
    "authentication order dot1x mab",
    "mab",
)
_PORTFAST = (
    "%Warning: portfast should only be enabled on ports connected to a single\n"
    " host. Connecting hubs, concentrators, switches, bridges, etc... to this\n"
    " interface  when portfast is enabled, can cause temporary bridging loops.\n"
    " Use with CAUTION\n"
)
_HALF_GIGABIT = "% Duplex cannot be set to half when speed autonegotiation subset contains 1Gbps"
_DOT1X = (
    "Command rejected: Dynamic mode enabled on one or more ports. Dot1x is supported only on\n"
    "Ethernet interfaces configured in Access, Routed, Private-vlan Host & Promiscuous mode"
)
_NO_VLANS = "Command rejected: Bad VLAN allowed list. You have to include all default vlans, e.g. 1-2,1002-1005."
Command = tuple[str, Callable[..., str]]


def port_rules(terminal: Terminal) -> tuple[Rule, ...]:
    """The commands of the interface mode."""
    table: list[Command] = [
        ("exit", partial(terminal.enter, "config")),
        ("end", partial(terminal.enter, "exec")),
        *_plain(terminal),
        *_trunk(terminal),
        *_guards(terminal),
        *_pace(terminal),
    ]
    for kept in _KEPT:
        stem = kept.partition(" <")[0]
        table.append((kept, partial(_keep, terminal, kept)))
        if not stem.startswith("switchport port-security"):
            table.append((f"no {stem}", partial(_drop_kept, terminal, stem)))
            if stem != kept:
                table.append((f"no {kept}", lambda *_, stem=stem: _drop_kept(terminal, stem)))
    return rules(table)


def _set(terminal: Terminal, **values: object) -> str:
    terminal.change(lambda config: replace(config, **values))  # type: ignore[arg-type] # the names are PortConfig's
    return ""


def _setter(terminal: Terminal, words: str, **values: object) -> Command:
    return words, lambda *_: _set(terminal, **values)


def _plain(terminal: Terminal) -> list[Command]:
    fixed = partial(_setter, terminal)
    return [
        ("description <line>", lambda text: _set(terminal, description=text)),
        fixed("no description", description=None),
        fixed("no description <line>", description=None),
        fixed("switchport mode access", mode="access"),
        fixed("switchport mode trunk", mode="trunk"),
        fixed("switchport mode dynamic auto", mode=None),
        fixed("switchport mode dynamic desirable", mode="dynamic desirable"),
        fixed("no switchport mode", mode=None),
        fixed("no switchport mode <word>", mode=None),
        ("switchport access vlan <vlan>", partial(_vlan, terminal, "Access", "access_vlan")),
        fixed("no switchport access vlan", access_vlan=1),
        fixed("no switchport access vlan <vlan>", access_vlan=1),
        ("switchport voice vlan <vlan>", partial(_vlan, terminal, "Voice", "voice_vlan")),
        fixed("no switchport voice vlan", voice_vlan=None),
        fixed("no switchport voice vlan <vlan>", voice_vlan=None),
        fixed("shutdown", shutdown=True),
        fixed("no shutdown", shutdown=False),
    ]


def _vlan(terminal: Terminal, what: str, field: str, number: int) -> str:
    _set(terminal, **{field: number})
    vlans = terminal.device.config.vlans
    if number in vlans:
        return ""
    vlans[number] = f"VLAN{number:04}"
    return f"% {what} VLAN does not exist. Creating vlan {number}"


def _trunk(terminal: Terminal) -> list[Command]:
    word = "switchport trunk allowed vlan"

    def allow(change: Callable[[frozenset[int]], frozenset[int]]) -> str:
        def merged(before: frozenset[int] | None) -> frozenset[int] | None:
            after = change(ALL if before is None else before)
            return None if after == ALL else after

        terminal.change(lambda config: replace(config, allowed_vlans=merged(config.allowed_vlans)))
        return ""

    return [
        ("switchport trunk native vlan <vlan>", lambda vlan: _set(terminal, native_vlan=vlan)),
        _setter(terminal, "no switchport trunk native vlan", native_vlan=1),
        _setter(terminal, "no switchport trunk native vlan <vlan>", native_vlan=1),
        (f"{word} <vlans>", lambda vlans: allow(lambda _: vlans)),
        (f"{word} add <vlans>", lambda vlans: allow(lambda before: before | vlans)),
        (f"{word} remove <vlans>", lambda vlans: allow(lambda before: before - vlans)),
        (f"{word} except <vlans>", lambda vlans: allow(lambda _: ALL - vlans)),
        (f"{word} all", lambda: allow(lambda _: ALL)),
        (f"{word} none", lambda: allow(lambda _: frozenset())),
        (f"no {word}", lambda: allow(lambda _: ALL)),
        (f"no {word} <vlans>", lambda _: allow(lambda _: ALL)),
        ("switchport trunk encapsulation dot1q", lambda: ""),
    ]


def _guards(terminal: Terminal) -> list[Command]:
    word, fixed = "switchport port-security", partial(_setter, terminal)
    maximum = lambda number: _set(terminal, security_maximum=number)  # noqa: E731 # a line of the table below
    return [
        (word, lambda: _secured(terminal)),
        fixed(f"no {word}", security=False),
        (f"{word} maximum <number>", maximum),
        fixed(f"no {word} maximum", security_maximum=1),
        fixed(f"no {word} maximum <number>", security_maximum=1),
        *(fixed(f"{word} violation {how}", security_violation=how) for how in ("protect", "restrict", "shutdown")),
        fixed(f"no {word} violation", security_violation="shutdown"),
        fixed(f"no {word} violation <word>", security_violation="shutdown"),
        fixed(f"{word} mac-address sticky", security_sticky=True),
        fixed(f"no {word} mac-address sticky", security_sticky=False, sticky_macs=()),
        (f"{word} mac-address sticky <mac>", partial(_stick, terminal)),
        (f"{word} mac-address sticky <mac> vlan voice", partial(_stick, terminal, voice=True)),
        (f"no {word} mac-address sticky <mac>", partial(_unstick, terminal)),
        *(
            (f"authentication port-control {how}", partial(_authenticate, terminal, port_control=how))
            for how in ("auto", "force-authorized", "force-unauthorized")
        ),
        fixed("no authentication port-control", port_control=None),
        fixed("no authentication port-control <word>", port_control=None),
        ("dot1x pae authenticator", partial(_authenticate, terminal, authenticator=True)),
        fixed("no dot1x pae", authenticator=False),
        fixed("no dot1x pae authenticator", authenticator=False),
        ("storm-control broadcast level <level>", lambda level: _set(terminal, storm_control=level)),
        fixed("no storm-control broadcast level", storm_control=None),
        fixed("no storm-control broadcast level <level>", storm_control=None),
        ("spanning-tree portfast", lambda: _portfast(terminal)),
        ("spanning-tree portfast edge", lambda: _portfast(terminal)),
        fixed("no spanning-tree portfast", portfast=False),
        fixed("spanning-tree portfast disable", portfast=False),
        fixed("spanning-tree bpduguard enable", bpduguard="enable"),
        fixed("spanning-tree bpduguard disable", bpduguard="disable"),
        fixed("no spanning-tree bpduguard", bpduguard=None),
        fixed("no spanning-tree bpduguard enable", bpduguard=None),
    ]


def _secured(terminal: Terminal) -> str:
    for port in terminal.ports:
        if terminal.device.config.ports[port].mode not in {"access", "trunk"}:
            return f"Command rejected: {port} is a dynamic port."
    return _set(terminal, security=True)


def _authenticate(terminal: Terminal, **values: object) -> str:
    if any(terminal.device.config.ports[port].mode != "access" for port in terminal.ports):
        return _DOT1X
    if values.get("port_control") == "force-authorized":
        values["port_control"] = None  # the default, and not shown
    return _set(terminal, **values)


def _stick(terminal: Terminal, mac: str, *, voice: bool = False) -> str:
    for port in terminal.ports:
        config = terminal.device.config.ports[port]
        vlan = config.voice_vlan if voice and config.voice_vlan else config.access_vlan
        kept = tuple(sorted({*config.sticky_macs, (mac, vlan)}))
        terminal.device.set_port(port, replace(config, sticky_macs=kept))
    return ""


def _unstick(terminal: Terminal, mac: str) -> str:
    terminal.change(
        lambda config: replace(config, sticky_macs=tuple(entry for entry in config.sticky_macs if entry[0] != mac))
    )
    return ""


def _portfast(terminal: Terminal) -> str:
    _set(terminal, portfast=True)
    said = [
        f"%Portfast has been configured on {port} but will only\n"
        " have effect when the interface is in a non-trunking mode."
        for port in terminal.ports
        if terminal.device.config.ports[port].mode != "access"
    ]
    return "\n".join([_PORTFAST, *said]).rstrip("\n")


def _pace(terminal: Terminal) -> list[Command]:
    fixed = partial(_setter, terminal)
    return [
        *((f"speed {pace}", partial(_speed, terminal, pace)) for pace in (10, 100, 1000)),
        ("speed auto", partial(_speed, terminal, None)),
        ("no speed", partial(_speed, terminal, None)),
        ("no speed <number>", lambda _: _speed(terminal, None)),
        fixed("duplex full", duplex="full"),
        ("duplex half", lambda: _half(terminal)),
        fixed("duplex auto", duplex=None),
        fixed("no duplex", duplex=None),
        fixed("no duplex <word>", duplex=None),
        fixed("power inline auto", power=True),
        fixed("power inline never", power=False),
        fixed("no power inline", power=True),
        fixed("no power inline never", power=True),
    ]


def _speed(terminal: Terminal, pace: int | None) -> str:
    # Half duplex does not exist at 1 Gbit/s; the device takes it back by itself.
    terminal.change(
        lambda config: replace(
            config,
            speed=pace,
            duplex=None if config.duplex == "half" and pace not in {10, 100} else config.duplex,
        )
    )
    return ""


def _half(terminal: Terminal) -> str:
    if any(terminal.device.config.ports[port].speed not in {10, 100} for port in terminal.ports):
        return _HALF_GIGABIT
    return _set(terminal, duplex="half")


def _keep(terminal: Terminal, pattern: str, *values: object) -> str:
    line = re.sub(r"<\w+>", "{}", pattern).format(*values)
    terminal.change(lambda config: config.with_extra(line))
    return ""


def _drop_kept(terminal: Terminal, stem: str) -> str:
    terminal.change(lambda config: config.without_extra(stem))
    return ""
