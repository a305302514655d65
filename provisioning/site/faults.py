"""What can be wrong between the parts of a site, once each part is right in itself.

A site promises: every name in it leads somewhere, nothing is given twice, no desk can reach a port, a VLAN or
a package that it must not have.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.site.approval_faults import approval_faults
from provisioning.site.cabling import cabling_faults
from provisioning.site.fault import At, Fault, Once, dangling
from provisioning.site.file_faults import file_faults
from provisioning.site.inventory import Inventory
from provisioning.site.leavers import leaver_faults
from provisioning.site.peripheral_faults import peripheral_faults
from provisioning.site.phone_faults import phone_faults
from provisioning.site.software_faults import software_faults
from provisioning.site.steps import step_faults


def cross_faults(site: Inventory) -> Iterator[Fault]:
    """Everything that is wrong between the sections of a site, cheap checks on what is loaded; only the
    existence of installer files and playbooks is looked up on disk.
    """
    yield from _directory(site)
    yield from cabling_faults(site)
    yield from _profiles(site)
    yield from _people(site)
    yield from _workstations(site)
    yield from software_faults(site)
    yield from peripheral_faults(site)
    yield from phone_faults(site)
    yield from file_faults(site)
    yield from approval_faults(site)
    yield from leaver_faults(site)
    yield from step_faults(site)


# -------------------------------------------------------------------------------------------------- directory


def _rdns(dn: str) -> list[str]:
    """The parts of a DN, folded for comparison. Escaped commas stay inside their part."""
    parts, begin, escaped = [], 0, False
    for i, char in enumerate(dn):
        if char == "," and not escaped:
            parts.append(dn[begin:i])
            begin = i + 1
        escaped = char == "\\" and not escaped
    return [part.strip().casefold() for part in [*parts, dn[begin:]]]


def _below(at: At, dn: str, base: str) -> Iterator[Fault]:
    inner, outer = _rdns(dn), _rdns(base)
    if inner[-len(outer) :] != outer:
        yield Fault(at, f"{dn} is not below the directory's base_dn {base}")


def _directory(site: Inventory) -> Iterator[Fault]:
    directory = site.directory
    domain = ",".join(f"DC={label}" for label in directory.domain.split("."))
    if _rdns(directory.base_dn)[-len(_rdns(domain)) :] != _rdns(domain):
        yield Fault(
            ("directory", "base_dn"),
            f"{directory.base_dn} is not in the domain {directory.domain}; expected …{domain}",
        )
    yield from _below(("directory", "computers_ou"), directory.computers_ou, directory.base_dn)
    for name, profile in site.profiles.items():
        yield from _below(("profiles", name, "ou"), profile.ou, directory.base_dn)
    patterns: list[tuple[At, str]] = [
        *((("directory", "logins", "patterns", i), p) for i, p in enumerate(directory.logins.patterns)),
        *((("mail", "addresses", i), p) for i, p in enumerate(site.mail.addresses)),
    ]
    for at, pattern in patterns:
        if "{" not in pattern:
            yield Fault(
                at,
                f"{pattern!r} would be the same for everybody; expected {{given}}, {{family}} or the like in it",
            )
    windows = site.windows
    if windows.scheme == "http" and windows.transport == "basic":
        yield Fault(("windows", "scheme"), "basic over http would send passwords in clear; use https or ntlm")
    elif windows.scheme == "http" and windows.transport != "ntlm":
        yield Fault(("windows", "scheme"), f"{windows.transport} over http is not encrypted here; use https or ntlm")
    if windows.transport == "credssp" and not windows.credssp:
        message = "credssp hands the account's password to every PC; set credssp: true if your rules allow that"
        yield Fault(("windows", "transport"), message)


# ------------------------------------------------------------------------------------------- people and desks


def _profiles(site: Inventory) -> Iterator[Fault]:
    vlans = site.network.vlans
    for name, profile in site.profiles.items():
        at = ("profiles", name)
        yield from dangling((*at, "vlan"), "VLAN", profile.vlan, vlans)
        if profile.vlan in vlans and vlans[profile.vlan].protected and profile.vlan not in site.approvals.vlans:
            message = f"VLAN {profile.vlan!r} is protected; say in approvals: vlans who may give it to a desk"
            yield Fault((*at, "vlan"), message)
        if profile.vlan == site.network.voice_vlan:
            yield Fault((*at, "vlan"), f"VLAN {profile.vlan!r} is the voice VLAN; PCs need another one")
        for i, package in enumerate(profile.software):
            yield from _package((*at, "software", i), site, package)
        for i, package in enumerate(profile.optional_software):
            yield from _package((*at, "optional_software", i), site, package)
        for i, page in enumerate(profile.pages):
            yield from dangling((*at, "pages", i), "intranet page", page, site.intranet.pages)


def _package(at: At, site: Inventory, package: str) -> Iterator[Fault]:
    if package not in site.software:
        yield Fault(at, f"the software catalogue has no package {package!r}", package, site.software.keys())
    elif not site.software[package].approved:
        yield Fault(at, f"package {package!r} is not approved (software: {package}: approved: false)")


def _people(site: Inventory) -> Iterator[Fault]:
    desks, logins = Once(), Once()
    for key, person in site.people.items():
        at = ("people", key)
        yield from dangling((*at, "profile"), "profile", person.profile, site.profiles)
        yield from dangling((*at, "manager"), "person", person.manager, site.people)
        yield from dangling((*at, "workplace"), "workplace", person.workplace, site.workplaces)
        if person.workplace in site.workplaces and not site.workplaces[person.workplace].shared:
            taken = (
                f"workplace {person.workplace} already belongs to {{other}}; give another one or mark it 'shared: true'"
            )
            yield from desks.fault((*at, "workplace"), person.workplace, key, taken)
        taken = f"login {person.login!r} already belongs to person {{other}}"
        yield from logins.fault((*at, "login"), person.login, key, taken)
        if person.login and len(person.login) > site.directory.logins.max_length:
            limit = site.directory.logins.max_length
            yield Fault(
                (*at, "login"),
                f"login {person.login!r} is longer than the {limit} characters of directory: logins: max_length",
            )
    yield from _command_circles(site)


def _command_circles(site: Inventory) -> Iterator[Fault]:
    """Managers must not lead back to where one began. Each circle is reported once."""
    settled: set[str] = set()
    for start in site.people:
        walk: dict[str, None] = {}
        key: str | None = start
        while key is not None and key in site.people and key not in settled and key not in walk:
            walk[key] = None
            key = site.people[key].manager
        if key in walk:
            circle = [*list(walk)[list(walk).index(key) :], key]
            yield Fault(("people", key, "manager"), f"the managers go round in a circle: {' → '.join(circle)}")
        settled.update(walk)


def _workstations(site: Inventory) -> Iterator[Fault]:
    names, standing, cards, tags, hosts, addresses = (Once() for _ in range(6))
    for name, ws in site.workstations.items():
        at = ("workstations", name)
        yield from names.fault(at, name.casefold(), name, f"computer name {name} is the same as {{other}} for Windows")
        yield from dangling((*at, "workplace"), "workplace", ws.workplace, site.workplaces)
        yield from standing.fault(
            (*at, "workplace"),
            ws.workplace,
            name,
            f"workplace {ws.workplace} already has workstation {{other}}",
        )
        yield from cards.fault((*at, "mac"), ws.mac, name, f"MAC address {ws.mac} already belongs to {{other}}")
        yield from tags.fault(
            (*at, "asset_tag"), ws.asset_tag, name, f"asset tag {ws.asset_tag} already belongs to {{other}}"
        )
        yield from hosts.fault((*at, "host"), ws.host.casefold(), name, f"host {ws.host} already belongs to {{other}}")
        yield from addresses.fault(
            (*at, "address"), ws.address, name, f"address {ws.address} already belongs to {{other}}"
        )
