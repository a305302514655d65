"""The lab's file server: the shares that a site names, served by the domain controller's own smbd.

Samba's smbd on a domain controller needs winbindd for the numbers of people's accounts, and its libraries look for that
in /run/samba only. So the controller runs in a mount namespace of its own, where /run/samba is a folder of this lab:
labs do not meet there, and the machine's own Samba is not disturbed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provisioning.site.files import Files

PORT = 445
SERVICES = "s3fs, winbindd"
QUOTA_SHARE = "quota$"
"""Where quotas are administered. Samba lets root alone do that, and on this share the account of the file servers is
root; it holds nothing else."""

ADMINISTRATOR = "svc-files"
"""The account that makes folders and sets quotas."""

# The lab's file system keeps no quotas, so smbd asks these (smb.conf(5), "get quota command" and "set quota command").
# They keep every number, in a file for each type and user, and hold nobody back. Blocks are of 1,024 octets.
_GET = """#!/bin/sh
numbers="$(cat "{folder}/$2.$3" 2>/dev/null)"
echo "2 0 ${{numbers:-0 0}} 0 0 0 1024"
"""
_SET = """#!/bin/sh
if [ "$5" = 0 ] && [ "$6" = 0 ]; then
    rm -f "{folder}/$2.$3"
else
    echo "$5 $6" > "{folder}/$2.$3"
fi
echo set
"""


def share_names(files: Files | None) -> tuple[str, ...]:
    """The shares that a site names."""
    if files is None:
        return ()
    named = [files.homes.share] if files.homes else []
    named += [server.quota_share for server in files.servers.values() if server.quota_share]
    return tuple(sorted({*named, *(share.share for share in files.shares.values())}))


def settings(shares: Sequence[str], folder: Path) -> tuple[dict[str, object], str]:
    """Global settings of smb.conf, and the sections of the shares, for a controller that has its folder here.

    Access lists are kept as Windows wrote them (acl_xattr), in a database (xattr_tdb) rather than in the file system's
    attributes, so every file system does.
    """
    options: dict[str, object] = {
        "winbindd socket directory": folder / "samba-run" / "winbindd",
        "server min protocol": "SMB3",
        "server signing": "mandatory",
        "disable netbios": "yes",
        "smb ports": PORT,
        "load printers": "no",
        "disable spoolss": "yes",
        "acl_xattr:ignore system acls": "yes",
        "acl_xattr:default acl style": "windows",
    }
    if QUOTA_SHARE in shares:
        options |= {f"{verb} quota command": folder / "quotas" / verb for verb in ("get", "set")}
    sections = "".join(
        f"[{share}]\n\tpath = {folder / 'shares' / share}\n\tread only = no\n\tcreate mask = 0777\n"
        "\tdirectory mask = 0777\n"
        + (f"\tadmin users = {ADMINISTRATOR}\n\tvalid users = {ADMINISTRATOR}\n" if share == QUOTA_SHARE else "")
        for share in shares
    )
    return options, sections


def namespaced(words: Sequence[str], folder: Path, shares: Sequence[str]) -> list[str]:
    """The command that runs `words` where /run/samba is a folder of this lab's."""
    for name in (Path("samba-run", "winbindd"), *(Path("shares", share) for share in shares)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for share in shares:
        (folder / "shares" / share).chmod(0o777)  # the access lists decide, not these
    quotas = folder / "quotas"
    quotas.mkdir(exist_ok=True)
    for verb, script in (("get", _GET), ("set", _SET)):
        (quotas / verb).write_text(script.format(folder=quotas), encoding="utf-8")
        (quotas / verb).chmod(0o755)
    (folder / "samba-run").chmod(0o755)
    Path("/run/samba").mkdir(exist_ok=True)
    script = 'mount --bind "$1" /run/samba && shift && exec "$@"'
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    return [*inside, str(folder / "samba-run"), *words]
