"""The SSH side of the lab's switches: one process for all, an address and a host key for each."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
from pathlib import Path

import asyncssh

from provisioning.errors import LabError
from provisioning.lab.ssh_service import PasswordServer
from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device, Settings
from provisioning.lab.switch.terminal import Terminal

log = logging.getLogger(__name__)
_KEYS = re.compile(r"(\r\n|\r|\n|[\x03\x08\x1a\x7f?])")
_CHATTER = "*Nov 22 10:00:00.123: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/24, changed state to down"


class HangError(Exception):
    """The session was told to answer nothing more."""


class Typing:
    """Turns received characters into lines, and answers into what goes back: one write for each chunk
    received."""

    def __init__(self, device: Device, password_file: Path) -> None:
        self.terminal = Terminal(device, privileged=device.settings.privileged)
        self._device = device
        self._password_file = password_file
        self._line = ""
        self._swallow_newline = False

    def receive(self, text: str) -> str:
        """What the device sends back for `text`. Raises :class:`HangError` when a fault says so."""
        if self._swallow_newline and text.startswith("\n"):
            text = text[1:]
        self._swallow_newline = text.endswith("\r")
        answer = []
        for piece in _KEYS.split(text):
            answer.append(self._piece(piece))
            if self.terminal.closed:
                break
        try:
            self._device.plane.flush()
        except LabError:
            log.exception("%s: the bridge refused a change", self._device.settings.name)
        return "".join(answer)

    def _piece(self, piece: str) -> str:
        terminal = self.terminal
        match piece:
            case "\r\n" | "\r" | "\n":
                line, self._line = self._line, ""
                return "\r\n" + self._answer(line) + ("" if terminal.closed else terminal.prompt)
            case "\x03" | "\x1a":
                self._line = ""
                if terminal.mode.startswith("config"):
                    terminal.mode = "exec"
                return f"^{'C' if piece == chr(3) else 'Z'}\r\n{terminal.prompt}"
            case "\x08" | "\x7f":
                shown, self._line = ("\b \b" if self._line else ""), self._line[:-1]
                return shown
            case "?":  # help at once, and the question mark is never part of the line
                return f"?\r\n% Unrecognized command\r\n{terminal.prompt}{self._line}"
        self._line += piece
        return "" if terminal.asks_password else piece

    def _answer(self, line: str) -> str:
        terminal, faults = self.terminal, self._device.faults
        if terminal.asks_password:
            terminal.asks_password = False
            if line == self._password_file.read_text(encoding="utf-8").rstrip("\r\n"):
                terminal.mode = "exec"
                return ""
            return "% Access denied\r\n\r\n"
        verdict = faults.verdict(line)
        if verdict == "hang":
            raise HangError
        if verdict == "drop":
            terminal.closed = True
            return ""
        answer = ""
        if verdict == "reject":
            answer = f"{' ' * len(terminal.prompt)}^\n% Invalid input detected at '^' marker.\n"
        elif verdict is None:
            answer = terminal.type(line)
        if faults.chatter:
            answer += f"\n{_CHATTER}"
        return answer.strip("\n" if answer.startswith("%") else "").replace("\n", "\r\n") + "\r\n" if answer else ""


async def converse(process: asyncssh.SSHServerProcess[str], device: Device, password_file: Path) -> None:
    """Serve one session to its end."""
    typing = Typing(device, password_file)
    if process.command is not None:
        process.stdout.write(typing.receive(process.command + "\n").partition("\r\n")[2])
        process.exit(0)
        return
    process.stdout.write(f"\r\n{typing.terminal.prompt}")
    while not typing.terminal.closed:
        try:
            text = await process.stdin.read(65536)
            if not text:
                break
            if delay := device.faults.delay:
                await asyncio.sleep(delay * text.count("\n"))
            process.stdout.write(typing.receive(text))
        except (asyncssh.TerminalSizeChanged, asyncssh.BreakReceived, asyncssh.SignalReceived):
            continue
        except HangError:
            await process.channel.wait_closed()
            return
    process.exit(0)


def restart(device: Device) -> None:
    """What a switch does when it starts: carry out the startup configuration, and nothing of what ran
    before."""
    if device.startup.exists():
        terminal = Terminal(device)
        terminal.mode = "config"
        device.config.ports = dict.fromkeys(device.config.ports, PortConfig())
        for line in device.startup.read_text().splitlines():
            if line != "end":
                terminal.type(line)
    device.lay_out()


async def serve(settings_files: list[Path]) -> None:
    """Serve the switches of these settings files until TERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    servers = []
    for path in settings_files:
        settings = Settings(**json.loads(path.read_text()))
        device, password_file = Device(settings), Path(settings.password_file)
        restart(device)
        servers.append(
            await asyncssh.listen(
                settings.address,
                settings.port,
                server_host_keys=[str(Path(settings.folder) / "host_key")],
                server_factory=lambda user=settings.user, file=password_file: PasswordServer(user, file),
                process_factory=lambda process, device=device, file=password_file: converse(process, device, file),
                line_editor=False,
                encoding="utf-8",
                errors="replace",
                agent_forwarding=False,
            )
        )
    await stop.wait()
    for server in servers:
        server.close()
