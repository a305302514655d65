"""One session on a lab switch: modes, lines, answers. No input or output of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from provisioning.lab.switch import config_commands, exec_commands, port_commands, shows
from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.flash import file_name
from provisioning.lab.switch.grammar import Fault, Match, Parameter, Rule, match
from provisioning.lab.switch.interfaces import full_name
from provisioning.lab.switch.vlans import parse_vlans

Change = Callable[[PortConfig], PortConfig]


@dataclass(frozen=True)
class Question:
    """Something that the device asks before it goes on. With `key` it needs no Enter."""

    text: str
    answer: Callable[[str], str]
    echo: bool = True
    key: bool = False


class Terminal:
    """A signed-in session. :meth:`type` takes one line and returns what the device prints for it. What the device
    prints of its own accord goes to `tell`."""

    def __init__(
        self, device: Device, *, privileged: bool = True, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.device = device
        self.mode = "exec" if privileged else "user"
        self.user = device.settings.user
        self.number: int | None = None
        self.tell = tell
        self.length = 24
        self.closed = False
        self.question: Question | None = None
        self.ports: list[str] = []
        self.svi = 0
        self.vlan = 1
        self.block = ""
        self._parameters: dict[str, Parameter] = {
            "<number>": number(0, 4096),
            "<vlan>": number(1, 4094),
            "<minutes>": number(1, 120),
            "<word>": str,
            "<interface>": self._interface,
            "<svi>": _svi,
            "<vlans>": parse_vlans,
            "<mac>": _mac,
            "<address>": _address,
            "<flash>": file_name,
            "<level>": _level,
        }
        self._rules: dict[str, tuple[Rule, ...]] = {}

    @property
    def prompt(self) -> str:
        """What the device prints when it waits. IOS cuts the host name at 20 characters in configuration
        modes."""
        name = self.device.config.hostname
        if self.question is not None:
            return self.question.text
        if self.mode in {"user", "exec"}:
            return name + (">" if self.mode == "user" else "#")
        return f"{name[:20]}({self.mode})#"

    def type(self, line: str) -> str:
        """Carry out one line; the answer has no final line break."""
        if self.question is not None:
            asked, self.question = self.question, None
            return asked.answer(line)
        command, _, pipe = line.partition("|") if re.match(r"\s*(do\s+)?(sh|more)", line) else (line, "", "")
        if not command.strip() or command.lstrip().startswith("!"):
            return ""
        if re.match(r"(?i)\s*(no\s+)?(int|show?\s|sho?\s|de|clear)", command):
            command = re.sub(r"(?i)\b((?:gi|te|fa|fo|tw)[a-z]*)\s+(?=\d+/)", r"\1", command)
            command = (
                re.sub(r"(?i)(?<=\s)(vl[a-z]*)\s+(?=\d+\s*$)", r"\1", command) if "nt" in command[:14] else command
            )
        verdict = self._find(command)
        if isinstance(verdict, Fault):
            return verdict.text(self.prompt, command)
        output = verdict.rule.run(*verdict.values)
        if not pipe:
            return output
        return self._piped(output, pipe, line)

    def _piped(self, output: str, pipe: str, line: str) -> str:
        if found := re.match(r"\s*(?:red\S*|ap\S*)\s+(\S+)\s*$", pipe):
            try:
                name = file_name(found[1])
            except ValueError:
                return f"%Error opening {found[1]} (Invalid argument)"
            before = self.device.flash.read(name) or "" if pipe.strip().startswith("ap") else ""
            self.device.flash.write(
                name, before + output.partition("bytes\n")[2] if "Current conf" in output else output
            )
            return ""
        kept = shows.filtered(output, pipe)
        return Fault("invalid", line.index("|") + 2).text(self.prompt, line) if kept is None else kept

    def _find(self, command: str) -> Match | Fault:
        found = match(self._table(self.mode), command, self._parameters)
        if isinstance(found, Fault) and self.mode.startswith("config-"):
            # A command of the global mode typed in a submode is carried out there and leaves the submode.
            outer = match(self._table("config"), command, self._parameters)
            if isinstance(outer, Match):
                return outer
            return max(found, outer, key=lambda fault: (fault.kind != "invalid", fault.offset))
        return found

    def _table(self, mode: str) -> tuple[Rule, ...]:
        if mode == "config-if" and self.svi:
            return config_commands.svi_rules(self)
        if mode not in self._rules:
            makers: dict[str, Callable[[Terminal], tuple[Rule, ...]]] = {
                "user": exec_commands.user_rules,
                "exec": exec_commands.exec_rules,
                "config": config_commands.global_rules,
                "config-if": port_commands.port_rules,
                "config-if-range": port_commands.port_rules,
            }
            self._rules[mode] = makers.get(mode, config_commands.submode_rules)(self)
        return self._rules[mode]

    # -- for the commands

    def enter(self, mode: str) -> str:
        """Go into another mode."""
        if self.mode.startswith("config") and mode == "exec":
            self.device.record(f"%SYS-5-CONFIG_I: Configured from console by {self.user} on vty{self.number or 0}")
            self.device.changed = f"{shows.stamp()} by {self.user}"
        self.mode = mode
        return ""

    def ask(self, text: str, answer: Callable[[str], str], *, echo: bool = True, key: bool = False) -> str:
        """Ask something before going on."""
        self.question = Question(text, answer, echo, key)
        return ""

    def change(self, change: Change) -> None:
        """Change the selected ports."""
        for port in self.ports:
            self.device.set_port(port, change(self.device.config.ports[port]))

    def _interface(self, word: str) -> str:
        name = full_name(word, self.device.config.ports)
        if name is None:
            kinds = {re.match(r"[A-Za-z-]+", port)[0].lower() for port in self.device.config.ports}  # type: ignore[index] # ports begin with letters
            letters = re.match(r"[A-Za-z-]*", word)[0]  # type: ignore[index] # matches the empty text too
            raise ValueError(len(letters) if letters and any(kind.startswith(letters.lower()) for kind in kinds) else 0)
        return name


def number(low: int, high: int) -> Parameter:
    """A parameter that is a whole number in these bounds."""

    def parse(word: str) -> int:
        if not word.isdecimal() or not low <= int(word) <= high:
            raise ValueError(0)
        return int(word)

    return parse


def _svi(word: str) -> int:
    found = re.fullmatch(r"(?i)vl(?:a|an)?(\d{1,4})", word)
    if found is None or not 1 <= int(found[1]) <= 4094:
        raise ValueError(0)
    return int(found[1])


def _mac(word: str) -> str:
    digits = re.sub(r"[.:-]", "", word).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        raise ValueError(0)
    return ".".join(digits[i : i + 4] for i in (0, 4, 8))


def _address(word: str) -> IPv4Address:
    try:
        return IPv4Address(word)
    except ValueError:
        raise ValueError(0) from None


def _level(word: str) -> str:
    if not re.fullmatch(r"\d{1,3}(?:\.\d{1,2})?", word) or float(word) > 100:
        raise ValueError(0)
    return f"{float(word):.2f}"
