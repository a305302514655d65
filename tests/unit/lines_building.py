"""The example site with its switches in memory, and a clock that tests turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from provisioning import dialects
from provisioning.api import Site
from provisioning.api import lines as lines_api
from provisioning.cli.program import PROGRAM
from provisioning.connections.openers import OPENERS
from provisioning.procedures.line_places import Places, wanted_ports
from provisioning.resources.switch.state import SwitchPort
from provisioning.site.load import load
from tests.unit.cli_office import write_site
from tests.unit.lines_switch import FakeSwitch

ONE, TWO = "sw-b2-1", "sw-b2-2"
IOS = dialects.load("ios")


class Clock(datetime):
    """Checks happen when the test says."""

    at: ClassVar[datetime]

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.at


class Building:
    """The example site, its switches in memory, everything plugged in and configured as the site says."""

    def __init__(self, folder: Path) -> None:
        self.folder = write_site(folder)
        self.switches = {name: FakeSwitch(name) for name in (ONE, TWO)}
        inventory = load(self.folder)
        places = Places.of(inventory)
        wanted, notes = wanted_ports(inventory, self.switches)
        assert not notes
        for resource in wanted:
            name = resource.target.partition(":")[2]
            port, state, place = (
                self.switches[name].ports[resource.key],
                resource.desired,
                places.at(name, resource.key),
            )
            assert place is not None
            assert isinstance(state, SwitchPort)
            vlan, new = state.access_vlan, SwitchPort()
            typed = IOS.port_lines(resource.key, new.fields(), state.laid_over(new).fields())
            port.config = tuple(
                line.strip() for line in typed if not line.strip().startswith(("interface", "exit", "no "))
            )
            port.vlan = str(vlan)
            if place.mac:
                port.up(macs=((vlan, place.mac),))
        self.pcs = [port for switch in self.switches.values() for port in switch.ports.values() if port.macs]
        for number in (23, 24):
            self.one[number].up(vlan="trunk")

    @property
    def one(self) -> FakeSwitch:
        return self.switches[ONE]

    @property
    def two(self) -> FakeSwitch:
        return self.switches[TWO]

    def site(self) -> Site:
        return Site.load(self.folder)

    def hour(self, hours: float = 1.0) -> None:
        """Time passes, and everybody works."""
        Clock.at += timedelta(hours=hours)
        for port in self.pcs:
            port.count(in_packets=50_000, out_packets=80_000)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.folder), "lines", *words])


@pytest.fixture(name="building")
def made_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Building]:
    made = Building(tmp_path)
    monkeypatch.setitem(OPENERS, "switch", lambda target, *rest: made.switches[target[7:]].open(target, *rest))
    Clock.at = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    monkeypatch.setattr(lines_api, "datetime", Clock)
    opened: list[Site] = []
    original = Site.load

    def remember(folder: Path) -> Site:
        opened.append(original(folder))
        return opened[-1]

    monkeypatch.setattr(Site, "load", remember)
    yield made
    for site in opened:
        if "ledger" in vars(site):
            site.ledger.close()
