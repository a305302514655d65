"""Human names for kinds, fields, targets and values, and texts that are safe to show.

A kind or a field that is not in the tables is shown by its own name, so a new kind needs no line here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NOTHING = "–"
WIDEST = 120
"""Characters of one value that are shown before it is cut."""

_KINDS = {
    "directory.user": "user account",
    "directory.membership": "group memberships of",
    "directory.login": "login of",
    "directory.computer": "computer account",
    "mail.mailbox": "mailbox of",
    "mail.rules": "mail rules of",
    "mail.sessions": "open mail sessions of",
    "intranet.document": "document",
    "network.reservation": "DHCP reservation of",
    "switch.port": "port",
    "phones.subscriber": "SIP subscriber",
    "phones.registrations": "registered telephones of extension",
    "phones.configuration": "desk phone's file",
    "files.folder": "folder",
    "files.quota": "quota for",
    "switch.section": "section of port",
    "windows.registry": "registry key",
    "windows.printer": "printer connection",
    "windows.local_group": "local group",
    "windows.time_zone": "the PC's",
    "windows.domain_membership": "membership of the",
    "windows.package": "package",
    "windows.user_data": "personal data of",
    "windows.archive": "archive",
    "directory.all_groups": "all group memberships of",
    "directory.password": "password of",
    "files.archived": "archived folder",
    "mail.contents": "messages of",
    "windows.restart": "if the packages need it:",
}
_FIELDS = {
    "ou": "organisational unit",
    "name": "common name",
    "user_principal_name": "sign-in name (UPN)",
    "employee_id": "personnel number",
    "mail": "primary address",
    "proxy_addresses": "all addresses",
    "quota": "quota (MiB)",
    "access_vlan": "access VLAN",
    "voice_vlan": "voice VLAN",
    "native_vlan": "native VLAN",
    "allowed_vlans": "allowed VLANs",
    "storm_control": "storm control (percent)",
    "bpduguard": "BPDU guard",
    "vlan": "VLAN",
    "ip_phone": "extension",
    "random": "known to nobody",
    "dns_host_name": "DNS name",
    "computer_name": "computer name",
    "mac": "MAC address",
    "octets": "size (octets)",
    "listing": "digest of the list of files",
}
_SYSTEMS = {
    "directory": "accounts, groups, mailboxes",
    "mail": "the mail system",
    "doveadm": "the mail server's administration",
    "intranet": "the intranet web server",
    "web": "the intranet's documents",
    "autoconfig": "mail settings as programs fetch them",
    "dhcp": "the DHCP server",
    "switch": "network switch",
    "phones": "the SIP exchange",
    "exchange": "the SIP exchange's remote control",
    "phone-files": "the desk phones' files",
    "registrar": "registering of telephones",
    "files": "file server",
    "windows": "Windows PC",
}
ACTIONS = {"create": ("+", "to create"), "update": ("~", "to change"), "delete": ("-", "to delete")}


def safe(text: object, *, lines: bool = False) -> str:
    """`text` without anything that a terminal would obey: characters that cannot be seen appear as escapes.

    With `lines`, line breaks stay and later lines are indented, so that none can pass for a line of ours.
    """
    if lines:
        return "\n  ".join(safe(line) for line in str(text).splitlines())
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else _escape(char) for char in shown)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def to_json(plain: Any) -> str:
    """JSON text, indented, names in their own script; characters that a terminal would obey are escaped."""
    text = json.dumps(plain, ensure_ascii=False, indent=2)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)


def kind_words(kind: str) -> str:
    """``directory.user`` → ``user account``."""
    return _KINDS.get(kind, safe(kind.replace(".", " ").replace("_", " ")))


def field_words(field: str) -> str:
    """``access_vlan`` → ``access VLAN``; entries of mappings keep their brackets: ``groups[Sales]``."""
    name, bracket, entry = field.partition("[")
    return safe(_FIELDS.get(name, name.replace("_", " ")) + bracket + entry)


def system_words(target: str) -> str:
    """What a target is: ``windows:WS-0042`` → ``Windows PC``."""
    return _SYSTEMS.get(target.partition(":")[0], "")


def moment(at: str | None) -> str:
    """A time of the ledger, to the minute."""
    return f"{at[:10]} {at[11:16]} UTC" if at else NOTHING


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 change``, ``2 changes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def value_words(value: Any) -> str:
    """One value for people, whole: ``None`` → ``–``, ``True`` → ``yes``, lists joined by commas."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        return safe(value) if value.strip() == value != "" else f'"{safe(value)}"'
    if isinstance(value, Mapping):
        return _mapping_words(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(value_words(item) for item in value) or "none"
    return safe(value)


def _mapping_words(value: Mapping[str, Any]) -> str:
    if set(value) == {"type", "data"}:  # a registry value; plain texts need no type to be understood
        return (
            value_words(value["data"])
            if value["type"] == "REG_SZ"
            else f"{value_words(value['data'])} ({safe(value['type'])})"
        )
    return ", ".join(f"{safe(name)} {value_words(item)}" for name, item in value.items()) or "none"


def short(value: Any) -> str:
    """:func:`value_words`, cut to :data:`WIDEST` characters."""
    text = value_words(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def short_pair(old: Any, new: Any) -> tuple[str, str]:
    """Two values cut so that their difference is seen."""
    one, other = short(old), short(new)
    if one != other:
        return one, other
    one, other = value_words(old), value_words(new)
    if one == other:
        one, other = safe(json.dumps(old, ensure_ascii=False)), safe(json.dumps(new, ensure_ascii=False))
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    begin = max(0, same - 20)
    return _window(one, begin), _window(other, begin)


def _window(text: str, begin: int) -> str:
    piece = text[begin : begin + WIDEST]
    return f"{'…' if begin else ''}{piece}{'…' if begin + WIDEST < len(text) else ''}"
