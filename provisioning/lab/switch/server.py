"""The SSH side of the lab's switches: one process for all, an address and a host key for each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import time
from itertools import count
from pathlib import Path
from typing import Any

import asyncssh

from provisioning.errors import LabError
from provisioning.lab.ssh_service import PasswordServer
from provisioning.lab.switch.device import Device, Line, Settings
from provisioning.lab.switch.listener import Listener
from provisioning.lab.switch.native import NativeHost
from provisioning.lab.switch.session import CutError, HangError, RebootError, Typing

log = logging.getLogger(__name__)
_TICK = 0.1  # seconds
_FULL = "Sorry, session limit reached.\r\n"


class SignIn(PasswordServer):
    """One connection to one switch."""

    def __init__(self, host: Host) -> None:
        settings = host.device.settings
        super().__init__(settings.user, Path(settings.password_file))
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # the signature is asyncssh's
        if self._connection is not None:
            self._host.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        banner = self._host.device.faults.banner
        if banner and self._connection is not None:
            self._connection.send_auth_banner(banner)
        return super().begin_auth(username)

    async def validate_password(self, username: str, password: str) -> bool:  # type: ignore[override] # either is fine
        await asyncio.sleep(self._host.device.faults.login_delay)
        accepted = super().validate_password(username, password)
        with (Path(self._host.device.settings.folder) / "sign-ins").open("a", encoding="utf-8") as tried:
            tried.write(f"{username} {'accepted' if accepted else 'refused'}\n")  # tests count them
        return accepted


class Host:
    """One switch on its address: connections, sessions, restarts."""

    def __init__(self, settings: Settings) -> None:
        self.device = Device(settings)
        self.listener = Listener(self.device)
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._folder = Path(settings.folder)
        self._accepting: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rebooted_for = 0

    # -- up and down

    def open(self) -> None:
        """Accept connections."""
        settings = self.device.settings
        self._socket = socket.create_server((settings.address, settings.port), backlog=64)
        self._socket.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._socket))

    def shut(self) -> None:
        """Refuse connections, and lose those that there are."""
        if self._accepting is not None:
            self._accepting.cancel()
        if self._socket is not None:
            self._socket.close()
        for connection in list(self.connections):
            connection.abort()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listener)
            if self.device.faults.refuse_early and len(self.device.lines) >= self.device.seats():
                accepted.close()
                continue
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._keep(self._serve(accepted))

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError, asyncssh.Error):
            await asyncssh.run_server(
                accepted,
                server_host_keys=[self._host_key()],
                server_factory=lambda: SignIn(self),
                process_factory=self._converse,
                line_editor=False,
                encoding="utf-8",
                errors="replace",
                agent_forwarding=False,
            )

    def _host_key(self) -> Any:
        if self.device.faults.host_key:
            return asyncssh.generate_private_key("ssh-ed25519")
        return str(self._folder / "host_key")

    async def reboot(self, seconds: float) -> None:
        """Lose everything that was not saved, and be away for some seconds."""
        self.shut()
        device = self.device
        with contextlib.suppress(LabError):
            for port in device.config.ports:
                device.plane.set_link(port, up=False)
            device.plane.flush()
        await asyncio.sleep(seconds)
        device.restart()
        self.open()

    # -- time

    def tick(self) -> None:
        """Do what is due."""
        faults = self.device.faults
        if faults.reboot and not faults.reboot_on:
            self.reboot_once(faults.reboot)
        self.listener.tick()
        try:
            self.device.tick()
        except LabError:
            log.exception("%s: the bridge refused a change", self.device.settings.name)

    def reboot_once(self, seconds: float) -> None:
        """Reboot, once for each time that the fault was switched on."""
        with contextlib.suppress(FileNotFoundError):
            asked = (self._folder / "faults.json").stat().st_mtime_ns
            if asked != self._rebooted_for:
                self._rebooted_for = asked
                self._keep(self.reboot(seconds))

    # -- sessions

    async def _converse(self, process: asyncssh.SSHServerProcess[str]) -> None:
        """Serve one session to its end."""
        device = self.device
        if len(device.lines) >= device.seats():
            process.stdout.write(_FULL)
            process.exit(1)
            return
        number = next(n for n in count() if n not in device.lines)
        out = Printer(process, device)
        typing = Typing(device, tell=lambda text: out.put("\r\n" + text.replace("\n", "\r\n") + "\r\n"))
        peer = process.get_extra_info("peername")
        user = process.get_extra_info("username") or device.settings.user
        typing.terminal.number, typing.terminal.user = number, user
        device.lines[number] = Line(user, peer[0] if peer else "", time.monotonic(), out.put)
        printing = asyncio.get_running_loop().create_task(out.run())
        try:
            await self._talk(process, typing, out)
        except CutError:
            _abort(process)
        except RebootError:
            self.reboot_once(device.faults.reboot)
        except (asyncssh.Error, OSError):
            log.debug("%s: a session was lost", device.settings.name)
        except Exception:
            log.exception("%s: a session ended by a defect of the lab", device.settings.name)
            raise
        finally:
            del device.lines[number]
            printing.cancel()

    async def _talk(self, process: asyncssh.SSHServerProcess[str], typing: Typing, out: Printer) -> None:
        device = self.device
        if process.command is not None:
            typing.terminal.length = 0
            text = typing.receive(process.command + "\n").partition("\r\n")[2]
            process.stdout.write(text.removesuffix(typing.terminal.prompt))
            process.exit(0)
            return
        motd = device.faults.motd.replace("\n", "\r\n")
        out.put(f"{motd}\r\n{typing.terminal.prompt}")
        while not typing.terminal.closed:
            try:
                text = await process.stdin.read(65536)
                if not text:
                    break
                for part in out.arriving(text):
                    await asyncio.sleep(out.seconds(part))
                    if delay := device.faults.delay:
                        await asyncio.sleep(delay * part.count("\n"))
                    out.put(typing.receive(part))
            except (asyncssh.TerminalSizeChanged, asyncssh.BreakReceived, asyncssh.SignalReceived):
                continue
            except HangError:
                await process.channel.wait_closed()
                return
        await out.done()
        process.exit(0)


class Printer:
    """Prints at the speed of the line. Without a fault that is at once."""

    def __init__(self, process: asyncssh.SSHServerProcess[str], device: Device) -> None:
        self._process = process
        self._device = device
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    def seconds(self, text: str) -> float:
        """How long `text` takes on the line: ten bits a character."""
        baud = self._device.faults.baud
        return len(text) * 10 / baud if baud else 0.0

    def arriving(self, text: str) -> list[str]:
        """`text` in the pieces in which a slow line brings it."""
        baud = self._device.faults.baud
        step = max(1, baud // 100) if baud else len(text)
        return [text[i : i + step] for i in range(0, len(text), step)]

    def put(self, text: str) -> None:
        """Print `text`, after what is still being printed."""
        if self._waiting.empty() and not self._device.faults.baud:
            self._write(text)
        else:
            self._waiting.put_nowait(text)

    async def run(self) -> None:
        """Print what waits."""
        while True:
            text = await self._waiting.get()
            for part in self.arriving(text):
                await asyncio.sleep(self.seconds(part))
                self._write(part)
            self._waiting.task_done()

    def _write(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the session is gone; what it began goes on
            self._process.stdout.write(text)

    async def done(self) -> None:
        """Wait until everything is printed."""
        await self._waiting.join()


def _abort(process: asyncssh.SSHServerProcess[str]) -> None:
    connection = process.get_extra_info("connection")
    if connection is not None:
        connection.abort()


async def serve(settings_files: list[Path]) -> None:
    """Serve the switches of these settings files until TERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    every = [Settings(**json.loads(path.read_text())) for path in settings_files]
    hosts = [Host(settings) for settings in every if settings.dialect == "ios"]
    native = [NativeHost(settings) for settings in every if settings.dialect == "ovs"]
    for host in hosts:
        host.device.restart()
        host.listener.open()
        host.open()
    for each in native:
        await each.open()
    while not stop.is_set():
        for host in hosts:
            host.tick()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _TICK)
    for host in hosts:
        host.shut()
        host.listener.close()
    for each in native:
        each.shut()
