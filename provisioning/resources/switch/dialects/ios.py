"""Cisco IOS and IOS-XE access switches.

Lines follow the Catalyst 2960-X and 9000 configuration guides ("Configuring Interface Characteristics",
"Configuring VLANs", "Configuring Voice VLANs"). A port's section shows only what differs from the default:
VLAN 1, enabled, no voice VLAN, no description, mode by negotiation.
"""

from __future__ import annotations

import re

from provisioning.errors import RequestError
from provisioning.resources.switch.dialects.base import MacEntry, PortSection
from provisioning.resources.switch.state import SwitchPort

READ_PORTS = "show running-config | section ^interface"
READ_TRUNKS = "show interfaces status"
READ_MACS = "show mac address-table interface {}"

_INTERFACE = re.compile(r"interface (\S+)")
_MODE = re.compile(r"switchport mode (.+)")
_ACCESS = re.compile(r"switchport access vlan (\d+)")
_VOICE = re.compile(r"switchport voice vlan (\d+)")
_DESCRIPTION = re.compile(r"description (.+)")
_CHANNEL = re.compile(r"channel-group (\d+)")
_LOG = re.compile(r".{0,60}%[A-Z0-9_]+-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+:")
_MAC = re.compile(
    r"\s*(?:\*\s*)?(?P<vlan>\d+)\s+(?P<mac>[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})\s+\S+\s+(?:\S+\s+)*?(?P<port>[A-Z]\S*)\s*",
    re.IGNORECASE,
)
# What may stand in a description: printable ASCII without the help key, filters, quotes and the escape
# character.
_DESCRIBABLE = re.compile(r"[ !#-&(-+\--;=@-\[\]^_`a-z{}~,']{1,200}")
_BANNER = re.compile(r"banner \S+ (\^C|\S)(.*)")


def sections(output: str) -> dict[str, PortSection]:
    """Port → section, from ``show running-config`` (whole or filtered). Text inside banners is not
    configuration."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    fence: str | None = None
    for line in output.splitlines():
        text = line.rstrip()
        if _LOG.match(text):  # log messages may come in between
            continue
        if fence is not None:
            fence = None if fence in text else fence
        elif banner := _BANNER.match(text):
            fence, current = (None if banner[1] in banner[2] else banner[1]), None
        elif heading := _INTERFACE.fullmatch(text):
            # The first section of a name counts: the configuration comes before anything that imitates it.
            current = [] if heading[1] in found else found.setdefault(heading[1], [])
        elif text.startswith(" ") and current is not None:
            current.append(text.strip())
        elif text:
            current = None
    return {name: _section(name, lines) for name, lines in found.items()}


def _section(name: str, lines: list[str]) -> PortSection:
    def value(pattern: re.Pattern[str]) -> str | None:
        return next((match[1].strip() for line in lines if (match := pattern.fullmatch(line))), None)

    mode = "routed" if "no switchport" in lines else value(_MODE)
    channel = next((match[1] for line in lines if (match := _CHANNEL.match(line))), None)
    off_limits = None
    if channel is not None:
        off_limits = f"it belongs to port channel {channel}"
    elif mode is not None and mode != "access" and not mode.startswith("dynamic"):
        off_limits = f"its mode is {mode}"
    elif not re.match(r"[A-Za-z]*(?:Ethernet|GigE)\d", name) or "." in name:
        off_limits = "it is not a physical port"
    vlan, voice = value(_ACCESS), value(_VOICE)
    state = SwitchPort(
        description=value(_DESCRIPTION),
        enabled="shutdown" not in lines,
        mode=mode,
        access_vlan=int(vlan or 1),
        voice_vlan=int(voice) if voice else None,
    )
    return PortSection(state, tuple(lines), off_limits)


def trunks(output: str) -> frozenset[str]:
    """Short names of the ports that ``show interfaces status`` shows trunking right now, configured so or
    negotiated."""
    found, column = set(), None
    for line in output.splitlines():
        if line.startswith("Port ") and "Vlan" in line:
            column = line.index("Vlan")  # by position: the description in front of it may say anything
        elif column is not None and line[column:].startswith("trunk"):
            found.add(line.split()[0])
    return frozenset(found)


def short_name(interface: str) -> str:
    """``Gi1/0/7`` for ``GigabitEthernet1/0/7``, as tables show it."""
    return re.sub(r"^([A-Za-z]{2})[A-Za-z-]*", r"\1", interface)


def lines(interface: str, found: SwitchPort, wanted: SwitchPort) -> list[str]:
    """The lines that bring a port from `found` (everything known) to `wanted` (its managed fields).

    A port that is on and stays on is bounced when its access VLAN changes: a PC whose link stays up notices
    nothing and keeps the address of its former VLAN until the lease runs out.

    Raises :class:`RequestError` for text that the device would not store as it is.
    """
    goal = found.model_copy(update={name: getattr(wanted, name) for name in wanted.managed()})
    changed = {name for name in SwitchPort.model_fields if getattr(goal, name) != getattr(found, name)}
    if not changed:
        return []
    bounce = "access_vlan" in changed and found.enabled and goal.enabled
    said = [f"interface {interface}"]
    if "description" in changed:
        said.append(
            f"description {_describable(interface, goal.description)}" if goal.description else "no description"
        )
    if bounce:
        said.append("shutdown")
    if "mode" in changed:
        said.append(f"switchport mode {goal.mode}" if goal.mode else "no switchport mode")
    if "access_vlan" in changed:
        vlan = goal.access_vlan or 1
        said.append(f"switchport access vlan {vlan}" if vlan != 1 else "no switchport access vlan")
    if "voice_vlan" in changed:
        said.append(f"switchport voice vlan {goal.voice_vlan}" if goal.voice_vlan else "no switchport voice vlan")
    if bounce or "enabled" in changed:
        said.append("shutdown" if goal.enabled is False else "no shutdown")
    # A rejected `interface` line leaves the session where it was. `exit` keeps what follows it out of this port; had
    # this port's own `interface` been rejected, `exit` left configuration mode and the next line enters it again.
    return [*said, "exit", "configure terminal"]


def _describable(interface: str, text: str) -> str:
    if not _DESCRIBABLE.fullmatch(text):
        bad = sorted({char for char in text if not _DESCRIBABLE.fullmatch(char)})
        raise RequestError(
            f"{interface}: the description {text!r} cannot be stored by the switch "
            f"(because of {' '.join(map(repr, bad)) or 'its length'})"
        )
    return text


def macs(output: str) -> list[MacEntry]:
    """Entries of ``show mac address-table``, MAC addresses as ``02:00:5e:10:00:42``."""
    entries = []
    for line in output.splitlines():
        if row := _MAC.fullmatch(line):
            digits = row["mac"].replace(".", "").lower()
            entries.append(
                MacEntry(int(row["vlan"]), ":".join(digits[i : i + 2] for i in range(0, 12, 2)), row["port"])
            )
    return entries
