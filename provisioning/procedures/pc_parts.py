"""Parts of what a PC is set to, each for itself: of :class:`~provisioning.procedures.pc_settings.PcSettings` what
belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import ValidationError

from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.install_scope import people_at
from provisioning.procedures.pc_settings import PcSettings
from provisioning.resources.base import Proof, Resource
from provisioning.resources.windows.baseline import baseline_policies
from provisioning.resources.windows.mail_policies import mail_subject
from provisioning.resources.windows.policies import browser_subject
from provisioning.resources.windows.reg_file import full_key
from provisioning.site import Inventory
from provisioning.site.baseline import WorkstationBaseline
from provisioning.site.inventory import unknown

Part = Literal["browsers", "mail programs", "baseline", "printers"]
PARTS: tuple[Part, ...] = get_args(Part)

_OF_KIND: Mapping[str, Part] = {
    "windows.printer": "printers",
    "windows.time_zone": "baseline",
    "windows.local_group": "baseline",
}


@dataclass(frozen=True)
class PcParts:
    """The `parts` of what `workstation` is set to. `pages` are what its browsers open (addresses, the first is home);
    `policies` are registry values beside the site's own, in the form of ``workstation_baseline: registry:``."""

    workstation: str
    parts: tuple[Part, ...]
    pages: tuple[str, ...] = ()
    policies: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"set {', '.join(self.parts)} of {self.workstation}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002  (a PC is nobody's account)
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def to_plain(self) -> dict[str, Any]:
        return {
            "procedure": "pc-parts",
            "workstation": self.workstation,
            "parts": list(self.parts),
            "pages": list(self.pages),
            "policies": dict(self.policies),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> PcParts:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        return cls(plain["workstation"], tuple(plain["parts"]), tuple(plain["pages"]), plain["policies"])

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        """Raises :class:`RequestError` for an unknown PC, for the printers of one that stands nowhere, and when the
        site says nothing of these parts."""
        if self.workstation not in inventory.workstations:
            unknown("workstation", self.workstation, inventory.workstations)
        settings = PcSettings(_with(inventory, self.policies), self.workstation, self._room(inventory), self.pages)
        mine = _Mine(frozenset(self.parts), frozenset(_baseline(inventory)))
        resources = tuple(one for one in settings.resources() if mine.has(one))
        if not resources:
            raise RequestError(
                f"the site says nothing of {', '.join(self.parts)}: see {', '.join(_SAID[part] for part in self.parts)}"
            )
        return Work(resources, tuple(mine.proofs(settings)))

    def _room(self, inventory: Inventory) -> str:
        desk = inventory.workstations[self.workstation].workplace
        if desk is None and "printers" in self.parts:
            raise RequestError(
                f"{self.workstation} stands at no workplace (it is in store), so it is in no room whose printers it "
                "could have"
            )
        return "" if desk is None else inventory.workplaces[desk].room


_SAID: Mapping[Part, str] = {
    "browsers": "browser: and intranet: pages",
    "mail programs": "mail: clients",
    "baseline": "workstation_baseline:",
    "printers": "printers:",
}


def pc_parts(
    inventory: Inventory,
    workstation: str,
    parts: Iterable[Part],
    *,
    pages: Sequence[str] = (),
    policies: Mapping[str, Any] | None = None,
) -> PcParts:
    """A request to set `parts` of a PC as the site wants them. `pages` (names of the intranet's pages, or addresses)
    go before those of whoever sits there; `policies` are browser policies beside the site's, by registry key.

    Raises :class:`RequestError` for unknown names, and for keys that are none of browser policies.
    """
    if workstation not in inventory.workstations:
        unknown("workstation", workstation, inventory.workstations)
    for key in policies or {}:
        if browser_subject(key) is None:
            raise RequestError(
                f"{key} is no key of browser policies; expected one of Edge, Chrome or Firefox below "
                r"HKLM\SOFTWARE\Policies"
            )
    _with(inventory, policies or {})
    found = tuple(_address(inventory, page) for page in pages) or tuple(_pages_there(inventory, workstation))
    return PcParts(workstation, tuple(dict.fromkeys(parts)), found, dict(policies or {}))


def _pages_there(inventory: Inventory, workstation: str) -> Sequence[str]:
    """What onboarding opens for whoever sits there (at a shared desk, for the first of them)."""
    intranet = inventory.intranet
    for key in people_at(inventory, workstation)[:1]:
        profile = inventory.profiles[inventory.people[key].profile]
        return [intranet.pages[page].url for page in profile.pages] or [intranet.url]
    return [intranet.url]


def _address(inventory: Inventory, page: str) -> str:
    if "://" in page:
        return page
    if page not in inventory.intranet.pages:
        unknown("page", page, inventory.intranet.pages)
    return inventory.intranet.pages[page].url


def _with(inventory: Inventory, policies: Mapping[str, Any]) -> Inventory:
    """The site with registry values beside its own. Raises :class:`RequestError` for what are none."""
    if not policies:
        return inventory
    baseline = inventory.workstation_baseline
    merged = baseline.model_dump(exclude_unset=True)
    merged["registry"] = {**merged.get("registry", {}), **policies}
    try:
        checked = WorkstationBaseline.model_validate(merged)
    except ValidationError as exc:
        first = exc.errors(include_input=False)[0]
        where = ": ".join(str(part) for part in first["loc"][1:])
        raise RequestError(f"policies: {where}: {first['msg'].removeprefix('Value error, ')}") from exc
    return inventory.model_copy(update={"workstation_baseline": checked})


def _baseline(inventory: Inventory) -> Iterator[str]:
    return (full_key(key).casefold() for key in baseline_policies(inventory.workstation_baseline))


@dataclass(frozen=True)
class _Mine:
    """What belongs to `parts`; `baseline` are the keys that the site's baseline has values of."""

    parts: frozenset[Part]
    baseline: frozenset[str]

    def has(self, resource: Resource) -> bool:
        if resource.kind == "windows.registry":
            return self.key(resource.key)
        return _OF_KIND[resource.kind] in self.parts

    def key(self, path: str) -> bool:
        """Whether a registry key belongs here. A key that the baseline shares with a browser belongs to both."""
        return bool(
            ("mail programs" in self.parts and mail_subject(path))
            or ("browsers" in self.parts and browser_subject(path))
            or ("baseline" in self.parts and full_key(path).casefold() in self.baseline)
        )

    def proofs(self, settings: PcSettings) -> Iterator[Proof]:
        """Of the PC's proof, the keys that belong here."""
        for proof in settings.proofs():
            keys = {path: values for path, values in proof.parameters["keys"].items() if self.key(path)}
            if keys:
                said = f"policies on {settings.workstation} read back ({', '.join(sorted(self.parts))})"
                yield Proof(proof.kind, proof.target, said, {**proof.parameters, "keys": keys})
