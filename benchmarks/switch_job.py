"""What a contestant is told, and what it says: plain data, because each one runs in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.switch_scenarios import Scenario


@dataclass(frozen=True)
class Job:
    """One scenario: where the switches are (name → address), who signs in, and a folder for whatever is needed."""

    scenario: Scenario
    addresses: Mapping[str, str]
    port: int
    user: str
    password_file: str
    known_hosts: str
    folder: str

    @property
    def password(self) -> str:
        return Path(self.password_file).read_text(encoding="utf-8").rstrip("\n")

    def write(self, file: Path) -> None:
        """For :meth:`read`. Holds no password, only where it is."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Job:
        told = json.loads(file.read_text(encoding="utf-8"))
        return cls(**told | {"scenario": Scenario(**told["scenario"])})


@dataclass(frozen=True)
class Told:
    """What a contestant says: the seconds of its work (imports and files are done before), those that its process
    computed meanwhile, and those of parts of it; the memory of its process in octets."""

    seconds: float
    cpu: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0
