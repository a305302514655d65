"""How ports are read from a family's configuration text, and which lines change them: the data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator

from provisioning.dialects.form import Form, Lines


class Rule(Form):
    """One line of configuration and what it says about ports.

    Named groups of `heading` and `line` are field values (``(?P<access_vlan>\\d+)``), but for ``port`` (whose port;
    that of the section without it), ``ports`` (a list such as ``1-8,A2``), the pair ``vlan_name`` and ``vlan_id``
    (what the device calls a VLAN), and ``marked_vlan`` (see `marked`). Of several rules that set one field the last in
    the file wins; lists of VLANs add up, and take away what ``without_vlans`` names.
    """

    line: re.Pattern[str] = Field(description="matches the whole line, without the spaces around it")
    heading: re.Pattern[str] | None = Field(default=None, description="of the section; without it, that of a port")
    beside: re.Pattern[str] | None = Field(default=None, description="counts only with such a line in the section")
    unless: re.Pattern[str] | None = Field(default=None, description="counts only without such a line there")
    everywhere: bool = Field(
        default=False, description="whether it says what every port has of which nothing else is said"
    )
    whole: bool = Field(default=False, description="`line` matches all lines of the section at once, with \\n between")
    marked: str | None = Field(
        default=None, description="counts only where the VLAN in this group is one that a rule called `marked_vlan`"
    )
    set: Mapping[str, Any] = Field(default={}, description="fields that the line itself sets")
    values: Mapping[str, Mapping[str, Any]] = Field(
        default={}, description="field → what the device writes → what we call it"
    )

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of all groups."""
        return frozenset({*self.line.groupindex, *(self.heading.groupindex if self.heading is not None else ())})


class OffLimits(Form):
    """A line that says: leave this port alone. ``{…}`` in `says` are the pattern's groups."""

    says: str
    line: re.Pattern[str]


Condition = Mapping[str, tuple[str, ...]]
"""Field → what it may be: words such as ``trunk``, ``true``, ``none``; ``any`` is every value but none."""


class Case(Form):
    """Lines for one field that depend on others: on what the port was, and on what it becomes."""

    was: Condition = Field(default={}, description="what was found")
    becomes: Condition = Field(default={}, description="what is asked for")
    type: Lines

    @field_validator("was", "becomes", mode="before")
    @classmethod
    def _words(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return conditions_of(given)


class Wording(Form):
    """The lines for one field. ``{port}``, ``{value}``, ``{before}`` (the former value) are filled in, and the other
    fields as they are to be: ``{access_vlan}``, or ``{native_vlan|1}`` where there may be none. A line with
    ``{before}`` is left out where there was no value, or the same."""

    set: Lines = ()
    clear: Lines = Field(default=(), description="for no value at all")
    values: Mapping[str, Lines] = Field(default={}, description="lines of their own for some values")
    add: Lines = Field(
        default=(),
        description="for lists of VLANs: {value} is what comes to it, {after} the whole list, lines with {vlan} come "
        "once for each",
    )
    remove: Lines = Field(default=(), description="for lists of VLANs: what is taken away")
    cases: tuple[Case, ...] = Field(default=(), description="instead of all of the above: all that fit, in their order")
    when: Condition = Field(
        default={}, description="other fields that must be so; if they are not, the field says nothing on this family"
    )
    also: tuple[str, ...] = Field(
        default=(), description="fields whose lines undo this one's: it is typed again (if it has a value) behind them"
    )
    renew: tuple[str, ...] = Field(
        default=(),
        description="fields whose change means that another device comes: the lines for `false` and `true` are typed "
        "if this one is on and stays on, so that it forgets what it learned of the former one",
    )
    renders: Mapping[str, str] = Field(default={}, description="our word → the device's, for {value} and {before}")
    stored: re.Pattern[str] | None = Field(
        default=None, description="text that the device keeps as it is; anything else is refused"
    )
    default: Any = Field(default=None, description="the value for which `clear` is typed, beside none")

    @field_validator("values", "renders", mode="before")
    @classmethod
    def _words(cls, given: Mapping[Any, Any]) -> dict[str, Any]:
        """YAML reads true, false and numbers; as keys they are words."""
        return {word_of(key): value for key, value in given.items()}

    @field_validator("when", mode="before")
    @classmethod
    def _conditions(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return conditions_of(given)


class Writing(Form):
    """The frame of a change, and the lines of every field in the order in which they are typed."""

    enter: Lines
    leave: Lines = Field(
        default=(),
        description="must keep what follows out of this port even if `enter` was rejected; {configure} is the line "
        "that enters configuration mode",
    )
    rehearse: bool = Field(
        default=False,
        description="whether `enter` is tried before a change, because some lines mean the whole switch outside a port",
    )
    bounce: tuple[str, ...] = Field(
        default=(), description="fields that the PC does not notice unless its link goes down and comes back"
    )
    early: tuple[str, ...] = Field(
        default=(),
        description="fields that are taken away before anything else is typed: a port that they guard keeps its mode",
    )
    default: Lines = Field(default=(), description="brings a port into its factory state")
    fields: Mapping[str, Wording]


class Ports(Form):
    """How ports are read and written."""

    read: Lines = Field(description="commands whose output holds the configuration of all ports")
    one: Lines = Field(default=(), description="the same for {port} alone, where that is quicker")
    layout: Literal["indented", "flat", "records"] = Field(
        default="indented",
        description="indented: sections under a heading; flat: every line says it all; records: `key : value` blocks",
    )
    nested: bool = Field(
        default=False, description="a line further in is read behind the line that it stands under: `dot1x enable`"
    )
    heading: re.Pattern[str] | None = Field(default=None, description="of a port's section, group `port`")
    physical: re.Pattern[str] = Field(description="names of ports that a cable goes into")
    listed: bool = Field(
        default=False,
        description="whether a port without configuration is missing: then the table `links` lists the ports",
    )
    defaults: Mapping[str, Any] = Field(description="what a port has of which nothing is said")
    noise: tuple[re.Pattern[str], ...] = Field(default=(), description="lines that are no configuration")
    messages: re.Pattern[str] | None = Field(
        default=None, description="log messages, which may also stand in the middle of a line; no need to be in `noise`"
    )
    fence: re.Pattern[str] | None = Field(
        default=None, description="begins text that is no configuration (a banner); group `end` ends it"
    )
    fence_end: str | None = Field(default=None, description="what ends it instead, on a line of its own: EOF")
    rules: tuple[Rule, ...]
    off_limits: tuple[OffLimits, ...] = ()
    write: Writing


def word_of(value: object) -> str:
    """A value as the files write it as a key: ``true``, ``false``, ``none``, ``10``."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def conditions_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """A condition as it is written: one value or a list of them, numbers and truth values as words."""
    return {
        field: tuple(word_of(value) for value in (values if isinstance(values, (list, tuple)) else [values]))
        for field, values in given.items()
    }


def meets(condition: Condition, fields: Mapping[str, Any]) -> bool:
    """Whether all fields that `condition` names are as it says."""
    return all(
        word_of(fields.get(field)) in words or ("any" in words and fields.get(field) is not None)
        for field, words in condition.items()
    )
