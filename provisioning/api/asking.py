"""What a script can ask a site for. Each function looks up what the request must hold, and changes nothing: a request
does something when it is planned and applied (``site.plan(request).apply()``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from provisioning.api.installing import install_request, roll_out
from provisioning.api.leaving import Wishes, offboarding
from provisioning.api.relocating import move
from provisioning.api.replacing import replace_request as replace
from provisioning.api.returning import erasing as erase
from provisioning.api.returning import reinstating as reinstate
from provisioning.procedures import rename as renaming
from provisioning.procedures import reprofile
from provisioning.procedures.offboard import Offboard
from provisioning.procedures.rename import Rename
from provisioning.procedures.reprofile import Reassign

if TYPE_CHECKING:
    from provisioning.api.site import Site

__all__ = ["erase", "install", "move", "offboard", "reassign", "reinstate", "rename", "replace", "roll_out"]

install = install_request


def offboard(
    site: Site,
    name: str,
    *,
    day: date | None = None,
    forward_to: str | None = None,
    reply: str | None = None,
    reply_subject: str | None = None,
    keep: int | None = None,
    successor: str | None = None,
) -> Offboard:
    """A request to offboard `name` (a key of the site's people; a login or number that only the directory knows).

    `day` is the last day (today), `forward_to` and `successor` (of whom the leaver managed) are people, `keep` is for
    how many days the mailbox is kept. Raises :class:`~provisioning.errors.RequestError`, and
    :class:`~provisioning.errors.TargetError` for the directory.
    """
    return offboarding(site, name, Wishes(day, forward_to, reply, reply_subject, keep, successor))


def rename(
    site: Site, person: str, *, given: str | None = None, family: str | None = None, new_login: bool = False
) -> Rename:
    """See :func:`provisioning.procedures.rename.rename`."""
    return renaming.rename(site.wired, person, given=given, family=family, new_login=new_login)


def reassign(
    site: Site,
    person: str,
    profile: str | None = None,
    *,
    department: str | None = None,
    title: str | None = None,
    manager: str | None = None,
    keep: Sequence[str] = (),
) -> Reassign:
    """See :func:`provisioning.procedures.reprofile.reassign`."""
    return reprofile.reassign(
        site.wired, person, profile, department=department, title=title, manager=manager, keep=keep
    )
