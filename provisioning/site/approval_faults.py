"""What can be wrong between the approval policy and the rest of a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provisioning.site.approvals import Rule
from provisioning.site.fault import At, Fault, dangling
from provisioning.site.inventory import Inventory


def approval_faults(site: Inventory) -> Iterator[Fault]:
    """Every name in ``approvals:`` leads somewhere, and every role has somebody who may speak for it."""
    policy = site.approvals
    for role, users in policy.roles.items():
        if not users:
            yield Fault(("approvals", "roles", role), f"nobody has the role {role!r}; name at least one user")
    for group, rule in policy.groups.items():
        known = {name.casefold() for name in site.managed_groups}
        if group.casefold() not in known:
            message = f"no profile gives the group {group!r}, so nobody would ever be asked"
            yield Fault(("approvals", "groups", group), message, group, site.managed_groups)
        yield from _rule(site, ("approvals", "groups", group), rule)
    for vlan, rule in policy.vlans.items():
        yield from dangling(("approvals", "vlans", vlan), "VLAN", vlan, site.network.vlans)
        yield from _rule(site, ("approvals", "vlans", vlan), rule)
    for pool, rule in policy.licences.items():
        yield from dangling(("approvals", "licences", pool), "licence pool", pool, site.licences)
        yield from _rule(site, ("approvals", "licences", pool), rule)
    for profile, roles in policy.profiles.items():
        yield from dangling(("approvals", "profiles", profile), "profile", profile, site.profiles)
        yield from _roles(site, ("approvals", "profiles", profile), roles)
    if "copy_off_premises" in policy.model_fields_set:
        yield from _roles(site, ("approvals", "copy_off_premises"), policy.copy_off_premises)


def _rule(site: Inventory, at: At, rule: Rule) -> Iterator[Fault]:
    yield from _roles(site, at, rule.roles)
    for profile in rule.except_profiles:
        yield from dangling((*at, "except_profiles"), "profile", profile, site.profiles)


def _roles(site: Inventory, at: At, roles: Sequence[str]) -> Iterator[Fault]:
    for role in roles:
        yield from dangling(at, "role", role, site.approvals.roles)
