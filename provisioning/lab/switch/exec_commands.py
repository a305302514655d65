"""What can be typed outside the configuration modes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from provisioning.lab.switch import show_counters, show_hosts, show_ports, show_power, shows
from provisioning.lab.switch.clock import clock
from provisioning.lab.switch.grammar import Rule, rules

if TYPE_CHECKING:
    from provisioning.lab.switch.terminal import Terminal

Command = tuple[str, Callable[..., str]]
_ENTER = "Enter configuration commands, one per line.  End with CNTL/Z."
_SURE = (
    "This will apply all necessary additions and deletions\n"
    "to replace the current running configuration with the\n"
    "contents of the specified configuration file, which is\n"
    "assumed to be a complete configuration, not a partial\n"
    "configuration. Enter Y if you are sure you want to proceed. ? [no]: "
)


def user_rules(terminal: Terminal) -> tuple[Rule, ...]:
    """Without privileges."""
    return rules([("enable", partial(_enable, terminal)), *_common(terminal)])


def exec_rules(terminal: Terminal) -> tuple[Rule, ...]:
    """With privileges."""
    return rules([*_common(terminal), *_privileged(terminal), *_rollback(terminal), *_files(terminal)])


def _common(terminal: Terminal) -> list[Command]:
    device = terminal.device

    def length(lines: int) -> str:
        terminal.length = lines
        return ""

    return [
        ("exit", partial(_close, terminal)),
        ("logout", partial(_close, terminal)),
        ("quit", partial(_close, terminal)),
        ("terminal length <number>", length),
        ("terminal width <number>", _nothing),
        ("terminal no monitor", _nothing),
        ("terminal monitor", _nothing),
        ("show version", partial(shows.version, device)),
        ("show clock", clock),
        ("show users", lambda: show_hosts.users(device, terminal.number)),
        ("show vlan brief", partial(shows.vlan_brief, device)),
        ("show etherchannel summary", partial(shows.etherchannel_summary, device)),
        *_port_shows(terminal),
        *_host_shows(terminal),
    ]


def _port_shows(terminal: Terminal) -> list[Command]:
    device = terminal.device
    return [
        ("show interfaces", partial(show_ports.interfaces, device)),
        ("show interfaces <interface>", partial(show_ports.interfaces, device)),
        ("show interfaces <svi>", partial(_svi_shown, terminal)),
        ("show interfaces status", partial(show_ports.status, device)),
        ("show interfaces <interface> status", partial(show_ports.status_of, device)),
        ("show interfaces status err-disabled", partial(show_ports.error_disabled, device)),
        ("show interfaces description", partial(show_ports.descriptions, device)),
        ("show interfaces link", partial(show_ports.link_times, device)),
        ("show interfaces trunk", partial(show_ports.trunks, device)),
        ("show interfaces switchport", partial(show_ports.switchport, device)),
        ("show interfaces <interface> switchport", partial(show_ports.switchport, device)),
        ("show interfaces counters errors", partial(show_counters.counters_errors, device)),
        ("show interfaces <interface> counters errors", partial(show_counters.counters_errors, device)),
        ("show power inline", partial(show_power.power_inline, device)),
        ("show power inline <interface>", partial(show_power.power_inline, device)),
        ("show port-security interface <interface>", partial(show_power.port_security, device)),
    ]


def _host_shows(terminal: Terminal) -> list[Command]:
    device, macs = terminal.device, show_hosts.mac_address_table
    return [
        ("show mac address-table", partial(macs, device)),
        ("show mac address-table dynamic", partial(macs, device, dynamic=True)),
        ("show mac address-table interface <interface>", partial(macs, device)),
        ("show mac address-table dynamic interface <interface>", partial(macs, device, dynamic=True)),
        ("show mac address-table address <mac>", lambda mac: macs(device, address=mac)),
        ("show mac address-table dynamic address <mac>", lambda mac: macs(device, address=mac, dynamic=True)),
        ("show mac address-table vlan <vlan>", lambda vlan: macs(device, vlan=vlan)),
        ("show lldp neighbors", partial(show_hosts.lldp_neighbors, device)),
        ("show lldp neighbors detail", partial(show_hosts.lldp_neighbors_detail, device)),
        ("show lldp neighbors <interface>", partial(show_hosts.lldp_neighbors, device)),
        ("show lldp neighbors <interface> detail", partial(show_hosts.lldp_neighbors_detail, device)),
        ("show cdp neighbors detail", partial(show_hosts.cdp_neighbors_detail, device)),
        ("show cdp neighbors <interface> detail", partial(show_hosts.cdp_neighbors_detail, device)),
        ("show ip arp", partial(show_hosts.ip_arp, device)),
        ("show arp", partial(show_hosts.ip_arp, device)),
        ("show ip interface brief", partial(show_hosts.ip_interface_brief, device)),
    ]


def _privileged(terminal: Terminal) -> list[Command]:
    device = terminal.device
    return [
        ("enable", str),
        ("disable", partial(terminal.enter, "user")),
        ("configure terminal", lambda: terminal.enter("config") + _ENTER),
        ("write", partial(_save, terminal)),
        ("write memory", partial(_save, terminal)),
        ("clear counters", partial(show_counters.clear_counters, device)),
        ("clear counters <interface>", partial(show_counters.clear_counters, device)),
        ("clear mac address-table dynamic", partial(_forget_macs, terminal)),
        ("show logging", partial(shows.logging, device)),
        ("show running-config", partial(shows.running_config, device)),
        ("show running-config interface <interface>", partial(shows.running_config_interface, device)),
        ("show running-config interface <svi>", partial(shows.running_config_svi, device)),
        ("show startup-config", partial(_startup, terminal)),
    ]


def _rollback(terminal: Terminal) -> list[Command]:
    rollback = terminal.device.rollback
    table: list[Command] = [
        ("configure terminal revert timer <minutes>", partial(_revertible, terminal)),
        ("configure terminal revert timer idle <minutes>", partial(_revertible, terminal)),
        ("configure confirm", rollback.confirm),
        ("configure revert now", rollback.revert),
        ("configure revert timer <minutes>", rollback.restart),
        ("show archive", rollback.show),
        ("show archive config rollback timer", rollback.timer),
        ("archive config", lambda: "" if rollback.archive() else " Archive feature not enabled"),
        ("configure replace <flash>", partial(_replace, terminal)),
    ]
    for options in ("force", "list force", "nolock force"):
        table.append((f"configure replace <flash> {options}", rollback.replace))
    table.append(("configure replace <flash> force time <minutes>", partial(_replace_for, terminal)))
    table.append(("configure replace <flash> time <minutes> force", partial(_replace_for, terminal)))
    return table


def _files(terminal: Terminal) -> list[Command]:
    device = terminal.device
    return [
        ("copy running-config startup-config", partial(_copy_to_startup, terminal)),
        ("copy running-config <flash>", partial(_copy_out, terminal)),
        ("copy <flash> running-config", partial(_copy_in, terminal)),
        ("dir", device.flash.listing),
        ("dir flash:", device.flash.listing),
        ("more <flash>", partial(_more, terminal)),
        ("delete <flash>", partial(_delete, terminal)),
        ("delete /force <flash>", partial(_delete_now, terminal)),
    ]


# -- what they do


def _nothing(_: object = None) -> str:
    return ""


def _forget_macs(terminal: Terminal) -> str:
    terminal.device.plane.forget()
    return ""


def _close(terminal: Terminal) -> str:
    terminal.closed = True
    return ""


def _enable(terminal: Terminal) -> str:
    fault = terminal.device.faults.enable
    if fault == "no password set":
        return "% No password set"

    def judge(typed: str) -> str:
        if fault:
            return "% Error in authentication.\n"
        with open(terminal.device.settings.password_file, encoding="utf-8") as file:
            if typed != file.read().rstrip("\r\n"):
                return "% Access denied\n"
        terminal.mode = "exec"
        return ""

    return terminal.ask("Password: ", judge, echo=False)


def _svi_shown(terminal: Terminal, vlan: int) -> str:
    if vlan not in terminal.device.config.svis:
        return f"{' ' * (len(terminal.prompt) + 16)}^\n% Invalid input detected at '^' marker."
    return show_ports.svi(terminal.device, vlan)


def _save(terminal: Terminal) -> str:
    terminal.device.save()
    return "Building configuration...\n[OK]"


def _startup(terminal: Terminal) -> str:
    startup = terminal.device.startup
    if not startup.exists():
        return "startup-config is not present"
    text = startup.read_text(encoding="utf-8")
    return f"Using {len(text)} out of 524288 bytes\n{text}"


def _revertible(terminal: Terminal, minutes: int) -> str:
    said = terminal.device.rollback.begin(minutes, terminal.user, terminal.tell)
    if said.startswith("%"):
        return said
    terminal.enter("config")
    return f"{said}\n{_ENTER}"


def _replace(terminal: Terminal, name: str) -> str:
    def go(typed: str) -> str:
        return terminal.device.rollback.replace(name) if typed.lower().startswith("y") else ""

    return terminal.ask(_SURE, go)


def _replace_for(terminal: Terminal, name: str, minutes: int) -> str:
    said = terminal.device.rollback.begin(minutes, terminal.user, terminal.tell)
    return said if said.startswith("%") else f"{said}\n{terminal.device.rollback.replace(name)}"


def _quiet(terminal: Terminal) -> bool:
    return "file prompt quiet" in terminal.device.config.settings


def _asked(terminal: Terminal, question: str, default: str, then: Callable[[str], str]) -> str:
    if _quiet(terminal):
        return then(default)
    return terminal.ask(f"{question} [{default}]? ", lambda typed: then(typed.strip() or default))


def _copy_to_startup(terminal: Terminal) -> str:
    return _asked(terminal, "Destination filename", "startup-config", lambda _: _save(terminal))


def _copy_out(terminal: Terminal, name: str) -> str:
    device = terminal.device

    def write(_: str, target: str) -> str:
        began, text = time.monotonic(), device.config.text() + "\n"
        device.flash.write(target, text)
        seconds = max(0.001, time.monotonic() - began)
        return f"{len(text)} bytes copied in {seconds:.3f} secs ({int(len(text) / seconds)} bytes/sec)"

    def to(target: str) -> str:
        target = target.removeprefix("flash:").lstrip("/")
        if device.flash.read(target) is None or _quiet(terminal):
            return write("", target)
        terminal.ask("Do you want to over write? [confirm]", lambda typed: _confirmed(typed, write, target), key=True)
        return "%Warning:There is a file already existing with this name "

    return _asked(terminal, "Destination filename", name, to)


def _confirmed(typed: str, then: Callable[[str, str], str], name: str) -> str:
    return then(typed, name) if typed.strip().lower() in {"", "y", "yes"} else "%Error: aborted by the user"


def _copy_in(terminal: Terminal, name: str) -> str:
    text = terminal.device.flash.read(name)
    if text is None:
        return f"%Error opening flash:{name} (No such file or directory)"

    def merge(_: str) -> str:
        mode, terminal.mode = terminal.mode, "config"
        said = [answer for line in text.splitlines() if line != "end" and (answer := terminal.type(line))]
        terminal.mode = mode
        return "\n".join([*said, f"{len(text)} bytes copied in 0.100 secs ({len(text) * 10} bytes/sec)"])

    return _asked(terminal, "Destination filename", "running-config", merge)


def _more(terminal: Terminal, name: str) -> str:
    return terminal.device.flash.read(name) or f"%Error opening flash:{name} (No such file or directory)"


def _delete_now(terminal: Terminal, name: str) -> str:
    if terminal.device.flash.delete(name):
        return ""
    return f"%Error deleting flash:/{name} (No such file or directory)"


def _delete(terminal: Terminal, name: str) -> str:
    def sure(named: str) -> str:
        target = named.removeprefix("flash:").lstrip("/")
        question = f"Delete flash:/{target}? [confirm]"
        return terminal.ask(question, lambda t: _confirmed(t, lambda _, n: _delete_now(terminal, n), target), key=True)

    return _delete_now(terminal, name) if _quiet(terminal) else _asked(terminal, "Delete filename", name, sure)
