"""One lab switch: its running and startup configuration, and the bridge that both change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.lab.switch.config import Configuration, PortConfig
from provisioning.lab.switch.dataplane import DataPlane
from provisioning.lab.switch.faults import Faults, read_faults


@dataclass(frozen=True)
class Settings:
    """What a switch process is told about one switch (a JSON file in the lab's folder)."""

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


class Device:
    """One switch. The startup configuration outlives the process, the running configuration does not, as on
    the real thing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.startup = Path(settings.folder) / "startup-config"
        self._faults = Path(settings.folder) / "faults.json"
        self.plane = DataPlane(settings.namespace, settings.database, settings.control, settings.bridge, settings.ports)
        self.config = Configuration.factory(settings.hostname, list(settings.ports), settings.uplinks)
        self.config.vlans |= {int(number): name for number, name in settings.vlans.items()}

    @property
    def faults(self) -> Faults:
        """The misbehaviour that is switched on now."""
        return read_faults(self._faults)

    def set_port(self, port: str, after: PortConfig) -> None:
        """Change one port's running configuration, and the bridge with it."""
        before, self.config.ports[port] = self.config.ports[port], after
        if (before.mode, before.access_vlan, before.voice_vlan) != (
            after.mode,
            after.access_vlan,
            after.voice_vlan,
        ):
            self.plane.set_vlans(port, after)
        if before.shutdown != after.shutdown:
            self.plane.set_link(port, up=not after.shutdown)

    def lay_out(self) -> None:
        """Bring the bridge in line with the whole running configuration (after a start)."""
        for port, config in self.config.ports.items():
            self.plane.set_link(port, up=not config.shutdown)
            if port not in self.config.uplinks or config.mode != "trunk":
                self.plane.set_vlans(port, config)
        self.plane.flush()

    def save(self) -> None:
        """Copy the running configuration to the startup configuration."""
        partial = self.startup.with_suffix(".partial")
        partial.write_text(self.config.text() + "\n")
        partial.rename(self.startup)
