"""Where the running configurations of switches are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from provisioning.site.base import Model, SitePath

if TYPE_CHECKING:
    from provisioning.site.inventory import Inventory

__all__ = ["ConfigurationArchive", "archive_folder"]


class ConfigurationArchive(Model):
    """A private Git repository of configurations, secrets masked: filled on schedule (``workers: archive:``) and
    before each change of a switch. Nothing is changed on a switch whose configuration could not be kept first."""

    folder: SitePath | None = Field(
        default=None,
        description="made on first use, for its owner alone (mode 0700); several machines that work together share it; "
        "without one, `configurations` beside the SQLite ledger, or .ledger/configurations in the site's folder",
    )


def archive_folder(site: Inventory) -> Path:
    """Where this site's configurations are kept; there is always a place."""
    if site.network.archive.folder is not None:
        return site.network.archive.folder
    beside = site.ledger.parent if isinstance(site.ledger, Path) else site.folder / ".ledger"
    return beside / "configurations"
