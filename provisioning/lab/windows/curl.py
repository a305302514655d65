"""``curl.exe`` of Windows 10 and 11, by this machine's own curl: downloads over HTTPS into a file of the PC.

Windows' curl checks certificates against the PC's own store (Schannel); the store of a lab PC holds the lab's
authority, so that is what this one is given unless ``--cacert`` names a file of the PC. Options that are not listed
here are refused, since they would not have been translated.
"""

from __future__ import annotations

import subprocess

from provisioning.lab.windows.machine import Ended, Machine
from provisioning.lab.windows.refusals import NOT_SUPPORTED

_PLAIN = frozenset(
    {"-f", "--fail", "-s", "--silent", "-S", "--show-error", "-L", "--location", "--ssl-no-revoke", "-sS", "-fsS", "-q"}
)
_WITH_WORD = frozenset(
    {"-C", "--continue-at", "--connect-timeout", "--max-time", "-m", "--retry", "--limit-rate", "--max-filesize",
     "-r", "--range", "--proto", "--noproxy", "--resolve", "--connect-to", "-H", "--header"}
)  # fmt: skip
_FILES = {"-o": "--output", "--output": "--output", "--cacert": "--cacert", "--pinnedpubkey": "--pinnedpubkey"}
_WRITE_ERROR = 23


def curl(machine: Machine, words: list[str]) -> Ended:
    """Download."""
    if words == ["--version"]:
        words, rest_of_pc = [], ["--version"]
    else:
        rest_of_pc = []
    here: list[str] = [*rest_of_pc, "--interface", machine.address]  # a PC comes from its own address
    trusted = False
    rest = iter(words)
    for word in rest:
        if word in _PLAIN:
            here += [] if word == "--ssl-no-revoke" else [word]  # this curl asks for no revocation list anyway
        elif word in _WITH_WORD:
            here += [word, next(rest, "")]
        elif word in _FILES:
            trusted = trusted or word == "--cacert"
            path = machine.path(next(rest, ""))
            if word in {"-o", "--output"} and not path.parent.is_dir():
                return Ended(_WRITE_ERROR, stderr="curl: (23) Failed to open the file\r\n")
            here += [_FILES[word], str(path)]
        elif word.startswith("-"):
            return Ended(NOT_SUPPORTED, stderr=f"lab: curl {word} is not translated on this PC\r\n")
        else:
            here.append(word)
    if not trusted:
        here += ["--cacert", str(machine.trust)]
    try:
        done = subprocess.run(["curl", *here], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError:
        return Ended(NOT_SUPPORTED, stderr="lab: curl is not installed on the lab's machine\r\n")
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
