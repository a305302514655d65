"""What the lab's shares hold on the first morning: nothing, and who may make something there."""

from __future__ import annotations

from pathlib import Path

from provisioning.lab import directory_seed as seed
from provisioning.lab.directory import DomainController
from provisioning.lab.file_shares import ADMINISTRATOR as ACCOUNT
from provisioning.lab.file_shares import PORT, QUOTA_SHARE, share_names
from provisioning.lab.process import listening, run, wait_for
from provisioning.lab.ssh_service import ensure_password
from provisioning.site import Inventory

_ADMINISTRATORS = "S-1-5-32-544"
_EVERYBODY_SIGNED_IN = "S-1-5-11"
_ENTER = "0x1000a1"  # SYNCHRONIZE, FILE_READ_ATTRIBUTES, FILE_TRAVERSE, FILE_LIST_DIRECTORY


def furnish_shares(dc: DomainController, inventory: Inventory, secrets: Path) -> None:
    """The group and the account that administer the shares, and who may do what at their roots: administrators
    everything, everybody who is signed in may enter. Once a domain."""
    files, base = inventory.files, inventory.directory.base_dn
    done = dc.folder / ".shares"
    if files is None or done.exists():
        return
    wait_for(f"the shares on {dc.address}", lambda: listening(dc.address, PORT))
    ensure_password(secrets / ACCOUNT)
    services, password = f"OU=Services,{base}", (secrets / ACCOUNT).read_text(encoding="utf-8").strip()
    seed.plant(dc, [seed.service(ACCOUNT, services, inventory.directory.domain, password)])
    groups = sorted({server.administrators for server in files.servers.values()})
    seed.plant(dc, [seed.group(name, f"OU=Groups,{base}", [f"CN={ACCOUNT},{services}"]) for name in groups])
    dc.samba_tool("group", "addmembers", "Backup Operators", ACCOUNT)
    seed.export_keytab(dc, f"{dc.host.partition('.')[0].upper()}$", secrets / "files.keytab")
    sign_in = secrets / "administrator.smb"
    sign_in.touch(mode=0o600)
    administrator = dc.admin_password.read_text(encoding="utf-8")
    sign_in.write_text(f"username=Administrator\npassword={administrator}\ndomain={dc.netbios}\n", encoding="utf-8")
    full = [f"ACL:{who}:ALLOWED/OI|CI/FULL" for who in (_ADMINISTRATORS, *(f"{dc.netbios}\\{g}" for g in groups))]
    entries = ["REVISION:1", *full, f"ACL:{_EVERYBODY_SIGNED_IN}:ALLOWED/0x0/{_ENTER}"]
    for share in sorted({*share_names(files)} - {QUOTA_SHARE}):
        there = ["smbcacls", "-A", str(sign_in), f"//{dc.address}/{share}", "/"]
        run([*there, "-S", ",".join(entries)])
        run([*there, "-I", "remove"])
    sign_in.unlink()
    done.touch()
