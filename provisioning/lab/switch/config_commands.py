"""What can be typed in the global configuration mode and in its submodes other than ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from provisioning.lab.switch.config import AFTER_PORTS, BEFORE_VLANS, PortConfig, SviConfig, header_begins
from provisioning.lab.switch.grammar import Fault, Rule, rules
from provisioning.lab.switch.interfaces import in_range

if TYPE_CHECKING:
    from provisioning.lab.switch.terminal import Terminal

Command = tuple[str, Callable[..., str]]
# Global lines under which others stand → the mode, and what may stand there.
_BLOCKS = {
    "archive": ("archive", ("path", "maximum", "write-memory", "time-period")),
    "line": (
        "line",
        ("login", "transport", "exec-timeout", "password", "logging", "length", "session-limit", "access-class"),
    ),
    "radius server": ("radius-server", ("address", "key", "timeout", "retransmit")),
    "tacacs server": ("server-tacacs", ("address", "key", "timeout", "single-connection")),
}


def global_rules(terminal: Terminal) -> tuple[Rule, ...]:
    """The commands of the global mode."""
    table: list[Command] = [
        ("exit", partial(terminal.enter, "exec")),
        ("end", partial(terminal.enter, "exec")),
        ("interface <interface>", partial(_select, terminal)),
        ("interface <svi>", partial(_select_svi, terminal)),
        ("no interface <svi>", partial(_drop_svi, terminal)),
        ("interface range <line>", partial(_select_range, terminal)),
        ("default interface <interface>", partial(_default, terminal)),
        ("vlan <vlan>", partial(_make_vlan, terminal)),
        ("no vlan <vlan>", partial(_drop_vlan, terminal)),
        ("hostname <word>", partial(_rename, terminal)),
        ("do <line>", partial(_do, terminal)),
        ("archive", partial(_open, terminal, "archive", "")),
        ("no archive", partial(_forget, terminal, "archive", "")),
    ]
    for stem in ("line", "radius server", "tacacs server"):
        table.append((f"{stem} <line>", partial(_open, terminal, stem)))
        table.append((f"no {stem} <line>", partial(_forget, terminal, stem)))
    stems = dict.fromkeys(word for row in (*BEFORE_VLANS, *AFTER_PORTS) for word in row)
    for stem in stems:
        positive = stem.removeprefix("no ")
        if stem != positive and positive not in stems:  # shown only when it is off
            table += [(stem, partial(_keep, terminal, stem, "")), (positive, partial(_forget, terminal, stem, ""))]
        elif stem == positive and stem not in _BLOCKS:
            table.append((stem, partial(_keep, terminal, stem, "")))
            table.append((f"{stem} <line>", partial(_keep, terminal, stem)))
            table.append((f"no {stem}", partial(_forget, terminal, stem, "")))
            table.append((f"no {stem} <line>", partial(_forget, terminal, stem)))
    return rules(table)


def submode_rules(terminal: Terminal) -> tuple[Rule, ...]:
    """The commands of a submode, which `terminal.mode` names."""
    table: list[Command] = [
        ("exit", partial(terminal.enter, "config")),
        ("end", partial(terminal.enter, "exec")),
    ]
    if terminal.mode == "config-vlan":
        table.append(("name <word>", partial(_name_vlan, terminal)))
    for mode, words in _BLOCKS.values():
        if terminal.mode == f"config-{mode}":
            for word in words:
                table += [
                    (word, partial(_under, terminal, word, "")),
                    (f"{word} <line>", partial(_under, terminal, word)),
                ]
                table += [
                    (f"no {word}", partial(_not_under, terminal, word, "")),
                    (f"no {word} <line>", partial(_not_under, terminal, word)),
                ]
    return rules(table)


def svi_rules(terminal: Terminal) -> tuple[Rule, ...]:
    """The commands under ``interface VlanN``."""

    def change(**values: object) -> str:
        config = terminal.device.config
        config.svis[terminal.svi] = replace(config.svis[terminal.svi], **values)  # type: ignore[arg-type] # its names
        return ""

    def address(ip: IPv4Address, mask: IPv4Address) -> str:
        try:
            return change(address=IPv4Interface(f"{ip}/{mask}"))
        except ValueError:
            return f"Bad mask {mask} for address {ip}"

    return rules(
        [
            ("exit", partial(terminal.enter, "config")),
            ("end", partial(terminal.enter, "exec")),
            ("description <line>", lambda text: change(description=text)),
            ("no description", lambda: change(description=None)),
            ("ip address <address> <address>", address),
            ("no ip address", lambda: change(address=None)),
            ("shutdown", lambda: change(shutdown=True)),
            ("no shutdown", lambda: change(shutdown=False)),
        ]
    )


def _select(terminal: Terminal, port: str) -> str:
    terminal.ports, terminal.svi = [port], 0
    return terminal.enter("config-if")


def _select_svi(terminal: Terminal, vlan: int) -> str:
    terminal.device.config.svis.setdefault(vlan, SviConfig())
    terminal.ports, terminal.svi = [], vlan
    return terminal.enter("config-if")


def _drop_svi(terminal: Terminal, vlan: int) -> str:
    terminal.device.config.svis.pop(vlan, None)
    return terminal.enter("config")


def _select_range(terminal: Terminal, text: str) -> str:
    ports = in_range(text, terminal.device.config.ports)
    if ports is None:
        return Fault("invalid", len("interface range ")).text(terminal.prompt, text)
    terminal.ports, terminal.svi = ports, 0
    return terminal.enter("config-if-range")


def _default(terminal: Terminal, port: str) -> str:
    terminal.device.set_port(port, PortConfig())
    terminal.enter("config")
    return f"Interface {port} set to default configuration"


def _make_vlan(terminal: Terminal, number: int) -> str:
    terminal.vlan = number
    terminal.device.config.vlans.setdefault(number, f"VLAN{number:04}")
    return terminal.enter("config-vlan")


def _drop_vlan(terminal: Terminal, number: int) -> str:
    if number == 1:
        return "%Default VLAN 1 may not be deleted."
    terminal.device.config.vlans.pop(number, None)
    return terminal.enter("config")


def _name_vlan(terminal: Terminal, name: str) -> str:
    terminal.device.config.vlans[terminal.vlan] = name
    return ""


def _rename(terminal: Terminal, name: str) -> str:
    terminal.device.config.hostname = name
    return terminal.enter("config")


def _do(terminal: Terminal, line: str) -> str:
    mode, terminal.mode = terminal.mode, "exec"
    try:
        return terminal.type(line)
    finally:
        terminal.mode = mode


def _open(terminal: Terminal, stem: str, rest: str) -> str:
    header = f"{stem} {rest}".strip()
    if stem == "line":
        kind, _, number = rest.partition(" ")
        header = f"line {'con' if kind.startswith('con') else kind} {number}".strip()
    terminal.device.config.settings.setdefault(header, ())
    terminal.block = header
    return terminal.enter(f"config-{_BLOCKS[stem][0]}")


def _keep(terminal: Terminal, stem: str, rest: str) -> str:
    header, settings = f"{stem} {rest}".strip(), terminal.device.config.settings
    settings.pop(f"no {header}", None)
    if stem in _SINGLE:
        for old in [line for line in settings if header_begins(line, stem)]:
            del settings[old]
    settings.setdefault(header, ())
    return terminal.enter("config")


_SINGLE = ("ip default-gateway", "ip domain-name", "version")  # a second one takes the place of the first


def _forget(terminal: Terminal, stem: str, rest: str) -> str:
    header, settings = f"{stem} {rest}".strip(), terminal.device.config.settings
    for old in [line for line in settings if header_begins(line, header)]:
        del settings[old]
    if any(header_begins(f"no {header}", word) for row in (*BEFORE_VLANS, *AFTER_PORTS) for word in row):
        settings[f"no {header}"] = ()  # its absence is shown
    return terminal.enter("config")


def _under(terminal: Terminal, word: str, rest: str) -> str:
    settings, line = terminal.device.config.settings, f"{word} {rest}".strip()
    kept = [old for old in settings.get(terminal.block, ()) if old.partition(" ")[0] != word]
    settings[terminal.block] = (*kept, line)
    return ""


def _not_under(terminal: Terminal, word: str, _rest: str) -> str:
    settings = terminal.device.config.settings
    kept = [old for old in settings.get(terminal.block, ()) if old.partition(" ")[0] != word]
    settings[terminal.block] = tuple(kept)
    return ""
