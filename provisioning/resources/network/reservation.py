"""``network.reservation``: a MAC address always gets the same IPv4 address from the DHCP server.

One file a device in the folder that dnsmasq has as its ``dhcp-hostsdir``. dnsmasq(8) reads new files there by itself;
what a changed or removed file said stays in force until SIGHUP, so those need the site's `reload` command.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Change, Outcome, State

if TYPE_CHECKING:
    from provisioning.connections.shell import ShellSession

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class Reservation(State):
    """`address` as text; `host` is the name that the DHCP server gives to the device (``None``: none)."""

    address: str
    host: str | None = None


class ReservationKind:
    """Target ``dhcp``, key the MAC address (``02:00:5e:10:30:01``)."""

    name = "network.reservation"
    state = Reservation

    def read(self, session: ShellSession, keys: Sequence[str]) -> dict[str, Reservation]:
        """One file a key. A file that is no reservation for that key is refused: it is somebody else's."""
        found = {}
        for key in keys:
            path = _file(session, key)
            if (text := session.read_if_there(path)) is not None:
                try:
                    found[key] = parse(text, key)
                except ValueError as exc:
                    raise RejectedError(session.target, f"{path} {exc}; remove the file, or correct it") from exc
        return found

    def apply(self, session: ShellSession, changes: Sequence[Change[Reservation]]) -> list[Outcome]:
        """Write and remove the files, then tell dnsmasq, once."""
        errors: dict[str, ProvisioningError] = {}
        for change in changes:
            try:
                _apply(session, change)
            except (RejectedError, RequestError) as exc:
                errors[change.key] = exc
        done = [change.key for change in changes if change.key not in errors]
        if done and (failure := _reload(session)) is not None:
            errors |= dict.fromkeys(done, failure)
        return [Outcome(change.key, errors.get(change.key)) for change in changes]

    def finish(self, session: ShellSession, changes: Sequence[Change[Reservation]]) -> None:  # noqa: ARG002
        """The files are as wanted, but whoever wrote them may have been killed before dnsmasq was told."""
        if (failure := _reload(session)) is not None:
            raise failure


def parse(text: str, mac: str) -> Reservation:
    """The reservation in a file ``MAC,ADDRESS[,HOST]``. Raises :class:`ValueError` with what is wrong."""
    lines = [line for line in (line.strip() for line in text.splitlines()) if line and not line.startswith("#")]
    words = [word.strip() for word in lines[0].split(",")] if len(lines) == 1 else []
    if not 2 <= len(words) <= 3 or words[0].lower() != mac:
        raise ValueError(f"is not a reservation for {mac} (one line MAC,ADDRESS,HOST)")
    try:
        address = IPv4Address(words[1])
    except AddressValueError:
        raise ValueError(f"has {words[1][:40]!r} in place of an address") from None
    return Reservation(address=str(address), host=words[2] if len(words) == 3 else None)


def _apply(session: ShellSession, change: Change[Reservation]) -> None:
    path, after = _file(session, change.key), change.after
    if change.before is not None and session.dhcp.reload is None:
        raise RequestError(
            f"{session.target}: the reservation for {change.key} cannot be changed or removed: dnsmasq would keep the "
            "former one; say in network: dhcp: reload which command makes it read them again"
        )
    if after is None:
        session.delete_file(path)
        return
    words = [change.key, str(IPv4Address(after.address))]
    if after.host is not None:
        if not _HOST.fullmatch(after.host):
            raise RequestError(f"{session.target}: {after.host!r} is not a host name for {change.key}")
        words.append(after.host)
    session.write_file(path, ",".join(words) + "\n")


def _reload(session: ShellSession) -> ProvisioningError | None:
    command = session.dhcp.reload
    if command is None or (code := session.run(command)) == 0:
        return None
    return RejectedError(
        session.target,
        f"the reservations are written, but {command!r} ended with exit code {code}; may this account run it?",
    )


def _file(session: ShellSession, key: str) -> str:
    folder = session.dhcp.reservations
    if folder is None:
        raise RequestError(
            f"{session.target}: the site does not say where reservations go; add network: dhcp: reservations, the "
            "folder that dnsmasq has as its dhcp-hostsdir"
        )
    if not _MAC.fullmatch(key):
        raise RequestError(f"{session.target}: {key!r} is not a MAC address such as 02:00:5e:10:30:01")
    return f"{folder}/{key.replace(':', '-')}"


RESERVATION = ReservationKind()
