"""How ports are chosen for outlets, and what the patch cable and its label look like."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from provisioning.site.base import Form, Identifier, Model, Text

_WORDS = "outlet|closet|panel|panel_port|switch|port|unit|workplace"

LabelTemplate = Annotated[
    str,
    Form(
        rf"^([^\p{{C}}{{}}\s]|\{{({_WORDS})\}})([^\p{{C}}{{}}]|\{{({_WORDS})\}})*$",
        "a text with {outlet}, {closet}, {panel}, {panel_port}, {switch}, {port}, {unit} or {workplace} in it",
        100,
    ),
]
"""What is printed on the label of a patch cable."""


def _metres(value: object) -> float:
    try:
        metres = float(str(value))
    except ValueError:
        metres = 0.0
    if not 0 < metres <= 100:
        raise ValueError(f"{str(value)!r} does not fit; expected metres such as 0.5 or 2, at most 100")
    return metres


Metres = Annotated[float, BeforeValidator(_metres)]

RACK_UNIT = 0.04445
"""Metres (EIA-310)."""

SHUT, QUARANTINE = "shut", "quarantine"
"""What a released port becomes where no port profile says it."""


class Cable(Model):
    """Patch cables: their colours, and the lengths that are in stock."""

    colours: dict[Identifier, Text] = Field(default_factory=dict, description="port profile or VLAN → colour")
    colour: Text | None = Field(default=None, description="of all other cables")
    lengths: tuple[Metres, ...] = Field(default=(1.0, 2.0, 3.0, 5.0), min_length=1, description="metres, as in stock")
    slack: Metres = Field(default=0.5, description="metres beside the way from panel to switch")

    def colour_of(self, profile: str | None, vlan: str | None) -> str | None:
        """The colour for a port profile, else for a VLAN, else the usual one."""
        for name in (profile, vlan):
            if name is not None and name in self.colours:
                return self.colours[name]
        return self.colour

    def length_for(self, units: int | None) -> float:
        """The shortest cable in stock that reaches over so many rack units (the longest, if none does); the shortest
        of all where the way is not known."""
        lengths, needed = sorted(self.lengths), self.needed(units)
        return next((metres for metres in lengths if needed is None or metres >= needed), lengths[-1])

    def needed(self, units: int | None) -> float | None:
        """Metres that it takes over so many rack units; ``None`` where these are not known."""
        return None if units is None else units * RACK_UNIT + self.slack


class Patching(Model):
    """How `provision patch` chooses a port."""

    spare: int = Field(default=2, ge=0, le=48, description="free ports that every switch keeps")
    spread: Literal["fill", "even"] = Field(
        default="fill", description="fill: one switch after the other; even: where most ports are free"
    )
    cable: Cable = Cable.model_construct()
    quarantine_vlan: Identifier | None = Field(
        default=None, description="where released ports are; a port in it counts as free"
    )
    unused_description: Text | None = Field(default=None, description="what free ports may have as description")
    released: Identifier | None = Field(
        default=None,
        description="what becomes of the port of a desk that nobody has any more: shut, quarantine, or a port profile; "
        "left out: quarantine where there is a quarantine_vlan, otherwise shut",
    )
    label: LabelTemplate = "{outlet} {switch} {port}"

    @property
    def release(self) -> str:
        """:data:`SHUT`, :data:`QUARANTINE` or the name of a port profile."""
        return self.released or (SHUT if self.quarantine_vlan is None else QUARANTINE)
