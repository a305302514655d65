"""``tzutil`` for real: Wine lives in the time zone of its environment, so that is what is changed.

Wine knows a zone by its rules alone: of the many that share the rules of Berlin it always says Central Europe. The
zones below are those that come back as they were asked for; the others are refused.
"""

from __future__ import annotations

from provisioning.lab.windows.machine import Ended, Machine
from provisioning.lab.windows.prefix import zone_file
from provisioning.lab.windows.refusals import NOT_SUPPORTED

_ZONES = {
    "Central Europe Standard Time": "Europe/Budapest",
    "Eastern Standard Time": "America/New_York",
    "GMT Standard Time": "Europe/London",
    "Greenwich Standard Time": "UTC",
    "Tokyo Standard Time": "Asia/Tokyo",
}


def tzutil(machine: Machine, words: list[str]) -> Ended:
    """``tzutil /s NAME``."""
    if len(words) != 2 or words[0].lower() != "/s":
        return Ended(NOT_SUPPORTED, stderr="lab: of tzutil, this PC does only /s\r\n")
    if words[1] not in _ZONES:
        known = ", ".join(_ZONES)
        return Ended(1, stderr=f"lab: Wine does not tell {words[1]} from others like it; it knows {known}\r\n")
    zone_file(machine.prefix).write_text(_ZONES[words[1]], encoding="ascii")
    return Ended(0)
