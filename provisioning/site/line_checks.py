"""When a line counts as bad (``network: lines:``), and how long what was counted is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from provisioning.site.base import Identifier, InterfaceName, Model
from provisioning.site.fault import Fault, dangling
from provisioning.site.runs import Span

if TYPE_CHECKING:  # the inventory has these settings in it
    from provisioning.site.inventory import Inventory


class LineChecks(Model):
    """Thresholds of `provision lines`; ``docs/lines.md`` says where the defaults come from.

    A rate is counted over `period`, flaps and moves over a day. A rate counts only from `least` errors on, so that one
    broken frame on an idle port is no finding.
    """

    period: Span = Field(default=timedelta(hours=1), description="over which errors and discards are counted")
    errors: float = Field(
        default=10.0, ge=0, le=1_000_000, description="damaged frames per million received on a full-duplex line"
    )
    errors_half: float = Field(
        default=10_000.0, ge=0, le=1_000_000, description="the same in half duplex, where collisions damage some"
    )
    least: int = Field(default=10, ge=1, description="errors within the period that are none of our business below")
    discards: float = Field(
        default=1_000.0, ge=0, le=1_000_000, description="frames per million that the switch threw away"
    )
    least_discards: int = Field(default=100, ge=1, description="discards within the period from which the rate counts")
    flaps: int = Field(default=12, ge=2, description="changes of a link between up and down within a day")
    moves: int = Field(default=4, ge=2, description="moves of one MAC address between ports within a day")
    unused: Span = Field(
        default=timedelta(days=30), description="without link after which a port that is set up for a desk is unused"
    )
    slow: bool = Field(default=True, description="report PCs that run below the speed of their port")
    unknown_devices: bool = Field(default=True, description="report MAC addresses that the site does not have")
    ignore: dict[Identifier, tuple[InterfaceName, ...]] = Field(
        default_factory=dict, description="switch → ports that nobody is to be told of"
    )
    whole: Span = Field(default=timedelta(days=3), description="for which every sample is kept")
    thinned: Span = Field(default=timedelta(days=1), description="of which one sample is kept afterwards")
    keep: Span = Field(default=timedelta(days=90), description="after which samples are removed")

    @model_validator(mode="after")
    def _in_order(self) -> LineChecks:
        if self.period < timedelta(minutes=5):
            raise ValueError("`period` must be 5 min or more, or nothing is counted between two checks")
        if not self.period <= self.whole <= self.keep:
            raise ValueError("expected period ≤ whole ≤ keep: what is compared must still be there")
        return self

    def is_ignored(self, switch: str, port: str) -> bool:
        """Whether nobody is to be told of this port."""
        return port.casefold() in {name.casefold() for name in self.ignore.get(switch, ())}


def line_faults(site: Inventory) -> Iterator[Fault]:
    """Ports that nobody is to be told of are ports of switches that there are."""
    for name in site.network.lines.ignore:
        yield from dangling(("network", "lines", "ignore", name), "switch", name, site.network.switches)
