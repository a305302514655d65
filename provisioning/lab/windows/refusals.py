"""What the lab's PCs refuse, because Wine answers "success" to it and does nothing.

A lab that pretends is worse than none: a step that was never done would look proven. The programs are taken
out of the prefix (so they fail inside batch files too, with 9009 "not recognised"), and a command line that
names one is answered with a sentence and exit code 50 (ERROR_NOT_SUPPORTED) before it starts.
"""

from __future__ import annotations

import re

PRETENDED_PROGRAMS = frozenset(
    {
        "certutil",
        "dism",
        "fc",
        "findstr",
        "fsutil",
        "icacls",
        "netsh",
        "pnputil",
        "powershell",
        "rundll32",
        "setx",
        "shutdown",
        "systeminfo",
        "tasklist",
        "wevtutil",
        "where",
    }
)
"""Programs of Wine 8 that return 0 whatever they are asked, or nearly so (tried one by one)."""

_ABSENT = frozenset({"cmdkey", "curl", "djoin", "robocopy", "tar", "winget"})

NOT_SUPPORTED = 50


_OUTSIDE_QUOTES = r"""(?=(?:[^"]*"[^"]*")*[^"]*$)"""


def refusal(command_line: str) -> str | None:
    """The sentence with which the lab refuses this command line, or ``None`` when Wine really does it."""
    if re.search(rf"(&&|\|\|){_OUTSIDE_QUOTES}", command_line):
        return "lab: && and || run both sides always in Wine's cmd.exe; send one command a call"
    for command in re.split(rf"[&|]{_OUTSIDE_QUOTES}", command_line):
        match = re.match(r'[@(\s]*(?:"([^"]*)"|(\S*))(.*)', command, re.DOTALL)
        program = "" if match is None else (match[1] or match[2] or "").rpartition("\\")[2].lower().removesuffix(".exe")
        if program in PRETENDED_PROGRAMS | _ABSENT:
            return f"lab: Wine only pretends to run {program} (or has none), so this PC refuses it"
        if program == "schtasks" and match and not {"/create", "/xml"} <= set(match[3].lower().split()):
            return "lab: of schtasks, Wine really does only /create /xml, so this PC refuses the rest"
    return None
