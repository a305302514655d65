"""Access lists as people read them: ``full anna.petrova``, ``change Sales``.

An entry that is one of ours (allowed, for the folder and all below it, one of three rights) has a word. Every other one
is written out, so that what somebody set by hand is shown, and comes back when a run is taken back:
``allow 0x001200a9 flags 0x10 S-1-5-32-545``, or octet by octet for entries of rare types.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from provisioning.connections.security_descriptors import ALLOW, DENY, TO_FILES, TO_FOLDERS, Ace

RIGHTS = {"full": 0x001F01FF, "change": 0x001301BF, "read": 0x001200A9}
"""What Windows calls Full control, Modify, Read & execute (MS-DTYP 2.4.3, MS-SMB2 2.2.13.1.2)."""

_ALL_BELOW = TO_FILES | TO_FOLDERS
_WORDS = {mask: word for word, mask in RIGHTS.items()}
_VERBS = {ALLOW: "allow", DENY: "deny"}
_WRITTEN_OUT = re.compile(r"(allow|deny) 0x([0-9a-f]{8}) flags 0x([0-9a-f]{2}) (.+)")
_OCTETS = re.compile(r"ace ((?:[0-9a-f]{2})+)")


def words(ace: Ace, name: Callable[[str], str]) -> str:
    """One entry as a text. `name` turns a SID into a name."""
    if ace.raw:
        return f"ace {ace.raw.hex()}"
    if ace.kind == ALLOW and ace.flags == _ALL_BELOW and ace.mask in _WORDS:
        return f"{_WORDS[ace.mask]} {name(ace.sid)}"
    return f"{_VERBS[ace.kind]} 0x{ace.mask:08x} flags 0x{ace.flags:02x} {name(ace.sid)}"


def principal(text: str) -> str | None:
    """Whom an entry is about; ``None`` for one that is written octet by octet. Raises :class:`ValueError` for a text
    that is no entry."""
    if _OCTETS.fullmatch(text):
        return None
    if found := _WRITTEN_OUT.fullmatch(text):
        return found[4]
    right, _, who = text.partition(" ")
    if right not in RIGHTS or not who:
        raise ValueError(f"{text!r} is not an entry of an access list such as 'full anna.petrova'")
    return who


def entry(text: str, sid: Callable[[str], str]) -> Ace:
    """The entry that :func:`words` wrote. `sid` turns a name into a SID. Raises :class:`ValueError`."""
    who = principal(text)
    if who is None:
        raw = bytes.fromhex(text.removeprefix("ace "))
        if len(raw) < 4 or int.from_bytes(raw[2:4], "little") != len(raw):
            raise ValueError(f"{text!r} is not a whole entry of an access list")
        return Ace(raw[0], raw[1], 0, "", raw)
    if found := _WRITTEN_OUT.fullmatch(text):
        kind = ALLOW if found[1] == "allow" else DENY
        return Ace(kind, int(found[3], 16), int(found[2], 16), sid(who))
    return Ace(ALLOW, _ALL_BELOW, RIGHTS[text.partition(" ")[0]], sid(who))
