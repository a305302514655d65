"""The tests behind what :mod:`provisioning.resources.windows.domain_membership` takes for granted. None changes
anything, so none joins or leaves: docs/domain-join.md lists what only a real join shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.resources.windows.assumption_tests import Finding, holds

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_NAME = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName"
_LOCAL_MACHINE = "2147483650"  # HKEY_LOCAL_MACHINE (winreg.h)
_WORDS = ("/requestodj", "/loadfile", "/windowspath", "/localos")


def membership(session: WindowsSession) -> Finding:
    domain = _query(session, rf"{_SERVICES}\Tcpip\Parameters", "Domain")
    start = _query(session, rf"{_SERVICES}\Netlogon", "Start")
    if start not in {"0x2", "0x3"}:
        return Finding("fails", f"Net Logon has the start type {start}")
    if domain and start == "0x3":
        return Finding("cannot tell", f"the DNS suffix is {domain}, and Net Logon starts on demand; is it a member?")
    return holds(bool(domain) == (start == "0x2"), f"domain {domain or 'none'}, Net Logon has the start type {start}")


def computer_name(session: WindowsSession) -> Finding:
    registry = _query(session, _NAME, "ComputerName") or ""
    said = session.run(["hostname"]).stdout.strip()
    return holds(registry.casefold() == said.casefold()[:15] != "", f"the registry says {registry}, hostname {said}")


def djoin(session: WindowsSession) -> Finding:
    said = session.run(["djoin", "/?"]).stdout.casefold()
    missing = [word for word in _WORDS if word not in said]
    return holds(not missing, f"djoin /? does not name {', '.join(missing)}" if missing else "djoin /? names them all")


def wmi(session: WindowsSession) -> Finding:
    what = {"sSubKeyName": r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "sValueName": "SystemRoot"}
    code = session.call_wmi("StdRegProv", {}, "GetStringValue", {"hDefKey": _LOCAL_MACHINE, **what})
    return holds(code == 0, f"StdRegProv.GetStringValue gave {code}")


def _query(session: WindowsSession, key: str, value: str) -> str | None:
    said = session.run(["reg", "query", key, "/v", value]).stdout
    match = re.search(rf"^ +{value} +REG_\w+ *(.*?)\s*$", said, re.MULTILINE)
    return match[1] or None if match else None
