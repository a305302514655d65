"""Looking at PCs and archives before a request about a person's data is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import RequestError
from provisioning.procedures.backup import Backup, Restore
from provisioning.procedures.transfer_data import TransferData, check_pcs, transfer_data
from provisioning.resources.windows.opened_archives import opened
from provisioning.resources.windows.profiles import profiles as profiles_of
from provisioning.resources.windows.user_data_survey import survey
from provisioning.site.inventory import unknown

if TYPE_CHECKING:
    from provisioning.api.site import Site


def transfer_request(site: Site, old: str, new: str, profile: str) -> TransferData:
    """A request to bring a person's data from `old` to `new`, with what there is at the moment. Changes nothing.

    Raises :class:`~provisioning.errors.RequestError` for unknown PCs, :class:`~provisioning.errors.TargetError` when
    the old one does not answer or has no such profile.
    """
    check_pcs(site.wired, old, new)
    with site.connect() as pool, pool.session(f"windows:{old}") as session:
        return transfer_data(old, new, survey(session, profile))


def backup_request(site: Site, pc: str, profiles: Sequence[str], folder: Path | None) -> Backup:
    """A request to archive a PC: the data of `profiles`, of everybody there when none is named. With `folder` the
    archive leaves the house. Changes nothing.

    Raises :class:`~provisioning.errors.RequestError`, and :class:`~provisioning.errors.TargetError` when the PC does
    not answer.
    """
    _known(site, pc)
    rules = site.inventory.user_data
    sealed = bool(rules.recipients) or folder is not None
    if folder is not None and not rules.recipients:
        raise RequestError("an archive that leaves the house is encrypted; set user_data.recipients in the site first")
    with site.connect() as pool, pool.session(f"windows:{pc}") as session:
        names = [survey(session, name).folder.rpartition("\\")[2] for name in profiles]
        names = names or [one.name for one in profiles_of(session)]
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = (folder or rules.archives).absolute() / f"{pc}-{stamp}.tar.gz{'.age' if sealed else ''}"
    return Backup(pc, str(file), tuple(names), folder is not None)


def restore_request(site: Site, pc: str, file: Path, profiles: Sequence[str]) -> Restore:
    """A request to bring back what an archive has, of `profiles` only where these are named. Changes nothing.

    Raises :class:`~provisioning.errors.RequestError` for a file that is no archive, and
    :class:`~provisioning.errors.SecretError` when it cannot be opened.
    """
    _known(site, pc)
    with opened(file.absolute(), site.inventory, site.secrets) as archive:
        found = {name: archive.profile(name) for name in profiles or archive.manifest["profiles"]}
        settings = () if profiles else tuple(archive.settings)
    plain = [
        {"name": name, "listing": one.listing, "files": len(one.entries), "octets": one.octets}
        for name, one in found.items()
    ]
    return Restore(pc, str(file.absolute()), settings, tuple(plain))


def _known(site: Site, pc: str) -> None:
    known = site.wired.workstations
    if pc not in known:
        unknown("workstation", pc, known)
