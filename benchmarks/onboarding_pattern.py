"""What one of our own onboardings left on the servers, read by their own tools: what the other contestants write."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import office_programs as theirs
from benchmarks import onboarding_office as office
from benchmarks.office_programs import PC
from benchmarks.onboarding_office import FOLDERS, LOGIN
from provisioning.lab.office import Office

_USER = (
    "sAMAccountName", "userPrincipalName", "givenName", "sn", "displayName", "employeeID", "department", "title",
    "telephoneNumber", "ipPhone", "physicalDeliveryOfficeName", "company", "homeDirectory", "homeDrive", "manager",
    "mail", "proxyAddresses", "maxStorage", "userAccountControl", "pwdLastSet",
)  # fmt: skip
_COMPUTER = ("sAMAccountName", "description", "location", "dNSHostName", "userAccountControl")


@dataclass(frozen=True)
class Pattern:
    """What an onboarding of ours left: the LDIF that makes it, the lines of the port, the registry, the phone's file,
    access lists by share and folder."""

    ldif: str
    port: tuple[str, ...]
    registry: bytes
    phone: str
    access: Mapping[tuple[str, str], str]
    quota: int

    @classmethod
    def of(cls, lab: Office, password: str) -> Pattern:
        """Read it off the servers; `password` is what the account gets instead of the one that it has."""
        return cls(
            _ldif(lab, password),
            tuple(line.strip() for line in office.look(lab).port.splitlines()),
            _registry(lab),
            office.phone_file(lab).read_text(encoding="utf-8"),
            {(share, name): _access(lab, share, name) for share, name in FOLDERS},
            (lab.inventory.files and lab.inventory.files.homes and lab.inventory.files.homes.quota) or 0,
        )


def _ldif(lab: Office, password: str) -> str:
    """Two accounts and the memberships, as ldapmodify takes them."""
    asked = ["-LLL", "-o", "ldif-wrap=no", "-b", theirs.base(lab)]
    user = _entry(theirs.ldap(lab, "ldapsearch", *asked, f"(sAMAccountName={LOGIN})", *_USER, "memberOf"))
    computer = _entry(theirs.ldap(lab, "ldapsearch", *asked, f"(sAMAccountName={PC}$)", *_COMPUTER))
    secret = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
    groups = [line for line in user if line.startswith("memberOf")]
    records = [
        [user[0], "changetype: add", "objectClass: user", *_but(user[1:], groups), f"unicodePwd:: {secret}"],
        [computer[0], "changetype: add", "objectClass: computer", *computer[1:], f"unicodePwd:: {secret}"],
    ]
    for group in groups:
        dn = group.removeprefix("memberOf")
        records.append([f"dn{dn}", "changetype: modify", "add: member", f"member{user[0].removeprefix('dn')}"])
    return "\n\n".join("\n".join(record) for record in records) + "\n"


def _entry(said: str) -> list[str]:
    block = said.strip().split("\n\n")[0]
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def _but(lines: list[str], without: list[str]) -> list[str]:
    return [line for line in lines if line not in without]


def _registry(lab: Office) -> bytes:
    """One .reg file with all keys."""
    folder = lab.folder / "windows" / PC / "prefix" / "drive_c" / "windows" / "temp"
    text = "Windows Registry Editor Version 5.00\r\n"
    for key in office.KEYS:
        theirs.wine(lab, "reg.exe", "export", key, "C:\\windows\\temp\\bench.reg", "/y", "/reg:64")
        file = folder / "bench.reg"
        text += file.read_bytes().decode("utf-16").partition("\n")[2]
        file.unlink()
    return b"\xff\xfe" + text.encode("utf-16-le")


def _access(lab: Office, share: str, name: str) -> str:
    said = theirs.samba(lab, "smbcacls", share, name)
    lines = [line for line in said.splitlines() if line.startswith(("REVISION", "OWNER", "ACL"))]
    return ",".join(lines)
