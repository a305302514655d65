"""How the machines that carry out requests share the work (`provision worker`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, field_validator, model_validator

from provisioning.site.base import Model, SitePath
from provisioning.site.runs import Span

Repeated = Literal["audit", "lines", "archive"]
_REPEATED: tuple[Repeated, ...] = get_args(Repeated)


class Workers(Model):
    """Times are in seconds. Short ones cost a few small queries each; the defaults suit an office."""

    concurrency: int = Field(default=4, ge=1, le=64, description="requests and runs that a worker carries out at once")
    look: int = Field(
        default=5, ge=1, le=30, description="seconds between looks into the ledger for what has become due"
    )
    poll: float = Field(
        default=1.0, ge=0.05, le=60, description="seconds until an idle worker asks the queue again by itself"
    )
    heartbeat: float = Field(default=5.0, ge=0.2, le=60, description="seconds between a worker's signs of life")
    stalled: float = Field(
        default=20.0, ge=1, le=600, description="seconds without a sign of life after which others take over its work"
    )

    audit: Span | None = Field(
        default=None, description="how often a worker compares all systems with the site; never when left out"
    )
    audit_prometheus: SitePath | None = Field(
        default=None, description="where the numbers of that audit go, for the node exporter (FILE.prom)"
    )

    lines: Span | None = Field(
        default=None, description="how often a worker checks the lines of all switches; never when left out"
    )
    archive: Span | None = Field(
        default=None,
        description="how often a worker keeps the running configurations of all switches; never when left out",
    )

    @property
    def schedule(self) -> Mapping[Repeated, timedelta]:
        """What is done again and again → how often."""
        return {what: every for what in _REPEATED if (every := getattr(self, what)) is not None}

    @field_validator("audit")
    @classmethod
    def _audits_rarely(cls, audit: timedelta | None) -> timedelta | None:
        if audit is not None and audit < timedelta(minutes=10):
            raise ValueError("expected 10 min or more: an audit reads every system of the site")
        return audit

    @field_validator("audit_prometheus")
    @classmethod
    def _is_collected(cls, file: Path | None) -> Path | None:
        if file is not None and file.suffix != ".prom":
            raise ValueError("expected a file name that ends in .prom: the node exporter reads no others")
        return file

    @field_validator("lines", "archive")
    @classmethod
    def _spares_the_switches(cls, every: timedelta | None) -> timedelta | None:
        if every is not None and every < timedelta(minutes=5):
            raise ValueError("expected 5 min or more: it reads every switch of the site")
        return every

    @model_validator(mode="after")
    def _heart_beats_in_time(self) -> Workers:
        if self.stalled < 3 * self.heartbeat:
            raise ValueError(
                "`stalled` must be at least three times `heartbeat`, or a busy worker is taken for a dead one"
            )
        return self
