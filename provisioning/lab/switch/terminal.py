"""One session on a lab switch: modes, commands, answers. No input or output of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from provisioning.lab.switch import shows
from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.grammar import Fault, Match, Parameter, Rule, match, rules
from provisioning.lab.switch.interfaces import full_name, in_range

_SUBMODES = {
    "config-if": "(config-if)",
    "config-if-range": "(config-if-range)",
    "config-vlan": "(config-vlan)",
    "config-line": "(config-line)",
}
_KEPT = (
    "switchport nonegotiate",
    "switchport port-security",
    "spanning-tree portfast",
    "spanning-tree bpduguard enable",
    "spanning-tree guard root",
    "ip dhcp snooping trust",
    "power inline auto",
    "power inline never",
    "channel-group <number> mode active",
    "channel-group <number> mode on",
    "switchport trunk allowed vlan <word>",
    "storm-control broadcast level <word>",
)
Change = Callable[[PortConfig], PortConfig]


class Terminal:
    """A signed-in session. :meth:`type` takes one line and returns what the device prints for it."""

    def __init__(self, device: Device, *, privileged: bool = True) -> None:
        self.device = device
        self.mode = "exec" if privileged else "user"
        self.closed = False
        self.asks_password = False
        self._ports: list[str] = []
        self._vlan = 1
        self._parameters: dict[str, Parameter] = {
            "<number>": _number(0, 4096),
            "<vlan>": _number(1, 4094),
            "<word>": str,
            "<interface>": self._interface,
        }
        self._rules = {"user": self._user_rules(), "exec": self._exec_rules(), "config": self._config_rules()}
        self._rules["config-if"] = self._rules["config-if-range"] = self._port_rules()
        self._rules["config-vlan"] = rules([("name <word>", self._name_vlan), *self._leave()])
        self._rules["config-line"] = rules(self._leave())

    @property
    def prompt(self) -> str:
        """What the device prints when it waits. IOS cuts the host name at 20 characters in configuration
        modes."""
        name = self.device.config.hostname
        if self.asks_password:
            return "Password: "
        if self.mode in {"user", "exec"}:
            return name + (">" if self.mode == "user" else "#")
        return name[:20] + _SUBMODES.get(self.mode, "(config)") + "#"

    def type(self, line: str) -> str:
        """Carry out one line; the answer has no final line break."""
        command, _, pipe = line.partition("|") if re.match(r"\s*(do\s+)?sh", line) else (line, "", "")
        if not command.strip() or command.lstrip().startswith("!"):
            return ""
        if re.match(r"(?i)\s*(int|show?\s|sho?\s|de)", command):
            command = re.sub(r"(?i)\b((?:gi|te|fa|fo|tw)[a-z]*)\s+(?=\d+/)", r"\1", command)
        verdict = self._find(command)
        if isinstance(verdict, Fault):
            return verdict.text(self.prompt, command)
        output = verdict.rule.run(*verdict.values)
        if not pipe:
            return output
        kept = shows.filtered(output, pipe)
        return Fault("invalid", line.index("|") + 2).text(self.prompt, line) if kept is None else kept

    def _find(self, command: str) -> Match | Fault:
        found = match(self._rules[self.mode], command, self._parameters)
        if isinstance(found, Fault) and self.mode.startswith("config-"):
            # A command of the global mode typed in a submode is carried out there and leaves the submode.
            outer = match(self._rules["config"], command, self._parameters)
            if isinstance(outer, Match):
                return outer
            return max(found, outer, key=lambda fault: (fault.kind != "invalid", fault.offset))
        return found

    # -- parameters
    # -------------------------------------------------------------------------------------------------

    def _interface(self, word: str) -> str:
        name = full_name(word, self.device.config.ports)
        if name is None:
            kinds = {re.match(r"[A-Za-z-]+", port)[0].lower() for port in self.device.config.ports}  # type: ignore[index] # ports begin with letters
            letters = re.match(r"[A-Za-z-]*", word)[0]  # type: ignore[index] # matches the empty text too
            raise ValueError(len(letters) if letters and any(kind.startswith(letters.lower()) for kind in kinds) else 0)
        return name

    # -- what each mode knows
    # ---------------------------------------------------------------------------------------

    def _user_rules(self) -> tuple[Rule, ...]:
        return rules([("enable", self._ask_enable), *self._common()])

    def _exec_rules(self) -> tuple[Rule, ...]:
        device = self.device
        return rules(
            [
                *self._common(),
                ("enable", str),
                ("disable", partial(self._enter, "user")),
                ("configure terminal", self._configure),
                ("write", self._save),
                ("write memory", self._save),
                ("copy running-config startup-config", self._save),
                ("show running-config", partial(shows.running_config, device)),
                (
                    "show running-config interface <interface>",
                    partial(shows.running_config_interface, device),
                ),
                ("show startup-config", self._startup),
            ]
        )

    def _common(self) -> list[tuple[str, Callable[..., str]]]:
        device = self.device
        return [
            ("exit", self._close),
            ("logout", self._close),
            ("quit", self._close),
            ("terminal length <number>", _nothing),
            ("terminal width <number>", _nothing),
            ("terminal no monitor", _nothing),
            ("show version", partial(shows.version, device)),
            ("show interfaces status", partial(shows.interfaces_status, device)),
            ("show interfaces <interface> switchport", partial(shows.switchport, device)),
            ("show mac address-table", partial(shows.mac_address_table, device)),
            ("show mac address-table interface <interface>", partial(shows.mac_address_table, device)),
            ("show vlan brief", partial(shows.vlan_brief, device)),
        ]

    def _leave(self) -> list[tuple[str, Callable[..., str]]]:
        return [("exit", partial(self._enter, "config")), ("end", partial(self._enter, "exec"))]

    def _config_rules(self) -> tuple[Rule, ...]:
        return rules(
            [
                ("exit", partial(self._enter, "exec")),
                ("end", partial(self._enter, "exec")),
                ("interface <interface>", self._select),
                ("interface range <line>", self._select_range),
                ("default interface <interface>", self._default),
                ("vlan <vlan>", self._make_vlan),
                ("no vlan <vlan>", self._drop_vlan),
                ("line console <number>", lambda _: self._enter("config-line")),
                ("hostname <word>", self._rename),
                ("do <line>", self._do),
            ]
        )

    def _port_rules(self) -> tuple[Rule, ...]:
        table: list[tuple[str, Callable[..., str]]] = [
            *self._leave(),
            ("description <line>", lambda text: self._set(description=text)),
            ("no description", lambda: self._set(description=None)),
            ("no description <line>", lambda _: self._set(description=None)),
            ("switchport mode access", lambda: self._set(mode="access")),
            ("switchport mode trunk", lambda: self._set(mode="trunk")),
            ("switchport mode dynamic auto", lambda: self._set(mode=None)),
            ("switchport mode dynamic desirable", lambda: self._set(mode="dynamic desirable")),
            ("no switchport mode", lambda: self._set(mode=None)),
            ("switchport access vlan <vlan>", partial(self._vlans, "Access", "access_vlan")),
            ("no switchport access vlan", lambda: self._set(access_vlan=1)),
            ("no switchport access vlan <vlan>", lambda _: self._set(access_vlan=1)),
            ("switchport voice vlan <vlan>", partial(self._vlans, "Voice", "voice_vlan")),
            ("no switchport voice vlan", lambda: self._set(voice_vlan=None)),
            ("no switchport voice vlan <vlan>", lambda _: self._set(voice_vlan=None)),
            ("shutdown", lambda: self._set(shutdown=True)),
            ("no shutdown", lambda: self._set(shutdown=False)),
        ]
        for kept in _KEPT:
            stem = kept.partition(" <")[0]
            table.append((kept, partial(self._keep, kept)))
            table.append((f"no {stem}", partial(self._drop_kept, stem)))
        return rules(table)

    # -- commands
    # ---------------------------------------------------------------------------------------------------

    def _enter(self, mode: str) -> str:
        self.mode = mode
        return ""

    def _close(self) -> str:
        self.closed = True
        return ""

    def _ask_enable(self) -> str:
        self.asks_password = True
        return ""

    def _configure(self) -> str:
        self.mode = "config"
        return "Enter configuration commands, one per line.  End with CNTL/Z."

    def _save(self) -> str:
        self.device.save()
        return "Building configuration...\n[OK]"

    def _startup(self) -> str:
        return self.device.startup.read_text() if self.device.startup.exists() else "startup-config is not present"

    def _do(self, line: str) -> str:
        mode, self.mode = self.mode, "exec"
        try:
            return self.type(line)
        finally:
            self.mode = mode

    def _rename(self, name: str) -> str:
        self.device.config.hostname = name
        return self._enter("config")

    def _select(self, port: str) -> str:
        self._ports = [port]
        return self._enter("config-if")

    def _select_range(self, text: str) -> str:
        ports = in_range(text, self.device.config.ports)
        if ports is None:
            return Fault("invalid", len("interface range ")).text(self.prompt, text)
        self._ports = ports
        return self._enter("config-if-range")

    def _default(self, port: str) -> str:
        self.device.set_port(port, PortConfig())
        self.mode = "config"
        return f"Interface {port} set to default configuration"

    def _make_vlan(self, number: int) -> str:
        self._vlan = number
        self.device.config.vlans.setdefault(number, f"VLAN{number:04}")
        return self._enter("config-vlan")

    def _drop_vlan(self, number: int) -> str:
        self.device.config.vlans.pop(number, None)
        return self._enter("config")

    def _name_vlan(self, name: str) -> str:
        self.device.config.vlans[self._vlan] = name
        return ""

    def _set(self, **values: object) -> str:
        self._change(lambda config: replace(config, **values))  # type: ignore[arg-type] # the names are PortConfig's
        return ""

    def _change(self, change: Change) -> None:
        for port in self._ports:
            self.device.set_port(port, change(self.device.config.ports[port]))

    def _vlans(self, what: str, field: str, number: int) -> str:
        self._set(**{field: number})
        if number in self.device.config.vlans:
            return ""
        self.device.config.vlans[number] = f"VLAN{number:04}"
        return f"% {what} VLAN does not exist. Creating vlan {number}"

    def _keep(self, pattern: str, *values: object) -> str:
        line = re.sub(r"<\w+>", "{}", pattern).format(*values)
        self._change(lambda config: config.with_extra(line))
        return (
            "%Warning: portfast should only be enabled on ports connected to a single host."
            if "portfast" in line
            else ""
        )

    def _drop_kept(self, stem: str) -> str:
        self._change(lambda config: config.without_extra(stem))
        return ""


def _number(low: int, high: int) -> Parameter:
    def parse(word: str) -> int:
        if not word.isdecimal() or not low <= int(word) <= high:
            raise ValueError(0)
        return int(word)

    return parse


def _nothing(_: object = None) -> str:
    return ""
