"""Names of switch ports, by the number in them: which unit of a stack, in which order, what stands side by side."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"\d+")
_TRAILING = re.compile(r"^(?P<block>.*?)(?P<number>\d+)$")


def natural(port: str) -> tuple[str, tuple[int, ...]]:
    """Sort key: ``Gi1/0/9`` comes before ``Gi1/0/10``."""
    return _NUMBERS.sub("#", port), tuple(int(number) for number in _NUMBERS.findall(port))


def unit_of(port: str) -> int | None:
    """The unit of the stack (the first of three numbers): 2 for ``GigabitEthernet2/0/7``; ``None`` where a name has
    none. Junos (``ge-0/0/7``) and VRP (``GigabitEthernet0/0/7``) count units from 0."""
    numbers = re.findall(r"\d+(?=/)|(?<=/)\d+", port)
    return int(numbers[0]) if len(numbers) >= 3 else None


def block_of(port: str) -> tuple[str, int]:
    """What a port shares with its neighbours on the face, and its number there: (``GigabitEthernet1/0/``, 7)."""
    found = _TRAILING.match(port)
    return (found["block"], int(found["number"])) if found else (port, 0)
