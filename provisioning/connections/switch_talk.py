"""What is said to a switch and what comes of it, whatever way the lines take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioning.connections.terminal import Answer

__all__ = ["Rejection", "Sent", "Talk"]


@dataclass(frozen=True)
class Rejection:
    """A line that the device refused: its index in what was sent (-1: in entering or leaving configuration mode), the
    line, and the device's answer."""

    index: int
    line: str
    answer: str


@dataclass(frozen=True)
class Sent:
    """What came of lines sent in configuration mode, and the outputs of the commands sent behind them."""

    rejections: tuple[Rejection, ...]
    shown: tuple[str, ...] = ()


class Talk(Protocol):
    """How lines reach a device: a terminal with prompts, or one SSH command a line."""

    patience: float

    @property
    def closed(self) -> bool: ...

    @property
    def answered(self) -> Sequence[Answer]:
        """What the device had answered when the session was lost."""

    def exchange(self, lines: Sequence[str], what: str, shows: int = 0) -> list[Answer]: ...
