"""A device behind a channel such as paramiko's, as its family talks: prompts of all modes, echo, refusals, a pager.

:class:`Family` is the data (one a test file), :class:`ScriptedDevice` the channel, :class:`Faults` what the device is
told to do wrong, :func:`session_on` a whole :class:`SwitchSession` on it. `device.reached` is what tests are about:
which lines took effect, and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from provisioning.connections.switch import SwitchSession
from provisioning.connections.switch_one_try import Refusals
from provisioning.site.base import Credential, Endpoint
from provisioning.site.network import Switch

PASSWORD = "Correct horse 7"
Answer = str | Callable[["ScriptedDevice", re.Match[str]], str]


@dataclass(frozen=True)
class Says:
    """What the device answers to lines that `line` matches as a whole, in the modes where it knows them (empty: all).

    `to` is the mode afterwards; `reaches` whether the line takes effect (a refusal does not). The groups of `line` fill
    in the answer (``{port}``). The group ``here`` is what the mode is about: the interface that the lines that follow
    are for.
    """

    line: str
    answer: Answer = ""
    to: str | None = None
    modes: Sequence[str] = ()
    reaches: bool = True


@dataclass(frozen=True)
class Family:
    """How a family talks. `prompts`: mode → prompt with ``{host}`` and ``{here}``; ``user`` and ``exec`` must be there.
    `refusal` answers what no entry of `script` knows; ``{line}`` is the line, ``{space}`` as many blanks as prompt and
    line have characters."""

    prompts: Mapping[str, str]
    script: Sequence[Says]
    refusal: str
    comment: str = "!"
    pager: str = " --More-- "
    erase: str = "\b" * 10 + " " * 10 + "\b" * 10


@dataclass
class Faults:
    """What goes wrong. Lines are counted from 1 as they come in, those of our own (comments) as well."""

    refuse: dict[int, str] = field(default_factory=dict)
    """Line → refused with these words."""
    broken_echo: dict[int, str] = field(default_factory=dict)
    """Line → a log message in the middle of its echo."""
    log_after: dict[int, str] = field(default_factory=dict)
    """Line → a log message behind its answer."""
    page: int = 0
    """Lines of a page; 0: whatever it was told with `device.page`."""
    cut_after: int = 0
    """The session ends behind this line."""
    silent_after: int = 0
    """No word any more behind this line."""
    piece: int = 65536
    """Octets that come at once."""
    seconds: float = 0.0
    """How long each piece takes."""
    echoes_ahead: bool = False
    """What was typed ahead shows twice: as it comes in, and where its turn is."""


class ScriptedDevice:
    """The channel. `page` are the lines of a page; its family's script may change it. `now` is its clock in seconds,
    which :func:`clock_of` gives to the terminal: nothing here waits."""

    def __init__(
        self, family: Family, *, host: str = "sw-b2-1", mode: str = "exec", banner: str = "", page: int = 0,
        faults: Faults | None = None, newline: str = "\r\n", passwords: Sequence[str] = (PASSWORD,),
    ) -> None:  # fmt: skip
        self.family, self.host, self.mode, self.newline = family, host, mode, newline
        self.page, self.faults, self.passwords = page, faults or Faults(), passwords
        self.here = ""
        self.lines: list[str] = []
        self.reached: list[tuple[str, str]] = []
        self.tried: list[str] = []
        self.state: dict[str, Any] = {}
        self.now = 0.0
        self.closed = False
        self._typed, self._out, self._timeout = "", "", 0.0
        self._held: list[str] | None = None
        self._tries = 0
        self._mute = False
        self._waits_for = ""
        self._say(banner.replace("\n", newline) + newline + self.prompt)

    @property
    def prompt(self) -> str:
        return self.family.prompts[self.mode].format(host=self.host, here=self.here)

    def on(self, here: str) -> list[str]:
        """The lines that took effect on one interface."""
        return [line for place, line in self.reached if place == here]

    # -- what paramiko's channel has --------------------------------------------------------------------------

    def sendall(self, octets: bytes) -> None:
        if self.closed:
            raise OSError("Socket is closed")
        text = octets.decode()
        if self.faults.echoes_ahead and self._held is None and not self._waits_for:
            first, _, rest = text.partition("\n")
            self._keys(first + "\n", ahead=rest)
            self._keys(rest)
        else:
            self._keys(text)

    def settimeout(self, seconds: float) -> None:
        self._timeout = seconds

    def recv(self, count: int) -> bytes:
        size = min(count, self.faults.piece)
        if not self._out:
            if self.closed:
                return b""
            self.now += self._timeout
            raise TimeoutError
        self.now += self.faults.seconds
        piece, self._out = self._out[:size], self._out[size:]
        return piece.encode()

    # -- the keyboard -----------------------------------------------------------------------------------------

    def _keys(self, text: str, ahead: str = "") -> None:
        for key in text:
            if self.closed or self._mute:
                return
            if self._held is not None:
                self._page_key(key)
            elif key == "\x03":
                self._typed = ""
                self._say("^C" + self.newline + self.prompt)
            elif key in "\r\n":
                line, self._typed = self._typed, ""
                if self._waits_for:
                    self._password(line)
                else:
                    self._line(line, ahead)
            else:
                self._typed += key

    def _page_key(self, key: str) -> None:
        held = self._held or []
        self._held = None
        if key == " ":
            self._say(self.family.erase)
            self._print(held)
        elif key in "\r\n":
            self._say(self.family.erase)
            self._print(held, 1)
        else:  # any other key ends it, and is eaten
            self._say(self.family.erase + self.prompt)

    def _password(self, given: str) -> None:
        self.tried.append(given)
        self._say(self.newline)
        if given in self.passwords:
            self.mode, self._waits_for = "exec", ""
        elif self._tries < 2:
            self._tries += 1
            return self._say("Password: ")
        else:
            self._waits_for = ""
            self._say("% Bad secrets" + self.newline + self.newline)
        return self._say(self.prompt)

    # -- lines ------------------------------------------------------------------------------------------------

    def _line(self, line: str, ahead: str) -> None:
        self.lines.append(line)
        number = len(self.lines)
        log = self.faults.broken_echo.get(number)
        half = len(line) // 2
        echo = line if log is None else line[:half] + self.newline + log + self.newline + line[half:]
        self._say(echo + self.newline + ahead.replace("\n", self.newline))
        if line.strip() == "enable" and self.mode == "user":
            self._waits_for, self._tries = "Password: ", 0
            return self._say(self._waits_for)
        answer = self._answer(line.strip(), number)
        if number in self.faults.log_after:
            answer = f"{answer}\n{self.faults.log_after[number]}".strip("\n")
        self.closed = number == self.faults.cut_after
        self._mute = number == self.faults.silent_after
        if not self.closed and not self._mute:
            self._print(answer.split("\n") if answer else [])
        return None

    def _answer(self, line: str, number: int) -> str:
        if number in self.faults.refuse:
            return self.faults.refuse[number]
        if not line or line.startswith(self.family.comment):
            return ""
        for says in self.family.script:
            found = re.fullmatch(says.line, line)
            if found is None or (says.modes and self.mode not in says.modes):
                continue
            words = {name: text or "" for name, text in found.groupdict().items()}
            if self.mode not in {"user", "exec"} and "here" not in words and says.to is None and says.reaches:
                self.reached.append((self.here or self.mode, line))
            answer = says.answer(self, found) if callable(says.answer) else says.answer.format_map(words)
            if says.to is not None:
                self.mode, self.here = says.to, words.get("here", "")
            return answer
        return self.family.refusal.format(line=line, space=" " * (len(self.prompt) + len(line)))

    def _print(self, lines: Sequence[str], count: int | None = None) -> None:
        page = count or self.faults.page or self.page or len(lines)
        self._say("".join(line + self.newline for line in lines[:page]))
        if len(lines) > page:
            self._held = list(lines[page:])
            return self._say(self.family.pager)
        return self._say(self.prompt)

    def _say(self, text: str) -> None:
        self._out += text


def clock_of(device: ScriptedDevice) -> Any:
    """What ``provisioning.connections.terminal.time`` is replaced with."""
    return SimpleNamespace(monotonic=lambda: device.now)


def session_on(
    device: ScriptedDevice, dialect: str, monkeypatch: pytest.MonkeyPatch, enable: str | None = None
) -> SwitchSession:
    """A session of ours on the device, signed in: everything from its first prompt on is real."""
    switch = Switch(
        ssh=Endpoint(host="192.0.2.10", port=22),
        dialect=dialect,
        credential=Credential.model_validate({"user": "netops", "password": "env:SWITCH_PASSWORD"}),
        enable=enable,
        known_hosts=Path("/known_hosts"),
        closet="b2",
    )
    connection = SimpleNamespace(
        remote_conn=device,
        remote_conn_pre=SimpleNamespace(get_transport=lambda: None),
        disconnect=lambda: setattr(device, "closed", True),
    )
    monkeypatch.setattr("provisioning.connections.switch.sign_in", lambda *_: connection)
    monkeypatch.setattr("provisioning.connections.terminal.time", clock_of(device))
    monkeypatch.setattr("provisioning.connections.switch_one_try.REFUSALS", Refusals())
    inventory: Any = SimpleNamespace(network=SimpleNamespace(switches={"sw": switch}))
    secrets: Any = SimpleNamespace(resolve=lambda _: SecretStr(PASSWORD))
    return SwitchSession("switch:sw", inventory, secrets)
