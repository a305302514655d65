"""One lab switch: its running and startup configuration, and the bridge that both change."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from provisioning.lab.switch.clock import log_stamp
from provisioning.lab.switch.config import Configuration, PortConfig, SviConfig
from provisioning.lab.switch.dataplane import DataPlane, MacEntry
from provisioning.lab.switch.factory import factory_settings
from provisioning.lab.switch.faults import Faults, read_faults
from provisioning.lab.switch.flash import Flash
from provisioning.lab.switch.neighbours import Neighbours
from provisioning.lab.switch.rollback import Rollback

LINES = 16
"""Sessions that the switch has room for (``line vty 0 15``)."""

_LOG_SIZE = 200  # messages


@dataclass(frozen=True)
class Settings:
    """What a switch process is told about one switch (a JSON file in the lab's folder).

    `management` is the switch's own interface (``vlan``, ``address`` with its prefix, ``gateway``, and ``device``, the
    end of the cable that leads from the bridge to the switch itself); empty when it has none.
    """

    name: str
    hostname: str
    address: str
    port: int
    user: str
    password_file: str
    folder: str
    ports: Mapping[str, str]
    uplinks: Sequence[str]
    vlans: Mapping[str, str]
    namespace: str
    database: str
    control: str
    bridge: str
    privileged: bool = True
    dialect: str = "ios"
    management: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A session: where from, since when (monotonic seconds)."""

    user: str
    peer: str
    since: float
    tell: Callable[[str], None]


@dataclass(frozen=True)
class LinkChange:
    """When a port's link last came up or went down (monotonic seconds), and how often it was lost."""

    up: bool
    since: float
    lost: int = 0


@dataclass
class Arp:
    """Addresses that the switch's own interface knows: address → (MAC, when it was heard)."""

    entries: dict[IPv4Address, tuple[str, float]] = field(default_factory=dict)


class Device:
    """One switch. The startup configuration outlives the process, the running configuration does not, as on
    the real thing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.startup = Path(settings.folder) / "startup-config"
        self.flash = Flash(Path(settings.folder) / "flash")
        self._faults = Path(settings.folder) / "faults.json"
        self.plane = DataPlane(
            settings.namespace,
            settings.database,
            settings.control,
            settings.bridge,
            settings.ports,
            uplinks=settings.uplinks,
        )
        self.config = self._delivered()
        self.rollback = Rollback(self)
        self.neighbours = Neighbours()
        self.arp = Arp()
        self.links: dict[str, LinkChange] = {}
        self.lines: dict[int, Line] = {}
        self.log: list[str] = []
        self.cuts = 0
        self.cleared: dict[str, Mapping[str, int]] = {}
        self.started = time.monotonic()
        self.changed = ""

    def _delivered(self) -> Configuration:
        settings, management = self.settings, self.settings.management
        made = Configuration.factory(
            settings.hostname,
            list(settings.ports),
            settings.uplinks,
            factory_settings(settings.hostname, settings.user, management.get("gateway")),
        )
        made.vlans |= {int(number): name for number, name in settings.vlans.items()}
        if management:
            made.vlans.setdefault(int(management["vlan"]), "management")
            made.svis[int(management["vlan"])] = SviConfig(address=IPv4Interface(management["address"]))
        return made

    # -- configuration

    @property
    def faults(self) -> Faults:
        """The misbehaviour that is switched on now."""
        return read_faults(self._faults)

    def set_port(self, port: str, after: PortConfig) -> None:
        """Change one port's running configuration, and the bridge with it."""
        before, self.config.ports[port] = self.config.ports[port], after
        if _vlans_of(before) != _vlans_of(after):
            self.plane.set_vlans(port, after)
        if before.shutdown != after.shutdown:
            self.plane.set_link(port, up=not after.shutdown)

    def adopt(self, wanted: Configuration) -> None:
        """Make `wanted` the running configuration; ports that stay as they are notice nothing."""
        ports, before = dict(wanted.ports), self.config
        self.config = replace(wanted, ports=dict(before.ports))
        for port, config in ports.items():
            if before.ports[port] != config:
                self.set_port(port, config)

    def understood(self, text: str) -> tuple[Configuration, list[str]]:
        """What a configuration file says, and the lines that the device does not take."""
        from provisioning.lab.switch.terminal import Terminal  # noqa: PLC0415 # a session reads, and knows devices

        scratch = Device(replace(self.settings, management={}))
        scratch.plane = Unplugged()
        scratch.config = self.config.blank()
        terminal = Terminal(scratch)
        terminal.mode = "config"
        refused = []
        for line in text.splitlines():
            said = "" if line == "end" else terminal.type(line).lstrip(" ^\n")
            if said.startswith(("% ", "Command rejected")) and "Creating vlan" not in said:
                refused.append(line)
        return scratch.config, refused

    def lay_out(self) -> None:
        """Bring the bridge in line with the whole running configuration (after a start)."""
        for port, config in self.config.ports.items():
            self.plane.set_link(port, up=not config.shutdown)
            self.plane.set_vlans(port, config)
        self.plane.flush()

    def restart(self) -> None:
        """Begin anew, as after a loss of power: with the startup configuration, or as delivered when none was saved."""
        self.config = self._delivered()
        if self.startup.exists():
            self.config, _ = self.understood(self.startup.read_text(encoding="utf-8"))
        self.rollback.pending = None
        self.started = time.monotonic()
        self.lay_out()

    def save(self) -> None:
        """Copy the running configuration to the startup configuration."""
        partial = self.startup.with_suffix(".partial")
        partial.write_text(self.config.text() + "\n")
        partial.rename(self.startup)
        if "write-memory" in self.config.settings.get("archive", ()):
            self.rollback.archive()

    # -- what it notices

    def tick(self) -> None:
        """Do what is due. Called often."""
        self.rollback.tick()
        self.neighbours.expire()
        self.plane.flush()

    def record(self, message: str) -> None:
        """Put a message into the log; ``%FACILITY-SEVERITY-NAME: text``."""
        self.log = [*self.log, f"{log_stamp()}: {message}"][-_LOG_SIZE:]

    def link_seen(self, port: str, *, up: bool) -> None:
        """A port's link is up or down now."""
        before = self.links.get(port)
        if before is not None and before.up == up:
            return
        lost = (before.lost if before else 0) + (1 if before and not up else 0)
        self.links[port] = LinkChange(up, time.monotonic(), lost)
        if not up:
            self.neighbours.drop(port)
        if before is not None and port in self.config.ports:
            state = "up" if up else "administratively down" if self.config.ports[port].shutdown else "down"
            kind = "LINK-5-CHANGED" if state.startswith("admin") else "LINK-3-UPDOWN"
            self.record(f"%{kind}: Interface {port}, changed state to {state}")

    def mac(self, number: int) -> str:
        """The switch's own address for its n-th port (0: the switch itself), as ``7cad.4f01.0207``."""
        digits = f"7cad4f{zlib.crc32(self.settings.name.encode()) & 0xFFFF:04x}{number & 0xFF:02x}"
        return ".".join(digits[i : i + 4] for i in (0, 4, 8))

    def seats(self) -> int:
        """Sessions that it has room for right now."""
        return self.faults.max_sessions or LINES


class Unplugged(DataPlane):
    """A data plane without a bridge, to read configurations."""

    def __init__(self) -> None:
        super().__init__("", "", "", "", {})

    def set_link(self, port: str, *, up: bool) -> None:
        """Nothing happens."""

    def set_vlans(self, port: str, config: PortConfig) -> None:
        """Nothing happens."""

    def flush(self) -> None:
        """Nothing happens."""

    def mac_table(self) -> list[MacEntry]:
        """Nothing is learned."""
        return []


def _vlans_of(config: PortConfig) -> tuple[object, ...]:
    return (
        config.mode,
        config.access_vlan,
        config.voice_vlan,
        config.native_vlan,
        config.allowed_vlans,
        config.port_control,
    )
