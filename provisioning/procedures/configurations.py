"""Bringing ports back to what the archive has of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.dialects import Section, load
from provisioning.dialects.masking import is_masked
from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Work
from provisioning.resources.base import Resource
from provisioning.resources.switch.section import InterfaceSection, replayable
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

__all__ = ["RESTORE", "RestoreSections", "restore_sections"]

RESTORE = "config-restore"
"""What the ledger calls the procedure."""

_NAMED = 6  # ports that a sentence names
_ONLY_PORTS = "only ports are restored, other lines of the configuration stay; `provision config diff` shows them"


@dataclass(frozen=True)
class RestoreSections:
    """Give ports of `switch` the `sections` (port → lines) that the archive had in `commit`, of the time `at`. `left`
    are sentences about what is not restored."""

    switch: str
    commit: str
    at: str
    sections: Mapping[str, tuple[str, ...]]
    left: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        ports = next(iter(self.sections)) if len(self.sections) == 1 else f"{len(self.sections)} ports"
        return f"restore {ports} of {self.switch} as archived {self.at} ({self.commit})"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's signature
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002 - the protocol's signature
        return {}

    def to_plain(self) -> dict[str, Any]:
        sections = {port: list(lines) for port, lines in self.sections.items()}
        return {"procedure": RESTORE, **vars(self), "sections": sections, "left": list(self.left)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> RestoreSections:
        """The request that :meth:`to_plain` wrote. Raises KeyError for one that it did not."""
        sections = {str(port): tuple(map(str, lines)) for port, lines in plain["sections"].items()}
        words = {name: str(plain[name]) for name in ("switch", "commit", "at")}
        return cls(**words, sections=sections, left=tuple(map(str, plain["left"])))

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002 - the protocol's signature
        if self.switch not in inventory.network.switches:
            raise RequestError(f"the site has no switch {self.switch!r} any more")
        target = f"switch:{self.switch}"
        resources = tuple(
            Resource("switch.section", target, port, InterfaceSection(lines=lines))
            for port, lines in self.sections.items()
        )
        return Work(resources, (), self.left)


def restore_sections(
    inventory: Inventory, switch: str, text: str, *, commit: str, at: str, ports: Sequence[str] = ()
) -> RestoreSections:
    """The request to give `ports` (without any: all that may be touched) the sections that the archived configuration
    `text` has, which is of the time `at`.

    Raises :class:`RequestError` for a port that it does not have or that is never touched.
    """
    dialect = load(inventory.network.switches[switch].dialect)
    if not replayable(dialect):
        raise RequestError(
            f"{switch}: sections of {dialect.title} cannot be typed in again as they are printed; "
            f"`provision config diff {switch}` shows what differs"
        )
    archived = dialect.read_ports([text])
    uplinks = {dialect.full_name(uplink) for uplink in inventory.network.switches[switch].uplinks}
    reasons = {port: _reason(port, section, uplinks) for port, section in archived.items()}
    named = tuple(dict.fromkeys(dialect.full_name(port) for port in ports))
    for port in named:
        if port not in archived:
            advice = nearest(port, archived).replace("`provision show`", f"`provision config show {switch}`")
            raise RequestError(f"the archived configuration of {switch} has no port {port!r}{advice}")
        if (reason := reasons[port]) is not None:
            raise RequestError(f"{port} of {switch} is not restored: {reason}")
    wanted = {port: archived[port].lines for port in named or archived if reasons[port] is None}
    if not wanted:
        raise RequestError(f"the archived configuration of {switch} has no port that may be restored")
    return RestoreSections(switch, commit, at, wanted, (*(() if named else _left(reasons)), _ONLY_PORTS))


def _reason(port: str, section: Section, uplinks: Collection[str]) -> str | None:
    """Why a port's archived section is not restored."""
    mode = section.fields.get("mode")
    if port in uplinks:
        return "the site lists it as an uplink"
    if section.off_limits is not None:
        return f"in the archive {section.off_limits}"
    if mode not in {None, "access"} and not str(mode).startswith("dynamic"):
        return f"in the archive its mode is {mode}"
    if any(map(is_masked, section.lines)):
        return "its section holds a secret, and secrets are not in the archive; type that in by hand"
    return None


def _left(reasons: Mapping[str, str | None]) -> Iterator[str]:
    """Sentences about what is left out when everything was asked for."""
    by_reason: dict[str, list[str]] = {}
    for port, reason in reasons.items():
        if reason is not None and "not a physical port" not in reason:
            by_reason.setdefault(reason, []).append(port)
    for reason, ports in by_reason.items():
        more = f" and {len(ports) - _NAMED} more" if len(ports) > _NAMED else ""
        yield f"{', '.join(ports[:_NAMED])}{more}: not restored, {reason}"
