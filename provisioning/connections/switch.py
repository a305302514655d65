"""Access switches: netmiko signs in, strictly; lines go out in one write and are checked one by one.

A session raises our own errors only: :class:`UnreachableError`, :class:`TrustError`,
:class:`CredentialError`, :class:`RejectedError`. How a family of devices talks (prompts, rejections, how
to save) is a ``Manner`` (``manners.py``); what is said about ports is the business of
``resources/switch/dialects``.
"""

from __future__ import annotations

import re
import secrets as randomness
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import paramiko
from netmiko.cisco.cisco_ios import CiscoIosSSH
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException

from provisioning.connections.manners import MANNERS
from provisioning.connections.ssh import (
    UnknownHostKeyError,
    connect_tcp,
    load_known_hosts,
    refuse_unknown_keys,
    untrusted,
)
from provisioning.errors import CredentialError, RejectedError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.inventory import unknown
from provisioning.site.network import Switch

__all__ = ["Rejection", "Sent", "SwitchSession", "open_session"]

_CONNECT, _SAVE = 10.0, 60.0  # seconds
_SENDABLE = re.compile(r"[ -~]{1,250}")  # an IOS line ends at 254 characters
_FIRST_PROMPT = re.compile(r"(?:^|[\r\n])(?P<host>[A-Za-z0-9][^\s#>()]*)(?P<mark>[#>]) ?$")


@dataclass(frozen=True)
class Rejection:
    """A line that the device refused: its index in what was sent, the line, and the device's answer."""

    index: int
    line: str
    answer: str


@dataclass(frozen=True)
class Sent:
    """What came back for lines sent in configuration mode."""

    output: str
    rejections: tuple[Rejection, ...]


class _SignIn(CiscoIosSSH):
    """netmiko's sign-in without its session preparation: a pause of 0.1 s and five round trips that we do
    not need."""

    def _try_session_preparation(self, force_data: bool = True) -> None:  # noqa: ARG002 # the signature is netmiko's
        return

    def _build_ssh_client(self) -> paramiko.SSHClient:
        client = super()._build_ssh_client()
        refuse_unknown_keys(client)
        return client

    def cleanup(self, command: str = "exit") -> None:  # noqa: ARG002 # the signature is netmiko's
        return


class SwitchSession:
    """One signed-in session on one switch, in privileged mode. `name` is the switch's name in the site,
    `patience` the seconds that it has for an answer."""

    patience = 30.0

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self.name = target.partition(":")[2]
        if self.name not in inventory.network.switches:
            unknown("switch", self.name, inventory.network.switches)
        self.switch: Switch = inventory.network.switches[self.name]
        self.manner = MANNERS[self.switch.dialect]
        self._open()

    def _open(self) -> None:
        self._connection = _sign_in(self.target, self.switch, self.secrets)
        self._channel: Any = self._connection.remote_conn
        self._pending = ""
        self._host = ""
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _reopen_if_idle_too_long(self) -> None:
        # A switch closes sessions that say nothing for ten minutes (exec-timeout); nothing is under way here.
        if self._channel.closed:
            self.close()
            self._open()

    def show(self, command: str) -> str:
        """The output of one ``show`` command (an output filter is allowed). Raises :class:`RejectedError`."""
        self._check(command.replace("|", " "))
        self._reopen_if_idle_too_long()
        output = self._exchange([command], self.patience, "show")
        for line in output.split("\n")[:3]:  # further down it is text of the configuration
            if self._is_rejection(line):
                raise RejectedError(
                    self.target,
                    f"refused the command {command!r} ({line.strip()}); the account may lack the right to it",
                )
        return output

    def send(self, lines: Sequence[str]) -> Sent:
        """Send `lines` in configuration mode, all in one write, and say which of them the device refused.

        Lines may enter configuration mode again to be sure of it; that a device already in it refuses that is
        no fault.

        A line that would mean something else to the device (line breaks, ``?``, ``|``, anything but
        printable ASCII) raises :class:`RejectedError` before anything is sent.
        """
        for line in lines:
            self._check(line)
        self._reopen_if_idle_too_long()
        whole = [self.manner.configure, *lines, self.manner.leave]
        output = self._exchange(whole, self.patience + 0.2 * len(lines), "configuration")
        return Sent(output, self._rejections(whole, output))

    def configure(self, lines: Sequence[str]) -> str:
        """:meth:`send`, but a refused line raises :class:`RejectedError` that names it. The other lines did
        take effect."""
        sent = self.send(lines)
        if sent.rejections:
            first = sent.rejections[0]
            raise RejectedError(self.target, f"rejected the line {first.line!r} ({first.answer})")
        return sent.output

    def save(self) -> None:
        """Copy the running configuration to the startup configuration."""
        self._reopen_if_idle_too_long()
        output = self._exchange([self.manner.save], _SAVE, "saving")
        if not self.manner.saved.search(output):
            raise RejectedError(
                self.target, f"did not confirm {self.manner.save!r}; its running configuration is not saved"
            )

    def close(self) -> None:
        """Sign out."""
        self._connection.disconnect()

    # -- line by line ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        mark = self._read(_FIRST_PROMPT, self.patience, "its prompt")
        self._host = mark["host"][:20]
        if mark["mark"] == ">":
            self._enable()
        self._exchange(self.manner.prepare, self.patience, "terminal settings")

    def _enable(self) -> None:
        self._write("enable\n")
        asked = self._read(
            re.compile(r"(?P<password>[Pp]assword: ?$)|[\r\n]" + self._prompt + "$"), self.patience, "enable"
        )
        if asked["password"]:
            self._write(self.secrets.resolve(self.switch.credential.password).get_secret_value() + "\n")
            asked = self._read(
                re.compile(r"[\r\n](?:(?P<password>[Pp]assword: ?)|" + self._prompt + ")$"),
                self.patience,
                "enable",
            )
        if asked[0].rstrip().endswith("#"):
            return
        raise CredentialError(
            self.target,
            f"user {self.switch.credential.user!r} signs in but gets no privileged mode; "
            "give the account privilege level 15",
        )

    @property
    def _prompt(self) -> str:
        # IOS cuts the host name at 20 characters in configuration modes and puts the mode behind it.
        return rf"{re.escape(self._host)}[^\s#>]*[#>] ?"

    def _exchange(self, lines: Sequence[str], seconds: float, what: str) -> str:
        # A comment of our own ends what we send; the prompt after its echo is the end of the answer.
        end = f"!{randomness.token_hex(4)}"
        self._write("\n".join([*lines, end]) + "\n")
        done = re.compile(rf"(?P<output>[\s\S]*?)(?:^|[\r\n]){self._prompt}{end}\s*[\r\n][\s\S]*?{self._prompt}")
        return self._read(done, seconds, what, since=end)["output"].replace("\r", "").partition("\n")[2]

    def _write(self, text: str) -> None:
        self._pending = ""
        try:
            self._channel.sendall(text.encode("utf-8"))
        except (OSError, EOFError) as exc:
            raise self._lost("closed the session", "try again; nothing is known of what it did last") from exc

    def _read(self, done: re.Pattern[str], seconds: float, what: str, *, since: str = "") -> re.Match[str]:
        """Receive until `done` is found. `since` is a text in it that is cheaper to look for."""
        deadline = time.monotonic() + seconds
        while True:
            found = done.search(self._pending) if since in self._pending else None
            if found is not None:
                self._pending = ""
                return found
            late = self._lost(f"did not finish its answer ({what}) in {seconds:.0f} s", "look at its console")
            if (remaining := deadline - time.monotonic()) <= 0:
                raise late
            self._channel.settimeout(remaining)
            try:
                received = self._channel.recv(65536)
            except TimeoutError as exc:
                raise late from exc
            except (OSError, EOFError) as exc:
                raise self._lost(f"closed the session during {what}", "try again") from exc
            if not received:
                raise self._lost(f"closed the session during {what}", "try again")
            self._pending += received.decode("utf-8", "replace")

    def _lost(self, what: str, then: str) -> UnreachableError:
        return UnreachableError(self.target, f"the switch at {self.switch.ssh.connect_to} {what}; {then}")

    def _check(self, line: str) -> None:
        if not _SENDABLE.fullmatch(line) or self.manner.forbidden.search(line):
            raise RejectedError(
                self.target,
                f"the line {line!r} was not sent: it holds a character that the device would not take "
                "as text; correct the site",
            )

    def _is_rejection(self, line: str) -> bool:
        return bool(self.manner.rejection.match(line)) and not self.manner.harmless.match(line)

    def _rejections(self, lines: Sequence[str], output: str) -> tuple[Rejection, ...]:
        """Which of the `lines` were answered by a rejection: the echoes in `output` are followed in order."""
        echo = re.compile(rf"{self._prompt}(.*)")
        at = -1
        found: dict[int, Rejection] = {}
        for text in output.splitlines():
            typed = echo.fullmatch(text)
            if typed is not None:
                at = next((i for i in range(at + 1, len(lines)) if lines[i].strip() == typed[1].strip()), at)
            elif self._is_rejection(text) and lines[max(at, 0)] != self.manner.configure:
                found.setdefault(at, Rejection(at - 1, lines[max(at, 0)].strip(), text.strip()))
        return tuple(found.values())


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> SwitchSession:
    """Open a session on ``switch:NAME``."""
    return SwitchSession(target, inventory, secrets)


def _sign_in(target: str, switch: Switch, secrets: Secrets) -> _SignIn:
    password = secrets.resolve(switch.credential.password)
    load_known_hosts(target, switch.known_hosts)
    sock = connect_tcp(target, switch.ssh, _CONNECT)
    try:
        return _SignIn(
            host=switch.ssh.host,
            port=switch.ssh.port,
            username=switch.credential.user,
            password=password.get_secret_value(),
            device_type="cisco_ios",
            sock=sock,
            ssh_strict=True,
            system_host_keys=False,
            alt_host_keys=True,
            alt_key_file=str(switch.known_hosts),
            use_keys=False,
            allow_agent=False,
            conn_timeout=_CONNECT,
            auth_timeout=_CONNECT,
            banner_timeout=_CONNECT,
            blocking_timeout=_CONNECT,
        )
    except NetmikoAuthenticationException as exc:
        sock.close()
        raise CredentialError(
            target,
            f"refused the password of user {switch.credential.user!r} ({switch.credential.password}); "
            "correct it and try again",
        ) from exc
    except (paramiko.SSHException, NetmikoBaseException, OSError, EOFError) as exc:
        sock.close()
        cause = exc.__context__ or exc  # netmiko wraps what paramiko said into a timeout of its own
        if isinstance(cause, (paramiko.BadHostKeyException, UnknownHostKeyError)):
            raise untrusted(target, switch.ssh, switch.known_hosts, cause) from exc
        raise UnreachableError(
            target,
            f"{switch.ssh.connect_to} port {switch.ssh.port} accepts connections but does not complete SSH "
            f"({type(cause).__name__}); is it the switch's SSH port?",
        ) from exc
    except BaseException:
        sock.close()
        raise
