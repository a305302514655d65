"""What the lab's PCs refuse, because Wine answers "success" to it and does nothing.

A lab that pretends is worse than none: a step that was never done would look proven. The programs are taken
out of the prefix (so they fail inside batch files too, with 9009 "not recognised"), and a command line that
names one is answered with a sentence and exit code 50 (ERROR_NOT_SUPPORTED) before it starts.
"""

from __future__ import annotations

import re
from collections.abc import Collection

PRETENDED_PROGRAMS = frozenset(
    {
        "cacls",
        "certutil",
        "dism",
        "dxdiag",
        "fc",
        "findstr",
        "fsutil",
        "icacls",
        "lodctr",
        "msinfo32",
        "netsh",
        "pnputil",
        "powershell",
        "robocopy",
        "rundll32",
        "sdbinst",
        "secedit",
        "setx",
        "shutdown",
        "systeminfo",
        "tasklist",
        "unlodctr",
        "wevtutil",
        "where",
        "wusa",
    }
)
"""Programs of Wine 8 that return 0 whatever they are asked, or nearly so (tried one by one)."""

_ABSENT = frozenset(
    {
        "bcdedit",
        "choco",
        "cmdkey",
        "curl",
        "djoin",
        "gpupdate",
        "manage-bde",
        "msg",
        "pwsh",
        "query",
        "quser",
        "qwinsta",
    }
    | {"tar", "w32tm", "winget"}
)

NOT_SUPPORTED = 50


_OUTSIDE_QUOTES = r"""(?=(?:[^"]*"[^"]*")*[^"]*$)"""


def program_of(command: str) -> str:
    """The program that one command runs: lower case, without folder and ``.exe``."""
    match = re.match(r'[@(\s]*(?:"([^"]*)"|([^\s&|<>]*))', command)
    name = "" if match is None else match[1] or match[2] or ""
    return name.rpartition("\\")[2].lower().removesuffix(".exe")


def refusal(command_line: str, real: Collection[str] = ()) -> str | None:
    """The sentence with which the lab refuses this command line, or ``None`` when Wine, or the endpoint for one of
    `real`, really does it."""
    if re.search(rf"(&&|\|\|){_OUTSIDE_QUOTES}", command_line):
        return "lab: && and || run both sides always in Wine's cmd.exe; send one command a call"
    for command in re.split(rf"[&|]{_OUTSIDE_QUOTES}", command_line):
        program = program_of(command)
        if program in real:
            continue
        if program in PRETENDED_PROGRAMS | _ABSENT:
            return f"lab: Wine only pretends to run {program} (or has none), so this PC refuses it"
        if program == "schtasks" and not {"/create", "/xml"} <= set(command.lower().split()):
            return "lab: of schtasks, Wine really does only /create /xml, so this PC refuses the rest"
    return None
