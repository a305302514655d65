"""Giving a PC what it needs to join: a new password for its computer account, and the offline-domain-join blob.

It takes what a delegated right on the unit of the computers gives, no domain administrator: resetting the password (the
control access right User-Force-Change-Password, MS-ADTS 5.1.3.2.1), writing servicePrincipalName and dNSHostName.
Issuing again is what a re-join is: the password that an earlier blob, or the PC that was replaced, knows is worth
nothing afterwards.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import SecretBytes, SecretStr

from provisioning.connections import cldap
from provisioning.connections.distinguished_names import any_of
from provisioning.connections.ldap_operations import Modify
from provisioning.connections.offline_join import Controller, Domain, MachineAccount, provision_data, sid_text
from provisioning.errors import RejectedError
from provisioning.resources.directory import attributes as ad

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession, Entry, Values

PASSWORD_LENGTH = 120  # characters, as many as Windows and Samba give a machine
_ALPHABET = string.ascii_letters + string.digits + "!#%()*+,-./:;=?@[]^_{|}~"
_SERVICES = ("HOST", "RestrictedKrbHost")  # what Windows and Samba register when they join
_DNS_NAMES = 0xE0000000  # DS_DNS_CONTROLLER, _DOMAIN, _FOREST: the names are DNS names (MS-NRPC 2.2.1.2.1)
_PLAIN_CONTROLLER = 0x138  # DS_LDAP, DS_DS, DS_KDC, DS_WRITABLE: any DC that takes writes (MS-ADTS 6.3.1.2)


@dataclass(frozen=True)
class Issued:
    """A blob for one PC. `data` is a secret. `located` tells whether the domain controller answered the locator."""

    name: str
    dns_name: str
    domain: str
    data: SecretBytes
    located: bool


def issue(session: DirectorySession, name: str, dns_name: str) -> Issued:
    """Reset the password of the computer account `name`, register its services, and write the blob.

    Raises :class:`RejectedError` when there is no such account, when it is disabled, when another account has its
    services or when a right is missing. Nothing is changed before all of it is there but the rights.
    """
    target, directory = session.target, session.directory
    entry = ad.find(
        session, [name], ["objectSid", "userAccountControl", "sAMAccountName"], among=ad.COMPUTERS, ending="$"
    ).get(name)
    if entry is None:
        raise RejectedError(target, f"there is no computer account {name}; create it first (`provision join` does)")
    if (entry.number("userAccountControl") or 0) & ad.DISABLED:
        raise RejectedError(target, f"the computer account {name} is disabled; enable it before its PC joins")
    names = list(dict.fromkeys(f"{service}/{host}" for service in _SERVICES for host in (name.upper(), dns_name)))
    _refuse_taken(session, entry, name, names)
    domain = read_domain(session)
    controller, located = find_controller(session, domain)
    rid = int(_sid(session, entry).rpartition("-")[2])
    password = _new_password()
    last: dict[str, Values] = {"unicodePwd": [_quoted(password)], "dNSHostName": [dns_name]}
    for step in (
        # Twice: domain controllers also take the password before the present one (over NTLM for an hour, Microsoft KB
        # 906305; Samba's also from machines), so an earlier blob would go on working until the password changes again.
        Modify(entry.dn, {"unicodePwd": [_quoted(_new_password())]}),
        Modify(entry.dn, last, add={"servicePrincipalName": names}),
    ):
        (refused,) = session.write([step])
        if refused is not None:
            raise refused
    account = MachineAccount((entry.text("sAMAccountName") or name).removesuffix("$"), password, rid)
    data = provision_data(domain, controller, account)
    return Issued(name, dns_name, directory.domain, SecretBytes(data), located)


def _refuse_taken(session: DirectorySession, entry: Entry, name: str, names: list[str]) -> None:
    """Service names are unique in the forest (MS-ADTS 3.1.1.5.1.3); without this the directory would refuse them with a
    code that names nobody."""
    condition = f"(&(objectClass=*){any_of('servicePrincipalName', names)})"
    wanted = {spn.casefold() for spn in names}
    for other in session.search(condition, ["sAMAccountName", "servicePrincipalName"]):
        if other.dn.casefold() == entry.dn.casefold():
            continue
        taken = next(spn for spn in other.texts("servicePrincipalName") if spn.casefold() in wanted)
        account = (other.text("sAMAccountName") or other.dn).removesuffix("$")
        raise RejectedError(
            session.target,
            f"the account {account} ({other.dn}) has the service name {taken}, which {name} needs; if {account} is the "
            f"PC that {name} replaces, delete its account, otherwise correct host of {name} in the site's workstations",
        )


def read_domain(session: DirectorySession) -> Domain:
    """The domain's names, GUID and SID, read over LDAPS."""
    directory = session.directory
    roots = session.search("(objectClass=*)", ["rootDomainNamingContext"], base="", one_entry=True)
    heads = session.search("(objectClass=*)", ["objectSid", "objectGUID"], base=directory.base_dn, one_entry=True)
    if not roots or not heads or not heads[0].attributes.get("objectguid"):
        raise RejectedError(session.target, f"the directory does not show {directory.base_dn}; check directory.base_dn")
    parts = (roots[0].text("rootDomainNamingContext") or directory.base_dn).split(",")
    forest = ".".join(part.partition("=")[2] for part in parts)
    guid = UUID(bytes_le=heads[0].attributes["objectguid"][0])
    return Domain(directory.domain, directory.netbios_domain, forest, guid, _sid(session, heads[0]))


def find_controller(session: DirectorySession, domain: Domain) -> tuple[Controller, bool]:
    """The domain controller that the session speaks to, as a new member will know it, and whether the locator told.

    Where UDP port 389 is closed from here, the same comes over LDAPS, but the site is then the server's own.
    """
    server = session.directory.server
    address = session.peer_address()
    found = cldap.ping(address, domain.dns)
    if found is not None and found.domain_guid == domain.guid:
        site = found.client_site or found.site
        return Controller(found.host, address, found.flags | _DNS_NAMES, found.site, site), True
    wanted = ["dnsHostName", "dsServiceName"]
    roots = session.search("(objectClass=*)", wanted, base="", one_entry=True)
    host = (roots[0].text("dnsHostName") if roots else None) or server.host
    # CN=NTDS Settings,CN=DC1,CN=Servers,CN=<site>,CN=Sites,… (MS-ADTS 6.1.1.2.2.1.2.1.1)
    service = ((roots[0].text("dsServiceName") if roots else None) or "").split(",")
    site = service[3].partition("=")[2] if len(service) > 3 else "Default-First-Site-Name"
    return Controller(host, address, _PLAIN_CONTROLLER | _DNS_NAMES, site, site), False


def _sid(session: DirectorySession, entry: Entry) -> str:
    try:
        return sid_text(entry.attributes["objectsid"][0])
    except (KeyError, IndexError, ValueError) as exc:
        raise RejectedError(session.target, f"the directory shows no SID of {entry.dn}; may we read it?") from exc


def _quoted(password: SecretStr) -> bytes:
    """The form that unicodePwd wants (MS-ADTS 3.1.1.3.1.5.1)."""
    return f'"{password.get_secret_value()}"'.encode("utf-16-le")


def _new_password() -> SecretStr:
    """Of every class that a password policy may ask for; the rest is chance."""
    every = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%+-=?")
    known = [secrets.choice(group) for group in every]
    rest = [secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH - len(known))]
    letters = known + rest
    secrets.SystemRandom().shuffle(letters)
    return SecretStr("".join(letters))
