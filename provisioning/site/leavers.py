"""Leavers: where their accounts go, how long what is theirs is kept, and who may have it deleted for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from provisioning.site.base import Form, Identifier, Model
from provisioning.site.directory import DistinguishedName
from provisioning.site.fault import Fault, dangling

if TYPE_CHECKING:
    from provisioning.site.inventory import Inventory

HourOfDay = Annotated[str, Form(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "an hour of the day such as 18:00")]
"""A time on the clock of the site's zone."""


class Leavers(Model):
    """What happens to whoever leaves. `end_of_day` is when ``--on DATE`` is carried out, in the site's time zone;
    `keep` days after the last day, what is left is deleted for good, once the role `erase_approval` has approved it.
    """

    ou: DistinguishedName = Field(description="where the accounts of leavers go, such as OU=Leavers,DC=corp,DC=example")
    erase_approval: Identifier = Field(description="the role that approves the deletion (approvals: roles)")
    keep: int = Field(default=90, ge=1, le=3650, description="days that account, mailbox and home folder are kept")
    end_of_day: HourOfDay = Field(default="18:00", description="when the last day is over")

    def end_of(self, day: date, zone: str | None) -> datetime:
        """The moment when `day` is over, on the clock of `zone` (``None``: the machine's own)."""
        return moment(day, time.fromisoformat(self.end_of_day), zone)

    def erased_at(self, day: date, keep: int | None, zone: str | None) -> datetime:
        """When what somebody left behind who left on `day` may be deleted: `keep` days later (the site's), at the same
        hour."""
        return self.end_of(day + timedelta(days=self.keep if keep is None else keep), zone)


def moment(day: date, hour: time, zone: str | None) -> datetime:
    """A time on the clock of `zone`; one that clocks skip (spring) is an hour later."""
    there = datetime.combine(day, hour)
    aware = there.replace(tzinfo=ZoneInfo(zone)) if zone else there.astimezone()
    return aware.astimezone(UTC).astimezone(aware.tzinfo)


def today(zone: str | None) -> date:
    """The day that it is in `zone` now."""
    return datetime.now(ZoneInfo(zone) if zone else None).date()


def leaver_faults(site: Inventory) -> Iterator[Fault]:
    """The OU is in the domain and nobody else's, and the role is known."""
    if site.leavers is None:
        return
    base, ou = site.directory.base_dn.casefold(), site.leavers.ou.casefold()
    if not ou.endswith(f",{base}"):
        message = f"{site.leavers.ou} is not below the directory's base_dn {site.directory.base_dn}"
        yield Fault(("leavers", "ou"), message)
    for name, profile in site.profiles.items():
        if profile.ou.casefold() == ou:
            message = f"{site.leavers.ou} is the OU of the profile {name!r} too; leavers need one of their own"
            yield Fault(("leavers", "ou"), message)
    yield from dangling(("leavers", "erase_approval"), "role", site.leavers.erase_approval, site.approvals.roles)
