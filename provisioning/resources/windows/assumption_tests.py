"""The tests behind :mod:`provisioning.resources.windows.assumptions`: each looks at a PC and changes nothing there, but
for files in the session's own temporary folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from provisioning.connections.windows_power import MARK_KEY
from provisioning.resources.windows.profiles import profiles as profiles_of

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

ECHO = "Привет, Zoé & ¹ (100) ^ ß"

Verdict = Literal["holds", "fails", "cannot tell"]


@dataclass(frozen=True)
class Finding:
    """What a test found, with one sentence of evidence."""

    verdict: Verdict
    detail: str


def holds(condition: bool, detail: str) -> Finding:
    return Finding("holds" if condition else "fails", detail)


def utf8(session: WindowsSession) -> Finding:
    said = session.run(["cmd", "/c", "echo", ECHO]).stdout.strip().strip('"')
    return holds(said == ECHO, f"echo gave {said!r}")


def exit_codes(session: WindowsSession) -> Finding:
    code = session.run(["cmd", "/c", "exit", "3010"]).exit_code
    return holds(code == 3010, f"exit 3010 came back as {code}")


def percent(session: WindowsSession) -> Finding:
    said = session.run(["cmd", "/c", "echo", "100% of %PATH%!"]).stdout.strip().strip('"')
    return holds(said == "100% of %PATH%!", f"a batch file echoed {said[:40]!r}")


def batch(session: WindowsSession) -> Finding:
    codes = session.run_all([["cmd", "/c", "exit", "5"], ["hostname"], ["reg", "query", r"HKLM\SOFTWARE\None\Such"]])
    return holds(codes == [5, 0, 1], f"three commands gave {codes}, expected [5, 0, 1]")


def long_line(session: WindowsSession) -> Finding:
    text = "x" * 7900
    said = session.run(["cmd", "/c", "echo", text]).stdout.strip()
    return holds(said == text, f"{len(said)} of {len(text)} characters came back")


def registry_words(session: WindowsSession) -> Finding:
    words = ["reg", "query", r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", "/v", "OS"]
    said = session.run(words).stdout
    right = re.search(r"^HKEY_LOCAL_MACHINE\\", said, re.MULTILINE) and re.search(
        r"^ +OS +REG_SZ +\S", said, re.MULTILINE
    )
    return holds(
        bool(right), "HKEY_LOCAL_MACHINE and REG_SZ are in no language" if right else f"reg said {said[:80]!r}"
    )


def registry_export(session: WindowsSession) -> Finding:
    path = session.path("export.reg")
    code = session.run(["reg", "export", MARK_KEY, path, "/y"]).exit_code
    content = session.read("export.reg") or b""
    session.delete("export.reg")
    head = content[:2] == b"\xff\xfe" and content.decode("utf-16", "replace").startswith(
        "Windows Registry Editor Version 5.00"
    )
    return holds(code == 0 and head, f"reg export: {code}, {len(content)} octets, begins {content[:2].hex()}")


def both_views(session: WindowsSession) -> Finding:
    keys = (r"HKLM\SOFTWARE", r"HKLM\SOFTWARE\WOW6432Node")
    codes = [session.run(["reg", "query", rf"{key}\Microsoft\Windows\CurrentVersion"]).exit_code for key in keys]
    return holds(codes == [0, 0], f"64-bit and 32-bit view: {codes}")


def volatile(session: WindowsSession) -> Finding:
    said = session.run(["reg", "query", r"HKLM\SYSTEM\CurrentControlSet\Control\hivelist"]).stdout
    match = re.search(r"^ +\\REGISTRY\\MACHINE\\HARDWARE +REG_SZ *(.*?)\s*$", said, re.MULTILINE | re.IGNORECASE)
    if match is None:
        return Finding("cannot tell", "hivelist does not name the hive HARDWARE")
    return holds(not match[1], "the hive HARDWARE has no file" if not match[1] else f"the hive has a file: {match[1]}")


def signed_in(session: WindowsSession) -> Finding:
    people = session.logged_on()
    ours = session.inventory.windows.credential.user.rpartition("\\")[2].partition("@")[0].casefold()
    if any(one.account.rpartition("\\")[2].casefold() == ours for one in people):
        return Finding("cannot tell", f"{ours} counts as signed in; is it, at the keyboard or by remote desktop?")
    names = ", ".join(one.account for one in people)
    return Finding("holds", f"signed in: {names}" if names else "nobody counts as signed in; look whether that is so")


def profile_list(session: WindowsSession) -> Finding:
    found = profiles_of(session)
    tree = session.tree()
    gone = [one.folder for one in found if not any(tree.listing_top(one.folder))]
    if not found:
        return Finding("cannot tell", "nobody has a profile there yet")
    return holds(not gone, f"{len(found)} profiles" if not gone else f"no such folder: {', '.join(gone)}")


def hash_on_pc(session: WindowsSession) -> Finding:
    content = hashlib.sha256(ECHO.encode()).hexdigest()
    path = session.write("hash me.txt", ECHO.encode())
    result = session.run(["certutil", "-hashfile", path, "SHA256"])
    session.delete("hash me.txt")
    plain = [line.strip().replace(" ", "").lower() for line in result.stdout.splitlines()]
    return holds(result.exit_code == 0 and content in plain, f"certutil: {result.exit_code}, {len(plain)} lines")


def curl(session: WindowsSession) -> Finding:
    result = session.run(["curl.exe", "--version"])
    match = re.match(r"curl (\d+)\.(\d+)", result.stdout)
    new = match is not None and (int(match[1]), int(match[2])) >= (7, 55)
    return holds(result.exit_code == 0 and new, match[0] if match else f"curl.exe: {result.exit_code}")


def programs(*names: str) -> Callable[[WindowsSession], Finding]:
    def test(session: WindowsSession) -> Finding:
        tree = session.tree()
        missing = [name for name in names if tree.entry(rf"Windows\System32\{name}") is None]
        return holds(not missing, "all there" if not missing else f"missing: {', '.join(missing)}")

    return test


def admin(session: WindowsSession) -> Finding:
    result = session.run(["whoami", "/groups", "/fo", "csv", "/nh"])
    found = re.findall(r"\bS-1-16-\d+\b", result.stdout)
    return holds("S-1-16-12288" in found or "S-1-16-16384" in found, f"integrity {', '.join(found) or 'not told'}")


def admin_only_folder(session: WindowsSession) -> Finding:
    tree = session.tree()
    there = any(tree.listing_top(r"Windows\System32\config\systemprofile"))
    return holds(there, r"C:\Windows\System32\config\systemprofile is there" if there else "no such folder")


def smb(session: WindowsSession) -> Finding:
    dialect, signed, encrypted = session.tree().protection()
    how = f"dialect {dialect >> 8}.{dialect >> 4 & 15}.{dialect & 15}, " + (
        "encrypted" if encrypted else "signed" if signed else "neither signed nor encrypted"
    )
    return holds(dialect >= 0x0300 and (signed or encrypted), how)


def time_zone(session: WindowsSession) -> Finding:
    key = r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
    said = session.run(["reg", "query", key, "/v", "TimeZoneKeyName"])
    match = re.search(r"TimeZoneKeyName +REG_SZ +(.+?)\s*$", said.stdout, re.MULTILINE)
    return holds(match is not None, match[1] if match else f"no TimeZoneKeyName (reg: {said.exit_code})")
