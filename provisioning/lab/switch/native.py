"""A switch that is an Open vSwitch host: each SSH command is one of its own tools, run on its own bridge.

Only ``ovs-vsctl``, ``ovs-appctl``, ``ovs-ofctl`` and ``ip`` (links, addresses, neighbours, routes), as the words that
were given: there is no shell. What is configured is in its database, and stays there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from pathlib import Path
from typing import Any

import asyncssh

from provisioning.lab.ssh_service import PasswordServer
from provisioning.lab.switch.device import Settings
from provisioning.lab.switch.faults import Faults, read_faults

log = logging.getLogger(__name__)
_PATIENCE = 15.0  # seconds for a tool
_OBJECTS = ("link", "address", "neighbour", "neighbor", "route")  # of ip(8)
_UNSAFE = ("-b", "-n", "-f", "-a")  # -batch, -netns, -family, -all


class RefusedError(Exception):
    """A command that this host does not run."""


def command_line(settings: Settings, command: str) -> list[str]:
    """The words that run for a command. Raises :class:`RefusedError`."""
    try:
        program, *words = shlex.split(command)
    except ValueError as exc:
        raise RefusedError(f"bash: {exc}") from exc
    match program:
        case "ovs-vsctl":
            return [program, f"--db=unix:{settings.database}", *_without(words, "--db")]
        case "ovs-appctl":
            return [program, "-t", settings.control, *_without(words, "-t", "--target")]
        case "ovs-ofctl":
            return [program, *words]
        case "ip":
            return ["ip", "-n", settings.namespace, *_ip_words(words)]
    raise RefusedError(f"bash: line 1: {program}: command not found")


def _without(words: list[str], *options: str) -> list[str]:
    if any(word.startswith(option) for word in words for option in options):
        raise RefusedError(f"{words[0]}: this host has one Open vSwitch only")
    return words


def _ip_words(words: list[str]) -> list[str]:
    options = [word for word in words if word.startswith("-")]
    thing = next((word for word in words if not word.startswith("-")), "")
    if any(option.startswith(_UNSAFE) for option in options) or "netns" in words:
        raise RefusedError("ip: not permitted on this host")
    if not thing or not any(each.startswith(thing) for each in _OBJECTS):
        raise RefusedError(f'Object "{thing}" is unknown, try "ip help".')
    return words


class NativeHost:
    """One Open vSwitch host on its address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = Path(settings.folder)
        self._server: asyncssh.SSHAcceptor | None = None

    @property
    def faults(self) -> Faults:
        """The misbehaviour that is switched on now."""
        return read_faults(self._folder / "faults.json")

    async def open(self) -> None:
        """Accept connections."""
        settings = self._settings
        self._server = await asyncssh.listen(
            settings.address,
            settings.port,
            server_host_keys=[str(self._folder / "host_key")],
            server_factory=lambda: PasswordServer(settings.user, Path(settings.password_file)),
            process_factory=self._run,
            encoding="utf-8",
            errors="replace",
            agent_forwarding=False,
        )

    def shut(self) -> None:
        """Accept no more."""
        if self._server is not None:
            self._server.close()

    async def _run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        command, faults = process.command, self.faults
        if command is None:
            process.stderr.write("This host runs single commands only.\r\n")
            process.exit(1)
            return
        await asyncio.sleep(faults.delay)
        match faults.verdict(command):
            case "hang":
                await process.channel.wait_closed()
                return
            case "drop":
                process.get_extra_info("connection").abort()
                return
            case "reject":
                process.stderr.write("ovs-vsctl: refused by the lab\n")
                process.exit(1)
                return
            case "ignore":
                process.exit(0)
                return
        output, errors, code = await self._output(command)
        process.stdout.write(output)
        process.stderr.write(errors)
        process.exit(code)

    async def _output(self, command: str) -> tuple[str, str, int]:
        try:
            words = command_line(self._settings, command)
        except RefusedError as exc:
            return "", f"{exc}\n", 127
        pipe: Any = asyncio.subprocess.PIPE
        env = {**os.environ, "OVS_RUNDIR": str(Path(self._settings.database).parent)}
        child = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=env
        )
        try:
            output, errors = await asyncio.wait_for(child.communicate(), _PATIENCE)
        except TimeoutError:
            child.kill()
            await child.wait()
            return "", f"{words[0]}: no answer\n", 124
        return output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"), child.returncode or 0
