"""A dialect: everything that is known of one family of switches, in one file beside this one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import Field, PrivateAttr

from provisioning.dialects.form import Form, Lines
from provisioning.dialects.guard import Guard
from provisioning.dialects.manner import Manner
from provisioning.dialects.masking import Mask
from provisioning.dialects.ports import Ports
from provisioning.dialects.reading import Section, read_ports
from provisioning.dialects.tables import Table
from provisioning.dialects.writing import port_lines, silent_fields, visit_lines

_Texts = tuple[tuple[str, ...], tuple[str, ...]]
_REMEMBERED = 100
"""Texts; about 10 kB each, of a stack ten times that."""


class Dialect(Form):
    """How one family of switches is talked to, read and written."""

    title: str
    manner: Manner
    names: Mapping[str, str] = Field(default={}, description="short → full beginning of interface names: Gi → …")
    configuration: Lines = Field(
        default=("show running-config",), description="commands that print the whole running configuration"
    )
    ports: Ports
    tables: Mapping[str, Table] = Field(default={}, description="show commands whose output is a table")
    guard: Guard | None = None
    mask: tuple[Mask, ...] = Field(default=(), description="where configurations hold secrets")
    _understood: dict[tuple[tuple[str, ...], tuple[str, ...]], Mapping[str, Section]] = PrivateAttr(
        default_factory=dict
    )

    def prepare(self) -> None:
        """Make the templates of what is asked before a change: that takes longer than to use them."""
        for name in ("links", "neighbours", "macs", "arp", "gateway"):
            if name in self.tables:
                self.tables[name].prepare()

    def full_name(self, interface: str) -> str:
        """``GigabitEthernet1/0/7`` for ``Gi1/0/7``, as the configuration says it."""
        letters = re.match(r"[A-Za-z-]*", interface.strip())
        stem = letters[0] if letters else ""
        rest = interface.strip()[len(stem) :].strip()
        return self.names.get(stem, stem) + rest

    def short_name(self, interface: str) -> str:
        """``Gi1/0/7`` for ``GigabitEthernet1/0/7``, as tables show it and people say it."""
        fitting = [(short, full) for short, full in self.names.items() if re.match(rf"{full}\d", interface)]
        for short, full in fitting[:1]:
            return short + interface[len(full) :]
        return interface

    def read_ports(self, outputs: Iterable[str], listed: Sequence[str] = ()) -> Mapping[str, Section]:
        """Port → what its configuration says, from the outputs of ``ports.read``. A batch of changes reads the same
        text several times; it is understood once."""
        asked = (tuple(outputs), tuple(listed))
        if (found := self._understood.get(asked)) is None:
            if len(self._understood) >= _REMEMBERED:
                self._understood.clear()
            found = self._understood[asked] = MappingProxyType(read_ports(self.ports, *asked))
        return found

    def port_lines(self, port: str, found: Mapping[str, Any], goal: Mapping[str, Any]) -> list[str]:
        """The lines that bring a port from `found` to `goal`. Raises :class:`RequestError`."""
        return port_lines(self.ports, port, found, goal, self.manner.configure)

    def visit_lines(self, port: str) -> list[str]:
        """The lines that enter a port and leave it again."""
        return visit_lines(self.ports, port, self.manner.configure)

    def silent_fields(self, fields: Mapping[str, Any]) -> frozenset[str]:
        """Fields that mean nothing on a port that is as `fields` say, and read as whatever they like."""
        return silent_fields(self.ports, fields)

    def rows(self, table: str, output: str) -> list[dict[str, str]]:
        """The rows of one of the tables, port names in full. A table that this family does not have is empty."""
        if table not in self.tables:
            return []
        return [
            {**row, "port": self.full_name(row["port"])} if row.get("port") else row
            for row in self.tables[table].rows(output)
        ]
