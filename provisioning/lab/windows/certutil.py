"""``certutil -hashfile FILE [ALGORITHM]`` for real; every other use of certutil is refused.

Source of the form: Microsoft Learn, "certutil" (-hashfile). Its first and last line are in the language of the PC; here
they are French, so that nobody comes to rely on them. Alone on a command line it is carried out by a process that
imports next to nothing: ``python certutil.py FILE ALGORITHM SHOWN VERDICT``.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.lab.windows.machine import Ended, Machine

_ALGORITHMS = {"md5", "sha1", "sha256", "sha384", "sha512"}
_FILE_NOT_FOUND = 0x80070002


def certutil(machine: Machine, words: list[str]) -> Ended:
    """Hash a file."""
    from provisioning.lab.windows.machine import Ended  # noqa: PLC0415 - the process alone does without
    from provisioning.lab.windows.refusals import NOT_SUPPORTED  # noqa: PLC0415

    if not words or words[0].lower().lstrip("-/") != "hashfile" or len(words) not in {2, 3}:
        return Ended(NOT_SUPPORTED, stderr="lab: of certutil, this PC does only -hashfile FILE [ALGORITHM]\r\n")
    return Ended(*_hashed(*_arguments(machine, words)))


def alone(machine: Machine, words: list[str], verdict: str) -> list[str] | None:
    """What carries out ``certutil WORDS``, if it is of that form, and writes its exit code to the file `verdict`."""
    if not words or words[0].lower().lstrip("-/") != "hashfile" or len(words) not in {2, 3}:
        return None
    return [sys.executable, "-I", "-S", __file__, *_arguments(machine, words), verdict]


def _arguments(machine: Machine, words: list[str]) -> tuple[str, str, str]:
    return str(machine.path(words[1])), words[2].lower() if len(words) == 3 else "sha1", words[1]


def _hashed(path: str, algorithm: str, shown: str) -> tuple[int, str]:
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, algorithm).hexdigest() if algorithm in _ALGORITHMS else ""
    except OSError:
        digest = ""
    if not digest:
        return _FILE_NOT_FOUND, "CertUtil: -hashfile ÉCHEC de la commande : 0x80070002\r\n"
    return 0, (
        f"Hachage {algorithm.upper()} de {shown} :\r\n{digest}\r\n"
        "CertUtil: -hashfile La commande s’est terminée correctement.\r\n"
    )


if __name__ == "__main__":
    code, said = _hashed(*sys.argv[1:4])
    sys.stdout.buffer.write(said.encode())
    with open(sys.argv[4], "w") as file:
        file.write(str(code))
