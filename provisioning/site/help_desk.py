"""Whom people call when something does not work, and the language that they read."""

from __future__ import annotations

from typing import Literal

from provisioning.site.base import Model, Text
from provisioning.site.intranet import Url
from provisioning.site.mail import MailAddress

Language = Literal["en", "fr", "ru"]
"""The languages of cards and reports (ISO 639-1)."""


class HelpDesk(Model):
    """How the help desk is reached: at least one of these, or it is no help."""

    name: Text | None = None
    phone: Text | None = None
    mail: MailAddress | None = None
    room: Text | None = None
    hours: Text | None = None
    url: Url | None = None
