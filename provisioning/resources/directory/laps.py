"""The local administrator's password that Windows LAPS keeps in the directory, where we may read it.

Attributes and formats: MS-ADA2 2.64 (msLAPS-Password: JSON with n, t and p), 2.66 (msLAPS-EncryptedPassword), Microsoft
Learn, "Windows LAPS schema extensions reference". They are confidential: whoever has no right to read them sees
nothing, as if they were not there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import SecretStr

from provisioning.errors import RejectedError, RequestError
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession

_PASSWORD, _EXPIRES, _ENCRYPTED = "msLAPS-Password", "msLAPS-PasswordExpirationTime", "msLAPS-EncryptedPassword"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)  # of a FILETIME, in units of 100 ns


@dataclass(frozen=True)
class LocalAdministrator:
    """One PC's local administrator. `updated` and `expires` are UTC, ``None`` where the directory does not say."""

    account: str
    password: SecretStr
    updated: datetime | None
    expires: datetime | None


def read(session: DirectorySession, computer: str) -> LocalAdministrator:
    """Raises :class:`RequestError` when there is no such computer account, :class:`RejectedError` when there is no
    password that can be read, with the reasons that it may have."""
    wanted = [_PASSWORD, _EXPIRES, _ENCRYPTED]
    entry = ad.find(session, [computer], wanted, among=ad.COMPUTERS, ending="$").get(computer)
    if entry is None:
        raise RequestError(f"{session.target}: there is no computer account {computer}")
    found = entry.text(_PASSWORD)
    if found is None and entry.attributes.get(_ENCRYPTED.lower()):
        raise RejectedError(
            session.target,
            f"the password of {computer} is there, but encrypted ({_ENCRYPTED}), and decrypting it takes a Windows PC "
            "of the domain: use Get-LapsADPassword there, or set the LAPS policy ADPasswordEncryptionEnabled to 0",
        )
    if found is None:
        raise RejectedError(
            session.target,
            f"no LAPS password of {computer} can be read: Windows LAPS has not stored one, "
            f"{session.directory.credential.user} has no right to read {_PASSWORD} there "
            "(Set-LapsADReadPasswordPermission gives it), or the schema lacks it (Update-LapsADSchema adds it)",
        )
    return _parsed(session, computer, found, _time(entry.number(_EXPIRES)))


def _parsed(session: DirectorySession, computer: str, text: str, expires: datetime | None) -> LocalAdministrator:
    try:
        plain = json.loads(text)
        account, password, updated = plain["n"], plain["p"], plain.get("t")
        if not (isinstance(account, str) and isinstance(password, str) and password):
            raise ValueError
        when = _time(int(updated, 16)) if isinstance(updated, str) else None
    except (ValueError, KeyError, TypeError):  # the text holds the password: nothing of it is repeated
        raise RejectedError(
            session.target, f"{_PASSWORD} of {computer} is not in the form that MS-ADA2 2.64 gives; look at it by hand"
        ) from None
    return LocalAdministrator(account, SecretStr(password), when, expires)


def _time(filetime: int | None) -> datetime | None:
    if not filetime or filetime < 0:
        return None
    try:
        return _EPOCH + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return None
