"""Many IOS-style switches in one process, without a data plane: ``python -m benchmarks.many_switches SETTINGS.json``.

The command line is the lab's (`provisioning.lab.switch`), over SSH, one loopback address a switch, one host key for
all. Behind the ports there is nothing, so that a thousand fit into one process. It is told what to do on standard
input, one JSON object a line, and answers each with one (:mod:`benchmarks.switch_fleet` is the other end):

``{"do": "reset", "round_trip": 0.02}``: all switches are as in the beginning again, that many seconds away.
``{"do": "look"}``: which switches are not as `lines` make them, in the running or the startup configuration, and what
the process has seen: connections since the reset, the most of them at once, seconds that it computed since then,
octets of memory (VmHWM).
"""

from __future__ import annotations

import asyncio
import copy
import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from benchmarks.switch_delay import LateLoop
from provisioning.lab.ssh_service import PasswordServer
from provisioning.lab.switch.config import PortConfig
from provisioning.lab.switch.device import Device, Settings
from provisioning.lab.switch.session import Typing
from provisioning.lab.switch.terminal import Terminal

_NEWEST = "show running-config"
_SAVED = "show startup-config"


@dataclass(frozen=True)
class FleetSettings:
    """What the process is told. `before` and `lines` are typed in configuration mode: by the process itself before it
    serves, and by whoever is measured."""

    addresses: Mapping[str, str]
    port: int
    user: str
    password_file: str
    host_key: str
    folder: str
    interfaces: Sequence[str]
    uplinks: Sequence[str]
    vlans: Mapping[str, str]
    before: Sequence[str]
    lines: Sequence[str]


class NoPlane:
    """A data plane without anything on it: no port has carrier."""

    def __init__(self, ports: Sequence[str]) -> None:
        self._carriers = dict.fromkeys(ports, False)

    def set_link(self, port: str, *, up: bool) -> None: ...

    def set_vlans(self, port: str, config: PortConfig) -> None: ...

    def flush(self) -> None: ...

    def carriers(self) -> dict[str, bool]:
        return self._carriers

    def counters(self) -> dict[str, Mapping[str, int]]:
        return {}

    def forget(self) -> None: ...

    def mac_table(self) -> list[Any]:
        return []


class Fleet:
    """All the switches."""

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        self.password_file = Path(settings.password_file)
        self._before = self._device("switch")
        _type(self._before, settings.before)
        wanted = self._device("switch")
        _type(wanted, [*settings.before, *settings.lines])
        self._wanted = _shown(wanted, _NEWEST)
        self.devices: dict[str, Device] = {}
        self.reset()

    def reset(self) -> None:
        """Every switch as `before` leaves it, with nothing saved."""
        for name, address in self.settings.addresses.items():
            device = self._device(name)
            hostname, device.config = device.config.hostname, copy.deepcopy(self._before.config)
            device.config.hostname = hostname
            device.startup.unlink(missing_ok=True)
            self.devices[address] = device

    def wrong(self) -> dict[str, str]:
        """Switch → what is not as it should be."""
        found = {}
        for device in self.devices.values():
            name = device.settings.name
            if (running := _shown(device, _NEWEST)) != self._wanted:
                found[name] = f"running configuration: {_difference(running, self._wanted)}"
            elif (saved := _shown(device, _SAVED)) != self._wanted:
                found[name] = f"startup configuration: {_difference(saved, self._wanted)}"
        return found

    def _device(self, name: str) -> Device:
        told = self.settings
        folder = Path(told.folder) / name
        folder.mkdir(parents=True, exist_ok=True)
        device = Device(
            Settings(
                name=name,
                hostname=name,
                address=told.addresses.get(name, "127.78.255.254"),
                port=told.port,
                user=told.user,
                password_file=told.password_file,
                folder=str(folder),
                ports=dict.fromkeys([*told.interfaces, *told.uplinks], ""),
                uplinks=told.uplinks,
                vlans=told.vlans,
                namespace="",
                database="",
                control="",
                bridge="",
            )
        )
        device.plane = NoPlane([*told.interfaces, *told.uplinks])  # type: ignore[assignment]
        return device


def _type(device: Device, lines: Sequence[str]) -> None:
    terminal = Terminal(device)
    for line in ["configure terminal", *lines]:
        if (answer := terminal.type(line)).startswith(("%", " ")):
            raise SystemExit(f"the switch refuses {line!r}: {answer}")


def _shown(device: Device, command: str) -> list[str]:
    """The configuration without the switch's own name and what is said around it."""
    text = (line.rstrip() for line in Terminal(device).type(command).splitlines())
    return [line for line in text if line and not line.startswith(("hostname", "Building", "Current", "!", "Using"))]


def _difference(found: Sequence[str], wanted: Sequence[str]) -> str:
    pairs = [(a, b) for a, b in zip(found, wanted, strict=False) if a != b]
    if pairs:
        return f"{pairs[0][0]!r} instead of {pairs[0][1]!r}"
    return f"{len(found)} lines instead of {len(wanted)}"


async def converse(process: asyncssh.SSHServerProcess[str], fleet: Fleet) -> None:
    """Serve one session to its end."""
    device = fleet.devices[process.get_extra_info("sockname")[0]]
    typing = Typing(device, fleet.password_file)
    process.stdout.write(f"\r\n{typing.terminal.prompt}")
    while not typing.terminal.closed:
        try:
            text = await process.stdin.read(65536)
        except (asyncssh.TerminalSizeChanged, asyncssh.BreakReceived, asyncssh.SignalReceived):
            continue
        if not text:
            break
        process.stdout.write(typing.receive(text))
    process.exit(0)


async def serve(fleet: Fleet, loop: LateLoop) -> None:
    """Serve until standard input ends."""
    told = fleet.settings
    options = asyncssh.SSHServerConnectionOptions(
        server_host_keys=[told.host_key],
        server_factory=lambda: PasswordServer(told.user, fleet.password_file),
        process_factory=lambda process: converse(process, fleet),
        line_editor=False,
        encoding="utf-8",
        errors="replace",
        agent_forwarding=False,
    )
    for address in told.addresses.values():
        await asyncssh.listen(address, told.port, options=options)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    _say({"ready": len(told.addresses)})
    began = time.process_time()
    while line := await commands.readline():
        asked = json.loads(line)
        if asked["do"] == "reset":
            fleet.reset()
            loop.round_trip, loop.connections, loop.most = asked["round_trip"], 0, loop.open
            began = time.process_time()
            _say({})
        else:
            # Whoever was measured may still be saying good-bye.
            for _ in range(100):
                if not loop.open:
                    break
                await asyncio.sleep(0.05)
            cpu = time.process_time() - began
            seen = {"connections": loop.connections, "most": loop.most, "memory": _memory(), "cpu": cpu}
            _say({"wrong": fleet.wrong(), "left_open": loop.open, **seen})


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    settings = FleetSettings(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = LateLoop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(serve(Fleet(settings), loop))


if __name__ == "__main__":
    main()
