"""docs/windows.md and the self-check speak of the same assumptions; nothing localised is read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from provisioning.connections import windows_power
from provisioning.connections.windows_transfer import Sent, sha256_on_pc
from provisioning.connections.winrm import Result
from provisioning.lab.windows.real import REAL
from provisioning.lab.windows.refusals import refusal
from provisioning.resources.windows.assumptions import ASSUMPTIONS
from provisioning.resources.windows.profiles import Profile, profiles

DOC = Path(__file__).parents[2] / "docs/windows.md"
DIGEST = "99da0fd2987191053dc5ffa0c129ea2c6b6d3f660139c5e53f6433418eb927d2"


class Fake:
    """A PC that answers with what is given."""

    target = "windows:WS-1"

    def __init__(self, *answers: Result) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def run(self, words: list[str], *, timeout: float = 0) -> Result:
        self.asked.append(words)
        return self.answers.pop(0)

    def output_of(self, commands: list[list[str]], *, timeout: float = 0) -> str:
        return "".join(self.run(words).stdout for words in commands)

    def read(self, name: str) -> bytes | None:
        return b"read back"


def fake(*texts: str) -> Any:
    return Fake(*(Result(0, text, "") for text in texts))


def test_the_documentation_lists_every_assumption_with_its_source() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert re.findall(r"^### `(.+)`$", text, re.MULTILINE) == [one.name for one in ASSUMPTIONS]
    for one in ASSUMPTIONS:
        section = text.partition(f"### `{one.name}`\n")[2].partition("\n### ")[0]
        assert one.sentence in section
        assert f"* Source: {one.source}\n" in section
        assert (one.not_in_wine or "tested against Wine") in section
        assert re.search(r"https://(learn\.microsoft\.com|docs\.chocolatey\.org)/", one.source)
    assert len({one.name for one in ASSUMPTIONS}) == len(ASSUMPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        f"SHA256 hash of C:\\a b.msi:\r\n{DIGEST}\r\nCertUtil: -hashfile command completed successfully.\r\n",
        f"Hachage SHA256 de C:\\a b.msi :\n{DIGEST}\nCertUtil: -hashfile La commande s’est terminée correctement.\n",
        f"Хэш SHA256 файла C:\\a b.msi:\n{DIGEST.upper()}\nCertUtil: -hashfile — команда успешно выполнена.\n",
        f"Hash SHA256 (7):\n{' '.join(DIGEST[i : i + 2] for i in range(0, 64, 2))}\nfertig\n",
    ],
)
def test_certutil_in_any_language(text: str) -> None:
    assert sha256_on_pc(fake(text), [Sent("C:\\a b.msi", "a b.msi", 10, 0.1, "smb")]) == [DIGEST]


def test_without_certutil_the_file_is_read_back() -> None:
    pc: Any = Fake(Result(9009, "'certutil' n’est pas reconnu en tant que commande interne", ""))
    there = Sent("C:\\x", "x", 1, 0.1, "smb")
    assert sha256_on_pc(pc, [there]) == [hashlib.sha256(b"read back").hexdigest()]


def test_several_files_are_hashed_by_one_command_and_fewer_answers_are_no_answer() -> None:
    class Pc(Fake):
        def output_of(self, commands: list[list[str]], *, timeout: float = 0) -> str:
            self.asked.append([words[2] for words in commands])
            return self.answers.pop(0).stdout

    there = [Sent(f"C:\\{name}", name, 1, 0.1, "smb") for name in "ab"]
    other = hashlib.sha256(b"read back").hexdigest()
    pc: Any = Pc(Result(0, f"Hash:\r\n{DIGEST}\r\nok\r\nHash:\r\n{other}\r\nok\r\n", ""))
    assert sha256_on_pc(pc, there) == [DIGEST, other]
    assert pc.asked == [["C:\\a", "C:\\b"]]
    assert sha256_on_pc(Pc(Result(1, f"Hash:\r\n{DIGEST}\r\nok\r\n", "")), there) == [other, other]  # type: ignore[arg-type]
    assert sha256_on_pc(Pc(), []) == []  # type: ignore[arg-type]


def test_profiles_of_a_french_and_a_russian_pc() -> None:
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
    text = f"""
{key}
    Default    REG_EXPAND_SZ    %SystemDrive%\\Users\\Default
    (par défaut)    REG_SZ    (valeur non définie)

{key}\\S-1-5-18
    ProfileImagePath    REG_EXPAND_SZ    %systemroot%\\system32\\config\\systemprofile

{key}\\S-1-5-21-1-2-3-1104
    Flags    REG_DWORD    0x0
    ProfileImagePath    REG_EXPAND_SZ    C:\\Users\\Анна Петрова

{key}\\S-1-5-21-1-2-3-1105.bak
    ProfileImagePath    REG_EXPAND_SZ    C:\\Users\\TEMP

{key}\\S-1-12-1-9-8-7-6
    ProfileImagePath    REG_EXPAND_SZ    %SystemDrive%\\Users\\zoé

(по умолчанию)    REG_SZ    (значение не присвоено)
Fin de la recherche : 4 correspondance(s) trouvée(s).
"""
    assert profiles(fake(text)) == [
        Profile("S-1-5-21-1-2-3-1104", "Users\\Анна Петрова"),
        Profile("S-1-12-1-9-8-7-6", "Users\\zoé"),
    ]


def test_who_is_signed_in_counts_sessions_and_not_services_or_ourselves() -> None:
    users = """
HKEY_USERS\\.DEFAULT
HKEY_USERS\\S-1-5-19
HKEY_USERS\\S-1-5-21-1-2-3-1104
HKEY_USERS\\S-1-5-21-1-2-3-1104_Classes
HKEY_USERS\\S-1-5-21-1-2-3-1200
HKEY_USERS\\S-1-12-1-9-8-7-6
"""
    anna = """
HKEY_USERS\\S-1-5-21-1-2-3-1104\\Volatile Environment
    USERDOMAIN    REG_SZ    CORP
    USERNAME    REG_SZ    анна

HKEY_USERS\\S-1-5-21-1-2-3-1104\\Volatile Environment\\3
    SESSIONNAME    REG_SZ    RDP-Tcp#1
"""
    ours = """
HKEY_USERS\\S-1-5-21-1-2-3-1200\\Volatile Environment
    USERNAME    REG_SZ    svc-deploy
"""
    cloud = "\nHKEY_USERS\\S-1-12-1-9-8-7-6\\Volatile Environment\\1\n    (valeur)    REG_SZ    x\n"
    found = windows_power.logged_on(fake(users, anna, ours, cloud))
    assert [(one.account, one.session) for one in found] == [("CORP\\анна", 3), ("S-1-12-1-9-8-7-6", 1)]


def test_what_the_endpoint_does_for_real_is_not_refused_and_the_rest_is() -> None:
    for program in REAL:
        assert refusal(f"{program} /x", REAL) is None
        assert refusal(f'"C:\\Windows\\System32\\{program}.exe" /x', REAL) is None
    for program in ("certutil", "curl", "djoin", "shutdown"):
        assert refusal(f"{program} /x") is not None, "Wine alone does not do it"
    for program in ("netsh", "icacls", "robocopy", "tar", "winget", "powershell", "secedit", "wusa"):
        assert refusal(f"{program} /x", REAL) is not None
