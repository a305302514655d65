"""What a switch says of itself before one of its ports is changed, and which ports must be left alone because of it.

Everything is asked in one write. The site's word about uplinks is not enough: what the device answers is checked as
well. It is told by the configuration (port channels, routed ports, trunks), by what the ports do right now (a trunk
that was negotiated), by LLDP (another switch or router is behind the port), and by the way that this very session
comes in (the MAC address of our own machine, or of the switch's gateway).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.dialects import Dialect, Section
from provisioning.errors import UnreachableError
from provisioning.resources.switch.state import SwitchPort
from provisioning.resources.switch.tables import forwards

if TYPE_CHECKING:
    from provisioning.connections.switch import SwitchSession

__all__ = ["FEW", "Look", "attend", "commands", "look", "refuse_if_pending", "sections", "sections_of"]

_NEIGHBOURS, _LINKS, _ARP, _GATEWAY, _MACS = "neighbours", "links", "arp", "gateway", "macs"


@dataclass(frozen=True)
class Look:
    """The ports of a switch, and for some of them the sentence that says why they are left alone."""

    sections: Mapping[str, Section]
    trunking: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    """Ports of which the table of links does not say what they do right now."""
    neighbours: Mapping[str, str] | None = None
    management: frozenset[str] = frozenset()
    guarded: bool = False

    def refusal(self, session: SwitchSession, key: str, wanted: SwitchPort) -> str | None:
        """Why `key` must not be changed to `wanted`; ``None``: it may be.

        A trunk is touched only by a change that names the trunk's VLANs: asking for a desk there never does.
        """
        section = self.sections[key]
        if key in {session.dialect.full_name(port) for port in session.switch.uplinks}:
            return f"the site lists it as an uplink of {session.name}"
        if section.off_limits is not None:
            return f"on the switch {section.off_limits}"
        if key in self.management:
            return "the switch's own management comes in there"
        if key in (self.neighbours or {}):
            return f"behind it is {(self.neighbours or {})[key]}"
        return self._wrong_mode(key, section, wanted)

    def _wrong_mode(self, key: str, section: Section, wanted: SwitchPort) -> str | None:
        mode = section.fields.get("mode")
        # Some families run the port of a PC behind a telephone as a trunk of its two VLANs.
        telephone = mode == "access" and section.fields.get("voice_vlan") is not None
        names_vlans = "allowed_vlans" in wanted.managed()
        if not _plain(mode) and not (mode == "trunk" and names_vlans):
            return f"on the switch its mode is {mode}"
        if key in self.trunking and not names_vlans and not telephone:
            return "the switch runs it as a trunk right now"
        if key in self.silent and not names_vlans:
            return "the switch's table of links does not say whether it runs it as a trunk right now"
        if not _plain(wanted.mode) and not (wanted.mode == "trunk" and names_vlans):
            return f"mode {wanted.mode} is never set" + (" without its list of VLANs" if wanted.mode == "trunk" else "")
        return None


def _plain(mode: str | None) -> bool:
    return mode is None or mode == "access" or mode.startswith("dynamic")


FEW = 4
"""So many ports are asked for one by one, where the device can: the whole configuration of a stack takes seconds."""


def commands(dialect: Dialect, keys: Sequence[str] = ()) -> list[str]:
    """What to ask for :func:`sections_of`. With `keys`, only these ports must be in the answer."""
    if _are_few(dialect, keys):
        return list(dict.fromkeys(line.replace("{port}", key) for key in keys for line in dialect.ports.one))
    return [*dialect.ports.read, *([dialect.tables[_LINKS].command] if dialect.ports.listed else [])]


def sections_of(dialect: Dialect, outputs: Sequence[str], keys: Sequence[str] = ()) -> Mapping[str, Section]:
    """Port → what its configuration says, of all ports of the switch, or of `keys` as given to :func:`commands`."""
    if _are_few(dialect, keys):
        return dialect.read_ports(outputs)
    count = len(dialect.ports.read)
    listed = [row["port"] for output in outputs[count:] for row in dialect.rows(_LINKS, output)]
    return dialect.read_ports(outputs[:count], listed)


def sections(session: SwitchSession, keys: Sequence[str] = ()) -> Mapping[str, Section]:
    """The same, asked for. A port of `keys` that is not in it is not on the switch."""
    dialect = session.dialect
    if _are_few(dialect, keys):
        asked = commands(dialect, keys)
        found = sections_of(dialect, session.show_all(asked, optional=asked), keys)
        if all(key in found for key in keys):
            return found
    return sections_of(dialect, session.show_all(commands(dialect)))


def _are_few(dialect: Dialect, keys: Sequence[str]) -> bool:
    return bool(dialect.ports.one) and 0 < len(keys) <= FEW


def look(session: SwitchSession, keys: Sequence[str] = ()) -> Look:
    """Everything that must be known before ports (`keys`; without them: any) are changed, asked in one write.

    Of few ports only their own configuration and what they do right now is asked; who is behind the ports and where
    management comes in is asked of the whole switch all the same. A device that does not answer for each of them is
    asked for everything.

    What an earlier process of ours left unconfirmed (we are alone on the target, so it is dead) is taken back at once,
    as the device would do itself in a while. Raises :class:`UnreachableError` (busy) while a change of somebody else
    waits on the device: what is changed meanwhile would be taken back with it.
    """
    if _are_few(session.dialect, keys):
        seen = _look(session, keys)
        if all(key in seen.sections and key not in seen.silent for key in keys):
            return seen
    return _look(session, ())


@dataclass(frozen=True)
class _Questions:
    """The commands for a look: `read` shows the ports' configuration, `links` what they do right now, `probe` what the
    device guards; `tables` are by name."""

    read: Sequence[str]
    links: Sequence[str]
    tables: Mapping[str, str]
    probe: Sequence[str]

    @classmethod
    def about(cls, dialect: Dialect, keys: Sequence[str]) -> _Questions:
        names = [name for name in (_NEIGHBOURS, _GATEWAY, _ARP, _MACS) if name in dialect.tables]
        guard = dialect.guard
        return cls(
            commands(dialect, keys) if _are_few(dialect, keys) else dialect.ports.read,
            _links(dialect, keys),
            {name: dialect.tables[name].command for name in names},
            [] if guard is None else [one for one in (guard.probe, guard.pending) if one is not None],
        )

    @property
    def all(self) -> list[str]:
        return [*self.read, *self.links, *self.tables.values(), *self.probe]


def attend(session: SwitchSession, keys: Sequence[str] = (), *, keeping: bool) -> AbstractContextManager[None]:
    """One round trip for all that is asked before a change of `keys` (without them: of any port), the configuration for
    the archive included if it is kept; and one for the saving and the read behind it."""
    read = commands(session.dialect, keys)
    kept = session.dialect.configuration if keeping else ()
    return session.batch([*read, *_Questions.about(session.dialect, keys).all, *kept], again=read)


def _look(session: SwitchSession, keys: Sequence[str], *, reverts: bool = True) -> Look:
    dialect = session.dialect
    asked = _Questions.about(dialect, keys)
    optional = [*asked.tables.values(), *asked.probe]
    if _are_few(dialect, keys):
        optional += [*asked.read, *asked.links]
    said = dict(zip(asked.all, session.show_all(asked.all, optional=optional), strict=True))
    probed = {command: said[command] for command in asked.probe}
    if reverts and _waits(session, probed).get("user") == session.switch.credential.user and not session.revert():
        return _look(session, keys, reverts=False)
    _refuse(session, probed)
    configuration, links = [said[command] for command in asked.read], asked.links
    linked = [row for command in links for row in dialect.rows(_LINKS, said[command])]
    rows = {name: dialect.rows(name, said[command]) for name, command in asked.tables.items()}
    ports = [row["port"] for row in linked]
    found = dialect.read_ports(configuration, ports if dialect.ports.listed else [])
    return Look(
        found,
        frozenset(row["port"] for row in linked if row.get("vlan", "").startswith("trunk")),
        frozenset(found.keys() - {*ports}) if links else frozenset(),
        dict(_switches(rows.get(_NEIGHBOURS, []))),
        _management(session, rows),
        _offered(dialect, probed),
    )


def _links(dialect: Dialect, keys: Sequence[str]) -> list[str]:
    """The commands that say what ports do right now."""
    table = dialect.tables.get(_LINKS)
    if table is None:
        return []
    if table.one is None or not _are_few(dialect, keys):
        return [table.command]
    return [table.one.replace("{port}", key) for key in keys]


def _offered(dialect: Dialect, probed: Mapping[str, str]) -> bool:
    guard = dialect.guard
    if guard is None:
        return False
    return guard.probe is None or (guard.offered is not None and bool(guard.offered.search(probed[guard.probe])))


def refuse_if_pending(session: SwitchSession, but_of: str | None = None) -> None:
    """Raises :class:`UnreachableError` while a change waits for its confirmation on the device. That of the account
    `but_of` is none of our business here, nor one of which the device does not say whose it is."""
    guard = session.dialect.guard
    if guard is not None and guard.pending is not None:
        shown = session.show_all([guard.pending], optional=[guard.pending])
        _refuse(session, {guard.pending: shown[0]}, but_of)


def _waits(session: SwitchSession, probed: Mapping[str, str]) -> dict[str, str]:
    """What the device says of a change that waits for its confirmation; nothing: there is none."""
    guard = session.dialect.guard
    if guard is None or guard.pending is None or guard.waits is None:
        return {}
    waits = guard.waits.search(probed[guard.pending])
    return {} if waits is None else {"": waits[0], **{name: text for name, text in waits.groupdict().items() if text}}


def _refuse(session: SwitchSession, probed: Mapping[str, str], but_of: str | None = None) -> None:
    said = _waits(session, probed)
    if said and (but_of is None or said.get("user", but_of) != but_of):
        whose = f" by {said['user']}" if "user" in said else ""
        left = f"{said['seconds']} s" if "seconds" in said else f"{said.get('minutes', 'a few')} min at most"
        asked = session.dialect.guard.pending if session.dialect.guard else ""
        raise UnreachableError(
            session.target,
            f"a change{whose} still waits for its confirmation there ({asked}); the switch takes it back in "
            f"{left} unless it is confirmed, and with it whatever was changed meanwhile; try again after that",
        )


def _switches(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Ports with another switch or router behind them."""
    return [
        (row["port"], f"{row.get('name') or row.get('chassis') or 'a device'} (LLDP: {row['capabilities']})")
        for row in rows
        if forwards(row.get("capabilities", ""))
    ]


def _management(session: SwitchSession, rows: Mapping[str, list[dict[str, str]]]) -> frozenset[str]:
    """The ports on which the switch sees us, or the gateway through which it answers us."""
    ends = {session.our_address, *(row["address"] for row in rows.get(_GATEWAY, []))}
    macs = {row["mac"] for row in rows.get(_ARP, []) if row["address"] in ends and row["mac"]}
    return frozenset(row["port"] for row in rows.get(_MACS, []) if row["mac"] in macs)
