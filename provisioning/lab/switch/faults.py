"""Misbehaviour that tests switch on while a lab switch runs, through one file in its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

BANNER = (
    "*********************************************************************\n"
    "#  Authorised staff of corp.example only. Access is logged.         #\n"
    "#  sw> is watched, and so is sw#                                    #\n"
    "*********************************************************************\n"
)
"""A banner as offices have them, with what a careless client takes for a prompt."""


@dataclass(frozen=True)
class PortFault:
    """What is wrong with one line. Counts are added to what the bridge itself counts."""

    crc: int = 0
    align: int = 0  # frames that do not end on a byte
    runts: int = 0
    giants: int = 0
    collisions: int = 0
    late_collisions: int = 0
    input_discards: int = 0
    output_discards: int = 0
    flaps: int = 0  # times the link was lost
    duplex: str = ""  # what negotiation came to: "full", "half"
    speed: int = 0  # the same, Mbit/s
    poe: str = ""  # state of Power over Ethernet: "faulty", "power-deny", "off", "on"
    watts: float = 0.0
    error_disabled: str = ""  # why the port was switched off: "psecure-violation", "bpduguard", "link-flap" …


@dataclass(frozen=True)
class Faults:
    """Regular expressions over typed lines (empty: never), and what to do with a line that one matches."""

    reject: str = ""  # answer "% Invalid input detected" and do nothing
    ignore: str = ""  # answer nothing and do nothing
    hang: str = ""  # never answer again
    drop: str = ""  # close the session
    chatter: bool = False  # print a log message in the middle of everything
    delay: float = 0.0  # seconds a line
    interrupt: int = 0  # print a log message in the middle of every n-th line of output
    cut_after: int = 0  # lose the connection after this many lines in configuration mode …
    cut_sessions: int = 0  # … in this many sessions, then no more (0: in all)
    max_sessions: int = 0  # one more is told so and closed (0: as many as there are lines)
    refuse_early: bool = False  # … before it could even sign in
    enable: str = ""  # "no password set", "error in authentication": sessions begin unprivileged and stay so
    paging: bool = False  # page although "terminal length 0" was typed
    banner: str = ""  # sent before the password is asked for
    motd: str = ""  # printed after it
    baud: int = 0  # a line of this speed, both ways (9600: 960 characters a second)
    login_delay: float = 0.0  # seconds until the password is judged
    host_key: str = ""  # "other": serve another key
    reboot: float = 0.0  # seconds without an answer; then up again with the startup configuration …
    reboot_on: str = ""  # … begun by a typed line (empty: at once)
    minute: float = 60.0  # seconds in a minute of the revert timer
    stamped: bool = False  # "! Last configuration change at …" above the running configuration
    ports: Mapping[str, PortFault] = field(default_factory=dict)

    def verdict(self, line: str) -> str | None:
        """The fault that hits `line`: ``reject``, ``ignore``, ``hang``, ``drop``, ``reboot`` or ``None``."""
        if self.reboot and self.reboot_on and re.search(self.reboot_on, line):
            return "reboot"
        for name in ("drop", "hang", "ignore", "reject"):
            pattern = getattr(self, name)
            if pattern and re.search(pattern, line):
                return name
        return None

    def port(self, name: str) -> PortFault:
        """What is wrong with this line."""
        return self.ports.get(name, _SOUND)


_SOUND = PortFault()


_NONE = Faults()
_read: dict[Path, tuple[tuple[int, int, int], Faults]] = {}


def read_faults(path: Path) -> Faults:
    """The faults that are switched on now. It is asked at every line that is typed, so a file is read only when it was
    written."""
    try:
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if path not in _read or _read[path][0] != version:
            said = json.loads(path.read_text())
            said["ports"] = {name: PortFault(**values) for name, values in said.get("ports", {}).items()}
            _read[path] = (version, Faults(**said))
        return _read[path][1]
    except FileNotFoundError:
        return _NONE


def write_faults(path: Path, faults: Faults) -> None:
    """Switch `faults` on. `path` is :meth:`Switches.faults_file`."""
    default = Faults()
    said = {
        f.name: getattr(faults, f.name) for f in fields(Faults) if getattr(faults, f.name) != getattr(default, f.name)
    }
    said["ports"] = {name: asdict(port) for name, port in faults.ports.items()}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(said))
    partial.rename(path)


@contextmanager
def misbehaving(path: Path, faults: Faults) -> Iterator[None]:
    """Switch `faults` on while the block runs. `path` is :meth:`Switches.faults_file`."""
    write_faults(path, faults)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
