"""Who is meant on an access list: names of the directory (sAMAccountName) ↔ SIDs.

Whoever is not in the directory (``S-1-5-32-544``, the local Administrators) goes by the SID, never by a name, because
Windows translates those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.connections.distinguished_names import any_of
from provisioning.connections.security_descriptors import sid_bytes, sid_text
from provisioning.errors import RejectedError
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.files import FilesSession

_ANYBODY = "(&(objectSid=*){0})"


@dataclass(frozen=True)
class Principals:
    """What was looked up: name (casefolded) → SID, and SID → name."""

    target: str
    sids: Mapping[str, str]
    names: Mapping[str, str]

    def sid(self, name: str) -> str:
        """Raises :class:`RejectedError` when the directory has nobody of that name."""
        if is_sid(name):
            return name
        try:
            return self.sids[name.casefold()]
        except KeyError:
            raise RejectedError(
                self.target, f"the directory has no account or group {name!r}; make it first, or correct the site"
            ) from None

    def name(self, sid: str) -> str:
        """The name, or the SID of whoever has none."""
        return self.names.get(sid, sid)


def is_sid(text: str) -> bool:
    """Whether this is a SID, not a name."""
    try:
        sid_bytes(text)
    except ValueError:
        return False
    return True


def named(session: FilesSession, names: Iterable[str]) -> Principals:
    """Look up names. The directory is only asked when there are some."""
    asked = sorted({name for name in names if not is_sid(name)})
    return _looked_up(session, asked, "sAMAccountName")


def known(session: FilesSession, sids: Iterable[str]) -> Principals:
    """Look up SIDs of domains (``S-1-5-21-…``)."""
    return _looked_up(session, sorted({sid for sid in sids if sid.startswith("S-1-5-21-")}), "objectSid")


def _looked_up(session: FilesSession, keys: list[str], by: str) -> Principals:
    pairs: list[tuple[str, str]] = []
    for start in range(0, len(keys), ad.CHUNK):
        condition = _ANYBODY.format(any_of(by, keys[start : start + ad.CHUNK]))
        for entry in session.directory().search(condition, ["sAMAccountName", "objectSid"]):
            name, octets = entry.text("sAMAccountName"), entry.attributes.get("objectsid")
            if name and octets:
                pairs.append((name, sid_text(octets[0])))
    return Principals(session.target, {n.casefold(): s for n, s in pairs}, {s: n for n, s in pairs})
