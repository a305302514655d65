"""What the directory means when it refuses: LDAP result codes and AD's own codes, as sentences.

Sources: RFC 4511 appendix A (result codes), MS-ERREF 2.2 (the Win32 codes in AD's diagnostic text, also those
behind ``data`` when a bind is refused). Only codes are parsed, never words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioning.errors import RejectedError, TargetError, UnreachableError

_BIND_CODE = re.compile(r"\bdata ([0-9a-fA-F]{1,8})\b")
_WIN32_CODE = re.compile(r"\b0*([0-9A-Fa-f]{2,8}):")
_HOW_TO_GO_ON = {
    1: "it reports a fault of its own; look at the server's log",
    16: "an attribute to be removed is not set; plan again",
    17: "it does not know an attribute; the schema lacks it",
    18: "the filter is not supported there",
    19: "a value breaks one of its rules (too long, or not unique); shorten or change it",
    20: "a value is there already; plan again",
    21: "a value is not of the attribute's syntax",
    32: "the entry or the unit above it does not exist; create the unit or correct it in the site",
    34: "the name is not a valid distinguished name",
    50: "our account may not do that; delegate the right on the organisational unit to directory.credential",
    51: "it is too busy; try again",
    52: "it is not available; try again",
    53: "it is unwilling; the account is protected, or the operation is not allowed in its state",
    64: "the name is not allowed at that place",
    65: "the object class does not allow that attribute",
    66: "other entries lie below it; move or delete them first",
    67: "the name cannot be changed that way",
    68: "the name is taken already",
    80: "it reports a fault of its own; look at the server's log",
}
_NOT_NOW = frozenset({51, 52})
_WIN32 = {
    0x52D: "the password does not meet the domain's policy; raise directory.passwords.length in the site",
    0x1F: "the password did not come over a secure channel or is badly encoded",
    0x524: "an account with that login exists already",
    0x21C7: "a user principal name or service principal name is taken already",
    0x21C8: "the user principal name is taken already",
    0x2071: "the name is taken already",
    0x216D: "our account's quota of machine accounts is used up; delegate directory.computers_ou to it",
}
_BIND = {
    "525": "the account does not exist",
    "52e": "wrong password",
    "52f": "the account is restricted (empty password, hours or logon type)",
    "530": "signing in is not allowed at this time",
    "531": "signing in is not allowed from this computer",
    "532": "the password has expired",
    "533": "the account is disabled",
    "568": "the account is in too many groups",
    "701": "the account has expired",
    "773": "the password must be changed at the first sign-in",
    "775": "the account is locked after too many wrong passwords",
}


def bind_code(message: str) -> str:
    """AD's hexadecimal code in the diagnostic message of a refused bind, lower case; ``""`` when there is
    none."""
    found = _BIND_CODE.search(message or "")
    return found[1].lower() if found else ""


def code_text(code: str) -> str:
    """What a code of :func:`bind_code` means."""
    return _BIND.get(code) or (f"the server answers {code}" if code else "wrong user name or password")


def refusal(target: str, operation: str, result: Mapping[str, Any]) -> TargetError:
    """The error for an LDAP result other than success: :class:`RejectedError`, or :class:`UnreachableError` for a
    server that cannot at the moment. `operation` says what was tried, such as ``adding CN=…``."""
    number, message = int(result["result"]), str(result.get("message") or "")
    found = _WIN32_CODE.search(message)
    win32 = int(found[1], 16) if found else 0
    reason = _WIN32.get(win32) or _HOW_TO_GO_ON.get(number) or "it gives no further reason"
    code = f"{result.get('description', 'result')} {number}" + (f", {win32:08X}" if win32 else "")
    error = UnreachableError if number in _NOT_NOW else RejectedError
    return error(target, f"{operation} was refused: {reason} ({code})")
