"""How patient runs are: with targets that do not answer, with targets that somebody else is working on."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from provisioning.site.base import Model

_SPAN = re.compile(r"([0-9]{1,6}) ?(s|min|h|d)")
_UNIT = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def _span(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    found = _SPAN.fullmatch(str(value))
    if found is None:
        raise ValueError("expected a time span such as 90 s, 10 min, 12 h or 7 d")
    return timedelta(seconds=int(found[1]) * _UNIT[found[2]])


def _written(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


Span = Annotated[
    timedelta,
    BeforeValidator(_span, json_schema_input_type=str),
    PlainSerializer(_written, return_type=str, when_used="json"),
]
"""A time span, written ``90 s``, ``10 min``, ``12 h`` or ``7 d``."""


class Runs(Model):
    """What a run does about a target that is off, busy, or worked on by somebody else."""

    deadline: Span = Field(
        default=timedelta(days=7), description="how long changes wait for a target that does not answer"
    )
    backoff: Span = Field(default=timedelta(minutes=5), description="wait before it is tried again; doubled each time")
    longest_wait: Span = Field(default=timedelta(hours=1), description="the longest wait between two tries")
    retries: int = Field(
        default=3, ge=0, le=10, description="tries again at once when a connection breaks or a system is busy"
    )
    lock_wait: Span = Field(
        default=timedelta(minutes=10), description="how long to wait for another run that works on the same target"
    )
    playbook_timeout: Span | None = Field(default=None, description="how long a playbook may take; without it: as long")

    def wait_after(self, attempts: int) -> timedelta:
        """How long a target is left alone after that many tries (at least one) in vain."""
        return min(self.backoff * 2.0 ** min(max(attempts - 1, 0), 30), self.longest_wait)
