"""What the lab's directory holds before anybody is onboarded: units, groups, colleagues, service accounts,
rights.

It is planted over LDAPS with OpenLDAP's own tools, as the domain's administrator and independently of the
product's directory code: a fault there must not be able to hide itself here. Everything may be planted again;
what exists stays.
"""

from __future__ import annotations

import base64
import secrets
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from provisioning.errors import LabError
from provisioning.lab.directory import DomainController
from provisioning.lab.process import run

_NORMAL = 0x200
_PASSWORD_NEVER_EXPIRES = 0x10000
_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION = 0x1000000  # MS-ADTS 2.2.16: protocol transition (S4U2Self, S4U2Proxy)
_AES = 0x8 | 0x10  # msDS-SupportedEncryptionTypes (MS-KILE 2.2.7)

_SCHEMA_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"  # schemaIDGUID of class user (MS-ADSC)
_SCHEMA_COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"
_SCHEMA_GROUP = "bf967a9c-0de6-11d0-a285-00aa003049e2"
_SCHEMA_MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
_RIGHTS = {
    "users": (f"(OA;CI;CCDC;{_SCHEMA_USER};;{{sid}})", f"(OA;CIIO;GA;;{_SCHEMA_USER};{{sid}})"),
    "computers": (f"(OA;CI;CCDC;{_SCHEMA_COMPUTER};;{{sid}})", f"(OA;CIIO;GA;;{_SCHEMA_COMPUTER};{{sid}})"),
    "groups": (f"(OA;CIIO;RPWP;{_SCHEMA_MEMBER};{_SCHEMA_GROUP};{{sid}})",),
}


@dataclass(frozen=True)
class Entry:
    """One entry to plant: its DN and its attributes (``bytes`` for values that are not text)."""

    dn: str
    attributes: Mapping[str, str | bytes | Sequence[str]] = field(default_factory=dict)


def units(dns: Iterable[str], base_dn: str) -> list[Entry]:
    """Organisational units with those above them, the uppermost first. DNs must hold no escaped comma."""
    found: dict[str, Entry] = {}
    for dn in dns:
        parts = dn[: -len(base_dn) - 1].split(",")
        for depth in range(len(parts) - 1, -1, -1):
            unit = ",".join([*parts[depth:], base_dn])
            found.setdefault(unit.casefold(), Entry(unit, {"objectClass": "organizationalUnit"}))
    return list(found.values())


def group(name: str, ou: str, members: Sequence[str] = ()) -> Entry:
    """A global security group; `members` are DNs of entries planted before it."""
    attributes: dict[str, str | Sequence[str]] = {"objectClass": "group", "sAMAccountName": name}
    if members:
        attributes["member"] = members
    return Entry(f"CN={name},{ou}", attributes)


def person(login: str, ou: str, domain: str, attributes: Mapping[str, str], password: str | None = None) -> Entry:
    """An existing colleague; `attributes` holds LDAP attributes and must name ``cn``. Enabled, with a
    password that nobody knows unless one is given."""
    cn = attributes["cn"]
    return Entry(
        f"CN={_escaped(cn)},{ou}",
        {
            "objectClass": "user",
            "sAMAccountName": login,
            "userPrincipalName": f"{login}@{domain}",
            "userAccountControl": str(_NORMAL),
            "unicodePwd": _quoted(password or secrets.token_urlsafe(24) + "aA1!"),
            **{name: value for name, value in attributes.items() if name != "cn"},
        },
    )


def service(
    login: str,
    ou: str,
    domain: str,
    password: str,
    *,
    principals: Sequence[str] = (),
    may_act_for_anybody_at: Sequence[str] = (),
) -> Entry:
    """A service account whose password does not expire. `principals` are its service principal names;
    `may_act_for_anybody_at` names the only services where it may stand in for others (constrained delegation
    with protocol transition, MS-SFU)."""
    control = _NORMAL | _PASSWORD_NEVER_EXPIRES
    if may_act_for_anybody_at:
        control |= _TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION
    attributes: dict[str, str | bytes | Sequence[str]] = {
        "objectClass": "user",
        "sAMAccountName": login,
        "userPrincipalName": f"{login}@{domain}",
        "userAccountControl": str(control),
        "unicodePwd": _quoted(password),
        "msDS-SupportedEncryptionTypes": str(_AES),
    }
    if principals:
        attributes["servicePrincipalName"] = principals
        # What `ktpass /princ` does: with it as UPN, the service can itself sign in with its keytab. Samba then
        # knows the account under this name only, so no account gets it that is addressed by its login.
        attributes["userPrincipalName"] = f"{principals[0]}@{domain.upper()}"
    elif may_act_for_anybody_at:
        # S4U2Self asks for a ticket to the account itself, and only services get tickets (MS-SFU 3.1.5.1.1).
        attributes["servicePrincipalName"] = f"stand-in/{login}.{domain}"
    if may_act_for_anybody_at:
        attributes["msDS-AllowedToDelegateTo"] = may_act_for_anybody_at
    return Entry(f"CN={login},{ou}", attributes)


def plant(dc: DomainController, entries: Sequence[Entry]) -> None:
    """Add those of `entries` that do not exist, in their order. Raises :class:`LabError` with the server's
    words."""
    present = _present(dc)
    missing = [entry for entry in entries if entry.dn.casefold() not in present]
    if missing:
        _ldap(dc, "ldapmodify", [], "\n".join(_ldif(entry) for entry in missing))


def delegate(dc: DomainController, login: str, ou: str, *what: str) -> None:
    """Let `login` work in `ou`: ``users`` and ``computers`` (create, delete, change everything), ``groups``
    (change members). Asking again changes nothing."""
    sid = _value(dc, dc.base_dn, "sub", f"(sAMAccountName={login})", "objectSid")
    descriptor = _value(dc, ou, "base", "(objectClass=*)", "nTSecurityDescriptor")
    rights = [right for name in what for right in _RIGHTS[name]]
    if not all(_subject(right) + sid in descriptor for right in rights):
        aces = "".join(right.format(sid=_sid_text(sid)) for right in rights)
        dc.samba_tool("dsacl", "set", f"--objectdn={ou}", "--action=allow", f"--sddl={aces}")


def _subject(right: str) -> bytes:
    """The end of an object ACE before its SID: the GUIDs of what it is about and of who inherits it (MS-DTYP
    2.4.4.3)."""
    return b"".join(UUID(text).bytes_le for text in right.strip("()").split(";")[3:5] if text)


def _sid_text(sid: bytes) -> str:
    """MS-DTYP 2.4.2."""
    numbers = struct.unpack(f"<{sid[1]}I", sid[8:])
    return "-".join(["S", str(sid[0]), str(int.from_bytes(sid[2:8], "big")), *map(str, numbers)])


def _value(dc: DomainController, base: str, scope: str, condition: str, attribute: str) -> bytes:
    found = _ldap(dc, "ldapsearch", ["-LLL", "-o", "ldif-wrap=no", "-b", base, "-s", scope, condition, attribute])
    for line in found.splitlines():
        if line.startswith(f"{attribute}:: "):
            return base64.b64decode(line.partition(":: ")[2])
    raise LabError(f"the lab's directory shows no {attribute} of {condition}; take the lab down and up again")


def export_keytab(dc: DomainController, principal: str, path: Path) -> None:
    """Write the Kerberos keys of `principal` (a login or a service principal name) to `path`, mode 0600."""
    if path.exists() and path.stat().st_mtime > dc.provisioned_at:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    dc.samba_tool("domain", "exportkeytab", str(partial), f"--principal={principal}")
    partial.chmod(0o600)
    partial.rename(path)


def _present(dc: DomainController) -> set[str]:
    found = _ldap(
        dc,
        "ldapsearch",
        ["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", dc.base_dn, "(cn=*)", "1.1"],
    )
    found += _ldap(dc, "ldapsearch", ["-LLL", "-o", "ldif-wrap=no", "-b", dc.base_dn, "(ou=*)", "1.1"])
    names = set()
    for line in found.splitlines():
        if line.startswith("dn:: "):
            names.add(base64.b64decode(line[5:]).decode().casefold())
        elif line.startswith("dn: "):
            names.add(line[4:].casefold())
    return names


def _ldap(dc: DomainController, program: str, words: Sequence[str], ldif: str | None = None) -> str:
    connection = [
        "-x",
        "-H",
        f"ldaps://{dc.address}",
        "-D",
        f"Administrator@{dc.domain}",
        "-y",
        str(dc.admin_password),
    ]
    trust = {"LDAPTLS_CACERT": str(dc.authority.certificate), "LDAPTLS_REQCERT": "demand"}
    return run([program, *connection, *words], stdin=ldif, env=trust).stdout


def _ldif(entry: Entry) -> str:
    """RFC 2849; every value in base64, so that no value can end a line."""
    lines = [f"dn:: {_base64(entry.dn)}", "changetype: add"]
    for name, values in entry.attributes.items():
        several = [values] if isinstance(values, (str, bytes)) else values
        lines += [f"{name}:: {_base64(value)}" for value in several]
    return "\n".join(lines) + "\n"


def _base64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _quoted(password: str) -> bytes:
    """The form that unicodePwd wants (MS-ADTS 3.1.1.3.1.5.1)."""
    return f'"{password}"'.encode("utf-16-le")


def _escaped(name: str) -> str:
    """RFC 4514 2.4."""
    text = "".join("\\" + char if char in '"+,;<>\\=' else char for char in name)
    return "\\" + text if text[:1] in {"#", " "} else text
