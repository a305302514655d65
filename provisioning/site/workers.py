"""How the machines that carry out requests share the work (`provision worker`)."""

from __future__ import annotations

from pydantic import Field, model_validator

from provisioning.site.base import Model


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

    @model_validator(mode="after")
    def _heart_beats_in_time(self) -> Workers:
        if self.stalled < 3 * self.heartbeat:
            raise ValueError(
                "`stalled` must be at least three times `heartbeat`, or a busy worker is taken for a dead one"
            )
        return self
