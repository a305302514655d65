"""What a PC that is to be replaced has: packages and people's data, as it answers; else as the ledger and the archives
remember it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.engine.planner import TargetSessions
from provisioning.errors import ProvisioningError, RejectedError
from provisioning.procedures.replace_data import BroughtData, brought
from provisioning.resources.registry import KINDS
from provisioning.resources.windows.opened_archives import opened
from provisioning.resources.windows.user_data import ARCHIVE
from provisioning.resources.windows.user_data_survey import Survey, survey
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.api.site import Site
    from provisioning.connections.windows import WindowsSession
    from provisioning.ledger import Ledger

_PACKAGE = "windows.package"
_STAMP = r"-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})\d{2}Z\.tar\.gz(\.age)?"
_VERSION_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_SORT = re.compile(r"\bInstallationType\s+REG_SZ\s+([A-Za-z ]+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class OldPc:
    """`packages` of the catalogue that are there, `data` of the people (login → what was found), `nobody`: logins that
    have no profile there. `sort` of Windows: ``Client``, ``Server``. `error`: why it could not be asked; its packages
    are those of the ledger then."""

    packages: tuple[str, ...] = ()
    data: Mapping[str, Survey] = field(default_factory=dict)
    nobody: tuple[str, ...] = ()
    sort: str | None = None
    error: str | None = None


def look_at(inventory: Inventory, pool: TargetSessions, name: str, logins: Sequence[str]) -> OldPc:
    """What the PC `name` has now. Raises :class:`~provisioning.errors.TargetError` when it cannot be asked."""
    target, shown = f"windows:{name}", {p.display_name: key for key, p in inventory.software.items()}
    try:
        with pool.session(target) as session:
            there = KINDS[_PACKAGE].read(session, list(shown))
            sort = _sort(session)
            data: dict[str, Survey] = {}
            for login in logins:
                try:
                    data[login] = survey(session, login)
                except RejectedError:
                    continue
    finally:
        pool.drop(target)
    nobody = tuple(login for login in logins if login not in data)
    return OldPc(tuple(key for title, key in shown.items() if title in there), data, nobody, sort)


def windows_of(pool: TargetSessions, name: str) -> str | None:
    """``Client`` or ``Server``; ``None`` where it does not say. Raises :class:`~provisioning.errors.TargetError`."""
    target = f"windows:{name}"
    try:
        with pool.session(target) as session:
            return _sort(session)
    finally:
        pool.drop(target)


def _sort(session: WindowsSession) -> str | None:
    found = session.run(["reg", "query", _VERSION_KEY, "/v", "InstallationType", "/reg:64"])
    match = _SORT.search(found.stdout)
    return match[1] if match else None


def dead_pc(ledger: Ledger | None, inventory: Inventory, name: str, error: str) -> OldPc:
    """What the ledger knows of a PC that does not answer: the packages that runs installed there and nobody removed."""
    shown = {p.display_name: key for key, p in inventory.software.items()}
    turns = ledger.turns(_PACKAGE, shown) if ledger is not None else []
    last = {turn.address.key: turn.made for turn in turns if turn.address.target == f"windows:{name}"}
    return OldPc(tuple(key for title, key in shown.items() if last.get(title)), error=error)


def data_of(
    site: Site, found: OldPc, logins: Iterable[str], old: str, new: str
) -> tuple[tuple[BroughtData, ...], tuple[str, ...]]:
    """The data that can be brought, and a sentence for what cannot or comes from an archive."""
    carried: list[BroughtData] = []
    notes = [f"{login} has no profile at {old}, so there is no data of theirs to bring" for login in found.nobody]
    for there in found.data.values():
        carried.append(brought(old, there))
        if there.left_out:
            notes.append(f"not taken from {old}: {', '.join(f'{o.path} ({o.why})' for o in there.left_out[:5])}")
    if found.error is not None:
        for login in logins:
            one, note = _from_archive(site, login, old, new)
            carried += one
            notes.append(note)
    return tuple(carried), tuple(notes)


def _from_archive(site: Site, login: str, old: str, new: str) -> tuple[list[BroughtData], str]:
    folder = site.inventory.user_data.archives
    for file, at in _archives(folder, old):
        try:
            with opened(file, site.inventory, site.secrets) as archive:
                profile = _profile(archive.manifest["profiles"], login, site.inventory)
                if profile is None:
                    continue
                found = brought(f"{ARCHIVE}{file}", archive.profile(profile))
        except ProvisioningError as exc:
            said = f"no data of {login} can be brought: {old} does not answer, and its newest archive cannot be read"
            return [], f"{said}: {exc}"
        return [
            found
        ], f"the data of {login} comes from the archive of {at} ({file.name}); what was made since is not in it"
    return [], (
        f"nothing of the data of {login} can be brought: {old} does not answer, and {folder} has no archive of it with "
        f"their data; if it can be made to start once more, `provision transfer-data {old} {new} --profile {login}`"
    )


def _archives(folder: Path, pc: str) -> list[tuple[Path, str]]:
    """The archives of a PC that ``provision backup`` wrote, newest first, each with when."""
    form = re.compile(re.escape(pc) + _STAMP)
    try:
        files = sorted((file for file in folder.iterdir() if form.fullmatch(file.name)), reverse=True)
    except OSError:
        return []
    stamps = [form.fullmatch(file.name) for file in files]
    return [
        (file, f"{m[1]}-{m[2]}-{m[3]} {m[4]}:{m[5]} UTC")
        for file, m in zip(files, stamps, strict=True)
        if m is not None
    ]


def _profile(known: Iterable[str], login: str, inventory: Inventory) -> str | None:
    wanted = {login.casefold(), f"{login}.{inventory.directory.netbios_domain}".casefold()}
    return next((name for name in known if name.casefold() in wanted), None)
