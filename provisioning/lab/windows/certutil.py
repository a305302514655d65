"""``certutil -hashfile FILE [ALGORITHM]`` for real; every other use of certutil is refused.

Source of the form: Microsoft Learn, "certutil" (-hashfile). Its first and last line are in the language of the PC; here
they are French, so that nobody comes to rely on them.
"""

from __future__ import annotations

import hashlib

from provisioning.lab.windows.machine import Ended, Machine
from provisioning.lab.windows.refusals import NOT_SUPPORTED

_ALGORITHMS = {"md5", "sha1", "sha256", "sha384", "sha512"}
_FILE_NOT_FOUND = 0x80070002


def certutil(machine: Machine, words: list[str]) -> Ended:
    """Hash a file."""
    if not words or words[0].lower().lstrip("-/") != "hashfile" or len(words) not in {2, 3}:
        return Ended(NOT_SUPPORTED, stderr="lab: of certutil, this PC does only -hashfile FILE [ALGORITHM]\r\n")
    algorithm = words[2].lower() if len(words) == 3 else "sha1"
    path = machine.path(words[1])
    if algorithm not in _ALGORITHMS or not path.is_file():
        return Ended(_FILE_NOT_FOUND, "CertUtil: -hashfile ÉCHEC de la commande : 0x80070002\r\n")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, algorithm).hexdigest()
    return Ended(
        0,
        f"Hachage {algorithm.upper()} de {words[1]} :\r\n{digest}\r\n"
        "CertUtil: -hashfile La commande s’est terminée correctement.\r\n",
    )
