"""Changes that take themselves back unless they are confirmed."""

from __future__ import annotations

import re

from pydantic import Field

from provisioning.dialects.form import Form, Lines


class Guard(Form):
    """A device's own safety net: should our session be lost in mid-change, the device restores what was.

    In all lines ``{name}`` is a name of our own for this change and ``{minutes}`` the time within which it must be
    confirmed.
    """

    minutes: int = Field(default=2, ge=1, le=60)
    probe: str | None = Field(default=None, description="a show command that tells whether the device offers it")
    offered: re.Pattern[str] | None = Field(default=None, description="what the answer to `probe` must hold")
    pending: str | None = Field(
        default=None, description="a show command that tells of a change that still waits for its confirmation"
    )
    waits: re.Pattern[str] | None = Field(
        default=None,
        description="what its answer holds if there is one; groups, where the device tells: user, seconds, minutes",
    )
    before: Lines = Field(default=(), description="typed before configuration mode is entered")
    configure: str | None = Field(default=None, description="instead of the manner's `configure`")
    leave: Lines | None = Field(default=None, description="instead of the manner's `leave`")
    confirm: Lines = Field(default=(), description="keeps the change, once it was read back")
    revert: Lines = Field(default=(), description="takes the change back at once")
