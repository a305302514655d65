"""How families of network devices talk on their command lines: what to send, what a refusal is.

Data only; ``connections/switch.py`` uses it. A new family is one more :class:`Manner` here and one dialect in
``resources/switch/dialects``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["IOS", "MANNERS", "Manner"]


@dataclass(frozen=True)
class Manner:
    """How one family of devices talks on its command line."""

    prepare: tuple[str, ...]
    configure: str
    leave: str
    save: str
    saved: re.Pattern[str]
    rejection: re.Pattern[str]
    harmless: re.Pattern[str]
    forbidden: re.Pattern[str]


IOS = Manner(
    prepare=("terminal length 0", "terminal width 511"),
    configure="configure terminal",
    leave="end",
    save="write memory",
    saved=re.compile(r"\[OK\]"),
    rejection=re.compile(r"^(?:% ?(?!Warning)|Command rejected|Command authorization failed|ERROR:)"),
    # Log messages begin with %FACILITY-SEVERITY-NAME; a VLAN that is not there yet is made, with a remark.
    harmless=re.compile(r"^%[A-Z0-9_]+-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+:|^% ?\w+ VLAN does not exist\. Creating"),
    forbidden=re.compile(r"[?|]"),
)
"""Cisco IOS and IOS-XE. ``?`` asks for help in the middle of a line, ``|`` begins an output filter."""

MANNERS = {"ios": IOS}
