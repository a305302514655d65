"""The programs of the lab's servers, for whoever asks them without this project: OpenLDAP's, Samba's, Wine's, and the
switch's command line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence

import paramiko

from provisioning.lab.office import Office
from provisioning.lab.windows.prefix import wine_command, wine_environment

PC, SWITCH = "WS-0042", "sw-b2-1"
_SYSTEM32 = "C:\\windows\\system32"


def run(
    words: Sequence[str], *, text: str | None = None, check: bool = True, env: Mapping[str, str] | None = None
) -> str:
    """What a program prints; SystemExit when it fails and that matters. `env` is added to ours."""
    done = subprocess.run(
        list(words), input=text, capture_output=True, text=True, errors="replace", check=False, timeout=120,
        env={**os.environ, **(env or {})},
    )  # fmt: skip
    if check and done.returncode:
        raise SystemExit(f"{words[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-1000:]}")
    return done.stdout + done.stderr


def base(lab: Office) -> str:
    """The domain's DN."""
    return lab.inventory.directory.base_dn


def netbios(lab: Office) -> str:
    """What the domain is called in front of a backslash."""
    return str(lab.inventory.directory.netbios_domain)


def ldap(lab: Office, program: str, *words: str, text: str | None = None) -> str:
    """One of OpenLDAP's programs, as the domain's administrator."""
    directory = lab.inventory.directory
    server = ["-x", "-H", f"ldaps://{directory.server.connect_to}", "-D", f"Administrator@{directory.domain}"]
    signed = [program, *server, "-y", str(lab.dc.admin_password), *words]
    return run(signed, text=text, env={"LDAPTLS_CACERT": str(lab.authority.certificate)})


def samba(lab: Office, program: str, share: str, *words: str) -> str:
    """One of Samba's client programs on a share, as the domain's administrator (on ``quota$`` as the file servers'
    own account); its verdict is in what it prints."""
    user, secret = ("svc-files", lab.secrets / "svc-files") if share == "quota$" else ("Administrator", None)
    password = (secret or lab.dc.admin_password).read_text(encoding="utf-8").strip()
    file = lab.folder / f"bench-{user}.smb"
    file.touch(mode=0o600)
    file.write_text(f"username={user}\npassword={password}\ndomain={netbios(lab)}\n", encoding="utf-8")
    try:
        there = f"//{lab.inventory.directory.server.connect_to}/{share}"
        return run([program, "-A", str(file), "-m", "SMB3", there, *words], check=False)
    finally:
        file.unlink()


def wine(lab: Office, program: str, *words: str) -> str:
    """A Windows program at the PC itself, without WinRM."""
    prefix = lab.folder / "windows" / PC / "prefix"
    command = wine_command(f"{_SYSTEM32}\\{program}", *words)
    done = subprocess.run(
        command, env=wine_environment(prefix), cwd=prefix, capture_output=True, text=True, errors="replace",
        check=False, timeout=120,
    )  # fmt: skip
    return done.stdout.replace("\r", "") if done.returncode == 0 else ""


def at_switch(lab: Office, lines: Sequence[str]) -> list[str]:
    """Type lines at the switch, one after the other; what each printed."""
    host = lab.inventory.network.switches[SWITCH]
    raw = paramiko.Transport((host.ssh.connect_to, host.ssh.port))
    try:
        raw.start_client()
        raw.auth_password(host.credential.user, (lab.secrets / "switch").read_text(encoding="utf-8").strip())
        channel = raw.open_session()
        channel.get_pty()
        channel.invoke_shell()
        channel.settimeout(10)
        _until_prompt(channel)
        said = []
        for line in ("terminal length 0", *lines):
            channel.sendall(f"{line}\n".encode())
            said.append(_until_prompt(channel).partition("\n")[2].rpartition("\n")[0])
        return said[1:]
    finally:
        raw.close()


def _until_prompt(channel: paramiko.Channel) -> str:
    text = ""
    while not re.search(r"(^|\n)\S+#\s*$", text):
        text += channel.recv(65536).decode().replace("\r", "")
    return text
