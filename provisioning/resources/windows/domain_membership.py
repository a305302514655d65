"""Whether a PC belongs to the domain, and under which name. Joining needs no domain administrator on the PC: the blob
that :mod:`provisioning.resources.directory.joining` issues is all that the PC gets.

How it is read, on a PC whose answers are in any language: ``Domain`` and ``Hostname`` below Tcpip\\Parameters are the
DNS names that are in force (their ``NV …`` twins come into force at the next start; Microsoft Learn, "TCP/IP registry
values" and "DNS registry entries"). A primary DNS suffix can be set without a join, so the Net Logon service must be
started automatically as well: it starts at boot on members of a domain only (MS-NRPC 1.3), being of the start type
Manual on a PC of a workgroup and Automatic once that has joined.

Both ways take a restart, which the session does and waits for. Leaving is asked of WMI
(Win32_ComputerSystem.UnjoinDomainOrWorkgroup): the PC forgets the domain, and its account stays in the directory. Who
signs in to the PC with an account of the domain cannot do that there any more: ``windows.credential`` must be a local
account for a join, and for leaving again.

The registry does not tell whether the PC and the domain still know the same password. So a PC that lost its trust is
joined anew by asking for a join that is newer than the last one; that time is a registry value of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

from provisioning.connections.offline_join import as_file
from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.directory.joining import issue
from provisioning.resources.windows.exports import SharesExports, export
from provisioning.resources.windows.reg_file import RegistryValue, full_key
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

KEY = "domain"
"""The one key on each PC."""

_TCPIP = full_key(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters")
_NETLOGON = full_key(r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon")
_NAME = full_key(r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName")
_OURS = full_key(r"HKLM\SOFTWARE\provisioning")
_PLACES = (_TCPIP, _NETLOGON, _NAME, _OURS)
_JOINED_ANEW = "JoinedAnew"
_AUTOMATIC = 2  # SERVICE_AUTO_START (winsvc.h)
_BLOB = "join.txt"
_NOT_JOINED = 2692  # NERR_SetupNotJoined (lmerr.h)
_JOIN_TIMEOUT = 120.0  # seconds for djoin

_MEANINGS = {
    2: "the file with the blob did not arrive",
    5: "access denied: this account does not administer the PC, or runs without elevation",
    50: "this Windows cannot join a domain (Home), or it is a domain controller",
    87: "the blob is damaged, or the PC did not understand what it was given",
    740: "djoin wants elevation, which an administrator has over WinRM; see LocalAccountTokenFilterPolicy",
    2691: "the PC is a member of a domain after all; `provision join --again` takes it out first",
    _NOT_JOINED: "the PC is not a member of a domain",
}
"""System error codes (winerror.h; Learn, "NetRequestOfflineDomainJoin") and NERR_Setup… (lmerr.h)."""


class DomainMembership(State):
    """`domain` is the DNS name, ``None`` for a PC of a workgroup; `computer_name` the one that is in force;
    `joined_anew` when it was last asked for that a member leaves and joins again (UTC, ISO 8601)."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"domain", "computer_name"})
    domain: str | None = None
    computer_name: str | None = None
    joined_anew: str | None = None


class DomainMembershipKind(SharesExports):
    """``windows.domain_membership``: target ``windows:NAME``, key ``domain``. Never absent."""

    name = "windows.domain_membership"
    state = DomainMembership

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, DomainMembership]:
        """Four registry keys in one batch."""
        found = export(session, _PLACES)
        tcpip, netlogon, name, ours = (found[place].get(place, {}) for place in _PLACES)
        domain = _text(tcpip, "Domain")
        member = domain is not None and _number(netlogon, "Start") == _AUTOMATIC
        state = DomainMembership(
            domain=domain if member else None,
            computer_name=_text(name, "ComputerName"),
            joined_anew=_text(ours, _JOINED_ANEW),
        )
        return dict.fromkeys(keys, state)

    def questions(self, session: WindowsSession, keys: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002
        """What :meth:`read` exports."""
        return _PLACES

    def apply(self, session: WindowsSession, changes: Sequence[Change[DomainMembership]]) -> list[Outcome]:
        """Join or leave, and restart."""
        return [Outcome(change.key, _attempt(session, change)) for change in changes]

    def lasting(self, change: Change[DomainMembership], others: Sequence[Change[State]]) -> str | None:
        """A join replaces the password of an account that was there before; nobody knows the former one."""
        after = change.after
        made = {other.address for other in others if other.action == "create"}
        if after is None or after.domain is None or change.requires & made:
            return None
        name = after.computer_name or change.target.partition(":")[2]
        return (
            f"joining gives the computer account {name} a new password, which no undo takes back: whichever PC is a "
            f"member as {name} until then loses its trust"
        )


def _attempt(session: WindowsSession, change: Change[DomainMembership]) -> ProvisioningError | None:
    try:
        after = change.after
        if change.key != KEY or after is None:
            raise RequestError(f"{session.target}: a PC has one membership, with the key {KEY!r}; it is never absent")
        refuse_domain_account(session.target, session.inventory)
        if after.domain is None:
            _leave(session, after.computer_name)
        elif not _is_joined(after, present := DOMAIN_MEMBERSHIP.read(session, [KEY])[KEY]):
            _join(session, after, present.domain)
        if "joined_anew" in after.managed():
            _note(session, after.joined_anew)
    except UnreachableError:
        raise
    except ProvisioningError as exc:
        return exc
    return None


def _is_joined(after: DomainMembership, present: DomainMembership) -> bool:
    """Whether no join is due. An undo asks for an older `joined_anew`: that is a note that is put back, no join."""
    same = DomainMembership(domain=after.domain, computer_name=after.computer_name).agrees_with(present)
    return same and (after.joined_anew or "") <= (present.joined_anew or "")


def _join(session: WindowsSession, after: DomainMembership, present: str | None) -> None:
    """From the domain `present` (``None``: a workgroup) into the site's."""
    inventory = session.inventory
    station = session.target.partition(":")[2]
    wanted = (after.domain or "").casefold()
    if wanted != inventory.directory.domain.casefold():
        raise RequestError(f"{session.target}: the site's domain is {inventory.directory.domain}, not {after.domain}")
    if present is not None and present.casefold() != wanted:
        raise RejectedError(
            session.target, f"it is a member of {present}; nobody but its owner should take it out of there, by hand"
        )
    from provisioning.connections import directory  # noqa: PLC0415  (ldap3: only where a PC joins)

    with closing(directory.open_session("directory", inventory, session.secrets)) as opened:
        name = after.computer_name or station
        same = name.casefold() == station.casefold()
        host = inventory.workstations[station].host if same else f"{name.lower()}.{inventory.directory.domain}"
        issued = issue(opened, name, host)
    if present is not None or after.joined_anew is not None:  # a blob is for a PC of a workgroup
        _leave(session, None, perhaps=present is None)
    _hand_to_djoin(session, as_file(issued.data.get_secret_value()))
    session.restart(reason=f"This PC joins the domain {issued.domain}")


def _hand_to_djoin(session: WindowsSession, blob: bytes) -> None:
    """The file is there for as long as djoin runs, in a folder that only administrators of the PC can read."""
    root = _system_root(session)
    try:
        path = session.write(_BLOB, blob)
        words = ["djoin", "/requestODJ", "/loadfile", path, "/windowspath", root, "/localos"]
        code = session.run(words, timeout=_JOIN_TIMEOUT).exit_code
    finally:
        session.delete(_BLOB)
    if code != 0:
        raise RejectedError(
            session.target,
            f"djoin ended with exit code {code}{_meaning(code)}; the PC did not join, and the password of its account "
            "is a new one that nobody knows",
        )


def _leave(session: WindowsSession, name: str | None, *, perhaps: bool = False) -> None:
    """Forget the domain; with a `name`, be called that from the next start on. `perhaps`: if there is one."""
    active = _active_name(session)
    code = _call(session, active, "UnjoinDomainOrWorkgroup", {"FUnjoinOptions": "0"})
    if perhaps and code == _NOT_JOINED:
        return
    if code != 0:
        raise RejectedError(session.target, f"leaving the domain failed with error {code}{_meaning(code)}")
    if name is not None and name.casefold() != active.casefold():
        code = _call(session, active, "Rename", {"Name": name})
        if code != 0:
            raise RejectedError(session.target, f"renaming {active} to {name} failed with error {code}{_meaning(code)}")
    session.restart(reason="This PC leaves the domain")


def _note(session: WindowsSession, joined_anew: str | None) -> None:
    if joined_anew is None:
        words = ["reg", "delete", _OURS, "/v", _JOINED_ANEW, "/f", "/reg:64"]
    else:
        words = ["reg", "add", _OURS, "/v", _JOINED_ANEW, "/t", "REG_SZ", "/d", joined_anew, "/f", "/reg:64"]
    session.run(words)  # the read that follows tells whether it worked


def _call(session: WindowsSession, active: str, method: str, arguments: Mapping[str, str]) -> int:
    return session.call_wmi("Win32_ComputerSystem", {"Name": active}, method, arguments)


def _system_root(session: WindowsSession) -> str:
    """Where Windows lies, from the registry: ``%SystemRoot%`` would need a batch file."""
    key = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    printed = session.run(["reg", "query", key, "/v", "SystemRoot", "/reg:64"]).stdout
    match = re.search(r"\bREG_SZ\s+([A-Za-z]:\\[A-Za-z0-9_. \\-]+?)\s*$", printed, re.MULTILINE)
    if match is None:
        raise RejectedError(session.target, f"its registry does not tell where Windows lies ({key}, SystemRoot)")
    return match.group(1)


def refuse_domain_account(target: str, inventory: Inventory) -> None:
    """An account of the domain works on one side of the restart only, so nobody could see how it ended. Raises
    :class:`RequestError` for one."""
    user, site = inventory.windows.credential.user, inventory.directory
    prefix, _, rest = user.rpartition("\\")
    domain = prefix or rest.partition("@")[2]
    if domain.casefold() in {site.netbios_domain.casefold(), site.domain.casefold()}:
        raise RequestError(
            f"{target}: windows.credential is {user}, an account of the domain; joining and leaving need a "
            "local administrator of the PC (its name alone, or .\\name)"
        )


def _active_name(session: WindowsSession) -> str:
    values = export(session, [_NAME])[_NAME].get(_NAME, {})
    name = _text(values, "ComputerName")
    if name is None:
        raise RejectedError(session.target, f"its registry does not tell its name ({_NAME})")
    return name


def _meaning(code: int) -> str:
    return f" ({_MEANINGS[code]})" if code in _MEANINGS else ""


def _value(values: Mapping[str, RegistryValue], name: str) -> object:
    return next((value.data for key, value in values.items() if key.casefold() == name.casefold()), None)


def _text(values: Mapping[str, RegistryValue], name: str) -> str | None:
    found = _value(values, name)
    return found if isinstance(found, str) and found else None


def _number(values: Mapping[str, RegistryValue], name: str) -> int | None:
    found = _value(values, name)
    return found if isinstance(found, int) else None


DOMAIN_MEMBERSHIP = DomainMembershipKind()
