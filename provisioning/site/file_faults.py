"""What can be wrong with file servers, once each setting is right in itself."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.site.fault import At, Fault, Once, dangling
from provisioning.site.files import Files
from provisioning.site.inventory import Inventory


def file_faults(site: Inventory) -> Iterator[Fault]:
    """Servers and shares that do not exist, folders that are given twice, people who could not open their share."""
    files = site.files
    if files is not None:
        yield from _servers(files)
        yield from _places(files)
    for name, profile in site.profiles.items():
        if profile.home_quota is not None and (files is None or files.homes is None):
            message = "nobody has a home folder here; say in files: homes where they are, or leave this out"
            yield Fault(("profiles", name, "home_quota"), message)
        for i, share in enumerate(profile.shares):
            at = ("profiles", name, "shares", i)
            if files is None:
                yield Fault(at, "the site has no section files; say there where shares are, or leave this out")
                continue
            yield from dangling(at, "share (files: shares)", share, files.shares)
            group = files.shares[share].group if share in files.shares else None
            if group is not None and group not in (*profile.groups, site.intranet.group):
                message = f"share {share!r} admits the group {group!r}, which this profile does not have"
                yield Fault(at, f"{message}; add it to the profile's groups")


def _servers(files: Files) -> Iterator[Fault]:
    for name, server in files.servers.items():
        if server.check is not None and "@" in server.check.principal:
            at = ("files", "servers", name, "check", "principal")
            yield Fault(at, "give the account's name alone, such as FILES$; its realm is the directory's domain")


def _places(files: Files) -> Iterator[Fault]:
    once, homes = Once(), files.homes
    if homes is not None:
        at: At = ("files", "homes")
        yield from dangling((*at, "server"), "file server", homes.server, files.servers)
        yield from _archive((*at, "folder"), files, homes.server, homes.folder)
        place = _place(homes.server, homes.share, homes.folder)
        yield from once.fault(at, place, "the home folders", "this folder is already that of {other}")
    for name, share in files.shares.items():
        at = ("files", "shares", name)
        yield from dangling((*at, "server"), "file server", share.server, files.servers)
        yield from _archive((*at, "folder"), files, share.server, share.folder)
        place = _place(share.server, share.share, share.folder)
        yield from once.fault((*at, "folder"), place, f"share {name!r}", "this folder is already that of {other}")
        if homes is not None and place == _place(homes.server, homes.share, homes.folder):
            continue
        if homes is not None and place.startswith(_place(homes.server, homes.share, homes.folder) + "\\"):
            yield Fault((*at, "folder"), "this folder is among the home folders, where each is a login's; move it")


def _archive(at: At, files: Files, server: str, folder: str | None) -> Iterator[Fault]:
    archive = files.servers[server].archive if server in files.servers else None
    if archive is not None and folder is not None and _within(folder, archive):
        yield Fault(at, f"{folder} is in the archive ({archive}) of file server {server!r}; name another folder")


def _within(folder: str, archive: str) -> bool:
    return f"{folder}\\".casefold().startswith(f"{archive}\\".casefold())


def _place(server: str, share: str, folder: str | None) -> str:
    return "\\".join(filter(None, (server, share, folder))).casefold()
