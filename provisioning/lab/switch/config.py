"""The configuration of one lab switch and the text in which IOS shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface

from provisioning.lab.switch.vlans import wrapped

_AFTER_SHUTDOWN = ("spanning-tree", "ip ", "power ", "channel-group", "storm-control", "authentication", "mab", "dot1x")
_BESIDE_MODE = "switchport nonegotiate"
# Global lines stand in this order, those of one row between two "!". What no row names is refused.
BEFORE_VLANS = (
    ("version", "no service", "service"),
    ("logging buffered", "enable"),
    ("username",),
    ("aaa",),
    ("clock", "switch"),
    ("ip domain-name", "no ip domain-lookup", "ip dhcp snooping", "ip ssh"),
    ("dot1x system-auth-control", "errdisable recovery"),
    ("archive",),
    ("spanning-tree mode", "spanning-tree extend", "spanning-tree vlan", "spanning-tree portfast bpduguard"),
    ("vlan internal",),
    ("lldp run", "no cdp run"),
    ("file prompt",),
)
AFTER_PORTS = (
    ("ip default-gateway", "ip http", "no ip http", "ip route"),
    ("logging",),
    ("snmp-server",),
    ("tacacs server",),
    ("radius server",),
    ("banner",),
    ("line",),
    ("ntp",),
    ("mac address-table",),
)


@dataclass(frozen=True)
class PortConfig:
    """One interface. `allowed_vlans` are those of a trunk (``None``: all), `sticky_macs` what port security learned.
    `extra` are lines that the lab keeps and shows but that change nothing on the bridge."""

    description: str | None = None
    mode: str | None = None
    access_vlan: int = 1
    voice_vlan: int | None = None
    shutdown: bool = False
    extra: tuple[str, ...] = ()
    native_vlan: int = 1
    allowed_vlans: frozenset[int] | None = None
    speed: int | None = None
    duplex: str | None = None
    power: bool = True
    security: bool = False
    security_maximum: int = 1
    security_violation: str = "shutdown"
    security_sticky: bool = False
    sticky_macs: tuple[tuple[str, int], ...] = ()
    port_control: str | None = None
    authenticator: bool = False
    storm_control: str | None = None
    portfast: bool = False
    bpduguard: str | None = None

    def lines(self) -> list[str]:
        """The lines of its section, in the order of the device; defaults are not shown."""
        late = [line for line in self.extra if line.startswith(_AFTER_SHUTDOWN)]
        early = [line for line in self.extra if line == _BESIDE_MODE]
        lines = [f"description {self.description}"] if self.description else []
        lines += self._switching()
        lines += self._security()
        lines += [line for line in self.extra if line not in {*late, *early}]
        lines += ["shutdown"] if self.shutdown else []
        lines += [] if self.power else ["power inline never"]
        lines += [f"speed {self.speed}"] if self.speed else []
        lines += [f"duplex {self.duplex}"] if self.duplex else []
        lines += [f"authentication port-control {self.port_control}"] if self.port_control else []
        lines += ["dot1x pae authenticator"] if self.authenticator else []
        lines += [f"storm-control broadcast level {self.storm_control}"] if self.storm_control else []
        lines += ["spanning-tree portfast"] if self.portfast else []
        lines += [f"spanning-tree bpduguard {self.bpduguard}"] if self.bpduguard else []
        return lines + late

    def _switching(self) -> list[str]:
        lines = [f"switchport access vlan {self.access_vlan}"] if self.access_vlan != 1 else []
        lines += [f"switchport trunk native vlan {self.native_vlan}"] if self.native_vlan != 1 else []
        if self.allowed_vlans is not None:
            first, *more = wrapped(self.allowed_vlans)
            lines.append(f"switchport trunk allowed vlan {first or 'none'}")
            lines += [f"switchport trunk allowed vlan add {part}" for part in more]
        lines += [f"switchport mode {self.mode}"] if self.mode else []
        lines += [_BESIDE_MODE] if _BESIDE_MODE in self.extra else []
        return lines + ([f"switchport voice vlan {self.voice_vlan}"] if self.voice_vlan else [])

    def _security(self) -> list[str]:
        word = "switchport port-security"
        lines = [f"{word} maximum {self.security_maximum}"] if self.security_maximum != 1 else []
        lines += [f"{word} violation {self.security_violation}"] if self.security_violation != "shutdown" else []
        lines += [f"{word} mac-address sticky"] if self.security_sticky else []
        for mac, vlan in self.sticky_macs:
            voice = " vlan voice" if vlan == self.voice_vlan else ""
            lines.append(f"{word} mac-address sticky {mac}{voice}")
        return lines + ([word] if self.security else [])

    def with_extra(self, line: str) -> PortConfig:
        """With one more kept line."""
        return replace(self, extra=tuple(sorted({*self.extra, line})))

    def without_extra(self, prefix: str) -> PortConfig:
        """Without the kept lines that begin with `prefix`."""
        return replace(self, extra=tuple(line for line in self.extra if not line.startswith(prefix)))


@dataclass(frozen=True)
class SviConfig:
    """The switch's own interface in a VLAN."""

    description: str | None = None
    address: IPv4Interface | None = None
    shutdown: bool = False

    def lines(self) -> list[str]:
        """The lines of its section."""
        lines = [f"description {self.description}"] if self.description else []
        lines.append(f"ip address {self.address.ip} {self.address.netmask}" if self.address else "no ip address")
        return lines + (["shutdown"] if self.shutdown else [])


@dataclass
class Configuration:
    """The running configuration. `settings` are the global lines and blocks: header → the lines under it."""

    hostname: str
    ports: dict[str, PortConfig]
    uplinks: frozenset[str] = frozenset()
    vlans: dict[int, str] = field(default_factory=lambda: {1: "default"})
    svis: dict[int, SviConfig] = field(default_factory=lambda: {1: SviConfig(shutdown=True)})
    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def factory(
        cls,
        hostname: str,
        ports: Sequence[str],
        uplinks: Sequence[str],
        settings: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Configuration:
        """As the lab delivers it: every port in its default state, uplinks as trunks."""
        made = {name: PortConfig(mode="trunk") if name in uplinks else PortConfig() for name in ports}
        return cls(hostname, made, frozenset(uplinks), settings=dict(settings or {}))

    def blank(self) -> Configuration:
        """The same device with nothing configured; the name stays until another is given."""
        return Configuration(self.hostname, dict.fromkeys(self.ports, PortConfig()), self.uplinks, svis={})

    def section(self, port: str) -> list[str]:
        """``interface …`` and its lines, indented by one space."""
        return [f"interface {port}", *(f" {line}" for line in self.ports[port].lines())]

    def svi_section(self, vlan: int) -> list[str]:
        """The same for ``interface VlanN``."""
        return [f"interface Vlan{vlan}", *(f" {line}" for line in self.svis[vlan].lines())]

    def text(self) -> str:
        """The whole configuration as the device prints it."""
        head = self._rows(BEFORE_VLANS[:1]) or ["version 15.2", "no service pad", "!"]
        lines = ["!", *head, f"hostname {self.hostname}", "!", *self._rows(BEFORE_VLANS[1:])]
        for number, name in sorted(self.vlans.items()):
            if number != 1:
                lines += [f"vlan {number}", f" name {name}", "!"]
        for port in self.ports:
            lines += [*self.section(port), "!"]
        for vlan in sorted(self.svis):
            lines += [*self.svi_section(vlan), "!"]
        return "\n".join([*lines, *self._rows(AFTER_PORTS), "end"])

    def _rows(self, rows: Sequence[tuple[str, ...]]) -> list[str]:
        lines: list[str] = []
        alike: dict[str, list[str]] = {}  # by the first word: most rows have none
        for header in self.settings:
            alike.setdefault(header.partition(" ")[0], []).append(header)
        for row in rows:
            found = [
                header
                for word in row
                for header in alike.get(word.partition(" ")[0], ())
                if header_begins(header, word)
            ]
            for header in found:
                lines += [header, *(f" {line}" for line in self.settings[header])]
            lines += ["!"] if found else []
        return lines


def header_begins(header: str, words: str) -> bool:
    """Whether a global line begins with these words (whole words)."""
    return header == words or header.startswith(f"{words} ")
