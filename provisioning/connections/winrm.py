"""Commands on one PC over WinRM (MS-WSMV): one shell a session, our own deadline, exact trust, mapped
exceptions.

pywinrm's ``run_cmd`` opens and closes a shell every call and leaks it on an exception, so its ``Protocol`` is
used. Operation timeouts are retried by it for ever, so the deadline is ours.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
import spnego.exceptions
import winrm.exceptions

from provisioning.connections.sign_ins import SignIn
from provisioning.connections.winrm_sign_in import NoTicketError
from provisioning.connections.winrm_transport import OPERATION_TIMEOUT, protocol_of
from provisioning.errors import CredentialError, RejectedError, TargetError, TrustError, UnreachableError
from provisioning.site.windows import Windows
from provisioning.site.workplaces import Workstation

_CODEPAGE = 65001  # UTF-8
_SHELL_LOST = frozenset({2150858843, 2150859173, 2150859174, 2150859175})
"""wsmerror.h: shell unknown (timed out), and the quotas of shells, of operations a user and of operations
a shell."""

_QUOTA = frozenset({*range(0x803381A5, 0x803381A9), 0x803381AB, *range(0x803381E4, 0x803381E9)})
"""wsmerror.h, ERROR_WSMAN_QUOTA_*: shells, operations, users, the system, users with shells; and the same of one
plug-in. Others are at work on the PC; a place becomes free."""


STILL_ACTIVE = 259
"""What Windows gives for the exit code of a process that runs (Microsoft Learn, "GetExitCodeProcess")."""


@dataclass(frozen=True)
class Result:
    """What a command left. Only `exit_code` is a verdict: output is in the PC's own language."""

    exit_code: int
    stdout: str
    stderr: str


class WinRm:
    """The commands of one PC. The shell is opened by the first command and closed by :meth:`close`."""

    begun = 0
    """Commands and calls so far."""

    def __init__(self, target: str, workstation: Workstation, windows: Windows, password: str) -> None:
        self._target = target
        self._windows = windows
        self._where = f"{workstation.address or workstation.host} port {windows.port}"
        self._host = workstation.host
        self._protocol = protocol_of(workstation, windows, password)
        way = f"WinRM, {windows.transport}, port {windows.port}"
        self._sign_in = SignIn(target, way, windows.credential.user, password)
        self._shell: str | None = None

    def run(self, line: str, *, timeout: float, steps: bool = False) -> Result:
        """Run one command line to its end.

        Raises :class:`RejectedError` when it takes longer than `timeout` seconds (it is ended), and the other
        :class:`~provisioning.errors.TargetError` for a PC that does not answer, is not trusted or does not
        trust us. With `steps`, the time begins anew whenever it prints something, and one that took too long has the
        exit code :data:`STILL_ACTIVE` and what it printed.
        """
        self.begun += 1
        shell, command = self._begin(line)
        try:
            return self._finish(shell, command, line, timeout, steps)
        finally:
            with contextlib.suppress(Exception):  # the command has ended or the line is dead: nothing is lost
                self._protocol.cleanup_command(shell, command)

    def open(self) -> None:
        """Open the shell, unless it is open. Raises what :meth:`run` raises."""
        self._open_shell()

    def call(self, message: bytes) -> bytes:
        """Send one WS-Management message of our own (see :mod:`provisioning.connections.wmi`); gives the answer."""
        self.begun += 1
        self._sign_in.check()
        with self._mapped():
            return bytes(self._protocol.send_message(message.decode("utf-8")))

    def close(self) -> None:
        """Close the shell and the connection; a PC that no longer answers is left as it is."""
        shell, self._shell = self._shell, None
        with contextlib.suppress(Exception):  # the shell of a PC that went away times out there by itself
            if shell is not None:
                self._protocol.close_shell(shell)
        self._protocol.transport.close_session()

    def drop(self) -> None:
        """Forget the shell and the connection, which a restart has ended; the next command opens new ones."""
        self._shell = None
        self._protocol.transport.close_session()

    def _begin(self, line: str) -> tuple[str, str]:
        for attempt in (1, 2):
            shell = self._open_shell()
            try:
                with self._mapped(own_faults=True):
                    return shell, str(self._protocol.run_command(shell, line))
            except winrm.exceptions.WSManFaultError as exc:
                if attempt == 2 or exc.wsman_fault_code not in _SHELL_LOST:
                    raise self._rejected(exc) from exc
                self._shell = None  # a full or forgotten shell: the command has not begun, so a new one may take it
                with contextlib.suppress(Exception):
                    self._protocol.close_shell(shell, close_session=False)
        raise AssertionError("unreachable")

    def _open_shell(self) -> str:
        if self._shell is None:
            self._sign_in.check()
            with self._mapped():
                self._shell = str(self._protocol.open_shell(codepage=_CODEPAGE))
            self._sign_in.accepted()
        return self._shell

    def _finish(self, shell: str, command: str, line: str, timeout: float, steps: bool) -> Result:
        stdout, stderr = [], []
        deadline = time.monotonic() + timeout
        room = self._windows.output_limit * 1024 * 1024
        while True:
            self._protocol.operation_timeout_sec = max(1, min(OPERATION_TIMEOUT, int(deadline - time.monotonic())))
            try:
                with self._mapped():
                    out, err, code, done = self._protocol.get_command_output_raw(shell, command)
            except winrm.exceptions.WinRMOperationTimeoutError:
                out, err, code, done = b"", b"", -1, False
            finally:
                self._protocol.operation_timeout_sec = OPERATION_TIMEOUT
            stdout.append(out)
            stderr.append(err)
            room -= len(out) + len(err)
            if room < 0:
                raise RejectedError(
                    self._target,
                    f"{line.split(maxsplit=1)[0]} wrote more than {self._windows.output_limit} MiB and was ended; send "
                    "its output to a file there, or raise windows.output_limit",
                )
            if done:
                return Result(_unsigned(code), _text(stdout), _text(stderr))
            if steps and out:
                deadline = time.monotonic() + timeout
            if time.monotonic() > deadline and steps:
                return Result(STILL_ACTIVE, _text(stdout), _text(stderr))
            if time.monotonic() > deadline:
                raise RejectedError(
                    self._target,
                    f"{line.split(maxsplit=1)[0]} did not finish in its time and was ended; look "
                    "at the PC, or allow it longer",
                )

    @contextlib.contextmanager
    def _mapped(self, *, own_faults: bool = False) -> Iterator[None]:
        """Their exceptions → ours, once."""
        try:
            yield
        except winrm.exceptions.WSManFaultError as exc:
            if own_faults:
                raise
            raise self._rejected(exc) from exc
        except (winrm.exceptions.AuthenticationError, PermissionError) as exc:
            raise self._credential_error() from exc
        except winrm.exceptions.WinRMTransportError as exc:
            if exc.code == 503:  # RFC 9110 15.6.4: http.sys has no room, or the service is starting
                raise UnreachableError(self._target, f"{self._where} is too busy (HTTP 503); try again") from exc
            raise RejectedError(
                self._target,
                f"{self._where} answers HTTP {exc.code} instead of WinRM; check windows.port and "
                "`winrm quickconfig` there",
            ) from exc
        except requests.exceptions.SSLError as exc:
            raise TrustError(
                self._target,
                f"the certificate at {self._where} is not a trusted one for {self._host} "
                f"({_reason(exc)}); check "
                "windows.trust in the site, or who answers there",
            ) from exc
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as exc:
            raise UnreachableError(
                self._target,
                f"WinRM does not answer at {self._where} ({_reason(exc)}); is the PC switched on and plugged in?",
            ) from exc
        except NoTicketError as exc:
            raise self._credential_error() from exc
        except (spnego.exceptions.SpnegoError, ImportError) as exc:
            if isinstance(exc, ImportError) or self._windows.transport == "kerberos":
                raise self._no_kerberos(exc) from exc
            raise self._credential_error() from exc
        except (winrm.exceptions.WinRMError, requests.exceptions.RequestException) as exc:
            raise RejectedError(self._target, f"WinRM at {self._where} failed: {type(exc).__name__}") from exc

    def _no_kerberos(self, exc: Exception) -> CredentialError:
        return CredentialError(
            self._target,
            f"cannot sign in at {self._where} with {self._windows.transport} ({type(exc).__name__}); Kerberos needs "
            "`pip install 'provisioning[kerberos]'`, a krb5.conf that knows the realm, and the PC under its DNS name "
            f"{self._host}",
        )

    def _credential_error(self) -> CredentialError:
        self._sign_in.refused()
        return CredentialError(
            self._target,
            f"WinRM at {self._where} refuses the sign-in of {self._windows.credential.user} "
            f"({self._windows.transport}); check "
            "windows.credential in the site and that this account administers the PC",
        )

    def _rejected(self, fault: winrm.exceptions.WSManFaultError) -> TargetError:
        error = UnreachableError if fault.wsman_fault_code in _QUOTA else RejectedError
        return error(self._target, f"WinRM at {self._where} refused (fault {fault.wsman_fault_code}): {fault.reason}")


def _unsigned(code: int) -> int:
    """Exit codes are 32 bits; WinRM writes them signed or unsigned."""
    return code & 0xFFFFFFFF


def _text(parts: list[bytes]) -> str:
    return b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def _reason(exc: BaseException) -> str:
    """The innermost cause's own words, without addresses of Python objects."""
    inner: Any = exc
    while isinstance(inner, BaseException):
        following = getattr(inner, "reason", None)
        following = (
            following
            if isinstance(following, BaseException)
            else next((a for a in inner.args if isinstance(a, BaseException)), inner.__cause__)
        )
        if following is None:
            break
        inner = following
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return type(inner).__name__
