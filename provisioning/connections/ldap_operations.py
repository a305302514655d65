"""What can be found in a directory and what can be done to it: entries and the four writing operations, as
plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Values = Sequence[str | bytes]


@dataclass(frozen=True)
class Entry:
    """One found entry. Attribute names are lower case, values raw."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]

    def text(self, attribute: str) -> str | None:
        """The (first) value, or ``None`` when the attribute is not set."""
        values = self.attributes.get(attribute.lower())
        return values[0].decode(errors="replace") if values else None

    def texts(self, attribute: str) -> list[str]:
        """All values."""
        return [value.decode(errors="replace") for value in self.attributes.get(attribute.lower(), ())]

    def number(self, attribute: str) -> int | None:
        """The value of an integer attribute."""
        text = self.text(attribute)
        return None if text is None else int(text)


@dataclass(frozen=True)
class Add:
    """Create an entry."""

    dn: str
    attributes: Mapping[str, Values] = field(repr=False)  # may hold a password


@dataclass(frozen=True)
class Modify:
    """Change an entry: `replace` holds the attributes' new values (none: remove the attribute), `add` and
    `remove` single values; adding a value that is there and removing one that is not are no faults."""

    dn: str
    replace: Mapping[str, Values] = field(default_factory=dict, repr=False)
    add: Mapping[str, Values] = field(default_factory=dict)
    remove: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Rename:
    """Give an entry a new relative name and a new place; both are always sent."""

    dn: str
    name: str
    superior: str


@dataclass(frozen=True)
class Delete:
    """Delete an entry that has none below it."""

    dn: str


Operation = Add | Modify | Rename | Delete
