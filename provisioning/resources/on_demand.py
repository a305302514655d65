"""A dict whose things are imported when they are asked for: the names are there at once, so that a program does not pay
for kinds, proofs and procedures that it never uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from operator import attrgetter
from typing import TypeVar

T = TypeVar("T")


class OnDemand(MutableMapping[str, T]):
    """Name → thing. `places` says where each is: ``module:attribute``.

    Threads may share it: Python imports a module once, whoever asks first.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        try:
            return self._loaded[name]
        except KeyError:
            module, _, attribute = self._places[name].partition(":")
        return self._loaded.setdefault(name, attrgetter(attribute)(import_module(module)))

    def __setitem__(self, name: str, thing: T) -> None:
        self._loaded[name] = thing
        self._places.setdefault(name, "")

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
