"""``djoin /requestODJ … /localos`` for real: the PC becomes a member of the lab's domain at its next start.

The blob goes to Samba's ``net offlinejoin requestodj`` in a folder of the PC's own, which then holds what a member's
secrets are; at the next start the registry says so and the PC signs in to the domain with its machine account, as
Windows does. :func:`trusted` asks Samba's ``net ads testjoin`` whether both sides know the same password.

Options: Microsoft Learn, "djoin". What changes in the registry, and when: NV values at once, the others at the start.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shutil
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.process import run
from provisioning.lab.windows.machine import Ended, Machine
from provisioning.lab.windows.refusals import NOT_SUPPORTED

_FILE_NOT_FOUND, INVALID_PARAMETER = 2, 87  # 87 for a damaged blob too (Learn, "NetRequestOfflineDomainJoin")
_ALREADY_JOINED = 2691  # NERR_SetupAlreadyJoined
_NOT_JOINED = 2692  # NERR_SetupNotJoined
_TCPIP = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
_NETLOGON = r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon"
_NAMES = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName"
_AUTOMATIC, _MANUAL = "2", "3"
_TRIES = 5


def djoin(machine: Machine, words: list[str]) -> Ended:
    """Take a blob; it comes into force at the next start."""
    options = [word.lower().replace("-", "/", 1) for word in words]
    if "/requestodj" not in options or "/localos" not in options:
        return Ended(NOT_SUPPORTED, stderr="lab: of djoin, this PC does only /requestODJ … /localos\r\n")
    given = dict(zip(options, words[1:], strict=False))
    file, root = machine.path(given.get("/loadfile", "")), given.get("/windowspath", "")
    if not machine.path(root).is_dir() or machine.path(root).name.lower() != "windows":
        return Ended(INVALID_PARAMETER)
    if not file.is_file():
        return Ended(_FILE_NOT_FOUND)
    if _joined(machine).exists():
        return Ended(_ALREADY_JOINED)
    return Ended(_take(machine, file))


def leave(machine: Machine) -> int:
    """Forget the domain at the next start; gives the error code."""
    if not _joined(machine).exists():
        return _NOT_JOINED
    _plan(machine, leave=True)
    machine.reg("add", _TCPIP, "/v", "NV Domain", "/d", "", "/f")
    return 0


def rename(machine: Machine, name: str) -> int:
    """Be called `name` from the next start on; gives the error code."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,14}", name):
        return INVALID_PARAMETER
    _plan(machine, name=name)
    machine.reg("add", f"{_NAMES}\\ComputerName", "/v", "ComputerName", "/d", name, "/f")
    return 0


def complete(machine: Machine) -> None:
    """What Windows does at its start when its name or its domain is about to change."""
    plan = _planned(machine)
    if not plan:
        return
    if plan.get("leave"):
        shutil.rmtree(_joined(machine), ignore_errors=True)
        _note_domain(machine, "", _MANUAL)
    if name := plan.get("name"):
        for key, value in ((f"{_NAMES}\\ActiveComputerName", "ComputerName"), (_TCPIP, "Hostname")):
            _set(machine, key, value, str(name))
    domain = plan.get("domain")
    if domain and _pending(machine).exists():
        _note_domain(machine, str(domain), _AUTOMATIC)
        _pending(machine).rename(_joined(machine))
    _plan_file(machine).unlink()
    if domain:
        trusted(machine)  # Net Logon sets up its secure channel: the account signs in


def trusted(machine: Machine) -> bool:
    """Whether the PC is a member and the domain knows the password that the PC knows."""
    folder = _joined(machine)
    if not folder.exists():
        return False
    _write_settings(folder, _Blob.load(folder / "blob.json"))
    done = run(
        # Only this process and its children see our hosts file in the place of /etc/hosts.
        ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh",
         str(folder / "hosts"), "net", "-s", str(folder / "smb.conf"), "ads", "testjoin", "-S", _controller(folder)],
        env={"KRB5_CONFIG": str(folder / "krb5.conf")},
        check=False,
    )  # fmt: skip
    return done.returncode == 0


@dataclass(frozen=True)
class _Blob:
    """What of a blob is needed beside what Samba reads: the first texts of its ODJ_WIN7BLOB."""

    domain: str
    machine: str
    netbios: str
    controller: str
    address: str

    @classmethod
    def read(cls, octets: bytes) -> _Blob:
        """Raises ValueError, struct.error or IndexError for what is not such a blob."""
        data = base64.b64decode(octets.decode("utf-16").rstrip("\0"), validate=True)
        if data[0x40:0x48] != bytes.fromhex("01100800cccccccc"):
            raise ValueError("no ODJ_WIN7BLOB where one is expected")
        texts, at = [], 0xC0
        for number in range(8):
            if number == 6:  # the SID stands between the names and the domain controller
                at += 4 + 8 + 4 * struct.unpack_from("<I", data, at)[0]
            _, _, count = struct.unpack_from("<III", data, at)
            texts.append(data[at + 12 : at + 12 + 2 * count].decode("utf-16-le").rstrip("\0"))
            at += 12 + 2 * count
            at += -at % 4
        return cls(texts[0], texts[1], texts[3], texts[6].lstrip("\\"), texts[7].lstrip("\\"))

    @classmethod
    def load(cls, path: Path) -> _Blob:
        return cls(**json.loads(path.read_text()))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(vars(self)))


def _take(machine: Machine, file: Path) -> int:
    try:
        blob = _Blob.read(file.read_bytes())
    except (ValueError, IndexError, struct.error, binascii.Error):
        return INVALID_PARAMETER
    folder = _pending(machine)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    blob.save(folder / "blob.json")
    _write_settings(folder, blob)
    words = ["net", "-s", str(folder / "smb.conf"), "offlinejoin", "requestodj", f"loadfile={file}"]
    done = run(words, env={"KRB5_CONFIG": str(folder / "krb5.conf")}, check=False)
    if done.returncode != 0:
        shutil.rmtree(folder)
        return INVALID_PARAMETER
    _plan(machine, domain=blob.domain, name=blob.machine)
    machine.reg("add", _TCPIP, "/v", "NV Domain", "/d", blob.domain, "/f")
    machine.reg("add", f"{_NAMES}\\ComputerName", "/v", "ComputerName", "/d", blob.machine, "/f")
    return 0


def _write_settings(folder: Path, blob: _Blob) -> None:
    """smb.conf, krb5.conf and hosts of a member of that domain, with everything in `folder`."""
    kept = {"private dir": "private", "lock directory": "lock", "state directory": "state", "cache directory": "cache"}
    kept |= {"pid directory": "run", "ncalrpc dir": "ncalrpc", "winbindd socket directory": "winbindd"}
    for name in kept.values():
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    settings = {
        "workgroup": blob.netbios,
        "realm": blob.domain.upper(),
        "netbios name": blob.machine,
        "security": "ads",
        "log file": str(folder / "net.messages"),
        **{setting: str(folder / name) for setting, name in kept.items()},
    }
    (folder / "smb.conf").write_text("[global]\n" + "".join(f"\t{k} = {v}\n" for k, v in settings.items()))
    realm = blob.domain.upper()
    (folder / "krb5.conf").write_text(
        f"[libdefaults]\n\tdefault_realm = {realm}\n"
        "\tdns_lookup_kdc = false\n\tdns_lookup_realm = false\n\trdns = false\n"
        f"[realms]\n\t{realm} = {{\n\t\tkdc = {blob.address}\n\t}}\n"
        f"[domain_realm]\n\t.{blob.domain} = {realm}\n\t{blob.domain} = {realm}\n"
    )
    hosts = f"{blob.address} {blob.controller}\n127.0.0.1 localhost\n"
    (folder / "hosts").write_text(hosts)


def _controller(folder: Path) -> str:
    return _Blob.load(folder / "blob.json").controller


def _note_domain(machine: Machine, domain: str, start: str) -> None:
    for value in ("Domain", "NV Domain"):
        _set(machine, _TCPIP, value, domain)
    _set(machine, _NETLOGON, "Start", start, "REG_DWORD")


def _set(machine: Machine, key: str, value: str, text: str, kind: str = "REG_SZ") -> None:
    """Set a registry value. Wine that has just been started sometimes refuses the first one on a busy machine."""
    for left in reversed(range(_TRIES)):
        try:
            machine.reg("add", key, "/v", value, "/t", kind, "/d", text, "/f")
        except LabError:
            if not left:
                raise
            time.sleep(1)
        else:
            return


def _plan(machine: Machine, **news: str | bool) -> None:
    path = _plan_file(machine)
    path.write_text(json.dumps({**_planned(machine), **news}))


def _planned(machine: Machine) -> dict[str, str | bool]:
    path = _plan_file(machine)
    plan: dict[str, str | bool] = json.loads(path.read_text()) if path.exists() else {}
    return plan


def _plan_file(machine: Machine) -> Path:
    return machine.folder / "at-next-start.json"


def _pending(machine: Machine) -> Path:
    return machine.folder / "domain.pending"


def _joined(machine: Machine) -> Path:
    return machine.folder / "domain"
