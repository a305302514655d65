"""What a PC is set to: browsers, mail programs, printers of the room, the site's baseline. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, cast

from provisioning.resources.base import Proof, Resource
from provisioning.resources.windows import time_zone
from provisioning.resources.windows.baseline import baseline_policies
from provisioning.resources.windows.local_group import WELL_KNOWN, LocalGroup
from provisioning.resources.windows.mail_policies import mail_policies, mail_subject
from provisioning.resources.windows.policies import Browsing, browser_policies, browser_subject
from provisioning.resources.windows.printer import PROVIDER, PrinterConnection
from provisioning.resources.windows.registry import RegistryKey
from provisioning.resources.windows.time_zone import TimeZone
from provisioning.site import Inventory


@dataclass(frozen=True)
class PcSettings:
    """The settings of `workstation` in `room`, for somebody whose browser opens `pages` (the first is home)."""

    inventory: Inventory
    workstation: str
    room: str
    pages: Sequence[str]

    @property
    def target(self) -> str:
        return f"windows:{self.workstation}"

    def resources(self) -> Iterator[Resource]:
        """Registry keys, printers, time zone, local groups."""
        policies = self._policies()
        yield from map(Resource, repeat("windows.registry"), repeat(self.target), policies, policies.values())
        yield from self._printers()
        baseline = self.inventory.workstation_baseline
        if baseline.time_zone is not None:
            yield Resource("windows.time_zone", self.target, time_zone.KEY, TimeZone(name=baseline.time_zone))
        for group, members in baseline.local_groups.items():
            wanted = LocalGroup(members={member: True if there else None for member, there in members.items()})
            yield Resource("windows.local_group", self.target, WELL_KNOWN[group], wanted)

    def proofs(self) -> Iterator[Proof]:
        """Policies read back by another way than the one they are written by: one proof, for it costs a sign-in."""
        keys, of = self._values()
        if keys:
            yield Proof(
                "windows.policy", self.target, f"policies on {self.workstation} read back ({of})", {"keys": keys}
            )

    def _values(self) -> tuple[Mapping[str, Any], str]:
        """Key → the values that are there, as plain data; and whose policies they are."""
        known = self.inventory.worked_out
        if (found := known.get(("policy values", *self.pages))) is None:
            keys: dict[str, Any] = {}
            for path, policy in self._policies().items():
                values = {name: value for name, value in policy.to_plain()["values"].items() if value is not None}
                if values:
                    keys[path] = values
            found = known["policy values", *self.pages] = keys, ", ".join(sorted(set(map(_subject, keys))))
        return cast("tuple[Mapping[str, Any], str]", found)

    def _policies(self) -> Mapping[str, RegistryKey]:
        """The same for everybody whose browser opens these pages."""
        known = self.inventory.worked_out
        if (found := known.get(("policies", *self.pages))) is None:
            found = known["policies", *self.pages] = self._all_policies()
        return cast("Mapping[str, RegistryKey]", found)

    def _all_policies(self) -> Mapping[str, RegistryKey]:
        """The baseline comes last: what the site writes in registry terms is meant so."""
        site = self.inventory
        browsing = Browsing(
            home=self.pages[0],
            start_pages=self.pages,
            bookmarks=[(page.name, page.url) for page in site.intranet.pages.values()],
            proxy_pac=site.browser.proxy_pac,
            sign_in_hosts=site.browser.sign_in_hosts,
            delegate_hosts=site.browser.delegate_hosts,
            intranet_zone=site.browser.intranet_zone,
        )
        found = browser_policies(browsing)
        if (clients := site.mail.clients) is not None:
            kerberos = clients.domains if clients.authentication == "kerberos" else ()
            found |= mail_policies(exchange=clients.exchange, kerberos_domains=kerberos)
        for path, policy in baseline_policies(site.workstation_baseline).items():
            same = next((known for known in found if known.casefold() == path.casefold()), path)
            found[same] = _joined(found.get(same), policy)
        return dict(sorted(found.items()))

    def _printers(self) -> Iterator[Resource]:
        """The room's printers; the site's other printers are taken away, and no printer that it does not list."""
        for printer in sorted(self.inventory.printers.values(), key=lambda p: p.share):
            wanted = PrinterConnection(provider=PROVIDER) if self.room in printer.rooms else None
            yield Resource("windows.printer", self.target, printer.share, wanted)


def _subject(path: str) -> str:
    return mail_subject(path) or browser_subject(path) or "baseline"


def _joined(one: RegistryKey | None, other: RegistryKey) -> RegistryKey:
    if one is None:
        return other
    named = {name.casefold() for name in other.values}
    kept = {name: value for name, value in one.values.items() if name.casefold() not in named}
    return RegistryKey(values={**kept, **other.values}, exclusive=one.exclusive)
