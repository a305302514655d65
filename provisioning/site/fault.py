"""A fault between the parts of a site, and the two commonest sorts of it: names that lead nowhere, things
given twice.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass

At = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """Where (path of keys into the site) and what. For a dangling name, `key` and `known` let the loader
    suggest one.
    """

    at: At
    message: str
    key: str | None = None
    known: Collection[str] = ()


class Once:
    """Remembers who has what first, and finds the second one."""

    def __init__(self) -> None:
        self._first: dict[Hashable, str] = {}

    def fault(self, at: At, value: Hashable, owner: str, message: str) -> Iterator[Fault]:
        """A fault when another owner has `value` already; ``{other}`` in `message` stands for that owner."""
        if value is not None and (other := self._first.setdefault(value, owner)) != owner:
            yield Fault(at, message.replace("{other}", other))


def dangling(at: At, what: str, key: str | None, known: Mapping[str, object]) -> Iterator[Fault]:
    if key is not None and key not in known:
        yield Fault(at, f"there is no {what} {key!r}", key, known.keys())
