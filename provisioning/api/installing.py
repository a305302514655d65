"""Installing packages in waves: the request, and going on with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.intake.waves import RolledOut, asked_before, roll_out, standing, unfinished
from provisioning.procedures.install import Install, install
from provisioning.procedures.waves import Wave

if TYPE_CHECKING:
    from provisioning.api.site import Site

__all__ = ["Install", "RolledOut", "Wave", "asked_before", "install_request", "roll_out", "standing", "unfinished"]


def install_request(
    site: Site,
    packages: Sequence[str],
    whom: Sequence[str],
    *,
    remove: bool = False,
    waves: Sequence[str] = (),
    stop_at: str | None = None,
) -> Install:
    """A request to install (or remove) packages and bundles for people, rooms, groups, departments, profiles or PCs, as
    these sit and stand now. Changes nothing. Raises :class:`~provisioning.errors.RequestError` (see
    :func:`~provisioning.procedures.install.install`)."""
    return install(site.wired, packages, whom, remove=remove, waves=waves, stop_at=stop_at)
