"""Whether an installer on this machine is the approved one: its SHA-256, and who signed it (Authenticode).

The signature is verified here, before the file leaves, with ``osslsigncode verify`` (Debian package `osslsigncode`),
which knows PE, MSI and CAB files; its exit code is the verdict. A PC could only be asked through PowerShell or
signtool, and a PC that was tampered with would be asked about itself.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from provisioning.errors import RejectedError, RequestError
from provisioning.site import Inventory
from provisioning.site.software import Installer

_BLOCK = 1024 * 1024  # octets
_TIMEOUT = 300  # seconds for the signature of one file
_PROGRAM = "osslsigncode"


def sha256_of(path: Path) -> str:
    """Lower-case hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check_installer(target: str, inventory: Inventory, installer: Installer) -> Path:
    """The local file, which is the one that the catalogue approves. Raises :class:`RejectedError` for any other, and
    for one that is not signed as the site wants it; nothing is sent then."""
    if installer.file is None:
        raise RequestError(f"{target}: an installer of type {installer.type} has no file")
    try:
        found = sha256_of(installer.file)
    except OSError as exc:
        raise RejectedError(
            target, f"the installer {installer.file} cannot be read ({exc.strerror}); nothing was sent"
        ) from exc
    if found != installer.sha256:
        raise RejectedError(
            target,
            f"the installer {installer.file} is not the approved one: SHA-256 expected "
            f"{installer.sha256}, found {found}; "
            "nothing was sent. Fetch the file anew, or approve it in the software catalogue",
        )
    rules = inventory.windows
    if rules.signing_trust is not None and (rules.signed or installer.signer is not None):
        _check_signature(target, installer.file, rules.signing_trust, installer.signer)
    return installer.file


def _check_signature(target: str, file: Path, trust: Path, signer: str | None) -> None:
    words = [_PROGRAM, "verify", "-CAfile", str(trust), "-TSA-CAfile", str(trust)]
    if signer is not None:
        words += ["-require-leaf-hash", f"sha256:{signer}"]
    try:
        done = subprocess.run(
            [*words, "-in", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError as exc:
        raise RequestError(
            f"{target}: signatures cannot be verified here, because {_PROGRAM} is not installed on this machine "
            f"(Debian package {_PROGRAM}); nothing was sent"
        ) from exc
    except subprocess.TimeoutExpired as exc:
        raise RejectedError(
            target, f"the signature of {file} was not verified within {_TIMEOUT} s; nothing was sent"
        ) from exc
    if done.returncode != 0:
        by = f" by the certificate {signer}" if signer else ""
        raise RejectedError(
            target,
            f"the installer {file} is not signed{by} in a way that {trust} stands behind; nothing was sent. "
            f"`{_PROGRAM} verify -CAfile {trust} -in {file}` says why",
        )
