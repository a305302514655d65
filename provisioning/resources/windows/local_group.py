r"""``windows.local_group``: members of local groups, and only those that the site names.

Groups are named by SID (``S-1-5-32-544``), for "Administrators" is called otherwise on every other Windows. One script
for Windows Script Host does a whole batch and writes its answer into a file, in no language: WMI gives the group's own
name for the SID (Microsoft Learn, "Win32_Group"), the ADSI provider WinNT its members, and adds and removes them
("IADsGroup::Add"). JScript, since VBScript is on its way out of Windows. No PowerShell is started.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from provisioning.errors import ProvisioningError, RejectedError, RequestError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.windows.local_group_script import SCRIPT

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

WELL_KNOWN: Mapping[str, str] = {
    "administrators": "S-1-5-32-544",
    "users": "S-1-5-32-545",
    "power users": "S-1-5-32-547",
    "remote desktop users": "S-1-5-32-555",
    "event log readers": "S-1-5-32-573",
    "remote management users": "S-1-5-32-580",
}
"""Well-known SIDs (MS-DTYP 2.4.2.4)."""

_SID = re.compile(r"S-1-5(-\d{1,10}){1,14}")
_MEMBER = re.compile(r"[^\x00-\x1f\x7f\"/\\\[\]:;|=,+*?<>@]{1,64}\\[^\x00-\x1f\x7f\"/\\\[\]:;|=,+*?<>@]{1,256}")
_ALREADY_MEMBER, _NOT_A_MEMBER = "80070562", "80070561"  # HRESULTs of ERROR_MEMBER_IN_ALIAS, ERROR_MEMBER_NOT_IN_ALIAS
_NO_SUCH_GROUP = "80070560"  # ERROR_NO_SUCH_ALIAS
_TIMEOUT = 120.0  # seconds: a PC that cannot reach its domain controller takes its time


class LocalGroup(State):
    r"""`members`: ``DOMAIN\name`` → true (a member) or ``None`` (not a member). Never absent."""

    members: dict[str, Literal[True] | None]

    def view_of(self, actual: Self) -> Self:
        """Windows compares account names without regard to case."""
        there = {name.casefold() for name, member in actual.members.items() if member}
        return type(self)(members={name: True if name.casefold() in there else None for name in self.members})


class LocalGroupKind:
    """Target ``windows:NAME``, key the group's SID."""

    name = "windows.local_group"
    state = LocalGroup

    def read(self, session: WindowsSession, keys: Sequence[str]) -> dict[str, LocalGroup]:
        """The members of each group. Raises :class:`RejectedError` for a group that this PC does not have."""
        for key in keys:
            _check_sid(session.target, key)
        answer = _run(session, [("read", key, "") for key in keys])
        found: dict[str, LocalGroup] = {}
        for key, lines in zip(keys, answer, strict=True):
            code, *paths = lines
            if code == _NO_SUCH_GROUP:
                raise RejectedError(
                    session.target, f"this PC has no local group with the SID {key}, or its WMI does not show it"
                )
            if code != "0":
                raise RejectedError(session.target, f"the members of {key} cannot be read (HRESULT 0x{code})")
            found[key] = LocalGroup(members={name: True for path in paths if (name := _account(path)) is not None})
        return found

    def apply(self, session: WindowsSession, changes: Sequence[Change[LocalGroup]]) -> list[Outcome]:
        """All members of all groups by one script; the first failure of a group is its error."""
        errors: dict[str, ProvisioningError] = {}
        orders: list[tuple[str, str, str]] = []
        for change in changes:
            try:
                orders += _orders(session.target, change)
            except RequestError as exc:
                errors[change.key] = exc
        answer = _run(session, orders) if orders else []
        for (verb, sid, path), (code, *_) in zip(orders, answer, strict=True):
            if code == "0" or code == {"add": _ALREADY_MEMBER, "remove": _NOT_A_MEMBER}[verb]:
                continue
            name = path.removeprefix("WinNT://").replace("/", "\\")
            said = f"{name} cannot be {'added to' if verb == 'add' else 'removed from'} {sid} (HRESULT 0x{code})"
            advice = "is the PC joined to that domain, and does it reach it?"
            errors.setdefault(sid, RejectedError(session.target, f"{said}; {advice}"))
        return [Outcome(change.key, errors.get(change.key)) for change in changes]


def _orders(target: str, change: Change[LocalGroup]) -> list[tuple[str, str, str]]:
    """Only what differs: an order for somebody who is a member already would be an error for Windows."""
    _check_sid(target, change.key)
    if change.after is None:
        raise RequestError(f"{target}: local group {change.key} is Windows' own and cannot be removed")
    before = change.before.members if change.before is not None else {}
    orders = []
    for member, wanted in change.after.members.items():
        if not _MEMBER.fullmatch(member):
            raise RequestError(f"{target}: {member!r} is not an account; expected DOMAIN\\name")
        if before.get(member) != wanted:
            path = f"WinNT://{member.replace(chr(92), '/')}"
            orders.append(("add" if wanted else "remove", change.key, path))
    return orders


def _check_sid(target: str, key: str) -> None:
    if not _SID.fullmatch(key):
        raise RequestError(f"{target}: {key!r} is not the SID of a local group, such as S-1-5-32-555")


def _account(path: str) -> str | None:
    r"""``WinNT://CORP/IT-Support`` → ``CORP\IT-Support``. Accounts of the PC stand below its domain or work group:
    their last two words count. An account that is gone shows as its SID, and is nobody's."""
    words = path.removeprefix("WinNT://").split("/")
    return "\\".join(words[-2:]) if len(words) >= 2 else None


def _run(session: WindowsSession, orders: Sequence[tuple[str, str, str]]) -> list[list[str]]:
    """For each order the result as hex digits, and for ``read`` the members' ADsPaths behind it."""
    asked = "".join("\t".join(order) + "\r\n" for order in orders)
    script = session.write("local-group.js", SCRIPT.encode("ascii"))
    orders_file = session.write("orders.txt", b"\xff\xfe" + asked.encode("utf-16-le"))
    session.delete("answer.txt")
    result = session.run(["cscript", "//NoLogo", script, orders_file, session.path("answer.txt")], timeout=_TIMEOUT)
    octets = session.read("answer.txt")
    for name in ("local-group.js", "orders.txt", "answer.txt"):
        session.delete(name)
    lines = octets.decode("utf-16", "replace").splitlines() if octets is not None else []
    if not lines or lines[-1] != "end":
        raise RejectedError(
            session.target,
            f"the script for local groups did not run to its end (exit code {result.exit_code}); is Windows Script "
            "Host switched off on this PC (HKLM\\SOFTWARE\\Microsoft\\Windows Script Host\\Settings, Enabled)?",
        )
    answer = [line.split("\t") for line in lines[:-1]]
    if len(answer) != len(orders):
        raise RejectedError(session.target, f"the script for local groups answered {len(answer)} of {len(orders)}")
    return answer


LOCAL_GROUP = LocalGroupKind()
