"""What the lab's directory holds on the first morning, told by the site: units, groups, colleagues, service
accounts."""

from __future__ import annotations

from datetime import date
from itertools import islice
from pathlib import Path

from provisioning.lab import directory_seed as seed
from provisioning.lab.directory import DomainController
from provisioning.site import Inventory
from provisioning.site.naming import login_candidates

FIRST_MORNING = date(2026, 11, 1)
"""The lab's office as it was that day: whoever starts later has no account yet."""

GROUPS_UNIT = "OU=Groups"
SERVICES_UNIT = "OU=Services"


def intranet_group_dn(inventory: Inventory) -> str:
    """DN of the group that the intranet admits."""
    return f"CN={inventory.intranet.group},{GROUPS_UNIT},{inventory.directory.base_dn}"


def furnish(dc: DomainController, inventory: Inventory, secrets: Path) -> None:
    """Plant everything; what is there already stays. The service accounts' passwords and keytabs are in `secrets`."""
    base, domain = inventory.directory.base_dn, inventory.directory.domain
    groups, services = f"{GROUPS_UNIT},{base}", f"{SERVICES_UNIT},{base}"
    leavers = {inventory.leavers.ou} if inventory.leavers else set()
    staff = sorted({profile.ou for profile in inventory.profiles.values()} | leavers)
    http = f"HTTP/{inventory.intranet.url.split('/')[2].partition(':')[0]}"
    people, members = _colleagues(inventory)
    seed.plant(dc, seed.units([*staff, inventory.directory.computers_ou, groups, services], base))
    seed.plant(dc, people)
    seed.plant(dc, [seed.group(name, groups, members.get(name, ())) for name in sorted(inventory.managed_groups)])
    password = {
        name: (secrets / name).read_text(encoding="utf-8").strip()
        for name in ("svc-provision", "svc-mail", "svc-check", "svc-web")
    }
    seed.plant(
        dc,
        [
            seed.service("svc-provision", services, domain, password["svc-provision"]),
            seed.service("svc-mail", services, domain, password["svc-mail"]),
            *_check_mailbox(inventory, services),
            seed.service("svc-web", services, domain, password["svc-web"], principals=[http]),
            seed.service("svc-check", services, domain, password["svc-check"], may_act_for_anybody_at=[http]),
        ],
    )
    for ou in staff:
        seed.delegate(dc, "svc-provision", ou, "users")
    seed.delegate(dc, "svc-provision", inventory.directory.computers_ou, "computers")
    seed.delegate(dc, "svc-provision", groups, "groups")
    seed.export_keytab(dc, http, secrets / "intranet.keytab")
    seed.export_keytab(dc, "svc-check", secrets / "svc-check.keytab")


def _check_mailbox(inventory: Inventory, ou: str) -> list[seed.Entry]:
    """The mailbox that automatic replies are proved with: nobody knows its password."""
    mail, domain = inventory.mail, inventory.directory.domain
    if mail.sieve is None or mail.sieve.check_mailbox is None:
        return []
    attributes = {"cn": mail.sieve.check_mailbox, "mail": mail.check_sender}
    return [seed.person(mail.sieve.check_mailbox, ou, domain, attributes)]


def _colleagues(inventory: Inventory) -> tuple[list[seed.Entry], dict[str, list[str]]]:
    """The people who work here already, as directory entries, and who of them is in which group."""
    entries, members, used = [], dict[str, list[str]](), set[str]()
    for key, person in inventory.people.items():
        if person.start and person.start > FIRST_MORNING:
            continue
        profile = inventory.profiles[person.profile]
        names = (
            [person.login]
            if person.login
            else login_candidates(
                person.given_name, person.family_name, inventory.directory.logins, inventory.naming.transliteration
            )
        )
        login = next(islice((name for name in names if name not in used), 1))
        used.add(login)
        cn = f"{person.given_name} {person.family_name}"
        attributes = {
            "cn": cn,
            "givenName": person.given_name,
            "sn": person.family_name,
            "displayName": cn,
            "employeeID": key,
        }
        entry = seed.person(login, profile.ou, inventory.directory.domain, attributes)
        entries.append(entry)
        for group in {*profile.groups, inventory.intranet.group}:
            members.setdefault(group, []).append(entry.dn)
    return entries, members
