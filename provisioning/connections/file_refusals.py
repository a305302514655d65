"""What a file server refuses, as our errors with what to do next. Numbers: MS-ERREF 2.3.1."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from smbprotocol.exceptions import (
    AccessDenied,
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
)

from provisioning.errors import CredentialError, RejectedError, TargetError, UnreachableError
from provisioning.site.files import FileServer

GONE = frozenset({0xC0000034, 0xC000003A})
"""No such name, no such path."""

_NOT_OURS_TO_GIVE = frozenset({0xC000005A, 0xC0000061})  # invalid owner, privilege not held
_IN_USE, _NO_LOGON_SERVERS = 0xC0000043, 0xC000005E
_WRONG = "wrong user name or password"
_ACCOUNT_FAULTS = {
    0xC000006D: _WRONG,
    0xC000006A: _WRONG,
    0xC0000064: _WRONG,
    0xC0000225: _WRONG,  # Samba 4.17 on a domain controller, for user@domain
    0xC0000072: "the account is disabled",
    0xC0000234: "the account is locked after too many wrong passwords",
    0xC0000071: "the password has expired",
    0xC0000224: "the password must be changed first",
    0xC0000193: "the account has expired",
}
_REFUSED = {
    0xC0000101: "it has contents, and nothing that has contents is ever deleted; archive it, or empty it",
    0xC0000035: "something is there already; look at it, move it away",
    0xC000003A: "the folder above is missing; make it first",
    0xC00000CC: "there is no such share; check files in the site",
    0xC0000103: "it is not a folder; look at it, move it away",
}


def status(exc: SMBResponseException) -> int:
    """The NT status."""
    return int(getattr(exc, "status", 0) or 0)


def of_sign_in(target: str, server: FileServer, exc: SMBResponseException) -> TargetError:
    """Why a sign-in failed."""
    number = status(exc)
    if number == _NO_LOGON_SERVERS:
        return UnreachableError(target, f"{_where(server)} cannot ask its domain controller now; try again")
    return _no_sign_in(target, server, _ACCOUNT_FAULTS.get(number, f"NT status 0x{number:08X}"))


@contextlib.contextmanager
def mapped(target: str, server: FileServer, operation: str) -> Iterator[None]:
    """Their exceptions → ours, once."""
    where = _where(server)
    try:
        yield
    except TargetError:
        raise
    except SMBAuthenticationError as exc:
        raise _no_sign_in(target, server, "no ticket, or not the password") from exc
    except AccessDenied as exc:
        raise RejectedError(
            target,
            f"{where} does not let {server.credential.user} {operation}; it must be a member of "
            f"{server.administrators}, which must have full control of the folder above",
        ) from exc
    except SMBConnectionClosed as exc:
        raise UnreachableError(target, f"{where} went away (cannot {operation}); try again") from exc
    except SMBResponseException as exc:
        raise _refusal(target, server, operation, status(exc)) from exc
    except (OSError, ValueError, SMBException) as exc:  # smbprotocol reports a failed connection as a ValueError
        raise UnreachableError(
            target, f"{where} does not answer SMB (cannot {operation}); is the file server running?"
        ) from exc


def _refusal(target: str, server: FileServer, operation: str, number: int) -> TargetError:
    where = _where(server)
    if number == _IN_USE:
        return UnreachableError(target, f"{where} cannot {operation} now: a file in it is open; try again")
    said = _REFUSED.get(number, f"NT status 0x{number:08X}")
    if number in _NOT_OURS_TO_GIVE:
        said = (
            f"{server.credential.user} may not make others the owner there; give it the right "
            "'Restore files and directories' (Backup Operators have it)"
        )
    return RejectedError(target, f"{where} cannot {operation}: {said}")


def _no_sign_in(target: str, server: FileServer, why: str) -> CredentialError:
    credential = server.credential
    return CredentialError(
        target,
        f"{_where(server)} refuses the sign-in of {credential.user}: {why}; check files: servers: credential in the "
        f"site ({credential.password})",
    )


def _where(server: FileServer) -> str:
    place = server.server
    return f"{place.host} ({place.connect_to}:{place.port})"
