"""What an audit of the site (`provision audit`) is told of beside the site itself."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from provisioning.site.base import Model, Text
from provisioning.site.runs import Span


class AccountAudit(Model):
    """Accounts that are nobody's, and are known."""

    ignore: tuple[Text, ...] = Field(
        default=(), description="logins of accounts that belong to no person, such as svc-*; * stands for anything"
    )


class AuditRules(Model):
    """When something that waits for a person is too old."""

    amendments: Span = Field(
        default=timedelta(days=30),
        description="how long a move, a leaver or a new name may be in the ledger only, before the site's files say it",
    )
    orders: Span = Field(default=timedelta(days=7), description="how long a patch order may stay open")
