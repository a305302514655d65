"""The configuration of one lab switch and the text in which IOS shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

_AFTER_SHUTDOWN = ("spanning-tree", "ip ", "power ", "channel-group")


@dataclass(frozen=True)
class PortConfig:
    """One interface. `extra` are lines that the lab keeps and shows but that change nothing on the bridge."""

    description: str | None = None
    mode: str | None = None
    access_vlan: int = 1
    voice_vlan: int | None = None
    shutdown: bool = False
    extra: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The lines of its section, in the order of the device; defaults are not shown."""
        lines = [f"description {self.description}"] if self.description else []
        lines += [f"switchport access vlan {self.access_vlan}"] if self.access_vlan != 1 else []
        lines += [f"switchport mode {self.mode}"] if self.mode else []
        lines += [f"switchport voice vlan {self.voice_vlan}"] if self.voice_vlan else []
        late = [line for line in self.extra if line.startswith(_AFTER_SHUTDOWN)]
        lines += [line for line in self.extra if line not in late]
        lines += ["shutdown"] if self.shutdown else []
        return lines + late

    def with_extra(self, line: str) -> PortConfig:
        """With one more kept line."""
        return replace(self, extra=tuple(sorted({*self.extra, line})))

    def without_extra(self, prefix: str) -> PortConfig:
        """Without the kept lines that begin with `prefix`."""
        return replace(self, extra=tuple(line for line in self.extra if not line.startswith(prefix)))


@dataclass
class Configuration:
    """The running configuration."""

    hostname: str
    ports: dict[str, PortConfig]
    uplinks: frozenset[str] = frozenset()
    vlans: dict[int, str] = field(default_factory=lambda: {1: "default"})

    @classmethod
    def factory(cls, hostname: str, ports: Sequence[str], uplinks: Sequence[str]) -> Configuration:
        """As the lab delivers it: every port in its default state, uplinks as trunks."""
        made = {name: PortConfig(mode="trunk") if name in uplinks else PortConfig() for name in ports}
        return cls(hostname, made, frozenset(uplinks))

    def section(self, port: str) -> list[str]:
        """``interface …`` and its lines, indented by one space."""
        return [f"interface {port}", *(f" {line}" for line in self.ports[port].lines())]

    def text(self) -> str:
        """The whole configuration as the device prints it."""
        lines = ["!", "version 15.2", "no service pad", "service timestamps log datetime msec", "!"]
        lines += [
            f"hostname {self.hostname}",
            "!",
            "spanning-tree mode rapid-pvst",
            "!",
            "vlan internal allocation policy ascending",
            "!",
        ]
        for number, name in sorted(self.vlans.items()):
            if number != 1:
                lines += [f"vlan {number}", f" name {name}", "!"]
        for port in self.ports:
            lines += [*self.section(port), "!"]
        return "\n".join([*lines, "line con 0", "line vty 0 4", " login local", " transport input ssh", "!", "end"])
